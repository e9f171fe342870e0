"""The same face at the door: who goes to a household, and how somebody new is introduced.

Enters: a household and an account. Leaves: one worker at a time with a beginning and an end; a handover keeps its
reason, moves the open visits and writes the household a letter that names the new one. An account that is closed hands
its households to its heir in the same way; a household that moves out of a worker's districts has none until somebody
of the new one goes. Called by `service`, by this room's pages and by the desk of accounts.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.accounts.desks import QUEUES, Desk, Piece, Queue
from marketplace.accounts.models import Account
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput
from marketplace.households.models import Household
from marketplace.households.moved import WHEN_MOVED
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.signals.answering import WHO_GOES
from marketplace.visits.models import WAITING, HomeVisit, HomeWorker

GO = (Role.WORKER, Role.VERIFIER)


def worker_of(session: Session, household_id: str, /) -> str | None:
    """The account that goes to this household, if it still works here."""
    row = _running(session, household_id)
    account = session.get(Account, row.account_id) if row is not None else None
    return account.id if account is not None and account.active else None


def who_go(session: Session, household_ids: Collection[str], /) -> dict[str, str]:
    """Household ► the account that goes there and still works here, for many at once."""
    found: dict[str, str] = {}
    for some in chunks(sorted(household_ids), 500):
        asked = (
            select(HomeWorker.household_id, HomeWorker.account_id)
            .join(Account, col(Account.id) == col(HomeWorker.account_id))
            .where(
                col(HomeWorker.household_id).in_(some),
                col(HomeWorker.until_at).is_(None),
                col(Account.active).is_(True),
            )
        )
        found.update(session.exec(asked).all())
    return found


WHO_GOES.append(who_go)


def begin(session: Session, household_id: str, account_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The first worker of a household; who has one keeps it, for a change is a handover."""
    if worker_of(session, household_id) is None:
        _change(session, household_id, account_id, reason="", actor=actor, now=now)


def colleagues(session: Session, district_code: str, /) -> list[Account]:
    """Who may go to households of a district."""
    asked = select(Account).where(col(Account.active).is_(True), col(Account.role).in_(GO))
    found = session.exec(asked.order_by(col(Account.display_name), col(Account.id)))
    return [one for one in found if not one.districts or district_code in one.districts]


def hand_over(
    session: Session, household_id: str, account_id: str, /, *, district: str, reason: str, actor: Actor, now: datetime
) -> HomeWorker:
    """Somebody else goes from now on. The household is told who."""
    require(actor, "visit:hand_over", district=district)
    if reason not in list_codes("handover_reason"):
        raise BadInput("reason_missing", field="reason")
    if account_id not in {one.id for one in colleagues(session, district)}:
        raise BadInput("bad_input", field="account_id")
    if worker_of(session, household_id) == account_id:
        raise BadInput("goes_already", field="account_id")
    return _hand_over(session, household_id, account_id, reason=reason, actor=actor, now=now)


def _hand_over(
    session: Session, household_id: str, account_id: str, *, reason: str, actor: Actor, now: datetime
) -> HomeWorker:
    row = _change(session, household_id, account_id, reason=reason, actor=actor, now=now)
    for visit in session.exec(
        select(HomeVisit).where(HomeVisit.household_id == household_id, col(HomeVisit.state).in_(WAITING))
    ):
        visit.worker_id = account_id
        session.add(visit)
    flush(session)
    notices.post(
        session,
        "worker_changed",
        key=f"worker:{row.id}",
        household_id=household_id,
        params={"account_id": account_id},
        now=now,
    )
    return row


def _change(
    session: Session, household_id: str, account_id: str, *, reason: str, actor: Actor, now: datetime
) -> HomeWorker:
    former = _running(session, household_id)
    if former is not None:
        former.until_at = now
        session.add(former)
        flush(session)
    row = HomeWorker(
        id=new_id(), household_id=household_id, account_id=account_id, from_at=now, reason=reason, set_by=actor.id
    )
    session.add(row)
    flush(session)
    entry = audit.Entry("visit:worker", object_ref=row.id, subject=household_id, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
    return row


def follow(session: Session, home: Household, /, *, was: str, now: datetime) -> list[audit.Entry]:
    """The household moved out of a district: a worker who does not serve the new one goes no more, and the visits wait
    for somebody there. Returns the act to be written."""
    if was == home.district_code:
        return []
    acts = []
    row = _running(session, home.id)
    account = session.get(Account, row.account_id) if row is not None else None
    if row is not None and account is not None and not account.works_in(home.district_code):
        row.until_at = now
        session.add(row)
        acts.append(audit.Entry("visit:worker_ends", object_ref=row.id, subject=home.id))
    waiting = select(HomeVisit).where(HomeVisit.household_id == home.id, col(HomeVisit.state).in_(WAITING))
    for visit in session.exec(waiting).all():
        goes = session.get(Account, visit.worker_id) if visit.worker_id else None
        if goes is not None and not goes.works_in(home.district_code):
            visit.worker_id = None
        session.add(visit)
    flush(session)
    return acts


WHEN_MOVED.append(follow)


def name_in_letters(session: Session, account_id: str, /) -> str:
    """A colleague's name without the office before it: a letter does not say what it is about."""
    name = session.get_one(Account, account_id).display_name
    return name if name.isascii() or not name.split() else name.split()[-1]


def history(session: Session, household_id: str, /) -> list[HomeWorker]:
    """Who went, the newest first."""
    asked = select(HomeWorker).where(HomeWorker.household_id == household_id)
    order = (col(HomeWorker.until_at).is_not(None), col(HomeWorker.from_at).desc(), col(HomeWorker.id))
    return list(session.exec(asked.order_by(*order)))


def _running(session: Session, household_id: str) -> HomeWorker | None:
    asked = select(HomeWorker).where(HomeWorker.household_id == household_id, col(HomeWorker.until_at).is_(None))
    return session.exec(asked).one_or_none()


def _homes(session: Session, desk: Desk) -> list[HomeWorker]:
    asked = select(HomeWorker).where(HomeWorker.account_id == desk.account.id, col(HomeWorker.until_at).is_(None))
    return list(session.exec(asked.order_by(col(HomeWorker.household_id))))


def _visits(session: Session, desk: Desk) -> list[HomeVisit]:
    asked = select(HomeVisit).where(HomeVisit.worker_id == desk.account.id, col(HomeVisit.state).in_(WAITING))
    return list(session.exec(asked.order_by(col(HomeVisit.due_on), col(HomeVisit.id))))


def _pieces(session: Session, desk: Desk, now: datetime) -> list[Piece]:
    homes = [Piece("home_worker", row.household_id) for row in _homes(session, desk)]
    return [*homes, *(Piece("home_visit", visit.id) for visit in _visits(session, desk))]


def _to_heir(session: Session, desk: Desk, heir: Account, now: datetime) -> None:
    for row in _homes(session, desk):
        _hand_over(session, row.household_id, heir.id, reason="LEFT", actor=SYSTEM, now=now)
    for visit in _visits(session, desk):
        visit.worker_id = heir.id
        session.add(visit)


QUEUES["home_visits"] = Queue(_pieces, _to_heir)
