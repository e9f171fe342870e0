"""What a consent says when it is given: the words shown, the bounds, the recipient, and how the yes was taken.

Enters: a household, a purpose, its recipient and how it was said. Leaves: the columns of a first version, which
`service` writes under a head.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marketplace.consent import notice
from marketplace.consent.models import ConsentState, Mode, Purpose
from marketplace.errors import BadInput
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.reference import purposes

ACCOMPANYING = (Purpose.PAYMENT, Purpose.PUBLICITY, Purpose.DONOR_FEEDBACK)
"""Purposes that only ever accompany a match, whose own purpose the agreement has to allow."""
QUERY_MOST, QUERY_PAUSE_S = 30, 24 * 3600
"""A question with yes or no is asked so often at most, and not again within so many seconds."""
NOTICES = {
    Purpose.AUTO_MATCH: notice.MATCH,
    Purpose.PAYMENT: notice.PAYMENT,
    Purpose.PUBLICITY: notice.PUBLICITY,
    Purpose.DONOR_FEEDBACK: notice.DONOR,
    Purpose.INSURE_CLAIM_QUERY: notice.COVER,
}
"""The words shown before a yes; every other purpose shows those about sharing."""
LIFTED = (Purpose.PUBLICITY, "no_publicity")
"""The one bound that the one purpose cannot carry."""
OWN = ("self", "sms")
"""Channels on which the person itself says yes: its own page, or a code of its own letter from its own telephone."""
WITHDRAWAL_WAYS = ("page", "phone", "counter", "helper")
"""The ways there are: its own page, a call or a visit to civil affairs, who write it down at once, and its helper."""


@dataclass(frozen=True, slots=True)
class Capture:
    """How the yes was taken: on the person's own page, or by a helper at a counter, a visit or on the phone."""

    channel: str = "self"
    lang: str = "zh_Hans"
    authenticated_by: str = "phone_code"
    signature_kind: str = "tick"
    evidence: str = ""
    """Of a reading: where its paper is. Any other yes with help gets its document by `consent.evidence`."""
    helper_id: str = ""

    @property
    def assisted(self) -> bool:
        """Whether somebody else pressed the button."""
        return self.channel not in OWN


def require_within(organisation: Organisation, purpose: str, data_fields: Iterable[str], /) -> None:
    """BadInput where the purpose lies above the organisation's agreement, or a field above the purpose's ceiling."""
    insurer = organisation.kind is OrganisationKind.INSURER
    if insurer and purpose not in purposes.INSURER_PURPOSES:
        raise BadInput("not_for_insurers", field="purpose", purpose=purpose)
    asks = insurer and purpose == Purpose.INSURE_CLAIM_QUERY
    if purpose not in organisation.purposes and purpose not in ACCOMPANYING and not asks:
        raise BadInput("purpose_above_ceiling", field="purpose", purpose=purpose)
    ceiling = purposes.purpose(purpose)
    for code in data_fields:
        if not ceiling.allows(code):
            raise BadInput("field_above_ceiling", field=code, purpose=purpose)


def to_recipient(
    organisation: Organisation, purpose: str, data_fields: list[str], /, *, lang: str, now: datetime
) -> dict[str, Any]:
    """Who is to see which fields, in which way, and what was said about it."""
    ceiling = purposes.purpose(purpose)
    ticked = [code for code in data_fields if purposes.field_kind(code).needs_own_tick]
    said: dict[str, Any] = {
        "recipient_org_id": organisation.id,
        "recipient_name": organisation.name,
        "recipient_contact": organisation.contact,
        "recipient_kind": organisation.kind.value,
        "recipient_credit_code": organisation.credit_code,
        "contract_ref": organisation.contract_ref,
        "data_fields": data_fields,
        "field_ticks": {code: now.isoformat() for code in ticked},
        "mode": Mode(ceiling.mode.lower()),
        "basis": "sensitive" if ticked else "separate_consent",
        **_limits(ceiling.mode),
    }
    if purpose not in NOTICES:
        said |= _notice(notice.share_with(organisation.kind.value), lang=lang)
    if organisation.kind is OrganisationKind.INSURER:
        said["modifiers"] = [*purposes.MODIFIERS, *purposes.INSURER_MODIFIERS]
    return said


def first_draft(
    household_id: str, purpose: Purpose, /, *, now: datetime, days: int, capture: Capture
) -> dict[str, Any]:
    """What every first version says, whatever it is for."""
    if not 1 <= days <= purposes.LONGEST_DAYS:
        raise BadInput("consent_too_long", field="days", most=purposes.LONGEST_DAYS)
    valid_to = now + timedelta(days=days)
    shown = NOTICES.get(purpose, notice.SHARE)
    return {
        "household_id": household_id,
        "purpose": purpose,
        "state": ConsentState.PENDING_CHECK if capture.assisted else ConsentState.ACTIVE,
        "lang": capture.lang,
        "modifiers": [word for word in purposes.MODIFIERS if (purpose, word) != LIFTED],
        "valid_from": now,
        "valid_to": valid_to,
        "erase_at": valid_to + timedelta(days=purposes.ERASE_WITHIN_DAYS),
        **_notice(shown, lang=capture.lang),
        "notice_form": "shown" if not capture.assisted else "read_aloud",
        "channel": capture.channel,
        "authenticated_by": capture.authenticated_by,
        "authenticated_at": now,
        "signature_kind": capture.signature_kind,
        "capacity_evidence": capture.evidence,
        "helper_id": capture.helper_id,
        "withdrawal_ways": list(WITHDRAWAL_WAYS),
    }


def _limits(mode: str) -> dict[str, int]:
    """How often may be asked where a yes or no is all that is given."""
    return {"max_reads": QUERY_MOST, "min_interval_s": QUERY_PAUSE_S} if mode == Mode.QUERY.name else {}


def _notice(shown: str, *, lang: str) -> dict[str, str]:
    return {"notice_id": shown, "notice_sha256": notice.fingerprint(shown, lang=lang)}
