"""One whole job on the demo city: from consents to confirmed aid, through the ordinary services.

What enters: a filled database, its roster and the seed. What leaves: a `Result` with the counts people ask for, and a
database in which every stage has something to look at, from lines nobody has decided to aid confirmed. The seed says
how far each goes. Called by the demo command and by tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, col, func, select

from marketplace import notices, wiring
from marketplace.actors import SYSTEM
from marketplace.addressing import compose
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.consent import service as consent
from marketplace.consent.models import ConsentHead, ConsentState, Purpose
from marketplace.db import Database, chunks
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.cards import ARRIVED
from marketplace.decisions.models import Match, MatchState
from marketplace.demo import appointments, aside, claims, payments
from marketplace.demo.alike import two_of_each
from marketplace.demo.build import Roster
from marketplace.demo.files import SLIP
from marketplace.demo.partners import open_their_books
from marketplace.demo.phases import Phases
from marketplace.demo.waiting import household_actor, let_time_pass, matches_in
from marketplace.households.models import Household
from marketplace.needs import service as needs
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.notices import Notice, NoticeState
from marketplace.offers.demand import publish_demand
from marketplace.offers.models import Offer
from marketplace.proposals import service as proposals
from marketplace.proposals.models import ProposedLine, Run
from marketplace.proposals.problem import Scope
from marketplace.reference.services import find_service
from marketplace.reports import standing

BATCH = 200
DAY = timedelta(days=1)
_APPROVED = 0.60
_MOST_APPROVED = 200
"""Enough to fill every page, few enough for the first minute of a stranger."""
_REJECTED = 0.03
_YES_OF_GIVERS = 0.90
_NO_OF_GIVERS = 0.03
_YES_OF_HOUSEHOLDS = 0.88
_NO_OF_HOUSEHOLDS = 0.04
_DELIVERED = 0.88
_CONFIRMED = 0.88
_GIVE_LATER = 30
_REFUSE = 15
_WITHDRAW = 3
Act = Callable[[Session, Match], object]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of the whole job came to."""

    needs: int
    resources: int
    proposed: int
    approved: int
    delivered: int
    confirmed: int
    notices: int
    unserved: int
    audit_rows: int
    status: str
    gap: float
    unique: bool
    plan_sha256: str


def run_allocator(database: Database, roster: Roster, /, *, now: datetime) -> str:
    """Start a run over the whole city and work on it at once; return its id."""
    with database.transaction() as session:
        run = proposals.start_run(
            session, Scope(), policy={}, as_of=local_day(now), actor=roster.staff["demo-verifier"], now=now
        )
    proposals.work(database, run.id, clock=lambda: now, actor=SYSTEM)
    return run.id


def tell(database: Database, roster: Roster, /, *, seed: int, phases: Phases) -> str:
    """Play the whole job, a day between the steps; return the run's id."""
    pick = random.Random(f"{seed}:story")
    day = roster.now
    with phases.phase("verify"):
        _verify(database, roster, now=day)
        claims.prepare(database, roster, now=day)
        open_their_books(database, roster, now=day)
    with phases.phase("consent"):
        _more_consents(database, now=day)
    with phases.phase("run"):
        run_id = run_allocator(database, roster, now=day + DAY)
    with phases.phase("approve"):
        _approve(database, roster, run_id, pick=pick, now=day + 2 * DAY)
    with phases.phase("accept"):
        _givers_answer(database, roster, pick=pick, now=day + 3 * DAY)
        _households_answer(database, pick=pick, now=day + 4 * DAY)
        _some_withdraw(database, now=day + 5 * DAY)
        claims.advance(database, now=day + 5 * DAY)
    with phases.phase("deliver"):
        payments.pay(database, roster, now=day + 6 * DAY)
        _deliver(database, roster, pick=pick, now=day + 6 * DAY)
        _confirm(database, pick=pick, now=day + 7 * DAY)
        let_time_pass(database, roster, pick=pick, now=day + 7 * DAY)
        appointments.visit(database, roster, now=day + 7 * DAY)
    two_of_each(database, roster, now=day + 7 * DAY)
    with phases.phase("report"):
        aside.play(database, roster, now=day)
    with phases.phase("notify"):
        _send_letters(database, now=day + 8 * DAY)
    return run_id


