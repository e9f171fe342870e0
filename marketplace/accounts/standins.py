"""Stand-ins (A/B 岗): a head names somebody of the same house who does its work in a dated period.

Enters: a head, a colleague and two days; later that colleague, who steps into the seat. Leaves: rows of `stand_in`, and
sessions that act for the head: under the deputy's own id, with the head's role and area, `on_behalf_of` the head. Where
two people are needed, both ids count, so a deputy never approves what it or its head verified or approved before. An
approver's seat may pass to a verifier; no seat passes between those who see people and those who keep accounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.models import Account, AccountSession, StandIn
from marketplace.accounts.service import hash_of
from marketplace.actors import GIVERS, SEATS, Actor
from marketplace.calendar import HERE, local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.policy import require

LONGEST = timedelta(days=92)


def colleagues(session: Session, head: Account, /) -> list[Account]:
    """Who may stand in: the same organisation; of staff, somebody whose own area holds the head's whole area."""
    roles = SEATS.get(head.role, {head.role})
    wanted = select(Account).where(
        col(Account.active).is_(True), col(Account.id) != head.id, col(Account.role).in_(sorted(roles))
    )
    if head.role in GIVERS:
        wanted = wanted.where(col(Account.org_id) == head.org_id)
    found = session.exec(wanted.order_by(col(Account.display_name), col(Account.id)))
    return [one for one in found if _covers(one.districts, head.districts)]


def may_sit(session: Session, row: StandIn, account: Account, /) -> bool:
    """Whether this account could have been named for the period: its role and area reach, and it is not away itself."""
    head = session.get_one(Account, row.head_id)
    if account.id not in {one.id for one in colleagues(session, head)}:
        return False
    return not _meets(session, StandIn.head_id, account.id, row.starts_at, row.ends_at)


def _covers(area: Iterable[str], wanted: Iterable[str]) -> bool:
    area, wanted = set(area), set(wanted)
    return not area or (bool(wanted) and wanted <= area)


def head_of(session: Session, account_id: str, /, *, actor: Actor) -> Account:
    """The seat that this actor may pass on: its own, or that of somebody who cannot, who fell ill: a manager for its
    team, the security administrator for staff. Any other looks like a missing one."""
    require(actor, "standin:name")
    if actor.on_behalf_of is not None:
        raise WrongState("acts_for_another")
    head = session.get(Account, account_id, with_for_update=True)
    if head is None or not head.active:
        raise NotFound("account")
    if head.id != actor.id and head.org_id is not None:
        require(actor, "team:change", org_id=head.org_id)
    elif head.id != actor.id:
        require(actor, "account:close")
    return head


def name(
    session: Session,
    deputy_id: str,
    /,
    *,
    first_on: date,
    last_on: date,
    head_id: str = "",
    actor: Actor,
    now: datetime,
) -> StandIn:
    """A seat, the actor's own if no other is named, passes to a colleague from the first day to the end of the last;
    one stand-in at a time."""
    head = head_of(session, head_id or actor.id, actor=actor)
    starts = max(datetime.combine(first_on, time(0), HERE).astimezone(UTC), now)
    ends = datetime.combine(last_on + timedelta(days=1), time(0), HERE).astimezone(UTC)
    if first_on < local_day(now) or last_on < first_on:
        raise BadInput("span_backwards", field="last_on")
    if ends - starts > LONGEST:
        raise BadInput("span_too_long", field="last_on")
    if deputy_id not in {one.id for one in colleagues(session, head)}:
        raise BadInput("not_of_this_house", field="deputy")
    if _meets(session, StandIn.head_id, head.id, starts, ends):
        raise BadInput("stand_in_overlap", field="first_on")
    if _meets(session, StandIn.head_id, deputy_id, starts, ends):
        raise BadInput("deputy_away", field="deputy")
    if _meets(session, StandIn.deputy_id, head.id, starts, ends):
        raise BadInput("stands_in_itself", field="first_on")
    row = StandIn(
        id=new_id(),
        head_id=head.id,
        deputy_id=deputy_id,
        starts_at=starts,
        ends_at=ends,
        set_by=actor.id,
        set_at=now,
    )
    session.add(row)
    flush(session)
    _record(session, row, "standin:name", actor=actor, now=now)
    return row


def _meets(session: Session, column: object, account_id: str, starts: datetime, ends: datetime) -> bool:
    other = select(StandIn.id).where(col(StandIn.starts_at) < ends, col(StandIn.ends_at) > starts)
    return session.exec(other.where(col(column) == account_id)).first() is not None


