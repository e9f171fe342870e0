"""An urgent night: the pair on call, the cap of a household and night, the review by another, three verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from threading import Barrier, Thread
from time import sleep
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.addressing import compose
from marketplace.audit import AuditRow
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households import suspicions
from marketplace.households.models import Household
from marketplace.meetings import calling, cap, critical, duties, reclaims, roster, urgent
from marketplace.meetings.models import OnCall, ReviewState, UrgentApproval
from marketplace.meetings.night import sweep
from marketplace.meetings.roster import Shift
from marketplace.needs import service as needs
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.notices import Notice
from marketplace.offers.models import Offer, OfferState
from marketplace.portal.numbers import of_staff
from marketplace.proposals import quotes
from marketplace.proposals.models import LineState, ProposedLine, Run
from marketplace.proposals.service import Scope, start_run
from marketplace.sealed import Sealed
from tests import factories as make
from tests.marketplace.test_proposals import a_run
from tests.marketplace.test_same_households import called_same

NIGHT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
"""Monday 23 November 2026, 23:30 in Chongqing."""
WHY = "夜间来电，家中断粮"
PHONES = ("10000000081", "10000000082")


class Night:
    """A critical need of 10 packs at 120 yuan each, verified at night; 100 packs free; a pair on call."""

    def __init__(self, database: Database, *, at: datetime = NIGHT, **over: Any) -> None:
        self.database, self.at = database, at
        with database.transaction() as session:
            people = {
                name: self._account(session, name, role)
                for name, role in (
                    ("verifier", Role.VERIFIER),
                    ("approver", Role.APPROVER),
                    ("reviewer", Role.APPROVER),
                )
            }
            other = make.a_household(session, phone="10000000071")
            make.auto_match(session, other)
            make.a_need(session, other, gap_units=1)
            household = make.a_household(session, phone="10000000072")
            make.auto_match(session, household)
            organisation = make.an_organisation(session)
            offer = make.an_offer(session, organisation, unit_cost_fen=12_000, **over)
            self.offer_id, self.org_id, self.household_id = offer.id, organisation.id, household.id
        self.verifier, self.approver, self.reviewer = (people[name] for name in ("verifier", "approver", "reviewer"))
        a_run(database, self.approver, at - timedelta(hours=8))
        with database.transaction() as session:
            need = make.a_need(
                session, household, urgency=3, state=NeedState.UNVERIFIED, verification_level=0, verifier_id=""
            )
            self.need_id = need.id
            self.on_call(session)

    def _account(self, session: Session, name: str, role: Role) -> Actor:
        values: dict[str, Any] = {"display_name": name, "role": role, "password": "long enough to test"}
        return Actor(id=accounts.create_account(session, name, now=self.at, **values).id, role=role)

    def on_call(self, session: Session) -> None:
        start = self.at - timedelta(hours=5)
        shift = Shift(self.verifier.id, self.approver.id, start, start + timedelta(hours=15), *PHONES)
        roster.plan(session, shift, actor=self.reviewer, now=start)

    def verify(self, session: Session, *, by: Actor | None = None) -> Need:
        return needs.verify_need(
            session,
            self.need_id,
            actor=by or self.verifier,
            now=self.at,
            level=3,
            evidence="电话核实",
            referral_reason=ReferralReason.STILL_IN_NEED,
        )

    def approve(self, session: Session, **over: Any) -> list[UrgentApproval]:
        values: dict[str, Any] = {"reason": WHY, "actor": self.approver, "now": self.at + timedelta(minutes=5)}
        return urgent.approve(session, self.need_id, **{**values, **over})


def capped(session: Session, fen: int) -> None:
    session.info["settings"] = replace(session.info["settings"], urgent_cap_fen=fen)


@pytest.fixture
def night(database: Database) -> Night:
    return Night(database)


def test_a_night_case_goes_from_the_need_to_the_approval_and_to_the_review_of_the_next_working_day(
    night: Night,
) -> None:
    with night.database.transaction() as session:
        night.verify(session)
    with night.database.transaction() as session:
        (case,) = night.approve(session)
        match = session.get_one(Match, case.match_id)
        # 10 packs of 120 yuan: 1,200 yuan, under the cap of 2,000.
        assert (match.units, match.state, case.value_fen) == (10, MatchState.AWAITING_GIVER, 120_000)
        assert session.get_one(Offer, night.offer_id).committed_units == 10
        told = session.exec(select(Notice.letter).where(Notice.household_id == night.household_id)).all()
        assert "urgent_approved" in told
        (clock,) = clocks.running_of(session, case.id)
        assert clocks.last_day(clock) == date(2026, 11, 24)
        assert clock.account_id == night.reviewer.id, "neither of the pair that was on call"
        assert urgent.count_urgent(session, ReviewState.WAITING, actor=night.reviewer) == 1
    with night.database.transaction() as session:
        morning = NIGHT + timedelta(hours=10)
        done = urgent.review(
            session, case.id, verdict=ReviewState.CONFIRMED, reason="材料齐全", actor=night.reviewer, now=morning
        )
        assert (done.state, done.reviewed_by) == (ReviewState.CONFIRMED, night.reviewer.id)
        assert clocks.running_of(session, case.id) == []
        assert urgent.count_urgent(session, ReviewState.WAITING, actor=night.reviewer) == 0


def test_a_larger_need_is_cut_to_whole_lots_that_fit_and_the_rest_waits(database: Database) -> None:
    night = Night(database, lot=2, min_per_need=2)
    with database.transaction() as session:
        capped(session, 40_000)
        night.verify(session)
        (case,) = night.approve(session)
        # 400 yuan pay 3 packs of 120; in lots of 2 that is 2.
        assert (session.get_one(Match, case.match_id).units, case.value_fen) == (2, 24_000)
        need = session.get_one(Need, night.need_id)
        session.refresh(need)
        assert need.gap_units - need.committed_units == 8


def test_the_cap_counts_what_the_household_had_this_night_and_begins_anew_the_next(night: Night) -> None:
    with night.database.transaction() as session:
        capped(session, 36_000)
        night.verify(session)
        (first,) = night.approve(session)
        assert first.value_fen == 36_000
        with pytest.raises(WrongState, match="cap_used"):
            night.approve(session)
        after_midnight = NIGHT + timedelta(hours=2)
        assert cap.room_for(session, night.household_id, night=cap.night_of(after_midnight)).left_fen == 0
        assert (
            cap.room_for(session, night.household_id, night=cap.night_of(NIGHT + timedelta(hours=13))).left_fen
            == 36_000
        )


def test_the_cap_counts_what_another_record_of_the_same_person_had_this_night(night: Night) -> None:
    with night.database.transaction() as session:
        capped(session, 36_000)
        other = make.a_household(session, phone="10000000073")
        make.auto_match(session, other)
        pair = called_same(session, session.get_one(Household, night.household_id), other, NIGHT)
        again = make.a_need(session, other, urgency=3, verifier_id=night.verifier.id)
        night.verify(session)
        night.approve(session)
        asked: dict[str, Any] = {"reason": WHY, "actor": night.approver, "now": NIGHT + timedelta(minutes=9)}
        with pytest.raises(WrongState, match="cap_used"):
            urgent.approve(session, again.id, **asked)
        decider = Actor(id="verifier-9", role=Role.VERIFIER)
        suspicions.undo(session, pair.id, reason="MISTAKE", actor=decider, now=NIGHT)
        assert cap.room_for(session, other.id, night=cap.night_of(NIGHT)).left_fen == 36_000, "two again, two caps"


def test_what_does_not_fit_under_the_cap_is_refused_and_nothing_is_kept(night: Night) -> None:
    with night.database.transaction() as session:
        night.verify(session)
    session = night.database.session(writes=True)
    capped(session, 11_999)
    with pytest.raises(WrongState, match="above_cap"):
        night.approve(session)
    session.rollback()
    session.close()
    with night.database.reading() as session:
        assert session.exec(select(UrgentApproval)).all() == []
        assert session.get_one(Offer, night.offer_id).committed_units == 0


def test_free_stock_that_is_not_chosen_stays_proposed_to_nobody(night: Night) -> None:
    with night.database.transaction() as session:
        capped(session, 30_000)
        night.verify(session)
        need, dear = session.get_one(Need, night.need_id), session.get_one(Offer, night.offer_id)
        cheap = make.an_offer(session, make.an_organisation(session), stock_units=2, unit_cost_fen=10_000)
        line = make.a_line(session, need, dear, units=10, value_fen=120_000)
        (approved,) = night.approve(session)
        assert approved.value_fen == 20_000, "two of the cheap ones; of the dear one not a single pack fits"
        waiting = select(ProposedLine.id).where(ProposedLine.state == LineState.PROPOSED)
        assert session.exec(waiting.where(ProposedLine.need_id == need.id)).all() == [line.id]
        assert cheap.committed_units == 2


def test_only_the_approver_on_call_may_and_only_while_on_call(night: Night) -> None:
    with night.database.transaction() as session:
        night.verify(session)
        with pytest.raises(WrongState, match="not_on_call"):
            night.approve(session, actor=night.reviewer)
        with pytest.raises(WrongState, match="not_on_call"):
            night.approve(session, now=NIGHT + timedelta(hours=11))
        with pytest.raises(NotAllowed):
            night.approve(session, actor=night.verifier)


@pytest.mark.parametrize(("urgency", "verifier", "code"), [(2, "v", "not_critical"), (3, "", "verifier_is_approver")])
def test_only_a_critical_need_that_somebody_verified_is_approved_so(
    night: Night, urgency: int, verifier: str, code: str
) -> None:
    with night.database.transaction() as session:
        need = session.get_one(Need, night.need_id)
        need.state, need.urgency, need.verifier_id = NeedState.VERIFIED, urgency, verifier
        with pytest.raises(WrongState, match=code):
            night.approve(session)


def test_who_verified_never_approves_even_if_the_roster_were_wrong(night: Night) -> None:
    with night.database.transaction() as session:
        night.verify(session)
        session.get_one(Need, night.need_id).verifier_id = night.approver.id
        with pytest.raises(WrongState, match="verifier_is_approver"):
            night.approve(session)


@pytest.mark.parametrize("who", ["approver", "reviewer", "verified_for", "approved_for"])
def test_the_review_is_anothers(night: Night, who: str) -> None:
    """Neither of the pair reviews it, nor the one whom one of them stood in for."""
    with night.database.transaction() as session:
        head = {"on_behalf_of": night.reviewer.id}
        night.verify(session, by=replace(night.verifier, **head) if who == "verified_for" else None)
        (case,) = night.approve(session, actor=replace(night.approver, **(head if who == "approved_for" else {})))
        if who == "reviewer":
            case.verifier_id = night.reviewer.id
        reader = night.approver if who == "approver" else night.reviewer
        assert reader.id in urgent.pair_of(session, case.id)
        with pytest.raises(WrongState, match="same_person_twice"):
            urgent.review(session, case.id, verdict=ReviewState.CONFIRMED, reason=WHY, actor=reader, now=NIGHT)


def test_a_case_to_be_reclaimed_is_stopped_where_nothing_has_arrived(night: Night) -> None:
    with night.database.transaction() as session:
        night.verify(session)
        (case,) = night.approve(session)
        urgent.review(session, case.id, verdict=ReviewState.RECLAIM, reason="户籍不符", actor=night.reviewer, now=NIGHT)
        match = session.get_one(Match, case.match_id)
        assert match.state is MatchState.CANCELLED
        offer = session.get_one(Offer, night.offer_id)
        session.refresh(offer)
        assert offer.committed_units == 0


def test_a_case_to_be_reclaimed_asks_the_giver_where_the_aid_has_arrived(night: Night) -> None:
    with night.database.transaction() as session:
        night.verify(session)
        (case,) = night.approve(session)
        match = session.get_one(Match, case.match_id)
        match.state = MatchState.DELIVERED
        urgent.review(session, case.id, verdict=ReviewState.RECLAIM, reason="户籍不符", actor=night.reviewer, now=NIGHT)
        assert match.state is MatchState.DELIVERED
        letters = session.exec(select(Notice.letter).where(Notice.org_id == night.org_id)).all()
        assert "urgent_to_reclaim" in letters
        assert MatchState.DELIVERED not in decisions.CANCELLABLE


def asked_back(night: Night) -> str:
    """An urgent match that has arrived, and that its review wants claimed back."""
    with night.database.transaction() as session:
        night.verify(session)
        (case,) = night.approve(session)
        match = session.get_one(Match, case.match_id)
        match.state, match.delivered_at = MatchState.DELIVERED, NIGHT
        clocks.end(session, match.id, outcome="delivered", now=NIGHT)
        urgent.review(session, case.id, verdict=ReviewState.RECLAIM, reason="户籍不符", actor=night.reviewer, now=NIGHT)
        clock = reclaims.newest(session, match.id)
        assert clock is not None
        assert clock.ended_at is None
        # Monday night and five working days: the Monday after.
        assert clocks.last_day(clock) == date(2026, 11, 30)
        return match.id


def tasks(night: Night, at: datetime) -> list[str]:
    with night.database.reading() as session:
        return [duty.task for duty in duties.open_of(session, night.reviewer, now=at)]


def how_it_ended(night: Night, match_id: str) -> str:
    with night.database.reading() as session:
        clock = reclaims.newest(session, match_id)
        return clock.outcome if clock is not None and clock.ended_at is not None else "runs"


def test_a_giver_that_asks_it_back_has_answered_the_review(night: Night) -> None:
    match_id = asked_back(night)
    manager = Actor(id="manager-1", role=Role.CHARITY_MANAGER, org_id=night.org_id)
    with night.database.transaction() as session:
        decisions.reclaim_open(session, match_id, reason_code="not_entitled", actor=manager, now=NIGHT)
    assert how_it_ended(night, match_id) == "reclaiming"
    sweep(night.database, clock=lambda: NIGHT + timedelta(days=20))
    assert tasks(night, NIGHT) == []


def test_a_giver_may_let_it_be_and_its_reason_becomes_a_duty_of_the_reviewer(night: Night) -> None:
    match_id = asked_back(night)
    manager = Actor(id="manager-1", role=Role.CHARITY_MANAGER, org_id=night.org_id)
    with night.database.transaction() as session:
        with pytest.raises(BadInput, match="reason_missing"):
            reclaims.let_be(session, match_id, reason=" ", actor=manager, now=NIGHT)
        with pytest.raises(NotFound):
            reclaims.let_be(session, match_id, reason="x", actor=replace(manager, org_id="other"), now=NIGHT)
        reclaims.let_be(session, match_id, reason="已吃完，不宜追回", actor=manager, now=NIGHT)
        with pytest.raises(WrongState, match="not_asked_back"):
            reclaims.let_be(session, match_id, reason="再说一次", actor=manager, now=NIGHT)
    assert (how_it_ended(night, match_id), tasks(night, NIGHT)) == ("let_be", ["已吃完，不宜追回"])


def test_a_giver_that_says_nothing_is_spoken_with_by_the_reviewer(night: Night) -> None:
    match_id = asked_back(night)
    assert sweep(night.database, clock=lambda: NIGHT + timedelta(days=6)) == 0
    late = NIGHT + timedelta(days=9)
    assert [sweep(night.database, clock=lambda: late) for _time in range(2)] == [1, 0]
    assert (how_it_ended(night, match_id), tasks(night, late)) == ("late", ["户籍不符"])


def test_missing_papers_become_a_duty_of_whoever_approved(night: Night) -> None:
    with night.database.transaction() as session:
        night.verify(session)
        (case,) = night.approve(session)
        urgent.review(
            session, case.id, verdict=ReviewState.REGULARISE, reason="补授权书", actor=night.reviewer, now=NIGHT
        )
        (duty,) = duties.open_of(session, night.approver, now=NIGHT)
        assert (duty.task, duty.need_id, duty.meeting_id) == ("补授权书", night.need_id, None)


def test_a_pair_is_two_people_and_no_two_pairs_are_on_call_at_once(night: Night) -> None:
    later = NIGHT + timedelta(days=1)
    with night.database.transaction() as session:
        for verifier, approver, start, code in (
            (night.approver, night.approver, later, "same_person"),
            (night.approver, night.reviewer, later, "officer_unknown"),
            (night.verifier, night.reviewer, NIGHT, "on_call_overlap"),
            (night.verifier, night.reviewer, NIGHT - timedelta(days=9), "span_backwards"),
        ):
            shift = Shift(verifier.id, approver.id, start, start + timedelta(hours=8), *PHONES)
            with pytest.raises(BadInput, match=code):
                roster.plan(session, shift, actor=night.approver, now=NIGHT)


def test_two_heads_at_one_moment_put_one_pair_on_call(night: Night) -> None:
    start = NIGHT + timedelta(days=3)
    shift = Shift(night.verifier.id, night.approver.id, start, start + timedelta(hours=8), *PHONES)
    both, said = Barrier(2), []

    def head() -> None:
        both.wait(timeout=20)
        try:
            with night.database.transaction() as session:
                roster.plan(session, shift, actor=night.approver, now=NIGHT)
                sleep(0.3)
        except BadInput as error:
            said.append(error.code)

    heads = [Thread(target=head) for _ in range(2)]
    for one in heads:
        one.start()
    for one in heads:
        one.join(timeout=60)
    with night.database.reading() as session:
        planned = session.exec(select(OnCall).where(OnCall.starts_at == start)).all()
    assert (len(planned), said) == (1, ["on_call_overlap"])


def test_a_pair_that_has_begun_ends_now_and_one_to_come_goes(night: Night) -> None:
    with night.database.transaction() as session:
        pair = roster.on_call_at(session, NIGHT, district="500103")
        assert pair is not None
        coming = roster.plan(
            session,
            Shift(night.verifier.id, night.approver.id, NIGHT + timedelta(days=2), NIGHT + timedelta(days=3), *PHONES),
            actor=night.approver,
            now=NIGHT,
        )
        for row in (pair, coming):
            roster.drop(session, row.id, actor=night.approver, now=NIGHT)
        assert roster.on_call_at(session, NIGHT, district="500103") is None
        assert [row.id for row in roster.list_shifts(session, now=NIGHT)] == [pair.id]


def test_a_head_corrects_the_telephone_of_who_is_on_call_and_the_log_never_says_the_number(night: Night) -> None:
    new = "10000000099"
    with night.database.transaction() as session:
        pair = roster.on_call_at(session, NIGHT, district="500103")
        assert pair is not None
        kept = roster.phone_of(session, pair.id, "approver")
        correct = partial(roster.correct_phones, session, pair.id, actor=night.approver, now=NIGHT)
        for wrong in ("12345", ""):
            with pytest.raises(BadInput, match="phone_mobile"):
                correct(verifier=wrong)
        correct(verifier=new)
        assert [roster.phone_of(session, pair.id, seat) for seat in roster.SEATS] == [new, kept]
        row = session.exec(select(AuditRow).where(AuditRow.action == "roster:phone")).one()
        assert (row.rule_id, new in repr(row)) == ("verifier", False)
        roster.forget_phones(session, pair)
        correct(verifier=new, approver=kept)
        assert [roster.phone_of(session, pair.id, seat) for seat in roster.SEATS] == [new, kept]
        over = pair.ends_at
        with pytest.raises(WrongState, match="on_call_over"):
            roster.correct_phones(session, pair.id, verifier=new, actor=night.approver, now=over)
        elsewhere = a_head(session, "elsewhere", "500106")
        with pytest.raises(NotFound):
            roster.correct_phones(session, pair.id, verifier=new, actor=elsewhere, now=NIGHT)


def a_head(session: Session, name: str, *districts: str, role: Role = Role.APPROVER) -> Actor:
    values: dict[str, Any] = {"display_name": name, "role": role, "password": "long enough to test"}
    made = accounts.create_account(session, name, now=NIGHT, districts=list(districts), **values)
    return Actor(id=made.id, role=role, districts=frozenset(districts))


def test_a_districts_head_is_neither_the_citys_only_one_on_call_nor_ends_the_citys_shift(night: Night) -> None:
    later = NIGHT + timedelta(days=1)
    with night.database.transaction() as session:
        here, there = a_head(session, "here", "500103"), a_head(session, "there", "500106")

        def planned(approver: Actor, by: Actor, district: str = "") -> OnCall:
            span = (later, later + timedelta(hours=9), *PHONES, district)
            return roster.plan(session, Shift(night.verifier.id, approver.id, *span), actor=by, now=NIGHT)

        with pytest.raises(BadInput, match="officer_elsewhere"):
            planned(here, night.reviewer)
        for by in (here, there):
            with pytest.raises(NotFound):
                planned(night.approver, by)
        with pytest.raises(NotFound):
            planned(there, here, "500106")
        city, own = planned(night.approver, night.reviewer), planned(here, here, "500103")
        for row in (city, own):
            with pytest.raises(NotFound):
                roster.drop(session, row.id, actor=there, now=NIGHT)
        answers = [roster.on_call_at(session, later, district=code) for code in ("500103", "500106", "")]
        assert answers == [own, city, city]
        roster.drop(session, own.id, actor=here, now=NIGHT)
        assert roster.on_call_at(session, later, district="500103") == city


def test_the_pair_of_the_district_and_the_citys_may_both_approve_and_no_other(night: Night) -> None:
    with night.database.transaction() as session:
        here, there = a_head(session, "here", "500103"), a_head(session, "there", "500106")
        for one, district in ((here, "500103"), (there, "500106")):
            span = (NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=9), *PHONES, district)
            shift = Shift(a_head(session, "v" + district, role=Role.VERIFIER).id, one.id, *span)
            roster.plan(session, shift, actor=one, now=NIGHT)
        need = night.verify(session)
        free = Actor(id=there.id, role=Role.APPROVER)
        codes = [urgent.refusal(session, need, actor=one, now=NIGHT) for one in (here, night.approver, free)]
        assert codes == ["", "", "not_on_call"]


def calls(session: Session) -> list[tuple[str | None, str]]:
    """To whom the night's text messages went: account and telephone."""
    found = session.exec(select(Notice).where(Notice.letter == "urgent_need").order_by(Notice.key)).all()
    sent = [(one.account_id, compose(session.info["settings"], session, one)) for one in found]
    return [(account, f"{message.channel} {message.address}") for account, message in sent if message is not None]


