"""The desk at which a giver brings in a table of receipt and invoice numbers, and the table of all that it keeps.

Enters: uploads of a giver. Leaves: pages under ``/papers/import``; the rules are in `proofs.papers_table`.
"""

from __future__ import annotations

from typing import Literal

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from marketplace.guards import current_actor, guard
from marketplace.intake import ImportKind
from marketplace.proofs import papers_table
from marketplace.proofs.doors import SENTENCES, attachment, bp
from marketplace.web.desk import XLSX, Desk
from marketplace.web.display import language
from marketplace.web.transactions import current_session

numbers = Blueprint("numbers", __name__, url_prefix="/papers")
desk = Desk(
    kind=ImportKind.PAPERS,
    action="paper:store",
    layout="charity",
    title=_l("Bring in a table of receipt and invoice numbers"),
    intro=_l("One row a paper. A number that is kept already with the same day and amount changes nothing."),
    home="proofs.paper_list",
    home_title=_l("Receipt and invoice numbers"),
    schema=lambda today: papers_table.paper_schema(today=today),
    check=papers_table.check_file,
    confirm=papers_table.confirm_import,
    counts={
        "new": (_l("Numbers to keep"), ""),
        "same": (_l("Kept before, left as they are"), ""),
    },
    sentences=SENTENCES,
)
desk.install(numbers)
bp.register_blueprint(numbers)


@bp.get("/papers/numbers.<any(xlsx, csv):kind>")
@guard("paper:list")
def papers_file(kind: Literal["xlsx", "csv"]) -> ResponseReturnValue:
    """Everything that is kept, in the columns in which it can come in."""
    data = papers_table.papers_file(current_session(), kind, actor=current_actor(), lang=language())
    return attachment(data, name=f"papers.{kind}", kind=XLSX if kind == "xlsx" else "text/csv; charset=utf-8")
