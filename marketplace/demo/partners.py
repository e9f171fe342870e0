"""What makes the givers' own pages alive in the demonstration: agreements, a budget, related people, a donor's bounds.

What enters: a filled database and its roster, before the first run. What leaves: a giver that waits for its second
approver and one that only applied; for the demonstration's charity an agreement that ends soon, a yearly budget, a list
of related people, an offer whose donor bound it, and an invitation. Called by `story`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from adapters.ports import Cell
from marketplace.accounts import team
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.households.models import Person
from marketplace.ledger import handing_in
from marketplace.ledger.models_reports import ReportDoor
from marketplace.offers import service as offers
from marketplace.offers.models import Offer
from marketplace.offers.terms import terms_of
from marketplace.organisations import agreements, related, service
from marketplace.organisations.models import OrganisationKind, Relation
from marketplace.reference.identity_number import make_id_number
from marketplace.reference.organisation_number import make_uscc
from marketplace.sealed import vault_of

SOON = timedelta(days=25)
LATER = timedelta(days=6)
"""The story plays a week ago; an invitation of today still works."""
WORK_NUMBERS = (900_001, 900_002)
BUDGET_FEN = 5_000_000_00
PEOPLE = (("理事 01", Relation.MANAGER), ("捐赠 07", Relation.DONOR))


def open_their_books(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Everything above, through the ordinary services."""
    clerk, second = roster.staff["demo-approver"], roster.staff["demo-approver-2"]
    charity = roster.staff["demo-charity"]
    with database.transaction() as session:
        _newcomers(session, clerk=clerk, now=now)
        _renew(session, charity.org_id or "", clerk=clerk, second=second, now=now)
        service.keep_budget(session, charity.org_id or "", yearly_budget_fen=BUDGET_FEN, actor=charity, now=now)
        for place, (reference, relation) in enumerate(PEOPLE):
            number = make_id_number("509999", date(1970, 1, 1), seq=place)
            related.add_related(
                session, reference=reference, relation=relation, id_number=number, actor=charity, now=now
            )
        keeper = roster.staff["demo-charity-accounts"]
        team.invite(session, role=Role.CHARITY_WORKER, note="项目部", actor=keeper, now=now + LATER)
        _bind(session, charity, now=now)
        _elsewhere(session, charity, now=now)


def _newcomers(session: Session, *, clerk: Actor, now: datetime) -> None:
    """One is registered and waits for a second person; the other has only applied."""
    first, last = (make_uscc(number) for number in WORK_NUMBERS)
    new = service.NewOrganisation("一心志愿服务队（演示）", OrganisationKind.VOLUNTEERS, first)
    service.register_organisation(session, new, actor=clerk, now=now)
    applied = service.NewOrganisation("一诺爱心企业（演示）", OrganisationKind.ENTERPRISE, last)
    service.apply(session, applied, now=now)


def _renew(session: Session, org_id: str, *, clerk: Actor, second: Actor, now: datetime) -> None:
    """The charity's agreement ends soon, so that its page and the letter can be seen."""
    organisation = service.get_organisation(session, org_id, actor=clerk)
    terms = agreements.AgreementTerms(
        number=organisation.contract_ref,
        valid_from=local_day(now),
        valid_to=local_day(now) + SOON,
        purposes=tuple(organisation.purposes),
    )
    agreements.propose_agreement(session, org_id, terms, actor=clerk, now=now)
    agreements.approve_organisation(session, org_id, actor=second, now=now)


def _bind(session: Session, charity: Actor, *, now: datetime) -> None:
    """Of one resource the donor has said for whom it is."""
    mine = select(Offer).where(col(Offer.org_id) == charity.org_id).order_by(col(Offer.reference))
    offer = session.exec(mine).first()
    if offer is not None:
        bound = replace(terms_of(offer), donor_purpose="捐赠人指定：优先帮助有老年人的家庭", donor_tags=("elder",))
        offers.revise_offer(session, offer.id, terms=bound, actor=charity, now=now)


def _elsewhere(session: Session, charity: Actor, *, now: datetime) -> None:
    """Two pieces of aid that the charity gave outside: one to a person of the register, one to somebody unknown."""
    known = session.exec(select(Person).where(col(Person.id_number).is_not(None)).order_by(col(Person.id))).first()
    numbers = [make_id_number("509999", date(1958, 2, 3), seq=41)]
    if known is not None and known.id_number is not None:
        numbers.append(vault_of(session).open(session, known.id, column="person.id_number", sealed=known.id_number))
    records: list[dict[str, Cell]] = [
        {
            "source_id": f"2026-{place:03d}",
            "head_id_number": number,
            "category": "PSY.COUNSEL",
            "units": "2",
            "given_on": local_day(now) - LATER,
        }
        for place, number in enumerate(numbers, start=7)
    ]
    handing_in.hand_in(session, records, door=ReportDoor.PAGE, actor=charity, now=now)
