"""Plain functions that put one sound row into a session, every default filled; a test names only what it is about."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from PIL import Image
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.assessments.models import Assessment, AssessmentState
from marketplace.consent import evidence
from marketplace.consent import service as consent
from marketplace.consent.models import Consent
from marketplace.households.models import Household, Person
from marketplace.ledger.bills import BEFORE_CHARITY
from marketplace.ledger.models import AidState, CostBill, CostLayer, LayerState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Acceptance, Offer
from marketplace.organisations.agreements import purposes_of_needs
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.proposals.models import ProposedLine, Run, RunState
from marketplace.reference import purposes
from marketplace.sealed import vault_of

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
_number = count(1)


def a_household(session: Session, *, name: str = "王小明", phone: str = "10000000001", **over: Any) -> Household:
    """A household of one person in 渝中 (500103), who is reached by phone."""
    n = next(_number)
    values: dict[str, Any] = {
        "id": f"household-{n}",
        "source": "test",
        "source_index": f"household-source-{n}",
        "district_code": "500103",
        "size": 1,
        "created_at": NOW,
    }
    household = Household(**{**values, **over})
    session.add(household)
    session.flush()
    a_person(session, household, name=name, phone=phone)
    return household


def a_person(session: Session, household: Household, *, name: str = "王小明", phone: str = "10000000001") -> Person:
    """One member with a sealed name, phone and address."""
    vault = vault_of(session)
    person_id = f"person-{next(_number)}"
    vault.new_person(session, person_id)
    sealed = {
        column: vault.seal(session, person_id, column=f"person.{column}", text=text)
        for column, text in (("name", name), ("phone", phone), ("address", "解放碑街道测试路1号"))
    }
    person = Person(
        id=person_id,
        household_id=household.id,
        contact=True,
        birth_year=1960,
        phone_index=vault.index("phone", phone),
        created_at=NOW,
        **sealed,
    )
    session.add(person)
    session.flush()
    return person


def a_need(session: Session, household: Household, **over: Any) -> Need:
    """A verified need of 10 food packs."""
    n = next(_number)
    values: dict[str, Any] = {
        "id": f"need-{n}",
        "source": "test",
        "source_index": f"need-source-{n}",
        "household_id": household.id,
        "district_code": household.district_code,
        "category": "LIVING.FOOD_PACK",
        "unit": "PACK",
        "gap_units": 10,
        "urgency": 2,
        "period": "2026",
        "cause": f"ILLNESS:T{n:06d}",
        "verification_level": 3,
        "verifier_id": "verifier-1",
        "verified_on": date(2026, 11, 1),
        "state": NeedState.VERIFIED,
        "created_at": NOW,
        "updated_at": NOW,
    }
    need = Need(**{**values, **over})
    session.add(need)
    session.flush()
    return need


def a_cost(session: Session, need: Need, *, fen: int = 10**9) -> CostBill:
    """The papers of an illness: a cost of which every payer before charity has said that it pays nothing."""
    person = session.exec(select(Person.id).where(Person.household_id == need.household_id)).first()
    bill = CostBill(
        id=f"bill-{need.id}"[:32],
        need_id=need.id,
        household_id=need.household_id,
        person_id=person or "",
        district_code=need.district_code,
        cost_fen=fen,
        paper=f"S-{need.id}",
        recorded_by="worker-1",
        created_at=need.created_at,
        updated_at=need.created_at,
    )
    session.add(bill)
    session.flush()
    for payer in BEFORE_CHARITY:
        layer = {"state": LayerState.NONE, "told_by": "worker-1", "updated_at": need.created_at}
        session.add(CostLayer(id=f"{next(_number)}-{need.id}"[:32], bill_id=bill.id, payer=payer, **layer))
    session.flush()
    return bill


def an_organisation(session: Session, **over: Any) -> Organisation:
    """An active charity."""
    n = next(_number)
    values: dict[str, Any] = {
        "id": f"org-{n}",
        "name": f"测试慈善会{n}",
        "kind": OrganisationKind.CHARITY,
        "credit_code": f"test-{n:013d}",
        "purposes": list(purposes_of_needs()),
        "created_at": NOW,
    }
    organisation = Organisation(**{**values, **over})
    session.add(organisation)
    session.flush()
    assessed(session, organisation.kind)
    return organisation


def assessed(session: Session, kind: OrganisationKind) -> None:
    """What this kind of recipient may be shown has been assessed, each purpose whole, by two people."""
    standing = (Assessment.recipient_kind == kind.value, Assessment.state == AssessmentState.APPROVED)
    known = set(session.exec(select(Assessment.purpose).where(*standing)))
    for purpose in purposes.list_purposes():
        if purpose.code not in known:
            session.add(
                Assessment(
                    id=f"assessment-{next(_number)}",
                    purpose=purpose.code,
                    recipient_kind=kind.value,
                    data_fields=list(purpose.fields),
                    necessity="needed for the help itself",
                    risks="somebody learns of the help",
                    measures="separate consent, every look on record",
                    state=AssessmentState.APPROVED,
                    written_by="officer-1",
                    written_at=NOW,
                    approved_by="officer-2",
                    approved_at=NOW,
                    valid_to=NOW + 3 * YEAR,
                )
            )
    session.flush()


def an_offer(session: Session, organisation: Organisation, **over: Any) -> Offer:
    """100 food packs for the whole city, each match to be answered."""
    n = next(_number)
    values: dict[str, Any] = {
        "id": f"offer-{n}",
        "org_id": organisation.id,
        "source_index": f"offer-source-{n}",
        "title": "米面油食品包",
        "category": "LIVING.FOOD_PACK",
        "unit": "PACK",
        "stock_units": 100,
        "districts": ["*"],
        "standard": "每户 1 至 12 份",
        "steps": "街道通知，自取或送达",
        "rules": "不收取任何费用",
        "acceptance": Acceptance.EACH,
        "created_by": "charity-1",
        "created_at": NOW,
        "updated_at": NOW,
    }
    offer = Offer(**{**values, **over})
    session.add(offer)
    session.flush()
    return offer


def a_ledger_entry(session: Session, need: Need, offer: Offer, **over: Any) -> LedgerEntry:
    """Reserved aid of one unit for the need from the offer."""
    n = next(_number)
    values: dict[str, Any] = {
        "id": f"entry-{n}",
        "source": "platform",
        "source_index": f"entry-source-{n}",
        "household_id": need.household_id,
        "need_id": need.id,
        "offer_id": offer.id,
        "org_id": offer.org_id,
        "category": need.category,
        "period": need.period,
        "units": 1,
        "given_on": NOW.date(),
        "state": AidState.RESERVED,
        "created_at": NOW,
        "updated_at": NOW,
    }
    entry = LedgerEntry(**{**values, **over})
    session.add(entry)
    session.flush()
    session.refresh(need)
    return entry


def auto_match(session: Session, household: Household, **over: Any) -> Consent:
    """The household's own living consent to be matched."""
    actor = as_household(household)
    return consent.give_auto_match(session, household, actor=actor, now=over.pop("now", NOW), **over)


