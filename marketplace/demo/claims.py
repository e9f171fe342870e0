"""The insurers of the demonstration: help with claims is posted before the run, and cases stand in every step after it.

Enters: the database and its roster, before the run and after the households answered. Leaves: a resource and needs for
claim help; then cases to look for, with papers asked, to answer, paid and refused, and payouts that meet open charity
money. All through the ordinary services. Called by `demo.story`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.claims import cases, service
from marketplace.claims.models import CaseKind, InsuranceCase
from marketplace.claims.ordering import CAN_END
from marketplace.claims.service import Paid
from marketplace.consent.ask import all_auto_match
from marketplace.db import Database
from marketplace.decisions.models import Match
from marketplace.demo.build import Roster
from marketplace.households.models import Household
from marketplace.households.service import contact_of
from marketplace.ledger import bills, claiming
from marketplace.ledger.models import LayerState
from marketplace.needs import service as needs
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.needs.service import NeedFacts
from marketplace.offers.models import Acceptance
from marketplace.offers.service import post_offer
from marketplace.offers.terms import Terms
from marketplace.reference.needs import list_need_kinds

KIND = "INSURANCE.CLAIM"
SOURCE = "demo-insurer"
COSTS = ("MEDICAL.MAJOR", "MEDICAL.LONGTERM_DRUG")
_NEEDS, _COSTED = 60, 40
_PLACES = 80


def prepare(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Papers show what illnesses cost; an insurer offers help with claims, and a worker enters the need for it in
    households with a major illness."""
    clerk, insurer = roster.staff["demo-verifier"], roster.staff["demo-insurer"]
    with database.transaction() as session:
        _costs(session, actor=roster.staff["demo-worker"], now=now)
        post_offer(
            session,
            _terms(until=local_day(now) + timedelta(days=150)),
            org_id=insurer.org_id or "",
            actor=insurer,
            now=now,
            source=SOURCE,
            source_id="claims",
        )
        for household_id in _homes(session, now=now):
            facts = NeedFacts(category=KIND, gap_units=1, urgency=2)
            actor = roster.staff["demo-worker"]
            home = session.get_one(Household, household_id)
            key = f"claim-{household_id}"
            need = needs.add_need(session, facts, home=home, source=SOURCE, source_id=key, actor=actor, now=now)
            needs.verify_need(
                session,
                need.id,
                actor=clerk,
                now=now,
                level=3,
                evidence="医疗费用清单",
                referral_reason=ReferralReason.STILL_IN_NEED,
            )


def _costs(session: Session, /, *, actor: Actor, now: datetime) -> None:
    """Of the most urgent illnesses a worker writes down the cost; basic insurance has paid half of it."""
    kinds = [kind.code for kind in list_need_kinds() if claiming.shows_papers_first(kind.code)]
    ill = select(Need).where(col(Need.category).in_(kinds), col(Need.state) == NeedState.VERIFIED)
    for need in session.exec(ill.order_by(col(Need.urgency).desc(), col(Need.id)).limit(_COSTED)).all():
        person = contact_of(session, need.household_id)
        if person is None:
            continue
        cost, paper = 4 * need.gap_units, f"S-{need.id}"
        bill = bills.record(session, need.id, cost_fen=cost, paper=paper, person_id=person.id, actor=actor, now=now)
        for payer in bills.BEFORE_CHARITY:
            pays = cost // 2 if payer == "BASIC_INSURANCE" else 0
            state = LayerState.PAID if pays else LayerState.NONE
            bills.answer(session, bill.id, payer, state=state, fen=pays, actor=actor, now=now)


def _homes(session: Session, *, now: datetime) -> list[str]:
    """Households with medical costs and a living consent, for whom nobody has asked for claim help yet."""
    asked = select(Need.household_id).where(col(Need.category) == KIND)
    ill = select(Need.household_id).where(col(Need.category).in_(COSTS), col(Need.state) == NeedState.VERIFIED)
    homes = session.exec(ill.where(col(Need.household_id).not_in(asked)).distinct()).all()
    return sorted(set(homes) & set(all_auto_match(session, now=now)))[:_NEEDS]


def _terms(*, until: date) -> Terms:
    return Terms(
        title="渝快保理赔协助",
        category=KIND,
        stock_units=_PLACES,
        max_per_need=1,
        valid_to=until,
        acceptance=Acceptance.STANDING,
        standard="每户一笔理赔，从查找保单到领到赔款。",
        steps="查找保单，一次列明缺少的材料，收齐后答复。",
        rules="不收取任何费用；内容不用于核保和定价。",
    )


def advance(database: Database, /, *, now: datetime) -> None:
    """Open the cases and take them to different steps; the first payouts are where charity money is still open."""
    with database.transaction() as session:
        cases.open_cases(session, now=now)
        found = session.exec(select(InsuranceCase).where(col(InsuranceCase.kind) == CaseKind.CLAIM)).all()
        waiting = _with_open_charity(session)
        ordered = sorted(found, key=lambda case: (case.household_id not in waiting, case.household_id))
        for place, case in enumerate(ordered):
            _take(session, case, place=place, now=now)


def holds(session: Session, match: Match, /) -> bool:
    """Whether an insurer works on this match as a case: then its delivery is not played by chance."""
    return service.find_case_of(session, match.id) is not None


def _with_open_charity(session: Session) -> set[str]:
    statement = (
        select(Match.household_id)
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(col(Need.category).in_(COSTS), col(Match.state).in_(CAN_END))
    )
    return set(session.exec(statement))


def _take(session: Session, case: InsuranceCase, *, place: int, now: datetime) -> None:
    """By its place: two are paid, then one each is left to find, to list papers, waiting for papers, to answer, …"""
    clerk = Actor(id="demo-insurer", role=Role.INSURER, org_id=case.org_id)
    step = place if place < 2 else 2 + (place - 2) % 6
    if step == 2:
        return
    number = f"YKB-{place + 1:06d}"
    service.cover_found(session, case.id, scheme="YKB", policy_number=number, actor=clerk, now=now)
    if step == 3:
        return
    papers = ["invoice", "settlement"] if step == 4 else []
    service.ask_papers(session, case.id, papers=papers, actor=clerk, now=now)
    if step in (0, 1, 6):
        costs = select(Need).where(col(Need.household_id) == case.household_id, col(Need.category).in_(COSTS))
        cost = session.exec(costs.order_by(col(Need.category).desc(), col(Need.id))).first()
        if cost is None:
            return
        payout = Paid(cost.category, cost.gap_units, local_day(now))
        service.paid(session, case.id, payout, actor=clerk, now=now)
    if step == 7:
        service.refused(session, case.id, reason_code="deductible", actor=clerk, now=now)
