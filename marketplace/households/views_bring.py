"""The desk at which a verifier brings households and people into the register.

Enters: uploads of a verifier. Leaves: pages on this room's blueprint; the rules are in `bringing`.
"""

from __future__ import annotations

from marketplace.households import bringing
from marketplace.households.doors import bp
from marketplace.households.table import people_schema
from marketplace.intake import ImportKind
from marketplace.web import TextField, _l
from marketplace.web.desk import Desk, UploadForm


class PeopleUploadForm(UploadForm):
    """Whose list it is."""

    source = TextField(
        _l("Source"),
        longest=32,
        description=_l("A short name, such as civil-affairs. The same name again finds the same households again."),
    )


desk = Desk(
    kind=ImportKind.PEOPLE,
    action=bringing.ACTION,
    layout="staff",
    title=_l("Bring in households and people"),
    intro=_l("One row for each person, with the number of the household: the same numbers again change what differs."),
    home="households.register",
    home_title=_l("Register"),
    schema=lambda today: people_schema(today=today),
    check=bringing.check_file,
    confirm=bringing.confirm_import,
    counts={
        "new": (_l("New households"), ""),
        "known": (_l("Households known already: changed where the table differs"), ""),
        "people": (_l("New people"), ""),
        "begun": (_l("Categories that begin"), ""),
        "ended": (_l("Categories that end"), ""),
        "corrected": (_l("Categories that go on after all"), ""),
        "elsewhere": (_l("Left out: people on record in another household"), "wait"),
        "erased": (_l("Left out: people who were erased here"), "wait"),
        "unnamed": (_l("Left out: a person's own category without an ID number"), "wait"),
        "others": (_l("Left out: people of districts that you do not serve"), "wait"),
    },
    sentences={"bad_source": _l("Write a short name of letters, digits, - or _.")},
    form=PeopleUploadForm,
    asked=("source",),
    always=True,
    under="/register",
)
desk.install(bp)
