"""Doing exactly what a plan says: households, people and needs in bulk, one audit row each.

What enters: a `Plan` and the batch or pull it belongs to. What leaves: stored rows, in the caller's transaction.
Called by `imports` and `registry`; 100,000 needs take tens of seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.db import chunks
from marketplace.households.register import register_many
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.needs.planning import Plan, Planned, households_of, person_of, persons_of, state_of
from marketplace.needs.table import Taxonomy, period_of, the_taxonomy
from marketplace.sealed import vault_of


def store(
    session: Session,
    found: Plan,
    /,
    *,
    batch_id: str,
    actor: Actor,
    now: datetime,
    taxonomy: Taxonomy | None = None,
) -> None:
    """Do what the plan says, in the caller's transaction."""
    kinds = taxonomy or the_taxonomy()
    homes = register_many(session, households_of([*found.new, *found.changed]), actor=actor, now=now)
    vault, people = vault_of(session), persons_of(session, [*found.new, *found.changed])
    _close_replaced(session, found, batch_id=batch_id, actor=actor, now=now)
    for some in chunks(found.new, 2000):
        rows = [_need_row(item, homes, kinds, actor=actor, now=now) for item in some]
        for row, item in zip(rows, some, strict=True):
            row["person_id"] = person_of(item, people, row["household_id"])
            row["id"] = vault.ref("need", found.source, row["source_id"])
            row["created_at"] = now
        session.execute(insert(Need), rows)
        _record(session, rows, "need:import", batch_id=batch_id, actor=actor, now=now)
    for some in chunks([item for item in found.changed if item.known is not None], 2000):
        rows = [_need_row(item, homes, kinds, actor=actor, now=now) for item in some]
        for row, item in zip(rows, some, strict=True):
            row["id"] = item.known.need_id if item.known else ""
            row["person_id"] = person_of(item, people, row["household_id"])
        session.execute(update(Need), rows)
        _record(session, rows, "need:update", batch_id=batch_id, actor=actor, now=now)
    session.expire_all()


def _close_replaced(session: Session, found: Plan, *, batch_id: str, actor: Actor, now: datetime) -> None:
    rows = [
        {"id": need_id, "state": NeedState.CLOSED, "state_reason": "replaced", "updated_at": now}
        for need_id in sorted(found.replaced)
    ]
    if rows:
        session.execute(update(Need), rows)
        closed = NeedState.CLOSED.value
        entries = (
            audit.Entry("need:close", object_ref=str(row["id"]), decision=closed, rule_id=batch_id) for row in rows
        )
        audit.record_many(session, entries, actor=actor, now=now)


def _need_row(
    item: Planned, homes: Mapping[tuple[str, str], str], kinds: Taxonomy, *, actor: Actor, now: datetime
) -> dict[str, Any]:
    values, kind = item.row.values, kinds[item.row.values["category"]]
    reason, level = values.get("referral_reason"), int(values.get("verification_level") or 0)
    return {
        "source": item.facts.source,
        "source_id": values["source_id"],
        "source_index": item.index,
        "household_id": homes[item.facts.key],
        "district_code": values["district_code"],
        "category": kind.code,
        "unit": kind.unit,
        "gap_units": values["gap_units"],
        "urgency": int(values.get("urgency") or 1),
        "period": period_of(values),
        "cause": values.get("cause") or "",
        "valid_from": _day(values.get("valid_from")),
        "valid_to": _day(values.get("valid_to")),
        "one_provider": kind.one_provider,
        "all_or_nothing": False,
        "tags": values.get("tags") or [],
        "verification_level": level,
        "brought_by": actor.id if level and actor != SYSTEM else "",
        "brought_for": actor.stood_for if level else "",
        "evidence": values.get("evidence") or "",
        "verifier_id": values.get("verifier") or "",
        "verifier_for": "",
        "verified_on": _day(values.get("verified_on")),
        "referral_reason": ReferralReason(reason) if reason else None,
        "government_decision": values.get("government_decision") or "",
        "state": state_of(item.row),
        "state_reason": ";".join(item.row.held),
        "content_hash": item.content,
        "updated_at": now,
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _record(
    session: Session, rows: Sequence[Mapping[str, Any]], action: str, *, batch_id: str, actor: Actor, now: datetime
) -> None:
    entries = (
        audit.Entry(
            action,
            object_ref=row["id"],
            subject=row["household_id"],
            decision=row["state"].value,
            rule_id=batch_id,
            body={"gap_units": row["gap_units"]},
        )
        for row in rows
    )
    audit.record_many(session, entries, actor=actor, now=now)
