"""AUTO_MATCH consents of the demo as rows, many at once.

What enters: households that said yes in the register's own app, and a writing session. What leaves: the rows that
`consent.service.give_auto_match` would have written one by one, each with its audit row; a test compares the two.
Called by `build`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, SQLModel, col, func, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.consent import notice
from marketplace.consent import service as consent
from marketplace.consent.capacity import CHILD_BELOW
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode, Purpose
from marketplace.consent.record import record_sha256
from marketplace.consent.versions import content_of
from marketplace.db import metadata
from marketplace.demo.files import SOURCE
from marketplace.demo.values import DemoHousehold
from marketplace.households.models import Person
from marketplace.reference import purposes
from marketplace.sealed import vault_of

REGISTER = Actor(id="civil-affairs-register", role=Role.SERVICE)
"""The register in whose own app the households gave their yes; it is carried over with its evidence."""


def load_consents(
    session: Session, homes: Sequence[DemoHousehold], /, *, orgs: Mapping[str, str], now: datetime
) -> None:
    """Write the consent of every household of the chunk that gave one; `orgs` finds organisations by their keys."""
    vault = vault_of(session)
    entries: list[audit.Entry] = []
    heads, versions = [], []
    card = list(purposes.base_card())
    voices = _contacts(session, [vault.ref("household", SOURCE, home.key) for home in homes], now=now)
    valid_to = now + timedelta(days=purposes.USUAL_DAYS)
    for home in homes:
        if not home.consents:
            continue
        subject = vault.ref("household", SOURCE, home.key)
        chain = vault.ref("consent", SOURCE, home.key)
        shared = {"chain_id": chain, "household_id": subject, "purpose": Purpose.AUTO_MATCH, "version": 1}
        shared |= {
            "state": ConsentState.ACTIVE,
            "valid_from": now,
            "valid_to": valid_to,
            "recipient_org_id": "",
            "match_id": voices.get(subject, ""),
        }
        heads.append(shared)
        excluded = sorted(orgs[key] for key in home.excluded_orgs)
        said = {"person_id": voices.get(subject), "excluded_org_ids": excluded}
        versions.append({**shared, **_facts(card, now=now), **said})
        entries.append(_entry(versions[-1], card=card))
    first = audit.record_many(session, entries, actor=REGISTER, now=now) - len(versions) + 1
    _write(session, ConsentHead, heads)
    _write(session, Consent, [{**row, "audit_seq": first + place} for place, row in enumerate(versions)])


def _entry(version: Mapping[str, Any], *, card: list[str]) -> audit.Entry:
    chain = str(version["chain_id"])
    whole = Consent(**{name: version[name] for name in version if name in Consent.model_fields}, audit_seq=0)
    return audit.Entry(
        "consent:give",
        object_ref=chain,
        subject=str(version["household_id"]),
        purpose=Purpose.AUTO_MATCH.value,
        decision=ConsentState.ACTIVE.value,
        fields=card,
        consent_ref=f"{chain}@1",
        rule_id=record_sha256(whole),
        body={"content": content_of(whole.model_dump(), match_id=str(version["match_id"]))},
    )


def _contacts(session: Session, household_ids: Sequence[str], *, now: datetime) -> dict[str, str]:
    """Household ► whom its messages reach, an adult first, then one with a telephone: whose word the register carries
    over."""
    asked = select(Person.household_id, Person.id).where(
        col(Person.household_id).in_(household_ids), col(Person.left_on).is_(None)
    )
    is_child = func.coalesce(Person.birth_year, 0) >= local_day(now).year - CHILD_BELOW
    first = (is_child, col(Person.phone).is_(None), ~col(Person.contact), col(Person.relation) != "HEAD")
    rows = session.exec(asked.order_by(*first, col(Person.id)))
    found: dict[str, str] = {}
    for household_id, person_id in rows:
        found.setdefault(household_id, person_id)
    return found


def _write(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Plain INSERTs into the model's table, which cost half of what mapped objects do."""
    if rows:
        session.execute(insert(metadata.tables[str(model.__tablename__)]), rows)


def _facts(card: list[str], *, now: datetime) -> dict[str, Any]:
    return {
        "created_at": now,
        "state_at": now,
        "data_fields": card,
        "field_ticks": {},
        "modifiers": list(purposes.MODIFIERS),
        "erase_at": now + timedelta(days=purposes.USUAL_DAYS + purposes.ERASE_WITHIN_DAYS),
        "basis": "consent",
        "notice_id": notice.MATCH,
        "notice_sha256": notice.fingerprint(notice.MATCH, lang="zh_Hans"),
        "mode": Mode.VIEW,
        "channel": "register",
        "authenticated_by": "register",
        "authenticated_at": now,
        "signature_kind": "tick",
        "withdrawal_ways": list(consent.WITHDRAWAL_WAYS),
    }
