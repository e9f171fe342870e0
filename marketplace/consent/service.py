"""Giving, refusing, narrowing and withdrawing consent; and asking whether one is alive.

Enters: a household's own act, or an assisted one with its helper. Leaves: a new immutable version and its head.
Called by the household's pages, by decisions (which frees matches on withdrawal) and by proposals (who may see whom).
Two kinds: AUTO_MATCH lets the base card without identity be matched; every other purpose names one recipient, its
fields and its period, and is given only when a concrete offer is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.consent.ask import (
    LIVING,
    find_head,
    kept_out,
    living_heads,
    lock_all,
    lock_head,
    lock_with_all,
    was_refused_lately,
)
from marketplace.consent.capacity import capacity_of, is_child, person_behind, require_voice
from marketplace.consent.changes import confirm_assisted, leave_out, supersede
from marketplace.consent.drafts import OWN, WITHDRAWAL_WAYS, Capture, first_draft, require_within, to_recipient
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Purpose
from marketplace.consent.versions import next_version, require_area, write_version
from marketplace.db import new_id
from marketplace.errors import WrongState
from marketplace.households.models import Household
from marketplace.households.service import list_people
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.reference import purposes

__all__ = [
    "WITHDRAWAL_WAYS",
    "Capture",
    "close",
    "confirm_assisted",
    "exclude",
    "give_auto_match",
    "give_for_match",
    "refuse_auto_match",
]


def give_auto_match(
    session: Session,
    household: Household,
    /,
    *,
    actor: Actor,
    now: datetime,
    capture: Capture | None = None,
    excluded_org_ids: Iterable[str] = (),
    person_id: str = "",
    days: int = purposes.USUAL_DAYS,
) -> Consent:
    """One adult's yes, who is the one who acts unless staff write down another's: let the household's base card,
    without identity, be matched. Organisations may be excluded; nothing else depends on this yes: who refuses keeps
    every other service. A yes taken with help leaves out whom this adult left out before: only itself lets it in."""
    capture = capture or Capture()
    draft = first_draft(household.id, Purpose.AUTO_MATCH, now=now, days=days, capture=capture)
    voice = person_id or _voice(session, household, actor=actor, now=now)
    draft.update(capacity_of(session, person_id, actor=actor, now=now))
    draft.update(person_id=voice, data_fields=list(purposes.base_card()), basis="consent")
    before = kept_out(session, household.id, voice) if capture.assisted else set()
    draft["excluded_org_ids"] = sorted(before.union(excluded_org_ids))
    return _give(session, draft, household=household, actor=actor, now=now, match_id=voice or "")


def _voice(session: Session, household: Household, *, actor: Actor, now: datetime) -> str | None:
    """Whose word about being matched this is: who acts or is helped; what staff write down is that of whom messages
    reach, an adult where one lives there, with or without a telephone."""
    signer = person_behind(session, actor.id)
    if signer is None:
        people = list_people(session, household.id)
        signer = min(people, key=lambda one: (is_child(one, now=now), one.phone is None or one.is_silent), default=None)
    return signer.id if signer is not None and signer.household_id == household.id else None


def give_for_match(
    session: Session,
    household: Household,
    /,
    *,
    organisation: Organisation,
    match_id: str,
    purpose: str,
    data_fields: Iterable[str],
    actor: Actor,
    now: datetime,
    capture: Capture | None = None,
    person_id: str | None = None,
    days: int = purposes.USUAL_DAYS,
) -> Consent:
    """The separate consent that lets one organisation see named fields for one match and purpose until a day.

    Raises BadInput if the purpose lies above the organisation's agreement, or a field above the purpose's ceiling.
    """
    wanted = list(dict.fromkeys(data_fields))
    require_within(organisation, purpose, wanted)
    draft = first_draft(household.id, Purpose(purpose), now=now, days=days, capture=capture or Capture())
    draft.update(capacity_of(session, person_id, actor=actor, now=now))
    draft.update(to_recipient(organisation, purpose, wanted, lang=draft["lang"], now=now), person_id=person_id)
    return _give(session, draft, household=household, actor=actor, now=now, match_id=match_id)


def refuse_auto_match(
    session: Session, household: Household, /, *, actor: Actor, now: datetime, capture: Capture | None = None
) -> Consent:
    """Write down one adult's no; it is not asked again for 90 days and loses nothing. Another adult's yes stays.

    Raises WrongState where its own yes lives, running or paused: to take that back may also free what stands on it,
    which is `decisions.withdrawing`'s.
    """
    head = own_word(session, household, actor=actor, now=now)
    if head is not None and head.state in LIVING:
        raise WrongState("consent_living", state=head.state.value)
    voice = _voice(session, household, actor=actor, now=now)
    draft = first_draft(household.id, Purpose.AUTO_MATCH, now=now, days=1, capture=capture or Capture())
    out = sorted(kept_out(session, household.id, voice))
    draft.update(state=ConsentState.REFUSED, person_id=voice, excluded_org_ids=out)
    return _give(session, draft, household=household, actor=actor, now=now, match_id=voice or "")


def own_word(session: Session, household: Household, /, *, actor: Actor, now: datetime) -> ConsentHead | None:
    """What the one who acts has said about being matched; None where nothing."""
    voice = _voice(session, household, actor=actor, now=now) or ""
    return find_head(session, household.id, purpose=Purpose.AUTO_MATCH, match_id=voice)


def withdraw(session: Session, chain_id: str, /, *, actor: Actor, now: datetime, reason_code: str = "") -> Consent:
    """End a consent at once. `decisions.service.withdraw_consent` is the use case that also frees the matches."""
    head = lock_head(session, chain_id)
    require_voice(session, head, "consent:withdraw", actor=actor, now=now)
    if head.state not in LIVING:
        raise WrongState("consent_not_living", state=head.state.value)
    return next_version(
        session, head, state=ConsentState.REVOKED, actor=actor, now=now, action="consent:withdraw", reason=reason_code
    )


def refuse_for_match(
    session: Session,
    household: Household,
    /,
    *,
    organisation: Organisation,
    match_id: str,
    purpose: str,
    actor: Actor,
    now: datetime,
    capture: Capture | None = None,
    asks: str = "",
) -> Consent:
    """Write down that the household does not want this organisation to see it for this purpose; neither is asked of it
    again for 90 days. A no needs no more than the decline in which it was said: `asks` is that act, `capture` how."""
    draft = first_draft(household.id, Purpose(purpose), now=now, days=1, capture=capture or Capture())
    draft.update(
        state=ConsentState.REFUSED,
        recipient_org_id=organisation.id,
        recipient_name=organisation.name,
        recipient_kind=organisation.kind.value,
    )
    return _give(session, draft, household=household, actor=actor, now=now, match_id=match_id, asks=asks)


def void_refusals(session: Session, match_id: str, /, *, asks: str, actor: Actor, now: datetime) -> None:
    """A no to one match that the household did not say is void: it keeps nobody from asking. `asks` is the act by which
    that was found."""
    said = select(ConsentHead.chain_id).where(col(ConsentHead.match_id) == match_id)
    for chain_id in session.exec(said.where(col(ConsentHead.state) == ConsentState.REFUSED)).all():
        head = lock_head(session, chain_id)
        require_area(session, actor, asks, household_id=head.household_id)
        next_version(
            session, head, state=ConsentState.VOID, actor=actor, now=now, action="consent:void", reason="not_said"
        )


def close(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent | None:
    """End the consent of a match that is over: what was needed for the delivery is not needed any longer."""
    head = lock_head(session, chain_id)
    if head.state not in LIVING:
        return None
    return next_version(
        session, head, state=ConsentState.EXPIRED, actor=actor, now=now, action="consent:end", reason="match_over"
    )


def exclude(
    session: Session, chain_id: str, /, *, excluded_org_ids: Iterable[str], actor: Actor, now: datetime
) -> Consent:
    """Change which organisations the base card is kept from: a new version of the same consent."""
    head = lock_with_all(session, chain_id)
    require_voice(session, head, "consent:give", actor=actor, now=now)
    if head.state is not ConsentState.ACTIVE or head.purpose is not Purpose.AUTO_MATCH:
        raise WrongState("consent_not_living", state=head.state.value)
    changed = next_version(
        session,
        head,
        state=ConsentState.ACTIVE,
        actor=actor,
        now=now,
        action="consent:exclude",
        changes={"excluded_org_ids": sorted(set(excluded_org_ids))},
    )
    leave_out(session, head, changed, actor=actor, now=now)
    return changed


def _give(
    session: Session,
    draft: Mapping[str, Any],
    *,
    household: Household,
    actor: Actor,
    now: datetime,
    match_id: str = "",
    asks: str = "",
) -> Consent:
    action = "consent:give" if draft["channel"] in OWN else "consent:assist"
    require(actor, asks or action, household_id=household.id, district=household.district_code)
    org_id = draft.get("recipient_org_id", "")
    asked = action == "consent:assist" and draft["state"] is not ConsentState.REFUSED
    voice = draft.get("person_id") if draft["purpose"] is Purpose.AUTO_MATCH else None
    whose = {"purpose": draft["purpose"], "org_id": org_id, "person_id": voice}
    if asked and was_refused_lately(session, household.id, **whose, now=now):
        raise WrongState("refused_lately")
    waits = draft["state"] is ConsentState.PENDING_CHECK
    if draft["purpose"] is Purpose.AUTO_MATCH:
        lock_all(session, household.id)
    for head in living_heads(session, household.id, purpose=draft["purpose"], org_id=org_id, match_id=match_id):
        if head.state is ConsentState.PENDING_CHECK or not waits:
            supersede(session, head.chain_id, actor=actor, now=now)
    head = ConsentHead(
        chain_id=new_id(),
        household_id=household.id,
        purpose=draft["purpose"],
        recipient_org_id=org_id,
        match_id=match_id,
        state=draft["state"],
        valid_from=draft["valid_from"],
        valid_to=draft["valid_to"],
    )
    session.add(head)
    said = write_version(session, draft, head=head, actor=actor, now=now, action=action)
    if not waits:
        leave_out(session, head, said, actor=actor, now=now)
    return said