def _send_letters(database: Database, *, now: datetime) -> None:
    """Empty the outbox through the demonstration's messenger, which writes to nobody."""
    settings: Settings = database.info["settings"]
    messenger, composer = wiring.messenger_of(settings, quiet=True), partial(compose, settings)
    while notices.send_due(database, messenger, compose=composer, clock=lambda: now):
        pass


def _verify(database: Database, roster: Roster, *, now: datetime) -> None:
    """A person looks at what the files could not settle: every second slip is mended, every second need verified.
    The week's demand is counted afterwards."""
    clerk = roster.staff["demo-verifier"]
    with database.transaction() as session:
        for need in _every_second(session, NeedState.HELD):
            needs.release_need(session, need.id, actor=clerk, now=now, gap_units=need.gap_units // SLIP)
        for need in _every_second(session, NeedState.UNVERIFIED):
            needs.verify_need(
                session,
                need.id,
                actor=clerk,
                now=now,
                level=3,
                evidence="入户核实",
                referral_reason=ReferralReason.STILL_IN_NEED,
            )
        publish_demand(session, actor=SYSTEM, now=now)


def _every_second(session: Session, state: NeedState) -> Sequence[Need]:
    return session.exec(select(Need).where(col(Need.state) == state).order_by(col(Need.source_id))).all()[::2]


def _more_consents(database: Database, *, now: datetime) -> None:
    """Some of those who had not been asked give their yes on their own page, some say no; both lose nothing."""
    known = select(ConsentHead.household_id).where(col(ConsentHead.purpose) == Purpose.AUTO_MATCH)
    with database.transaction() as session:
        open_homes = select(Household).where(col(Household.id).not_in(known)).order_by(col(Household.id))
        homes = session.exec(open_homes.limit(_GIVE_LATER + _REFUSE)).all()
        for place, home in enumerate(homes):
            actor = household_actor(session, home.id)
            if place < _GIVE_LATER:
                consent.give_auto_match(session, home, actor=actor, now=now)
            else:
                consent.refuse_auto_match(session, home, actor=actor, now=now)


def _approve(database: Database, roster: Roster, run_id: str, *, pick: random.Random, now: datetime) -> None:
    with database.reading() as session:
        statement = select(ProposedLine.id).where(col(ProposedLine.run_id) == run_id)
        lines = session.exec(statement.order_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))).all()
    share = min(_APPROVED, _MOST_APPROVED / max(1, len(lines)))
    yes, no = [], []
    for line_id in lines:
        chance = pick.random()
        if chance < share:
            yes.append(line_id)
        elif chance < share + _REJECTED:
            no.append(line_id)
    first, second = roster.staff["demo-approver"], roster.staff["demo-approver-2"]
    for some in chunks(yes, BATCH):
        with database.transaction() as session:
            approval.approve(session, some, actor=first, now=now)
    with database.transaction() as session:
        if no:
            approval.reject(session, no, reason_code="other_help_better", actor=first, now=now)
        for match in matches_in(session, MatchState.AWAITING_SECOND):
            approval.second_approve(session, match.id, actor=second, now=now)


def _for_each(database: Database, state: MatchState, act: Act) -> None:
    """Do something with every match in this state, `BATCH` of them in a transaction."""
    with database.reading() as session:
        ids = [match.id for match in matches_in(session, state)]
    for some in chunks(ids, BATCH):
        with database.transaction() as session:
            for match_id in some:
                act(session, session.get_one(Match, match_id))


def _givers_answer(database: Database, roster: Roster, *, pick: random.Random, now: datetime) -> None:
    def answer(session: Session, match: Match) -> None:
        chance, giver = pick.random(), roster.giver(match.org_id)
        if chance < _YES_OF_GIVERS:
            decisions.giver_accepts(session, match.id, actor=giver, now=now)
        elif chance < _YES_OF_GIVERS + _NO_OF_GIVERS:
            decisions.giver_declines(session, match.id, reason_code="no_capacity", actor=giver, now=now)

    _for_each(database, MatchState.AWAITING_GIVER, answer)


