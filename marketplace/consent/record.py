"""The record of one version of a consent, as its receipt tells it, and the fingerprint by which the log knows it.

Enters: a version. Leaves: field codes, moments and words, no value and no name of a person; SHA-256 over them. Called
when a version is written, whose act names the fingerprint, and by receipts and credentials.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marketplace.consent.models import Consent
from shanqiao_verify import record_hash


def record_of(consent: Consent, /) -> dict[str, Any]:
    """The consent as its receipt tells it: who may see which kinds of field, for what, how long. No value, no name."""
    return {
        "schema": consent.schema_code,
        "id": consent.chain_id,
        "version": consent.version,
        "state": consent.state.value,
        "at": _moment(consent.state_at),
        "holder": consent.holder,
        "recipient": {
            "name": consent.recipient_name,
            "kind": consent.recipient_kind,
            "credit_code": consent.recipient_credit_code,
            "contract": consent.contract_ref,
        },
        "capacity": consent.capacity,
        "purpose": consent.purpose.value,
        "modifiers": list(consent.modifiers),
        "fields": list(consent.data_fields),
        "excluded": len(consent.excluded_org_ids),
        "mode": consent.mode.value,
        "valid_from": _moment(consent.valid_from),
        "valid_to": _moment(consent.valid_to),
        "erase_at": _moment(consent.erase_at),
        "basis": consent.basis,
        "notice": {"id": consent.notice_id, "sha256": consent.notice_sha256, "form": consent.notice_form},
        "channel": consent.channel,
        "signature": consent.signature_kind,
        "withdrawal": list(consent.withdrawal_ways),
        "reason": consent.reason_code,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def record_sha256(consent: Consent, /) -> str:
    """The fingerprint of the record; credentials name it, and the receipt holds it, whichever is made first."""
    return record_hash(record_of(consent))
