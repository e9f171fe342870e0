"""Needs one at a time: typed in, verified, held, released, refused, closed; and lists of them for staff.

What enters: facts or an id, the acting person and a reason. What leaves: a `Need` in its new state with its audit
row. Only a verified need is ever allocated; a held one waits for a person. Called by views, commands and later
rooms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session

from marketplace import audit, notices, policy
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.intake.cells import names_somebody
from marketplace.needs.lists import NeedFilters, NeedPage, count_by_state, list_needs
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.needs.whom import has_twin, name_person, refuse_stranger
from marketplace.reference.needs import NeedKind, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

__all__ = [
    "NeedFacts",
    "NeedFilters",
    "NeedPage",
    "add_need",
    "close_need",
    "count_by_state",
    "create_need",
    "get_need",
    "hold_need",
    "list_needs",
    "local_day",
    "refuse_need",
    "release_need",
    "verify_need",
]


LARGEST = 10**12
"""The largest gap that can be allocated; a larger one is stored and held, and released only with a smaller amount."""

LIVE = (NeedState.UNVERIFIED, NeedState.HELD, NeedState.VERIFIED)
"""States in which the same need may not be open twice."""

STAFF_SOURCE = "staff"


@dataclass(frozen=True, slots=True)
class NeedFacts:
    """What a person says about a need; amounts are whole units of the category, money fen."""

    category: str
    gap_units: int
    urgency: int = 1
    period: str = ""
    cause: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    tags: tuple[str, ...] = ()
    evidence: str = field(default="", repr=False)
    government_decision: str = field(default="", repr=False)
    referral_reason: ReferralReason | None = None
    person_id: str = ""


def get_need(session: Session, need_id: str, /, *, actor: Actor, lock: bool = False) -> Need:
    """The need, if it lies in the actor's area; else NotFound."""
    need = session.get(Need, need_id, with_for_update=True if lock else None, populate_existing=lock)
    policy.require(actor, "need:view", district=need.district_code if need is not None else None)
    if need is None:
        raise NotFound("not_found")
    return need


def create_need(session: Session, facts: NeedFacts, /, *, household_id: str, actor: Actor, now: datetime) -> Need:
    """A need typed in by staff: unverified, or held where the amount is not plausible."""
    home = session.get(Household, household_id)
    policy.require(actor, "need:create", district=home.district_code if home is not None else None)
    if home is None:
        raise NotFound("not_found")
    return add_need(session, facts, home=home, source=STAFF_SOURCE, source_id=new_id(), actor=actor, now=now)


def add_need(
    session: Session,
    facts: NeedFacts,
    /,
    *,
    home: Household,
    source: str,
    source_id: str,
    actor: Actor,
    now: datetime,
    referred_by: str | None = None,
) -> Need:
    """Store a need that nobody has verified yet; the caller has asked the policy."""
    kind = _checked_kind(facts)
    refuse_stranger(session, home.id, facts.person_id)
    plausible = kind.is_plausible(facts.gap_units)
    need = Need(
        id=vault_of(session).ref("need", source, source_id),
        source=source,
        source_id=source_id,
        source_index=f"{source}:{source_id}",
        household_id=home.id,
        person_id=facts.person_id,
        district_code=home.district_code,
        category=kind.code,
        unit=kind.unit,
        gap_units=facts.gap_units,
        urgency=facts.urgency,
        period=facts.period or str((facts.valid_from or local_day(now)).year),
        cause=facts.cause,
        valid_from=facts.valid_from,
        valid_to=facts.valid_to,
        one_provider=kind.one_provider,
        tags=list(facts.tags),
        evidence=facts.evidence,
        government_decision=facts.government_decision,
        referral_reason=facts.referral_reason,
        referred_by_org_id=referred_by,
        state=NeedState.UNVERIFIED if plausible else NeedState.HELD,
        state_reason="" if plausible else "implausible_amount",
        created_at=now,
        updated_at=now,
    )
    _refuse_second(session, need)
    session.add(need)
    session.flush()
    _record(session, need, "need:create", actor=actor, now=now)
    return need


def _checked_kind(facts: NeedFacts) -> NeedKind:
    """The category, if what was said about the need can be stored."""
    try:
        kind = need_kind(facts.category)
    except UnknownCode as error:
        raise BadInput("unknown_category", field="category") from error
    if facts.gap_units <= 0:
        raise BadInput("not_positive", field="gap")
    if facts.valid_from and facts.valid_to and facts.valid_to <= facts.valid_from:
        raise BadInput("dates_reversed", field="valid_to")
    _refuse_personal(evidence=facts.evidence, government_decision=facts.government_decision, cause=facts.cause)
    return kind


def _refuse_personal(**texts: str) -> None:
    """Columns that others may read hold no ID or telephone number."""
    for name, text in texts.items():
        if names_somebody(text):
            raise BadInput("personal_in_text", field=name)


def _refuse_second(session: Session, need: Need) -> None:
    if has_twin(session, need, person_id=need.person_id):
        raise Conflict("need_exists")


