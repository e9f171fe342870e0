"""What becomes of a consent that was given: checked, paused, resumed, narrowed, replaced, found invalid, run out.

Enters: a chain and who acts. Leaves: one more version. `decisions.withdrawing` offers those that free matches; the
household's pages and the worker's sweep call the others. A consent that ended never comes back to life: saying yes
again is a new consent with a new notice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.consent.ask import LIVING, kept_out, living_heads, lock_head, lock_with_all, newest
from marketplace.consent.capacity import require_voice
from marketplace.consent.evidence import newest_of, was_opened
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Purpose
from marketplace.consent.versions import next_version, require_area
from marketplace.db import Database
from marketplace.errors import BadInput, DomainError, WrongState
from marketplace.reference.words import list_codes

COOLING = timedelta(days=1)
"""So long after the call-back a consent that was taken with help does not permit anything yet."""
READ_TWICE = "second_call"
"""A reading that a second person has asked about again; its own record is the evidence."""
FINISHING = "finishing"
"""The reason of a version that stands only until the delivery that is on its way is finished: it was withdrawn, and
stays so whatever later versions of its chain say."""
NARROWED: list[Callable[[Session, ConsentHead, frozenset[str], Actor, datetime], object]] = []
"""Rooms above say here what they do about the fields that a household took out of a consent."""
LEFT_OUT: list[Callable[[Session, ConsentHead, frozenset[str], Actor, datetime], object]] = []
"""Rooms above say here what they do about the organisations that a household leaves out."""
RAN_OUT: list[Callable[[Session, ConsentHead, datetime], object]] = []
"""Rooms above say here what becomes of help that stood on a consent whose period is over."""
REMINDED_EVERY = timedelta(days=90)
"""A household is told as often of what it still allows."""
BATCH = 100
"""So many consents that ran out are written down in one sweep."""


def confirm_assisted(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent:
    """A second person has called the household back: the assisted consent comes into force a day later, so that the
    household can take it back before anything happens; it is told. Never the helper itself, and never without the
    document that proves the yes, which another person brought and this one has opened. What the household had allowed
    before holds until now, and ends in this transaction; whom it left out until now stays out.
    The call-back never lengthens the period: one that would be over before the yes begins is refused.
    """
    head = lock_with_all(session, chain_id)
    require_area(session, actor, "consent:check", household_id=head.household_id)
    if head.state is not ConsentState.PENDING_CHECK:
        raise WrongState("consent_not_pending", state=head.state.value)
    pending = newest(session, head)
    if pending.helper_id in actor.people:
        raise BadInput("helper_cannot_check", field="helper")
    if pending.authenticated_by != READ_TWICE:
        _check_document(session, chain_id, actor=actor)
    if now + COOLING >= head.valid_to:
        raise WrongState("consent_not_living", state=head.state.value)
    out = kept_out(session, head.household_id, pending.person_id) if head.purpose is Purpose.AUTO_MATCH else set()
    _replace(session, head, actor=actor, now=now)
    head.valid_from = now + COOLING
    changes = {
        "verifier_id": actor.id,
        "callback_by": actor.id,
        "callback_at": now,
        "valid_from": head.valid_from,
        "excluded_org_ids": sorted(out),
    }
    checked = next_version(
        session, head, state=ConsentState.ACTIVE, actor=actor, now=now, action="consent:check", changes=changes
    )
    leave_out(session, head, checked, actor=actor, now=now)
    notices.post(session, "consent_recorded", key=f"recorded:{chain_id}", household_id=head.household_id, now=now)
    return checked


def leave_out(session: Session, head: ConsentHead, said: Consent, /, *, actor: Actor, now: datetime) -> None:
    """A word that counts from now on: what waits with those whom it leaves out does not go on."""
    out = frozenset(said.excluded_org_ids)
    for told in LEFT_OUT if out else ():
        told(session, head, out, actor, now)


def _check_document(session: Session, chain_id: str, *, actor: Actor) -> None:
    """Who checks has not brought the paper itself, and has seen it."""
    row = newest_of(session, [chain_id]).get(chain_id)
    if row is None:
        raise WrongState("evidence_missing")
    if row.recorded_by in actor.people:
        raise BadInput("helper_cannot_check", field="helper")
    if not was_opened(session, row, by=actor.id):
        raise WrongState("document_not_opened")


def _replace(session: Session, head: ConsentHead, *, actor: Actor, now: datetime) -> None:
    """What held until this yes was confirmed ends now."""
    for earlier in _alike(session, head):
        if earlier.chain_id != head.chain_id:
            supersede(session, earlier.chain_id, actor=actor, now=now)


def _alike(session: Session, head: ConsentHead) -> list[ConsentHead]:
    same = {"purpose": head.purpose, "org_id": head.recipient_org_id, "match_id": head.match_id}
    return living_heads(session, head.household_id, **same)


def reject_assisted(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent:
    """The call-back did not confirm the yes: the consent never comes into force. Never decided by the helper."""
    head = lock_head(session, chain_id)
    require_area(session, actor, "consent:check", household_id=head.household_id)
    if head.state is not ConsentState.PENDING_CHECK:
        raise WrongState("consent_not_pending", state=head.state.value)
    if newest(session, head).helper_id in actor.people:
        raise BadInput("helper_cannot_check", field="helper")
    changes = {"verifier_id": actor.id, "callback_by": actor.id, "callback_at": now}
    return next_version(
        session,
        head,
        state=ConsentState.REJECTED,
        actor=actor,
        now=now,
        action="consent:reject",
        reason="not_confirmed",
        changes=changes,
    )


def pause(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent:
    """Let nobody see anything under this consent for the time being."""
    return _turn(session, chain_id, ConsentState.ACTIVE, ConsentState.PAUSED, actor=actor, now=now)


def resume(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent:
    """Let a paused consent hold again, within the period it was given for."""
    return _turn(session, chain_id, ConsentState.PAUSED, ConsentState.ACTIVE, actor=actor, now=now)


def _turn(
    session: Session, chain_id: str, begins: ConsentState, ends: ConsentState, *, actor: Actor, now: datetime
) -> Consent:
    head = lock_head(session, chain_id)
    action = "consent:pause" if ends is ConsentState.PAUSED else "consent:resume"
    require_voice(session, head, action, actor=actor, now=now)
    if head.state is not begins or now >= head.valid_to:
        raise WrongState("consent_not_living", state=head.state.value)
    return next_version(session, head, state=ends, actor=actor, now=now, action=action)


def narrow(
    session: Session,
    chain_id: str,
    /,
    *,
    keep: Collection[str],
    until: datetime,
    actor: Actor,
    now: datetime,
    action: str = "consent:narrow",
) -> Consent:
    """Leave fewer fields, for no longer than before; nothing can be added in this way. A paused consent stays paused,
    unless a delivery is to be finished under it."""
    head = lock_head(session, chain_id)
    require_voice(session, head, "consent:withdraw", actor=actor, now=now)
    require_by_field(head)
    if head.state not in (ConsentState.ACTIVE, ConsentState.PAUSED) or now >= head.valid_to:
        raise WrongState("consent_not_living", state=head.state.value)
    if until <= max(now, head.valid_from):
        raise BadInput("narrow_wider", field="until")
    state = head.state if action == "consent:narrow" else ConsentState.ACTIVE
    head.valid_to = min(head.valid_to, until)
    before = newest(session, head).data_fields
    left = [code for code in before if code in keep]
    changes = {"data_fields": left, "valid_to": head.valid_to, "erase_at": min(head.valid_to, until)}
    reason = "" if action == "consent:narrow" else FINISHING
    narrowed = next_version(
        session, head, state=state, actor=actor, now=now, action=action, reason=reason, changes=changes
    )
    for told in NARROWED:
        told(session, head, frozenset(before) - frozenset(left), actor, now)
    return narrowed


def require_by_field(head: ConsentHead, /) -> None:
    """A household is matched by its base card or not at all: of that word nothing can be left out but givers."""
    if head.purpose is Purpose.AUTO_MATCH:
        raise WrongState("matched_by_all")


def supersede(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent:
    """A new consent takes the place of this one, which ends."""
    head = lock_head(session, chain_id)
    return next_version(
        session, head, state=ConsentState.SUPERSEDED, actor=actor, now=now, action="consent:end", reason="replaced"
    )


def void(session: Session, chain_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Consent:
    """The protection officer finds that this was never a free yes: forged, pressed, or without capacity."""
    head = lock_head(session, chain_id)
    require_area(session, actor, "consent:void", household_id=head.household_id)
    if reason_code not in list_codes("consent_void"):
        raise BadInput("reason_missing", field="reason_code")
    if head.state not in LIVING:
        raise WrongState("consent_not_living", state=head.state.value)
    return next_version(
        session, head, state=ConsentState.VOID, actor=actor, now=now, action="consent:void", reason=reason_code
    )


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Write down what has run out. That it permits nothing any longer was true before: each look computes it anew."""
    now, done = clock(), 0
    over = select(ConsentHead.chain_id).where(col(ConsentHead.state).in_(LIVING), col(ConsentHead.valid_to) <= now)
    with database.reading() as session:
        chains = list(session.exec(over.order_by(col(ConsentHead.valid_to), col(ConsentHead.chain_id)).limit(BATCH)))
    for chain_id in chains:
        try:
            with database.transaction() as session:
                done += _expire(session, chain_id, now=now)
        except DomainError:
            continue
    return done


