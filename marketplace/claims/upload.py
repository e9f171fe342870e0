"""The desk at which an insurer brings in a table of answers. The rules are in `claims.imports`."""

from __future__ import annotations

from marketplace.claims import imports
from marketplace.claims.doors import SENTENCES, bp
from marketplace.claims.table import answer_schema
from marketplace.intake import ImportKind
from marketplace.web import _l
from marketplace.web.desk import Desk

desk = Desk(
    kind=ImportKind.CLAIMS,
    action="claim:answer",
    layout="charity",
    title=_l("Bring in a table of answers"),
    intro=_l(
        "One row a case, named by our reference: enrolled, cover found, papers, paid, refused. A worklist that you "
        "took out has the columns to fill in; rows that you leave empty stay as they are."
    ),
    home="claims.index",
    home_title=_l("Insurance cases"),
    schema=lambda today: answer_schema(today=today),
    check=imports.check_file,
    confirm=imports.confirm_import,
    counts={
        "new": (_l("Answers"), ""),
        "paid": (_l("Of these payouts"), ""),
        "unanswered": (_l("Rows without an answer, left alone"), ""),
    },
    sentences=SENTENCES,
)
desk.install(bp)
