"""Who has a row of a sheet by name: the officer of its duty, else who holds the need as unclaimed.

Enters: rows of a meeting. Leaves: accounts and the names they go by; the `unclaimed` clock of a need ends when its row
is decided and waits again when the decision is taken back; a sheet that is closed keeps its officers as they were.
Called by `meetings.service`, `meetings.looking` and the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.accounts.models import Account
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import chunks, flush
from marketplace.decisions.moves import URGENT
from marketplace.decisions.unclaimed import STEP
from marketplace.meetings.models import MeetingRow

BATCH = 500
DECIDED = "meeting"
"""How an `unclaimed` clock ended whose need a meeting decided on."""


def officers_of(session: Session, rows: Sequence[MeetingRow], /) -> dict[int, str]:
    """Row ► the account that has it by name; empty for nobody. A decided row says who had it then."""
    held: dict[str, str] = {}
    for batch in chunks(rows, BATCH):
        some = {row.need_id for row in batch if not row.verdict}
        running = select(Clock.object_ref, Clock.account_id).where(Clock.step == STEP, col(Clock.ended_at).is_(None))
        held.update({ref: one for ref, one in session.exec(running.where(col(Clock.object_ref).in_(some))) if one})
    return {row.number: row.officer_id or held.get(row.need_id, "") for row in rows}


def settle(session: Session, row: MeetingRow, /, *, officer_id: str, now: datetime) -> None:
    """A decided row: its duty's officer has it, else whoever had it; nobody needs to look for a giver any more."""
    row.officer_id = officer_id or officers_of(session, [row])[row.number]
    session.add(row)
    clocks.end(session, row.need_id, step=STEP, outcome=DECIDED, now=now)


def unsettle(session: Session, row: MeetingRow, /, *, now: datetime) -> None:
    """The decision is taken back: whoever held the need as unclaimed holds it again, with its time anew."""
    row.officer_id = ""
    before = select(Clock).where(Clock.step == STEP, Clock.object_ref == row.need_id, Clock.outcome == DECIDED)
    last = session.exec(before.where(col(Clock.ended_at) == row.decided_at)).first()
    if last is not None:
        holder = Holder(account_id=last.account_id, district_code=last.district_code)
        clocks.start(session, STEP, row.need_id, holder=holder, now=now, urgent=row.urgency >= URGENT)


def keep_officers(session: Session, rows: Sequence[MeetingRow], /) -> None:
    """Write down who has the undecided rows: a frozen sheet says what it said at its end."""
    named = officers_of(session, rows)
    for row in rows:
        row.officer_id = named[row.number]
    session.add_all(rows)
    flush(session)


def name_of(session: Session, account_id: str, /) -> str:
    """The name a colleague goes by; the id where the account is gone."""
    return names_of(session, [account_id]).get(account_id, account_id)


def names_of(session: Session, account_ids: Iterable[str], /) -> dict[str, str]:
    """Account ► the name it goes by, for those that are there."""
    wanted = {one for one in account_ids if one}
    found = select(Account.id, Account.display_name).where(col(Account.id).in_(wanted))
    return dict(session.exec(found).all()) if wanted else {}