def _households_answer(database: Database, *, pick: random.Random, now: datetime) -> None:
    def answer(session: Session, match: Match) -> None:
        chance, actor = pick.random(), household_actor(session, match.household_id)
        if chance < _YES_OF_HOUSEHOLDS:
            decisions.household_accepts(
                session,
                match.id,
                data_fields=decisions.fields_to_ask(session, match, actor.id),
                agrees_to_share=True,
                agrees_to_terms=True,
                person_id=actor.id,
                actor=actor,
                now=now,
            )
        elif chance < _YES_OF_HOUSEHOLDS + _NO_OF_HOUSEHOLDS:
            decisions.household_declines(session, match.id, reason_code="not_needed", actor=actor, now=now)

    _for_each(database, MatchState.AWAITING_HOUSEHOLD, answer)


def _some_withdraw(database: Database, *, now: datetime) -> None:
    """A few change their mind before anything was sent: their matches are freed in the same moment."""
    with database.transaction() as session:
        running = select(Match.consent_chain_id, Match.household_id).where(col(Match.state) == MatchState.IN_DELIVERY)
        ordered = running.order_by(col(Match.need_id), col(Match.offer_id)).limit(_WITHDRAW)
        for chain_id, household_id in session.exec(ordered).all():
            head = session.get(ConsentHead, chain_id)
            if head is not None and head.state is ConsentState.ACTIVE:
                actor = household_actor(session, household_id)
                decisions.withdraw_consent(session, head.chain_id, actor=actor, now=now)


def _deliver(database: Database, roster: Roster, *, pick: random.Random, now: datetime) -> None:
    def hand_over(session: Session, match: Match) -> None:
        giver = roster.giver(match.org_id)
        if pick.random() < _DELIVERED and not (payments.by_bank(session, match) or claims.holds(session, match)):
            decisions.see_recipient(session, match.id, actor=giver, now=now)
            if find_service(session.get_one(Need, match.need_id).category) is None:
                decisions.deliver(session, match.id, actor=giver, now=now)

    _for_each(database, MatchState.IN_DELIVERY, hand_over)


def _confirm(database: Database, *, pick: random.Random, now: datetime) -> None:
    def confirm(session: Session, match: Match) -> None:
        if pick.random() < _CONFIRMED:
            decisions.confirm(session, match.id, actor=household_actor(session, match.household_id), now=now)

    _for_each(database, MatchState.DELIVERED, confirm)


def result_of(database: Database, run_id: str, /) -> Result:
    """Count what the database holds; the audit chain is verified on the way."""
    with database.reading() as session:
        run = session.get_one(Run, run_id)
        verdict = standing.verify(session)
        if verdict.bad_seq:
            raise RuntimeError(f"audit row {verdict.bad_seq}: {verdict.fault}")
        return Result(
            needs=_count(session, Need),
            resources=_count(session, Offer),
            proposed=run.lines_count,
            approved=_count(session, Match),
            delivered=session.exec(
                select(func.count()).where(col(Match.state).in_((MatchState.DELIVERED, *ARRIVED)))
            ).one(),
            confirmed=session.exec(select(func.count()).where(col(Match.state).in_(ARRIVED))).one(),
            notices=session.exec(select(func.count()).where(col(Notice.state) == NoticeState.SENT)).one(),
            unserved=run.zero_count,
            audit_rows=verdict.rows,
            status=str(run.certificate.get("status", "")),
            gap=float(run.certificate.get("gap", 1.0)),
            unique=bool(run.certificate.get("unique", False)),
            plan_sha256=run.plan_sha256,
        )


def _count(session: Session, model: type[Need] | type[Offer] | type[Match]) -> int:
    return session.exec(select(func.count()).select_from(model)).one()
