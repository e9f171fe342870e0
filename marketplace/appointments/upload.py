"""The desk at which a giver brings in its table of volunteers.

Enters: uploads of a giver's manager. Leaves: pages on this room's blueprint; the rules are in `appointments.imports`.
"""

from __future__ import annotations

from marketplace.appointments import imports
from marketplace.appointments.doors import bp
from marketplace.appointments.table import volunteer_schema
from marketplace.intake import ImportKind
from marketplace.web import _l
from marketplace.web.desk import Desk

desk = Desk(
    kind=ImportKind.VOLUNTEERS,
    action="volunteer:import",
    layout="charity",
    title=_l("Bring in a table of volunteers"),
    intro=_l("One row a person, with your own registration number: the same number again changes that person."),
    home="appointments.volunteers",
    home_title=_l("Our volunteers"),
    schema=lambda today: volunteer_schema(today=today),
    check=imports.check_file,
    confirm=imports.confirm_import,
    counts={
        "new": (_l("New volunteers"), ""),
        "changed": (_l("Changed volunteers"), ""),
        "same": (_l("Unchanged, left as they are"), ""),
    },
)
desk.install(bp)
