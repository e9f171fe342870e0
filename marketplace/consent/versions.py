"""How a consent changes: never in place, always by one more version, its head and an audit row in the same transaction.

Enters: a head that its caller has locked, and what is to be different. Leaves: the new version. Called by
`consent.service` (giving, withdrawing) and `consent.changes` (pausing, ending, checking).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.consent.ask import newest
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.consent.record import record_sha256
from marketplace.db import flush
from marketplace.errors import NotFound
from marketplace.households.models import Household
from marketplace.policy import require


def next_version(
    session: Session,
    head: ConsentHead,
    *,
    state: ConsentState,
    actor: Actor,
    now: datetime,
    action: str,
    reason: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Consent:
    """The same consent in another state, or changed in what `changes` names; the head moves with it."""
    old = newest(session, head)
    kept = {name: getattr(old, name) for name in Consent.model_fields if name != "audit_seq"}
    kept.update(changes or {}, replaces=old.version, reason_code=reason, state=state)
    head.version += 1
    head.state = state
    session.add(head)
    return write_version(session, kept, head=head, actor=actor, now=now, action=action)


def write_version(
    session: Session, values: Mapping[str, Any], *, head: ConsentHead, actor: Actor, now: datetime, action: str
) -> Consent:
    """Write one version under its head, with its audit row."""
    fresh = dict(values)
    fresh.update(chain_id=head.chain_id, version=head.version, created_at=now, state_at=now, state=head.state)
    consent = Consent(**fresh, audit_seq=0)
    entry = audit.Entry(
        action,
        object_ref=head.chain_id,
        subject=head.household_id,
        purpose=head.purpose.value,
        decision=head.state.value,
        fields=values.get("data_fields", ()),
        consent_ref=f"{head.chain_id}@{head.version}",
        rule_id=record_sha256(consent),
        body={"content": content_of(consent.model_dump(), match_id=head.match_id)},
    )
    consent.audit_seq = audit.record(session, entry, actor=actor, now=now)
    session.add(consent)
    flush(session)
    return consent


def content_of(values: Mapping[str, Any], /, *, match_id: str) -> str:
    """SHA-256 over everything a version says, as canonical JSON: recipient, purpose, fields, mode, period, state, all.

    The audit row of the version commits to it, so that no column can be changed afterwards without `verify` seeing it.
    """
    said = {name: _plain(values[name]) for name in Consent.model_fields if name != "audit_seq"}
    text = json.dumps(said | {"match_id": match_id}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.value if isinstance(value, Enum) else value


def require_area(session: Session, actor: Actor, action: str, *, household_id: str) -> None:
    """The policy with the household's district, which staff must serve."""
    household = session.get(Household, household_id)
    if household is None:
        raise NotFound("household")
    area = household.district_code if actor.role is not Role.HOUSEHOLD else None
    require(actor, action, household_id=household_id, district=area)