def _expire(session: Session, chain_id: str, *, now: datetime) -> bool:
    head = lock_with_all(session, chain_id)
    if head.state not in LIVING or now < head.valid_to:
        return False
    said = select(Consent.version).where(Consent.chain_id == chain_id, Consent.reason_code == FINISHING)
    finished = session.exec(said.limit(1)).first() is not None
    run_out(session, head, reason="period_over", now=now)
    for told in () if finished else RAN_OUT:
        told(session, head, now)
    return True


def run_out(session: Session, head: ConsentHead, /, *, reason: str, now: datetime) -> None:
    """It has ended by itself, and its household is told that it may say yes again."""
    next_version(session, head, state=ConsentState.EXPIRED, actor=SYSTEM, now=now, action="consent:end", reason=reason)
    notices.post(session, "consent_ended", key=f"ended:{head.chain_id}", household_id=head.household_id, now=now)


def remind(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Every 90 days a household is told that something of it may still be seen: one letter for all its consents."""
    now = clock()
    last = func.coalesce(col(ConsentHead.reminded_at), col(ConsentHead.valid_from))
    old = select(ConsentHead.household_id).where(
        col(ConsentHead.state).in_((ConsentState.ACTIVE, ConsentState.PAUSED)),
        col(ConsentHead.valid_to) > now,
        last <= now - REMINDED_EVERY,
    )
    with database.reading() as session:
        homes = list(session.exec(old.distinct().order_by(col(ConsentHead.household_id)).limit(BATCH)))
    for household_id in homes:
        with database.transaction() as session:
            _remind(session, household_id, now=now)
    return len(homes)


def _remind(session: Session, household_id: str, *, now: datetime) -> None:
    living = select(ConsentHead).where(
        col(ConsentHead.household_id) == household_id,
        col(ConsentHead.state).in_((ConsentState.ACTIVE, ConsentState.PAUSED)),
    )
    for head in session.exec(living.order_by(col(ConsentHead.chain_id)).with_for_update()):
        head.reminded_at = now
        session.add(head)
    key = f"allowed:{household_id}:{local_day(now).isoformat()}"
    notices.post(session, "consent_reminder", key=key, household_id=household_id, now=now)
    entry = audit.Entry("consent:remind", subject=household_id)
    audit.record(session, entry, actor=SYSTEM, now=now)