def test_both_of_the_pair_get_a_text_message_when_a_critical_need_comes_in_and_when_it_is_verified(
    night: Night,
) -> None:
    both = {(night.verifier.id, "sms 10000000081"), (night.approver.id, "sms 10000000082")}
    assert calling.sweep(night.database, clock=lambda: NIGHT) == 1
    with night.database.reading() as session:
        assert set(calls(session)) == both
        assert PHONES[0].encode() not in (session.exec(select(OnCall)).one().verifier_phone or Sealed(b"")).envelope
    assert calling.sweep(night.database, clock=lambda: NIGHT) == 0, "told once"
    with night.database.transaction() as session:
        night.verify(session)
    assert calling.sweep(night.database, clock=lambda: NIGHT) == 1
    assert calling.sweep(night.database, clock=lambda: NIGHT) == 0
    with night.database.reading() as session:
        assert (len(calls(session)), set(calls(session))) == (4, both)


def test_what_comes_while_nobody_is_on_call_is_told_to_the_next_pair_in_one_message(night: Night) -> None:
    day = NIGHT + timedelta(hours=12)
    with night.database.transaction() as session:
        for number in range(3):
            home = make.a_household(session, phone=f"1000000009{number}")
            make.a_need(session, home, urgency=3, created_at=day)
    assert calling.sweep(night.database, clock=lambda: day) == 1, "the telephones of the shift that is over go"
    with night.database.transaction() as session:
        assert calls(session) == []
        assert session.exec(select(OnCall.verifier_phone)).one() is None
        shift = Shift(night.verifier.id, night.approver.id, day, day + timedelta(hours=9), *PHONES)
        roster.plan(session, shift, actor=night.reviewer, now=day)
    assert calling.sweep(night.database, clock=lambda: day) == 1
    with night.database.reading() as session:
        assert len(calls(session)) == 2


