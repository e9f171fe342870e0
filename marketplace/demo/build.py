"""The demo city's way into an empty database, through the doors that everybody uses.

What enters: a `City`, an open empty database and the clock's now. What leaves: a `Roster` that finds everything again
by its key. Organisations, accounts and offers go through their rooms' services; needs with their households, and past
aid, come in as files that are checked and confirmed; only the consents carried over from the register are written many
at once. Called by `story` and by tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.db import Database, chunks
from marketplace.demo.accounts import ACCOUNTS
from marketplace.demo.assessments import assess
from marketplace.demo.city import City
from marketplace.demo.consents import load_consents
from marketplace.demo.files import SOURCE, aid_file, needs_file
from marketplace.demo.values import DemoHousehold, DemoOffer, DemoOrganisation
from marketplace.ledger import imports as aid
from marketplace.needs import imports as needs
from marketplace.offers.models import Acceptance
from marketplace.offers.service import post_offer
from marketplace.offers.terms import Terms
from marketplace.organisations.agreements import approve_organisation
from marketplace.organisations.models import OrganisationKind
from marketplace.organisations.service import NewOrganisation, register_organisation
from marketplace.sealed import Vault, vault_of

CHUNK = 4_000
OFFERS = "demo"
_TRUSTEE, _SUPERVISOR = "山城信托公司（演示）", "同舟律师事务所（演示）"
SEEN_DAYS = 730
"""Past aid of the last two years is loaded for the sources below; insurers never delivered theirs."""
AID_SOURCES = {"government": ("GOVERNMENT",), "charity": ("CHARITY", "ENTERPRISE")}
_STANDARD = "按民政核实的缺口给予，不超过发布时写明的上限。"
_STEPS = "平台匹配，民政审批，家庭同意，七个工作日内送达，家庭确认。"
_RULES = "不收取任何费用，不要求拍照宣传，家庭可随时撤回同意。"


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
    for place, homes in enumerate(chunks(city.households, CHUNK)):
        _import_needs(database, homes, roster, file_name=f"needs-{place + 1}.csv")
        with database.transaction() as session:
            load_consents(session, homes, orgs=orgs, now=now)
    with database.transaction() as session:
        _offers(session, city.offers, roster=roster)
    _import_aid(database, city, roster)
    return roster


def _import_needs(database: Database, homes: Sequence[DemoHousehold], roster: Roster, *, file_name: str) -> None:
    """Check a file, then confirm it, as staff do."""
    clerk, now = roster.staff["demo-verifier"], roster.now
    data = needs_file(homes, verifier_id=clerk.id)
    with database.transaction() as session:
        batch, checked = needs.check_file(session, data, file_name=file_name, source=SOURCE, actor=clerk, now=now)
    if checked.faults:
        raise ValueError(f"{file_name}: {checked.faults[0].column} {checked.faults[0].code}")
    with database.transaction() as session:
        needs.confirm_import(session, batch.id, actor=clerk, now=now)


def _import_aid(database: Database, city: City, roster: Roster) -> None:
    """One file from each source that tells its past aid."""
    clerk, now = roster.staff["demo-verifier"], roster.now
    numbers = {home.key: home.members[0].id_number for home in city.households}
    givers = {organisation.key: organisation.zh for organisation in city.organisations}
    for source, kinds in AID_SOURCES.items():
        data = aid_file((a for a in city.past_aid if a.source in kinds), numbers=numbers, givers=givers)
        with database.transaction() as session:
            batch, checked = aid.check_file(
                session,
                data,
                file_name=f"aid-{source}.csv",
                source=source,
                seen_from=city.on - timedelta(days=SEEN_DAYS),
                actor=clerk,
                now=now,
            )
        if checked.faults:
            raise ValueError(f"aid of {source}: {checked.faults[0].column} {checked.faults[0].code}")
        with database.transaction() as session:
            aid.confirm_import(session, batch.id, actor=clerk, now=now)


def _organisations(session: Session, found: Sequence[DemoOrganisation], *, now: datetime) -> dict[str, str]:
    clerk, second = (Actor(id=name, role=Role.APPROVER) for name in ("demo-approver", "demo-approver-2"))
    ids = {}
    for organisation in found:
        contact = f"{organisation.key.lower()}@demo.invalid"
        kind = OrganisationKind(organisation.kind)
        number = f"演示协议-{organisation.key}"
        new = NewOrganisation(organisation.zh, kind, organisation.uscc, contact=contact, contract_ref=number)
        if kind is OrganisationKind.TRUST:
            new = replace(new, trustee=_TRUSTEE, supervisor=_SUPERVISOR, filing_ref=f"演示备案-{organisation.key}")
        made = register_organisation(session, new, actor=clerk, now=now)
        ids[organisation.key] = approve_organisation(session, made.id, actor=second, now=now).id
    assess(session, OrganisationKind, writer=clerk, second=second, now=now)
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
            source=OFFERS,
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


def _open_accounts(session: Session, city: City, orgs: dict[str, str], *, now: datetime) -> dict[str, Actor]:
    """One account for each role; without a password they can be entered by the demo's links only."""
    charity = _busiest(city, "charity")
    seats = {"charity_manager": charity, "giver_admin": charity, "insurer": _busiest(city, "insurer")}
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
