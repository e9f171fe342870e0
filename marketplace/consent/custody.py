"""The end of a guardian's link: a wrong one, a custody that a court moved, somebody who harms the child.

Enters: a link, a reason of the word list, and two members of staff one after the other. Leaves: a link that counts for
nothing any more: from the same moment the guardian neither reads what concerns the child nor speaks for it, and what it
allowed for the child rests until another guardian, or the child grown up, lets it hold again. While a second person is
waited for a clock runs, and a named officer gets it. Called by the pages of this room.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, or_, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.consent.ask import LIVING, lock_head
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.consent.versions import next_version, require_area
from marketplace.db import flush
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.guardians import RESTORED, links_of
from marketplace.households.models import Guardian, Household, Person
from marketplace.reference.words import list_codes

ACTION = "consent:guardian"
REASONS = STEP = "guardian_end"
HARM = "harm"
"""The reason for which the second person has less time."""
ENDED = "guardian_ended"
"""Why a consent rests whose guardian speaks for the child no more."""


def ask_end(session: Session, link_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Guardian:
    """One member of staff says that this link should end, and why; nothing changes yet."""
    link, child = _locked(session, link_id, actor=actor)
    if reason not in list_codes(REASONS) or reason == RESTORED:
        raise BadInput("reason_missing", field="reason")
    if link.end_asked_by is not None:
        raise WrongState("guardian_end_asked")
    link.end_reason, link.end_asked_by, link.end_asked_for = reason, actor.id, actor.stood_for
    holder = clocks.Holder(district_code=session.get_one(Household, child.household_id).district_code)
    clocks.start(session, STEP, link.id, holder=holder, now=now, urgent=reason == HARM)
    return _record(session, link, child, "consent:guardian_ask_end", actor=actor, now=now)


def keep(session: Session, link_id: str, /, *, actor: Actor, now: datetime) -> Guardian:
    """The link stays: who asked takes it back, or a colleague does not agree."""
    link, child = _locked(session, link_id, actor=actor)
    if link.end_asked_by is None:
        raise WrongState("guardian_end_not_asked")
    reason, link.end_reason, link.end_asked_by, link.end_asked_for = link.end_reason, "", None, ""
    clocks.end(session, link.id, step=STEP, outcome="kept", now=now)
    return _record(session, link, child, "consent:guardian_keep", reason, actor=actor, now=now)


def end(session: Session, link_id: str, /, *, actor: Actor, now: datetime) -> Guardian:
    """Another member of staff agrees: the link has ended, and what was allowed under it rests."""
    link, child = _locked(session, link_id, actor=actor)
    if link.end_asked_by is None:
        raise WrongState("guardian_end_not_asked")
    if {link.end_asked_by, link.end_asked_for} & actor.people:
        raise WrongState("same_person_twice")
    link.ended_by, link.ended_at = actor.id, now
    heads = [lock_head(session, chain_id) for chain_id in _allowed(session, link)]
    clocks.end(session, link.id, step=STEP, outcome="ended", now=now)
    _record(session, link, child, "consent:guardian_end", link.end_reason, actor=actor, now=now)
    for head in heads:
        _rest(session, head, actor=actor, now=now)
    return link


def who_asked(session: Session, link_id: str, /) -> set[str]:
    """Who must not be named as the second person."""
    link = session.get(Guardian, link_id)
    return {link.end_asked_by or "", link.end_asked_for} if link is not None else set()


def list_asked(session: Session, /, *, actor: Actor) -> list[tuple[Guardian, Person]]:
    """The links whose end waits for a second person, with the child, within the actor's districts."""
    asked = (
        select(Guardian, Person, Household.district_code)
        .join(Person, col(Person.id) == col(Guardian.child_id))
        .join(Household, col(Household.id) == col(Person.household_id))
        .where(col(Guardian.end_asked_by).is_not(None), col(Guardian.ended_at).is_(None))
    )
    rows = session.exec(asked.order_by(col(Guardian.verified_at), col(Guardian.id)))
    return [(link, child) for link, child, district in rows if actor.serves(district)]


def _locked(session: Session, link_id: str, *, actor: Actor) -> tuple[Guardian, Person]:
    link = session.get(Guardian, link_id, with_for_update=True, populate_existing=True)
    child = session.get(Person, link.child_id) if link is not None else None
    require_area(session, actor, ACTION, household_id=child.household_id if child is not None else "")
    if link is None or child is None:
        raise NotFound("guardian")
    if link.ended_at is not None:
        raise WrongState("guardian_ended")
    return link, child


def _allowed(session: Session, link: Guardian) -> list[str]:
    """The child's living consents that stand on this link's record, or on none of another guardian who is left."""
    left = [one.evidence for one in links_of(session, link.child_id)]
    record = col(Consent.capacity_evidence)
    heads = select(ConsentHead.chain_id).join(
        Consent, (col(Consent.chain_id) == ConsentHead.chain_id) & (col(Consent.version) == ConsentHead.version)
    )
    heads = heads.where(
        Consent.person_id == link.child_id,
        Consent.capacity == "guardian",
        or_(record == link.evidence, record.not_in(left)),
        col(ConsentHead.state).in_(LIVING),
    )
    return list(session.exec(heads.order_by(col(ConsentHead.chain_id))))


def _rest(session: Session, head: ConsentHead, *, actor: Actor, now: datetime) -> None:
    """What holds is paused; what still waits for its call-back never comes into force."""
    if head.state is ConsentState.PENDING_CHECK:
        state, action = ConsentState.REJECTED, "consent:reject"
    elif head.state is ConsentState.ACTIVE:
        state, action = ConsentState.PAUSED, "consent:pause"
    else:
        return
    next_version(session, head, state=state, actor=actor, now=now, action=action, reason=ENDED)


def _record(
    session: Session, link: Guardian, child: Person, act: str, reason: str = "", *, actor: Actor, now: datetime
) -> Guardian:
    session.add(link)
    flush(session)
    entry = audit.Entry(act, object_ref=link.id, subject=child.household_id, rule_id=reason or link.end_reason)
    audit.record(session, entry, actor=actor, now=now)
    return link