def verify_need(
    session: Session,
    need_id: str,
    /,
    *,
    actor: Actor,
    now: datetime,
    level: int,
    evidence: str,
    referral_reason: ReferralReason,
    government_decision: str = "",
    gap_units: int | None = None,
    person_id: str | None = None,
) -> Need:
    """Say that the need is as stated: level 1–4, on what evidence, and why government aid is not the whole answer;
    and whom it is for (empty: all of the household; None: as it stands).

    The household is written to the first time.
    """
    need = _open_need(session, need_id, "need:verify", actor=actor, states=(NeedState.UNVERIFIED, NeedState.HELD))
    if not 1 <= level <= 4:
        raise BadInput("bad_level", field="level")
    if not evidence.strip():
        raise BadInput("evidence_missing", field="evidence")
    _refuse_personal(evidence=evidence, government_decision=government_decision)
    _correct_gap(need, gap_units)
    name_person(session, need, person_id)
    if need.state is NeedState.HELD:
        policy.require(actor, "need:release", district=need.district_code)
    if not need.verification_level:
        key = f"need:{need.id}:verified"
        notices.post(session, "need_verified", key=key, household_id=need.household_id, now=now)
    need.verification_level, need.evidence = level, evidence.strip()[:200]
    need.verifier_id, need.verifier_for, need.verified_on = actor.id, actor.stood_for, local_day(now)
    need.brought_by = need.brought_for = ""
    need.referral_reason = referral_reason
    need.government_decision = government_decision.strip()[:200] or need.government_decision
    return _move(session, need, NeedState.VERIFIED, action="need:verify", reason="", actor=actor, now=now)


def hold_need(session: Session, need_id: str, /, *, actor: Actor, now: datetime, reason: str) -> Need:
    """Take a need out of allocation until a person has looked at it."""
    states = (NeedState.UNVERIFIED, NeedState.VERIFIED)
    need = _open_need(session, need_id, "need:verify", actor=actor, states=states)
    if reason not in list_codes("need_hold"):
        raise BadInput("reason_missing", field="reason")
    return _move(session, need, NeedState.HELD, action="need:hold", reason=reason, actor=actor, now=now)


def release_need(
    session: Session, need_id: str, /, *, actor: Actor, now: datetime, gap_units: int | None = None
) -> Need:
    """Let a held need go on, with a corrected amount if there was a slip: verified if it was verified, else not yet."""
    need = _open_need(session, need_id, "need:release", actor=actor, states=(NeedState.HELD,))
    _correct_gap(need, gap_units)
    after = NeedState.VERIFIED if need.verification_level else NeedState.UNVERIFIED
    return _move(session, need, after, action="need:release", reason="", actor=actor, now=now)


def refuse_need(session: Session, need_id: str, /, *, actor: Actor, now: datetime, reason: str) -> Need:
    """Send a need back with a reason from the list; not while aid for it is under way."""
    need = _open_need(session, need_id, "need:refuse", actor=actor, states=LIVE)
    if reason not in list_codes("need_refusal"):
        raise BadInput("reason_missing", field="reason")
    _refuse_committed(need)
    return _move(session, need, NeedState.REFUSED, action="need:refuse", reason=reason, actor=actor, now=now)


def close_need(session: Session, need_id: str, /, *, actor: Actor, now: datetime, reason: str = "") -> Need:
    """End a need that has been met or is over; what was given for it stays given."""
    need = _open_need(session, need_id, "need:refuse", actor=actor, states=LIVE)
    return _move(session, need, NeedState.CLOSED, action="need:close", reason=reason, actor=actor, now=now)


def _open_need(session: Session, need_id: str, action: str, *, actor: Actor, states: Sequence[NeedState]) -> Need:
    need = session.get(Need, need_id, with_for_update=True, populate_existing=True)
    policy.require(actor, action, district=need.district_code if need is not None else None)
    if need is None:
        raise NotFound("not_found")
    if need.state not in states:
        raise WrongState("wrong_state", state=need.state.value)
    return need


def _correct_gap(need: Need, gap_units: int | None) -> None:
    if (gap_units or need.gap_units) > LARGEST:
        raise BadInput("too_large", field="gap")
    if gap_units is None:
        return
    if gap_units <= 0:
        raise BadInput("not_positive", field="gap")
    if gap_units < need.committed_units:
        raise Conflict("below_committed", committed=need.committed_units)
    need.gap_units = gap_units


def _refuse_committed(need: Need) -> None:
    if need.committed_units:
        raise Conflict("need_committed", committed=need.committed_units)


def _move(
    session: Session, need: Need, state: NeedState, *, action: str, reason: str, actor: Actor, now: datetime
) -> Need:
    need.state, need.state_reason, need.updated_at = state, reason, now
    session.flush()
    _record(session, need, action, actor=actor, now=now)
    return need


def _record(session: Session, need: Need, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"gap_units": need.gap_units, "level": need.verification_level, "reason": need.state_reason}
    entry = audit.Entry(
        action, object_ref=need.id, subject=need.household_id, decision=need.state.value, rule_id=action, body=body
    )
    audit.record(session, entry, actor=actor, now=now)
