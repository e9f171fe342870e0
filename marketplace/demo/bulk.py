"""Households, needs and consents of the demo as rows, many at once.

What enters: a chunk of `DemoHousehold` values and a writing session. What leaves: households through their room's own
bulk door, and the rows of needs and consents that their services would have written one by one, with one audit row for
each act. Checked as at the door: district in force, unit of the kind, a plausible amount. Called by `build`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode, Purpose
from marketplace.db import metadata
from marketplace.demo.values import DemoHousehold, DemoNeed, DemoPerson
from marketplace.households.models import Sex
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.needs.models import Need, NeedState
from marketplace.reference import districts, purposes
from marketplace.reference.needs import need_kind
from marketplace.reference.words import label
from marketplace.sealed import Vault, vault_of

SOURCE = "civil_affairs"
REGISTER = Actor(id="civil-affairs-register", role=Role.SERVICE)
"""The register in whose own app the households gave their yes; it is carried over with its evidence."""
_SEX = {"M": Sex.MALE, "F": Sex.FEMALE}
_GRADES = "一二三四"


@dataclass(frozen=True, slots=True)
class Desk:
    """Who loads, when, and the organisations' ids by their keys."""

    verifier: Actor
    now: datetime
    orgs: Mapping[str, str]


def _write(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Plain INSERTs into the model's table, which cost half of what mapped objects do."""
    if rows:
        session.execute(insert(metadata.tables[str(model.__tablename__)]), rows)


def household_id(vault: Vault, key: str) -> str:
    """The pseudonym of a demo household."""
    return vault.ref("household", SOURCE, key)


def need_id(vault: Vault, key: str) -> str:
    """The id of a demo need."""
    return vault.ref("need", SOURCE, key)


def load_chunk(session: Session, homes: Sequence[DemoHousehold], /, *, desk: Desk) -> None:
    """Write one chunk of households with members, needs and AUTO_MATCH consents, and an audit row for each act."""
    vault = vault_of(session)
    for home in homes:
        _check(home, desk.now)
    register_many(session, [_facts(home) for home in homes], actor=desk.verifier, now=desk.now)
    _write(session, Need, [_need(vault, home, need, desk) for home in homes for need in home.needs])
    audit.record_many(session, _acts(vault, homes), actor=desk.verifier, now=desk.now)
    _load_consents(session, [home for home in homes if home.consents], desk=desk)
    session.flush()


def _check(home: DemoHousehold, now: datetime) -> None:
    """What the door would refuse is refused here too."""
    on = now.date()
    if districts.resolve(home.district_code, on=on).code != home.district_code:
        raise ValueError(f"{home.key}: district {home.district_code} is not in force")
    for need in home.needs:
        kind = need_kind(need.kind)
        if need.unit != kind.unit or not kind.is_plausible(need.amount):
            raise ValueError(f"{need.key}: {need.amount} {need.unit} is not plausible for {need.kind}")


def _facts(home: DemoHousehold) -> HouseholdFacts:
    return HouseholdFacts(
        source=SOURCE,
        source_ref=home.key,
        district_code=home.district_code,
        street_code=home.street_code,
        size=len(home.members),
        urban=home.urban,
        kind=home.category,
        people=tuple(_person(home, member, head=place == 0) for place, member in enumerate(home.members)),
    )


def _person(home: DemoHousehold, member: DemoPerson, *, head: bool) -> PersonFacts:
    return PersonFacts(
        ref="head" if head else member.key,
        relation=member.relation,
        contact=head,
        sex=_SEX[member.sex],
        name=member.name,
        phone=home.phone if head else "",
        id_number=member.id_number,
        address=home.address if head else "",
        birth_date=member.birth_on.isoformat(),
        payee_account=f"演示账户 {home.phone}" if head else "",
        health=_health(member),
    )


def _health(member: DemoPerson) -> str:
    facts = [label("diagnosis_group", member.illness)] if member.illness else []
    if member.disability:
        kind, grade = member.disability
        facts.append(f"{label('disability', kind)}{_GRADES[grade - 1]}级")
    return "；".join(facts)


def _need(vault: Vault, home: DemoHousehold, need: DemoNeed, desk: Desk) -> dict[str, Any]:
    kind = need_kind(need.kind)
    return {
        "id": need_id(vault, need.key),
        "source": SOURCE,
        "source_id": need.key,
        "source_index": vault.index("need-source", f"{SOURCE}\x00{need.key}"),
        "household_id": household_id(vault, home.key),
        "district_code": home.district_code,
        "category": need.kind,
        "unit": need.unit,
        "gap_units": need.amount,
        "urgency": need.urgency,
        "period": str(desk.now.year),
        "cause": "",
        "valid_from": need.valid_from,
        "valid_to": need.valid_to,
        "one_provider": kind.one_provider,
        "all_or_nothing": False,
        "tags": sorted(home.tags),
        "verification_level": need.verification_level,
        "evidence": label("verification_level", need.verification_level),
        "verifier_id": desk.verifier.id,
        "verified_on": need.valid_from,
        "referral_reason": need.referral_reason,
        "government_decision": "、".join(_government(need)),
        "state": NeedState.VERIFIED,
        "created_at": desk.now,
        "updated_at": desk.now,
    }


def _government(need: DemoNeed) -> Iterator[str]:
    verdict = "已享受" if need.referral_reason == "STILL_IN_NEED" else "不符合条件"
    for code in need.government_items:
        known = "aid_item" if code not in ("DPF", "MCA", "JUS", "ARA", "HRSS", "HSA") else "department"
        yield f"{label(known, code)}：{verdict}"


def _acts(vault: Vault, homes: Sequence[DemoHousehold]) -> Iterator[audit.Entry]:
    for home in homes:
        subject = household_id(vault, home.key)
        for need in home.needs:
            own = need_id(vault, need.key)
            yield audit.Entry("need:verify", object_ref=own, subject=subject, body={"units": need.amount})


def _load_consents(session: Session, homes: Sequence[DemoHousehold], *, desk: Desk) -> None:
    vault = vault_of(session)
    entries, heads, versions = [], [], []
    card = list(purposes.base_card())
    valid_to = desk.now + timedelta(days=purposes.USUAL_DAYS)
    for home in homes:
        subject = household_id(vault, home.key)
        chain = vault.ref("consent", SOURCE, home.key)
        entries.append(
            audit.Entry(
                "consent:give",
                object_ref=chain,
                subject=subject,
                purpose=Purpose.AUTO_MATCH.value,
                decision=ConsentState.ACTIVE.value,
                fields=card,
                consent_ref=f"{chain}@1",
            )
        )
        shared = {"chain_id": chain, "household_id": subject, "purpose": Purpose.AUTO_MATCH, "version": 1}
        shared |= {"state": ConsentState.ACTIVE, "valid_from": desk.now, "valid_to": valid_to, "recipient_org_id": ""}
        heads.append(shared)
        excluded = sorted(desk.orgs[key] for key in home.excluded_orgs)
        versions.append({**shared, **_consent_facts(desk, card=card), "excluded_org_ids": excluded})
    last = audit.record_many(session, entries, actor=REGISTER, now=desk.now)
    first = last - len(versions) + 1
    _write(session, ConsentHead, heads)
    _write(session, Consent, [{**row, "audit_seq": first + place} for place, row in enumerate(versions)])


def _consent_facts(desk: Desk, *, card: list[str]) -> dict[str, Any]:
    return {
        "created_at": desk.now,
        "state_at": desk.now,
        "data_fields": card,
        "field_ticks": {},
        "modifiers": list(purposes.MODIFIERS),
        "erase_at": desk.now + timedelta(days=purposes.USUAL_DAYS + purposes.ERASE_WITHIN_DAYS),
        "basis": "consent",
        "notice_id": consent.NOTICE,
        "notice_sha256": sha256(consent.NOTICE.encode()).hexdigest(),
        "mode": Mode.VIEW,
        "channel": "register",
        "authenticated_by": "register",
        "authenticated_at": desk.now,
        "signature_kind": "tick",
        "withdrawal_ways": list(consent.WITHDRAWAL_WAYS),
    }
