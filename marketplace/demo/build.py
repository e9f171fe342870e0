"""The demo city's way into an empty database.

What enters: a `City`, an open empty database and the clock's now. What leaves: a `Roster` that finds everything again
by its key. Organisations go through their room's service; households, needs and consents in chunks through `bulk`, each
chunk one transaction; offers through their room's service; past aid as rows with audit rows. Called by `story`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlmodel import Session

from marketplace import audit
from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.db import Database
from marketplace.demo import bulk
from marketplace.demo.accounts import ACCOUNTS
from marketplace.demo.city import City
from marketplace.demo.values import DemoAid, DemoOffer, DemoOrganisation
from marketplace.ledger.models import AidSource, AidState, LedgerEntry
from marketplace.offers.models import Acceptance
from marketplace.offers.service import post_offer
from marketplace.offers.terms import Terms
from marketplace.organisations.models import OrganisationKind
from marketplace.organisations.service import NewOrganisation, register_organisation
from marketplace.sealed import Vault, vault_of

CHUNK = 4_000
SOURCE = "demo"
SEEN_DAYS = 730
"""Past aid of the last two years is loaded for the sources below; insurers never delivered theirs."""
_SOURCES = {"GOVERNMENT": "government", "CHARITY": "charity", "ENTERPRISE": "charity"}
_STANDARD = "按民政核实的缺口给予，不超过发布时写明的上限。"
_STEPS = "平台匹配，民政审批，家庭同意，七个工作日内送达，家庭确认。"
_RULES = "不收取任何费用，不要求拍照宣传，家庭可随时撤回同意。"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Roster:
    """Where the city's things are in the database: organisations by key, the staff by login."""

    vault: Vault
    now: datetime
    orgs: dict[str, str]
    staff: dict[str, Actor]

    def giver(self, org_id: str) -> Actor:
        """The manager of one organisation."""
        return Actor(id=f"manager-{org_id}"[:64], role=Role.CHARITY_MANAGER, org_id=org_id)


def build(database: Database, city: City, /, *, now: datetime) -> Roster:
    """Fill an empty database with the city."""
    with database.transaction() as session:
        orgs = _organisations(session, city.organisations, now=now)
        staff = _open_accounts(session, city, orgs, now=now)
        roster = Roster(vault_of(session), now, orgs, staff)
    desk = bulk.Desk(verifier=staff["demo-verifier"], now=now, orgs=orgs)
    for homes in _chunks(city.households):
        with database.transaction() as session:
            bulk.load_chunk(session, homes, desk=desk)
    with database.transaction() as session:
        _offers(session, city.offers, roster=roster)
        _past_aid(session, city, roster=roster)
    return roster


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def _organisations(session: Session, found: Sequence[DemoOrganisation], *, now: datetime) -> dict[str, str]:
    clerk = Actor(id="demo-approver", role=Role.APPROVER)
    ids = {}
    for organisation in found:
        contact = f"{organisation.key.lower()}@demo.invalid"
        new = NewOrganisation(organisation.zh, OrganisationKind(organisation.kind), organisation.uscc, contact=contact)
        ids[organisation.key] = register_organisation(session, new, actor=clerk, now=now).id
    return ids


def _offers(session: Session, offers: Sequence[DemoOffer], *, roster: Roster) -> None:
    for offer in offers:
        org_id = roster.orgs[offer.org_key]
        post_offer(
            session,
            _terms(offer),
            org_id=org_id,
            actor=roster.giver(org_id),
            now=roster.now,
            source=SOURCE,
            source_id=offer.key,
        )


def _terms(offer: DemoOffer) -> Terms:
    return Terms(
        title=offer.zh,
        category=offer.kind,
        stock_units=offer.stock,
        lot=offer.lot,
        min_per_need=offer.min_per_need,
        max_per_need=offer.max_per_need,
        max_per_household=offer.max_per_household,
        districts=offer.districts,
        tags_any=offer.tags_any,
        min_urgency=offer.min_urgency,
        valid_from=offer.valid_from,
        valid_to=offer.valid_to,
        unit_cost_fen=offer.unit_cost,
        acceptance=Acceptance.STANDING if offer.standing else Acceptance.EACH,
        standard=_STANDARD,
        steps=_STEPS,
        rules=_RULES,
    )


def _past_aid(session: Session, city: City, *, roster: Roster) -> None:
    names = {organisation.key: organisation.zh for organisation in city.organisations}
    rows = [_aid(aid, roster, names) for aid in city.past_aid]
    if not rows:
        return
    session.execute(insert(LedgerEntry), rows)
    acts = (
        audit.Entry("aid:load", object_ref=row["id"], subject=row["household_id"], body={"units": row["units"]})
        for row in rows
    )
    audit.record_many(session, acts, actor=roster.staff["demo-verifier"], now=roster.now)
    for source in sorted(set(_SOURCES.values())):
        count = sum(row["source"] == source for row in rows)
        seen = city.on - timedelta(days=SEEN_DAYS)
        session.add(AidSource(source=source, seen_from=seen, loaded_at=roster.now, rows=count))


def _aid(aid: DemoAid, roster: Roster, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": roster.vault.ref("aid", bulk.SOURCE, aid.key),
        "source": _SOURCES[aid.source],
        "source_index": roster.vault.index("ledger-source", f"demo\x00{aid.key}"),
        "household_id": bulk.household_id(roster.vault, aid.household_key),
        "org_id": roster.orgs.get(aid.org_key),
        "giver": names.get(aid.org_key, "民政部门"),
        "category": aid.kind,
        "units": aid.units,
        "given_on": aid.given_on,
        "state": AidState.DELIVERED,
        "created_at": roster.now,
        "updated_at": roster.now,
    }


def _open_accounts(session: Session, city: City, orgs: dict[str, str], *, now: datetime) -> dict[str, Actor]:
    """One account for each role; without a password they can be entered by the demo's links only."""
    seats = {"charity_manager": _busiest(city, "charity"), "insurer": _busiest(city, "insurer")}
    staff = {}
    for account in ACCOUNTS:
        if account.role == "household":
            continue
        role, org_id = Role(account.role), orgs.get(seats.get(account.role, ""))
        made = create_account(session, account.login, display_name=account.zh, role=role, org_id=org_id, now=now)
        staff[account.login] = Actor(id=made.id, role=role, org_id=org_id)
    return staff


def _busiest(city: City, kind: str) -> str:
    """The organisation of this kind with the most offers."""
    posted = Counter(offer.org_key for offer in city.offers)
    keys = [organisation.key for organisation in city.organisations if organisation.kind == kind]
    return max(keys, key=lambda key: (posted[key], key))
