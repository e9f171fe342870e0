"""Two needs of one household that tell of one cost share its bill; two papers are two costs."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.households import members
from marketplace.households.models import Household
from marketplace.households.register import PersonFacts, source_index
from marketplace.ledger import bills, overlap
from marketplace.ledger.models import LayerState, OverlapHit
from marketplace.ledger.reporting import take_in
from marketplace.needs.models import Need, NeedState
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import number_index, vault_of
from tests import factories as make
from tests.marketplace.test_overlap_runs import TODAY, WORKER, need, offer, past, solved

COST = 1_000_000
VERIFIER = Actor(id="w", role=Role.VERIFIER)
INVOICE = "发票 2026-10-31"


def documented(
    session: Session,
    home: Household,
    now: datetime,
    *,
    paper: str,
    cause: str = "ILLNESS:C50",
    kind: str = "MEDICAL.MAJOR",
) -> Need:
    """A need whose cost no payer has paid a part of when it is written down."""
    row = need(session, home, kind, COST, cause=cause)
    bill = bills.record(session, row.id, cost_fen=COST, paper=paper, actor=WORKER, now=now)
    for payer in bills.BEFORE_CHARITY:
        bills.answer(session, bill.id, payer, state=LayerState.NONE, actor=WORKER, now=now)
    return row


def paid_and_closed(session: Session, home: Household, row: Need) -> None:
    past(session, home, "MEDICAL.MAJOR", COST, TODAY, need_id=row.id, cause=row.cause, payer="TEMPORARY_AID")
    row.state = NeedState.CLOSED
    session.add(row)
    session.flush()


def allowed(session: Session, row: Need) -> int:
    return overlap.verdict(session, row, org_id="", units=COST, on=TODAY).allowed


@pytest.fixture
def home(session: Session, now: datetime) -> Household:
    made = make.a_household(session)
    make.auto_match(session, made, now=now)
    return made


@pytest.mark.parametrize(("paper", "left"), [(INVOICE, 0), ("发票２０２６１０３１", 0), ("发票 2026-11-20", COST)])
def test_an_invoice_that_was_paid_for_one_need_is_not_paid_again_for_the_next(
    session: Session, home: Household, now: datetime, paper: str, left: int
) -> None:
    paid_and_closed(session, home, documented(session, home, now, paper=INVOICE))
    again = documented(session, home, now, paper=paper)
    offer(session, "MEDICAL.MAJOR")
    assert allowed(session, again) == left
    assert solved(session, now)[1] == ({again.id: left} if left else {})


def test_one_invoice_under_two_kinds_of_need_is_one_cost(session: Session, home: Household, now: datetime) -> None:
    paid_and_closed(session, home, documented(session, home, now, paper=INVOICE))
    for paper, left in ((INVOICE, 0), ("发票 2026-11-20", COST)):
        again = documented(session, home, now, paper=paper, kind="MEDICAL.LONGTERM_DRUG")
        assert allowed(session, again) == left


def test_one_invoice_under_two_kinds_is_planned_once_in_one_run(
    session: Session, home: Household, now: datetime
) -> None:
    """The less urgent kind waits only for what an offer may reach; another paper is another cost."""
    drugs = documented(session, home, now, paper=INVOICE, kind="MEDICAL.LONGTERM_DRUG")
    drugs.urgency = 3
    major = documented(session, home, now, paper=INVOICE)
    offer(session, "MEDICAL.MAJOR")
    assert solved(session, now)[1] == {major.id: COST}, "nobody offers the drugs"
    offer(session, "MEDICAL.LONGTERM_DRUG")
    built, given = solved(session, now)
    assert given == {drugs.id: COST}
    assert [ban.code for ban in built.problem.bans if ban.need_id == major.id] == ["D01"]


@pytest.mark.parametrize(("paper", "left"), [(INVOICE, 0), ("发票 2026-11-20", COST)])
def test_an_invoice_that_was_paid_in_the_home_of_then_is_not_paid_again_in_that_of_now(
    session: Session, home: Household, now: datetime, paper: str, left: int
) -> None:
    number = make_id_number("509900", date(2015, 5, 6), seq=7)
    patient = make.a_person(session, make.a_household(session), name="小一")
    patient.id_number_index = number_index(vault_of(session), number)
    make.a_person(session, session.get_one(Household, patient.household_id), name="小二")
    row = need(session, session.get_one(Household, patient.household_id), "MEDICAL.MAJOR", COST, cause="ILLNESS:C50")
    bill = bills.record(session, row.id, cost_fen=COST, paper=INVOICE, person_id=patient.id, actor=WORKER, now=now)
    bills.answer(session, bill.id, "BASIC_INSURANCE", state=LayerState.PAID, fen=COST, actor=WORKER, now=now)
    members.end(session, patient.id, on=TODAY, reason="MOVED_OUT", actor=VERIFIER, now=now)
    told = PersonFacts(name="小一", id_number=number, relation="CHILD")
    here = members.add(session, home.id, told, actor=VERIFIER, now=now)
    again = need(session, home, "MEDICAL.MAJOR", COST, cause="ILLNESS:C50", person_id=here.id)
    bill = bills.record(session, again.id, cost_fen=COST, paper=paper, person_id=here.id, actor=WORKER, now=now)
    for payer in bills.BEFORE_CHARITY:
        bills.answer(session, bill.id, payer, state=LayerState.NONE, actor=WORKER, now=now)
    offer(session, "MEDICAL.MAJOR")
    assert allowed(session, again) == left
    assert solved(session, now)[1] == ({again.id: left} if left else {})


def test_a_need_without_papers_may_be_about_a_cost_of_its_year_only(
    session: Session, home: Household, now: datetime
) -> None:
    paid_and_closed(session, home, documented(session, home, now, paper=INVOICE))
    bare = need(session, home, "MEDICAL.MAJOR", COST, cause="ILLNESS:C50")
    assert allowed(session, bare) == 0
    bare.created_at = now + timedelta(days=366)
    session.add(bare)
    session.flush()
    assert overlap.bill_of(session, bare, overlap.homes_of(session, home.id)) is None


def test_another_illness_has_a_cost_of_its_own(session: Session, home: Household, now: datetime) -> None:
    paid_and_closed(session, home, documented(session, home, now, paper=INVOICE))
    assert allowed(session, documented(session, home, now, paper=INVOICE, cause="ILLNESS:C34")) == COST


def test_a_payout_for_nobody_s_need_counts_on_the_bill(session: Session, home: Household, now: datetime) -> None:
    row = documented(session, home, now, paper=INVOICE)
    past(session, home, "MEDICAL.MAJOR", COST - 1, TODAY, payer="COMMERCIAL_SUPPLEMENT")
    assert allowed(session, row) == 1


@pytest.mark.parametrize(
    ("cost", "kind", "yuan", "tasks"),
    [
        (1_000_000, "MEDICAL.CHILD_CHD", 5_000, 0),
        (1_000_000, "MEDICAL.MAJOR", 9_000, 1),
        (10_000_000, "MEDICAL.CHILD_CHD", 60_000, 0),
    ],
)
def test_a_late_payment_that_names_no_need_is_held_against_the_documented_cost(
    session: Session, home: Household, now: datetime, cost: int, kind: str, yuan: int, tasks: int
) -> None:
    """Charity gave 5,000 yuan. Of a cost of 10,000 another 5,000 may come; of 100,000 all 60,000, over any limit."""
    row = need(session, home, "MEDICAL.CHILD_CHD", 500_000, cause="ILLNESS:Q21")
    bills.record(session, row.id, cost_fen=cost, paper=INVOICE, actor=WORKER, now=now)
    past(session, home, row.category, 500_000, TODAY - timedelta(days=3), need_id=row.id, cause=row.cause)
    home.source_index = source_index(vault_of(session), "test", "H-1")
    record = {"source_id": "P", "household_ref": "H-1", "category": kind, "units": yuan, "unit": "元"}
    record |= {"payer": "MEDICAL_ASSISTANCE", "given_on": TODAY.isoformat()}
    assert take_in(session, [record], source="gov", rule_id="feed", actor=SYSTEM, now=now).contradicted == tasks
    assert set(session.exec(select(OverlapHit.code))) == ({"D02"} if tasks else set())
