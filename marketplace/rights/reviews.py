"""Every match that stood on a fact which is not true any longer: asked again, and brought back to a person.

Enters: a household, the fact that changed, and why (a correction or a death). Leaves: one `MatchReview` for each match
built on the old value. Open ones are held with a staff clock; delivered and ended ones are listed only, because aid is
never taken back for a slip. Then a person keeps a match or ends it. Called by `corrections` and `deaths`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.consent.ask import living_auto_match
from marketplace.consent.models import Consent
from marketplace.db import flush, new_id
from marketplace.decisions import holding
from marketplace.decisions import service as decisions
from marketplace.decisions.givers import refuse_giver
from marketplace.decisions.models import Match
from marketplace.errors import ConsentMissing, NotFound, WrongState
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.rights.models import MatchReview, ReviewState
from marketplace.sharing.models import Disclosure
from marketplace.sharing.service import SEALED_SOURCE

SOUND = "sound"
DECIDES_ALL = ("id_number", "birth_date", "household_size")
"""Facts that say who somebody is, how old, or how many: every match of the household was built on them."""


def built_on(session: Session, household_id: str, field: str, /) -> list[Match]:
    """The matches that used this fact: all of them where it decides who may have what, else those whose giver saw it or
    whose consent names it. An empty field means all."""
    matches = session.exec(select(Match).where(Match.household_id == household_id).order_by(col(Match.id))).all()
    if not field or field in DECIDES_ALL:
        return list(matches)
    codes = {code for code, column in SEALED_SOURCE.items() if column == field}
    asked = select(Consent.chain_id, Consent.data_fields).where(Consent.household_id == household_id)
    chains = {chain for chain, fields in session.exec(asked) if codes & set(fields)}
    looks = select(Disclosure.match_id, Disclosure.data_fields).where(Disclosure.household_id == household_id)
    seen = {match_id for match_id, fields in session.exec(looks) if codes & set(fields)}
    return [match for match in matches if match.id in seen or match.consent_chain_id in chains]


def bring_back(
    session: Session, household_id: str, /, *, field: str, cause: str, cause_ref: str, actor: Actor, now: datetime
) -> list[MatchReview]:
    """List every match built on the fact, ask each open one again, and hold it for a person."""
    found = []
    for match in built_on(session, household_id, field):
        held = holding.hold(session, match.id, cause=cause, actor=actor, now=now)
        review = MatchReview(
            id=new_id(),
            match_id=match.id,
            household_id=household_id,
            cause=cause,
            cause_ref=cause_ref,
            field=field,
            finding=ask_again(session, match, now=now) if held else match.state.value,
            state=ReviewState.WAITING if held else ReviewState.LISTED,
            found_at=now,
        )
        session.add(review)
        found.append(review)
    flush(session)
    return found


def ask_again(session: Session, match: Match, /, *, now: datetime) -> str:
    """Whether this match could be approved today: `sound`, or the first reason against."""
    need, offer = session.get_one(Need, match.need_id), session.get_one(Offer, match.offer_id)
    if need.state is not NeedState.VERIFIED:
        return "need_not_verified"
    try:
        living_auto_match(session, match.household_id, org_id=match.org_id, now=now)
        giver = session.get_one(Organisation, match.org_id)
        refuse_giver(session, need, offer, organisation=giver, units=0, on=local_day(now))
    except (WrongState, ConsentMissing) as error:
        return error.code
    return SOUND


def keep(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> list[MatchReview]:
    """A person has looked and lets the match go on."""
    waiting = _waiting(session, match_id)
    holding.release(session, match_id, actor=actor, now=now)
    return _decide(session, waiting, ReviewState.KEPT, actor=actor, now=now)


def end(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> list[MatchReview]:
    """A person has looked and ends the match; its stock is free, its need open again."""
    waiting = _waiting(session, match_id)
    decisions.cancel(session, match_id, reason_code=waiting[0].cause, actor=actor, now=now)
    return _decide(session, waiting, ReviewState.ENDED, actor=actor, now=now)


def _waiting(session: Session, match_id: str) -> list[MatchReview]:
    asked = select(MatchReview).where(MatchReview.match_id == match_id, MatchReview.state == ReviewState.WAITING)
    found = list(session.exec(asked.order_by(col(MatchReview.found_at), col(MatchReview.id)).with_for_update()))
    if not found:
        raise NotFound("match_review")
    return found


def _decide(
    session: Session, reviews: list[MatchReview], to: ReviewState, *, actor: Actor, now: datetime
) -> list[MatchReview]:
    for review in reviews:
        review.state, review.decided_by, review.decided_at = to, actor.id, now
        session.add(review)
    flush(session)
    entry = audit.Entry(
        "match:reviewed", object_ref=reviews[0].match_id, subject=reviews[0].household_id, decision=to.value
    )
    audit.record(session, entry, actor=actor, now=now)
    return reviews


def of_match(session: Session, match_id: str, /) -> list[MatchReview]:
    """Why a match was brought back, the newest first."""
    asked = select(MatchReview).where(MatchReview.match_id == match_id)
    return list(session.exec(asked.order_by(col(MatchReview.found_at).desc(), col(MatchReview.id))))


def of_cause(session: Session, cause_ref: str, /) -> list[MatchReview]:
    """Everything one correction or death touched."""
    asked = select(MatchReview).where(MatchReview.cause_ref == cause_ref)
    return list(session.exec(asked.order_by(col(MatchReview.state).desc(), col(MatchReview.id))))
