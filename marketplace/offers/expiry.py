"""Offers that nobody confirms any more: a letter two weeks before, and at the end the offer expires.

Enters: the clock. Leaves: one letter a day for each giver, offers in state expired with an audit row, and their ids, so
that `proposals` can free what was proposed of them; what they were before, and why, stays written down. A giver
confirms one with `service.reconfirm_offer`, or all that end soon here. Called through `proposals.expiry` by the worker,
and by the giver's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import last_before, local_day
from marketplace.db import flush
from marketplace.notices import Notice
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.service import SOON, reconfirm_offer
from marketplace.policy import require

WATCHED = (OfferState.OPEN, OfferState.PAUSED, OfferState.HELD)
MOST_AT_ONCE = 500


def find_due(session: Session, /, *, now: datetime) -> bool:
    """Whether any offer has to be reminded of or to expire now; asked before a writing transaction is opened."""
    today = local_day(now)
    return bool(_over(session, today) or _soon(session, today))


def over(session: Session, /, *, now: datetime) -> list[str]:
    """The offers whose end has come."""
    return [offer.id for offer in _over(session, local_day(now))]


def expire(session: Session, /, *, now: datetime) -> list[str]:
    """Take every offer whose end has come out of matching; return their ids."""
    gone = _over(session, local_day(now), lock=True)
    for offer in gone:
        offer.expired_from, offer.state, offer.updated_at = offer.state.value, OfferState.EXPIRED, now
        session.add(offer)
    flush(session)
    body = {"state": OfferState.EXPIRED.value}
    entries = [audit.Entry("offer:expire", object_ref=offer.id, body=body) for offer in gone]
    audit.record_many(session, entries, actor=SYSTEM, now=now)
    for org_id in sorted({offer.org_id for offer in gone}):
        _write(session, "offer_ended", org_id, now=now)
    return [offer.id for offer in gone]


def remind(session: Session, /, *, now: datetime) -> int:
    """Tell givers of their offers that end within two weeks, each offer once; return how many offers there were."""
    ending = _soon(session, local_day(now), lock=True)
    for offer in ending:
        offer.reminded = True
        session.add(offer)
    flush(session)
    first: dict[str, date] = {}
    for offer in ending:
        end = min(day for day in (offer.valid_to, offer.confirm_by) if day is not None)
        first[offer.org_id] = min(end, first.get(offer.org_id, end))
    for org_id, end in sorted(first.items()):
        _write(session, "offer_ending", org_id, now=now, by=end)
    return len(ending)


def count_ending(session: Session, org_id: str, /, *, now: datetime) -> int:
    """How many resources of a giver end within two weeks, or have just not been taken out yet."""
    return session.exec(select(func.count()).select_from(Offer).where(*_ending(org_id, now))).one()


def confirm_ending(session: Session, /, *, actor: Actor, now: datetime) -> int:
    """The giver says of all its resources that end within two weeks that they still stand; returns how many."""
    require(actor, "offer:edit", org_id=actor.org_id)
    mine = select(Offer).where(*_ending(actor.org_id or "", now)).order_by(col(Offer.id)).limit(MOST_AT_ONCE)
    ids = [offer.id for offer in session.exec(mine.with_for_update()).all()]
    for offer_id in ids:
        reconfirm_offer(session, offer_id, actor=actor, now=now)
    return len(ids)


def _ending(org_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    by = local_day(now) + SOON
    ends = or_(col(Offer.valid_to) <= by, col(Offer.confirm_by) <= by)
    return col(Offer.org_id) == org_id, col(Offer.state).in_(WATCHED), ends


def _over(session: Session, today: date, *, lock: bool = False) -> Sequence[Offer]:
    return _watched(session, by=today, lock=lock, reminded=None)


def _soon(session: Session, today: date, *, lock: bool = False) -> Sequence[Offer]:
    return _watched(session, by=today + SOON, lock=lock, reminded=False)


def _watched(session: Session, *, by: date, lock: bool, reminded: bool | None) -> Sequence[Offer]:
    rows = select(Offer).where(col(Offer.state).in_(WATCHED))
    rows = rows.where(or_(col(Offer.valid_to) <= by, col(Offer.confirm_by) <= by))
    if reminded is not None:
        rows = rows.where(col(Offer.reminded).is_(reminded))
    rows = rows.order_by(col(Offer.id)).limit(MOST_AT_ONCE)
    return session.exec(rows.with_for_update().execution_options(populate_existing=True) if lock else rows).all()


def _write(session: Session, letter: str, org_id: str, *, now: datetime, by: date | None = None) -> None:
    """One letter of a kind for a giver and day, however many offers it is about."""
    key = f"{org_id}:{letter}:{local_day(now).isoformat()}"
    if session.exec(select(Notice.id).where(Notice.key == key)).first() is not None:
        return
    params = {"by": last_before(by).isoformat()} if by else {}
    if letter == "offer_ending":
        notices.post(session, "offer_ending", key=key, org_id=org_id, params=params, now=now)
    else:
        notices.post(session, "offer_ended", key=key, org_id=org_id, params=params, now=now)