def a_line(session: Session, need: Need, offer: Offer, *, units: int = 10, **over: Any) -> ProposedLine:
    """A proposed line of a finished run of its own."""
    n = next(_number)
    run = Run(id=f"run-{n}", number=n, state=RunState.DONE, as_of=NOW.date(), created_by="test", created_at=NOW)
    session.add(run)
    session.flush()
    values: dict[str, Any] = {
        "id": f"line-{n}",
        "run_id": run.id,
        "need_id": need.id,
        "offer_id": offer.id,
        "household_id": need.household_id,
        "district_code": need.district_code,
        "urgency": need.urgency,
        "units": units,
    }
    line = ProposedLine(**{**values, **over})
    session.add(line)
    session.flush()
    return line


def as_household(household: Household) -> Actor:
    """The household itself."""
    return Actor(id=f"actor-{household.id}", role=Role.HOUSEHOLD, household_id=household.id)


def as_household_of(household_id: str) -> Actor:
    """The household with this id itself."""
    return Actor(id=f"actor-{household_id}", role=Role.HOUSEHOLD, household_id=household_id)


def as_giver(organisation: Organisation) -> Actor:
    """A case worker of the organisation."""
    return Actor(id=f"worker-of-{organisation.id}", role=Role.CHARITY_WORKER, org_id=organisation.id)


def proven(
    session: Session, given: Consent, *, actor: Actor, now: datetime = NOW, opened_by: Actor | None = None
) -> Consent:
    """The yes that was taken with help, with the document behind it, which somebody else has opened."""
    kind = evidence.KINDS[given.channel][0]
    evidence.attach(session, given.chain_id, kind=kind, photo=a_picture(), actor=actor, now=now)
    if opened_by is not None:
        evidence.look(session, given.chain_id, actor=opened_by, now=now)
    return given


def a_picture() -> bytes:
    """A small photo, as a telephone sends it."""
    kept = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(kept, "PNG")
    return kept.getvalue()