def end(session: Session, row_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The head is back, or the stand-in cannot go on: the period ends now; one that has not begun is taken away."""
    require(actor, "standin:name")
    row = session.get(StandIn, row_id, with_for_update=True, populate_existing=True)
    if row is None or actor.id not in (row.head_id, row.deputy_id):
        raise NotFound("stand_in")
    close(session, row, actor=actor, now=now)


def close(session: Session, row: StandIn, /, *, actor: Actor, now: datetime) -> None:
    """End a period, whoever ends it: the caller has asked the policy."""
    if row.ends_at <= now:
        raise WrongState("stand_in_over")
    _record(session, row, "standin:end", actor=actor, now=now)
    for held in session.exec(select(AccountSession).where(col(AccountSession.stand_in_id) == row.id)).all():
        held.stand_in_id = None
        session.add(held)
    flush(session)
    if row.starts_at < now:
        row.ends_at = now
        session.add(row)
    else:
        session.delete(row)
    flush(session)


def step_in(session: Session, token: str, row_id: str, /, *, actor: Actor, now: datetime) -> StandIn:
    """From now on this sign-in acts for the head, until its holder steps back or the period ends."""
    require(actor, "standin:view")
    row, held = session.get(StandIn, row_id), session.get(AccountSession, hash_of(token))
    if row is None or held is None or row.deputy_id != actor.id or held.account_id != actor.id:
        raise NotFound("stand_in")
    if not row.starts_at <= now < row.ends_at:
        raise WrongState("stand_in_over")
    held.stand_in_id = row.id
    session.add(held)
    flush(session)
    _record(session, row, "standin:begin", actor=actor, now=now)
    return row


def step_back(session: Session, token: str, /, *, actor: Actor, now: datetime) -> None:
    """This sign-in acts for its own holder again."""
    held = session.get(AccountSession, hash_of(token))
    row = session.get(StandIn, held.stand_in_id) if held is not None and held.stand_in_id else None
    if held is None or row is None:
        return
    held.stand_in_id = None
    session.add(held)
    flush(session)
    _record(session, row, "standin:leave", actor=actor, now=now)


def rows_of(session: Session, account_id: str, /, *, now: datetime) -> list[StandIn]:
    """Periods that run or come, in which this account has or is a stand-in, the earliest first."""
    mine = (col(StandIn.head_id) == account_id) | (col(StandIn.deputy_id) == account_id)
    wanted = select(StandIn).where(mine, col(StandIn.ends_at) > now)
    return list(session.exec(wanted.order_by(col(StandIn.starts_at), col(StandIn.id))))


def seats_of(session: Session, actor: Actor, /, *, now: datetime) -> frozenset[str]:
    """The account ids whose named work lies on this actor's desk now: its own, and those it stands in for."""
    heads = select(StandIn.head_id).where(
        col(StandIn.deputy_id) == actor.id, col(StandIn.starts_at) <= now, col(StandIn.ends_at) > now
    )
    return actor.people | set(session.exec(heads))


def deputies(session: Session, head_ids: Iterable[str | None], /, *, now: datetime) -> dict[str, Account]:
    """Head ► who stands in for it at this moment; one query for a page of a list."""
    wanted = (
        select(StandIn.head_id, Account)
        .join(Account, col(Account.id) == col(StandIn.deputy_id))
        .where(col(StandIn.head_id).in_({one for one in head_ids if one}))
        .where(col(StandIn.starts_at) <= now, col(StandIn.ends_at) > now, col(Account.active).is_(True))
    )
    return dict(session.exec(wanted).all())


def reads_for(session: Session, account_id: str, /, *, now: datetime) -> str:
    """Who gets the letters of this account now: its stand-in while there is one, else the account itself."""
    deputy = deputies(session, (account_id,), now=now).get(account_id)
    return deputy.id if deputy is not None else account_id


def close_all(session: Session, account_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The account is about to have another role: whose seat it keeps, and who keeps its own, was named for the old."""
    for row in rows_of(session, account_id, now=now):
        close(session, row, actor=actor, now=now)


def _record(session: Session, row: StandIn, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"head": row.head_id, "deputy": row.deputy_id, "to": row.ends_at.isoformat()}
    audit.record(session, audit.Entry(action, object_ref=row.id, body=body), actor=actor, now=now)
