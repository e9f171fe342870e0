"""What lies on an account's desk: all it holds by name, and for the last person of a house what the house holds.

Enters: an account. Leaves: pieces of work, each with a code, its object and its limit, and the way they pass to an
heir. Clocks and stand-ins are known here; a room above hangs what it keeps into `QUEUES` when it is imported. The
last person of an organisation answers for whatever waits for the organisation; the last of a district's office for
every step of staff there that nobody has taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from marketplace import notices
from marketplace.accounts import standins
from marketplace.accounts.models import Account, StandIn
from marketplace.actors import GIVERS, STAFF, SYSTEM, Role
from marketplace.calendar import local_day
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.db import flush
from marketplace.reference import districts


@dataclass(frozen=True, slots=True)
class Desk:
    """One account; `org_id` where it is its organisation's last, `districts` where it is its office's last."""

    account: Account
    org_id: str = ""
    districts: frozenset[str] = frozenset()


AT_WORK = GIVERS - {Role.GIVER_ADMIN}
"""Who answers for a giver's work; who keeps its accounts sees no household and can take none over."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing: `kind` is a step's code or one of the table `desk_piece`; what it is about; until when."""

    kind: str
    ref: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """One room's share of a desk: what lies there, and how it passes to another account."""

    pieces: Callable[[Session, Desk, datetime], list[Piece]]
    hand_over: Callable[[Session, Desk, Account, datetime], None]


def desk_of(session: Session, account: Account, /, *, now: datetime) -> Desk:
    """The account with what it answers for as the last one."""
    if account.role in AT_WORK:
        mates = col(Account.role).in_(sorted(AT_WORK))
        others = select(Account.id).where(col(Account.org_id) == account.org_id, mates, *_other(account))
        return Desk(account, org_id="" if session.exec(others).first() else account.org_id or "")
    if account.role not in STAFF:
        return Desk(account)
    colleagues = session.exec(select(Account).where(col(Account.role).in_(sorted(STAFF)), *_other(account))).all()
    if not account.districts:
        served = districts.current(local_day(now)) if all(one.districts for one in colleagues) else ()
        own = {district.code for district in served} - {code for one in colleagues for code in one.districts}
        return Desk(account, districts=frozenset(own))
    shared = {code for one in colleagues for code in one.districts}
    return Desk(account, districts=frozenset(account.districts) - shared)


def _other(account: Account) -> tuple[ColumnElement[bool], ...]:
    return (col(Account.active).is_(True), col(Account.id) != account.id)


def pieces_of(session: Session, account: Account, /, *, now: datetime) -> list[Piece]:
    """Everything on the desk, in all rooms."""
    desk = desk_of(session, account, now=now)
    return [piece for name in sorted(QUEUES) for piece in QUEUES[name].pieces(session, desk, now)]


def hand_over(session: Session, account: Account, heir: Account, /, *, now: datetime) -> int:
    """Pass everything to the heir in the caller's transaction; return how much it was."""
    desk = desk_of(session, account, now=now)
    many = len(pieces_of(session, account, now=now))
    for name in sorted(QUEUES):
        QUEUES[name].hand_over(session, desk, heir, now)
    flush(session)
    return many


def _clocks(session: Session, desk: Desk) -> list[Clock]:
    held: list[ColumnElement[bool]] = [col(Clock.account_id) == desk.account.id]
    nobody = col(Clock.account_id).is_(None)
    if desk.org_id:
        held.append((col(Clock.org_id) == desk.org_id) & nobody)
    if desk.districts:
        of_staff = (col(Clock.side) == Side.STAFF) & nobody
        held.append(of_staff & col(Clock.district_code).in_(sorted(desk.districts)))
    running = select(Clock).where(col(Clock.ended_at).is_(None), or_(*held))
    return list(session.exec(running.order_by(col(Clock.due_at), col(Clock.id))))


def _clock_pieces(session: Session, desk: Desk, now: datetime) -> list[Piece]:
    return [Piece(clock.step, clock.object_ref, clock.due_at) for clock in _clocks(session, desk)]


def _pass_clocks(session: Session, desk: Desk, heir: Account, now: datetime) -> None:
    for clock in _clocks(session, desk):
        clock.account_id = heir.id
        session.add(clock)


def _standing_in(session: Session, desk: Desk, now: datetime) -> list[StandIn]:
    mine = select(StandIn).where(col(StandIn.deputy_id) == desk.account.id, col(StandIn.ends_at) > now)
    return list(session.exec(mine.order_by(col(StandIn.starts_at), col(StandIn.id))))


def _stand_in_pieces(session: Session, desk: Desk, now: datetime) -> list[Piece]:
    return [Piece("stand_in", row.id, row.ends_at) for row in _standing_in(session, desk, now)]


def _pass_stand_ins(session: Session, desk: Desk, heir: Account, now: datetime) -> None:
    """The heir stands in, if it could have been named for that seat; else the head is back, and is told."""
    for row in _standing_in(session, desk, now):
        if standins.may_sit(session, row, heir):
            row.deputy_id = heir.id
            session.add(row)
            continue
        standins.close(session, row, actor=SYSTEM, now=now)
        if row.head_id != heir.id:
            key = f"{row.id}:stand_in_ended"
            notices.post(session, "stand_in_ended", key=key, account_id=row.head_id, now=now)


QUEUES: dict[str, Queue] = {
    "clocks": Queue(_clock_pieces, _pass_clocks),
    "stand_ins": Queue(_stand_in_pieces, _pass_stand_ins),
}
"""By name; a room above adds its own when it is imported."""
