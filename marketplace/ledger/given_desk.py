"""The desk at which a giver brings in a table of what it gave elsewhere; the rules are in `ledger.handing_in`.

Enters: uploads of a giver. Leaves: pages that say which rows can be read and how many will be taken in, and nothing of
what is known here.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    check_table,
    close_batch,
    get_batch,
    keep_batch,
    rows_of,
)
from marketplace.ledger.handing_in import report_rows
from marketplace.ledger.models_reports import ReportDoor
from marketplace.ledger.table import own_aid_schema
from marketplace.organisations.programmes import programmes
from marketplace.policy import require
from marketplace.web import _l
from marketplace.web.desk import Desk

given = Blueprint("given", __name__, url_prefix="/given")


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
) -> tuple[ImportBatch, Checked]:
    """The dry run looks at the file only: what it says must not depend on who is known here. Names of programmes that
    are offered here, or that the giver told of before, are no person's."""
    require(actor, "aid:report", org_id=actor.org_id)
    checked = check_table(data, own_aid_schema(today=local_day(now)), mapping=mapping)
    near = list(programmes(session, actor.org_id).faults(checked.rows))
    if near:
        checked = Checked(total=checked.total, rows=[], faults=near, ignored=checked.ignored)
    batch = keep_batch(
        session,
        checked,
        kind=ImportKind.GIVEN,
        file_name=file_name,
        data=data,
        source="giver",
        counts={"new": len(checked.rows)},
        actor=actor,
        now=now,
    )
    return batch, checked


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Take in the rows that were checked."""
    require(actor, "aid:report", org_id=actor.org_id)
    batch = get_batch(session, batch_id, kind=ImportKind.GIVEN, actor=actor)
    report_rows(session, rows_of(session, batch), door=ReportDoor.FILE, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)


desk = Desk(
    kind=ImportKind.GIVEN,
    action="aid:report",
    layout="charity",
    title=_l("Bring in a table of aid you gave elsewhere"),
    intro=_l("One row for each piece of aid, with your own reference: the same reference again changes that aid."),
    home="ledger.given.reports",
    home_title=_l("Aid we gave elsewhere"),
    schema=lambda today: own_aid_schema(today=today),
    check=check_file,
    confirm=confirm_import,
    counts={"new": (_l("Records to take in"), "")},
)
desk.install(given)