def test_the_longest_waiting_critical_need_is_first_and_all_are_counted(night: Night) -> None:
    with night.database.transaction() as session:
        made = []
        for number in range(12):
            home = make.a_household(session, phone=f"100000001{number:02}")
            made.append(make.a_need(session, home, urgency=3, created_at=NIGHT - timedelta(days=1, hours=number)).id)
        waiting = [one.id for one in critical.list_needs(session, actor=night.approver, now=NIGHT)]
        assert waiting == [*reversed(made), night.need_id], "the one of tonight last, though nobody has verified it"
        assert critical.count_needs(session, actor=night.approver, now=NIGHT) == 13
        assert of_staff(session, night.approver, now=NIGHT)["critical"] == 13
        assert of_staff(session, a_head(session, "there", "500106"), now=NIGHT)["critical"] == 0


def _a_line_above_the_cap(session: Session, night: Night) -> None:
    need, offer = session.get_one(Need, night.need_id), session.get_one(Offer, night.offer_id)
    make.a_line(session, need, offer, units=10, value_fen=120_000)


def _a_line_of_a_paused_offer(session: Session, night: Night) -> None:
    other = make.an_offer(session, make.an_organisation(session, name="另一家"), unit_cost_fen=12_000)
    make.a_line(session, session.get_one(Need, night.need_id), other, units=2, value_fen=24_000)
    other.state = OfferState.PAUSED


@pytest.mark.parametrize("waits", [_a_line_above_the_cap, _a_line_of_a_paused_offer])
def test_a_line_that_does_not_hold_keeps_nobody_from_free_stock(database, waits):
    night = Night(database)
    with database.transaction() as session:
        night.verify(session)
        capped(session, 50_000)
        waits(session, night)
        assert [row.value_fen for row in night.approve(session)] == [48_000]


def test_a_critical_need_does_not_wait_for_a_run(database):
    night = Night(database)
    with database.transaction() as session:
        night.verify(session)
        capped(session, 50_000)
        done = session.exec(select(Run)).one()
        start_run(session, Scope(), policy=dict(done.policy), as_of=done.as_of, actor=night.verifier, now=night.at)
        assert [row.value_fen for row in night.approve(session)] == [48_000]
        other = make.a_need(session, make.a_household(session, phone="10000000073"), urgency=2)
        with pytest.raises(WrongState, match="run_busy"):
            quotes.take_free_stock(session, other.id, actor=night.verifier, now=night.at)
