"""After the delivery: less than promised, a follow-up that closes the match, aid given back or asked back."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.closing import Answers, find_follow_up
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as, household_client

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
GOOD = Answers(satisfaction=5, remains="nothing", staff_minutes=12)


@pytest.fixture
def scene(session: Session) -> Scene:
    return a_scene(session)


def steps_of(session: Session, match: Match) -> list[str]:
    """The steps that run for a match."""
    return [clock.step for clock in clocks.running_of(session, match.id)]


def test_fewer_units_than_matched_free_the_rest_and_open_the_need_again(
    session: Session, scene: Scene, now: datetime
) -> None:
    match = scene.in_delivery(session, now)
    decisions.deliver(session, match.id, units=7, actor=scene.giver, now=now)
    session.refresh(scene.need)
    session.refresh(scene.offer)
    assert (match.units, match.short_units, match.state) == (7, 3, MatchState.DELIVERED)
    assert (scene.need.committed_units, scene.offer.committed_units) == (7, 7)
    entry = session.get_one(LedgerEntry, match.ledger_entry_id)
    assert (entry.units, entry.state) == (7, AidState.DELIVERED)


@pytest.mark.parametrize("units", [0, -1, 11])
def test_nobody_delivers_nothing_or_more_than_was_matched(
    session: Session, scene: Scene, now: datetime, units: int
) -> None:
    match = scene.in_delivery(session, now)
    with pytest.raises(BadInput, match="units_outside"):
        decisions.deliver(session, match.id, units=units, actor=scene.giver, now=now)


def test_a_follow_up_closes_a_confirmed_match(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.confirmed(session, now)
    assert steps_of(session, match) == ["follow_up"]
    decisions.follow_up(session, match.id, GOOD, actor=WORKER, now=now)
    assert (match.state, match.closed_at, steps_of(session, match)) == (MatchState.CLOSED, now, [])
    row = find_follow_up(session, match.id)
    assert row is not None
    assert (row.satisfaction, row.staff_minutes, row.own_answer) == (5, 12, False)
    with pytest.raises(WrongState):
        decisions.follow_up(session, match.id, GOOD, actor=WORKER, now=now)


def test_a_household_answers_itself_and_its_minutes_are_nobody_s(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.confirmed(session, now)
    decisions.follow_up(session, match.id, GOOD, actor=scene.household_actor, now=now)
    row = find_follow_up(session, match.id)
    assert row is not None
    assert (row.own_answer, row.staff_minutes) == (True, None)


def test_a_complaint_keeps_the_match_open_until_somebody_settles_it(
    session: Session, scene: Scene, now: datetime, approver: Actor
) -> None:
    match = scene.confirmed(session, now)
    answers = Answers(satisfaction=1, remains="same", complaint=True)
    decisions.follow_up(session, match.id, answers, actor=scene.household_actor, now=now)
    assert (match.state, steps_of(session, match)) == (MatchState.CONFIRMED, ["complaint"])
    with pytest.raises(NotAllowed):
        decisions.settle(session, match.id, settlement="explained", actor=WORKER, now=now)
    with pytest.raises(BadInput):
        decisions.settle(session, match.id, settlement="never mind", actor=approver, now=now)
    decisions.settle(session, match.id, settlement="put_right", actor=approver, now=now)
    assert (match.state, steps_of(session, match)) == (MatchState.CLOSED, [])
    with pytest.raises(WrongState):
        decisions.settle(session, match.id, settlement="put_right", actor=approver, now=now)


@pytest.mark.parametrize("over", [{"satisfaction": 0}, {"satisfaction": 6}, {"remains": "x"}, {"staff_minutes": 601}])
def test_an_answer_outside_the_scale_is_refused(
    session: Session, scene: Scene, now: datetime, over: dict[str, int | str]
) -> None:
    match = scene.confirmed(session, now)
    values: dict[str, int | str] = {"satisfaction": 4, "remains": "part", "staff_minutes": 5} | over
    with pytest.raises(BadInput):
        decisions.follow_up(session, match.id, Answers(**values), actor=WORKER, now=now)  # type: ignore[arg-type]


def test_only_staff_of_the_district_and_the_household_itself_follow_up(
    session: Session, scene: Scene, now: datetime
) -> None:
    match = scene.confirmed(session, now)
    elsewhere = Actor(id="worker-9", role=Role.WORKER, districts=frozenset({"500106"}))
    with pytest.raises(NotFound):
        decisions.follow_up(session, match.id, GOOD, actor=elsewhere, now=now)
    with pytest.raises(NotAllowed):
        decisions.follow_up(session, match.id, GOOD, actor=scene.giver, now=now)


@pytest.mark.parametrize("reason", ["not_fitting", "no_longer_needed"])
@pytest.mark.parametrize("stage", ["in_delivery", "delivered", "confirmed"])
def test_aid_given_back_is_free_again_and_the_need_opens_unless_it_is_over(
    session: Session, scene: Scene, now: datetime, reason: str, stage: str
) -> None:
    match = getattr(scene, stage)(session, now)
    decisions.give_back(session, match.id, reason_code=reason, actor=scene.household_actor, now=now)
    session.refresh(scene.need)
    session.refresh(scene.offer)
    assert (match.state, steps_of(session, match)) == (MatchState.GIVEN_BACK, [])
    assert (scene.need.committed_units, scene.offer.committed_units) == (0, 0)
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.RETURNED
    open_again = reason != "no_longer_needed"
    assert scene.need.state is (NeedState.VERIFIED if open_again else NeedState.CLOSED)
    told = session.exec(select(Notice).where(Notice.letter == "match_cancelled")).all()
    assert [letter.org_id for letter in told] == [scene.organisation.id]


def test_a_giver_that_takes_it_back_tells_the_household(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.delivered(session, now)
    decisions.give_back(session, match.id, reason_code="faulty", actor=scene.giver, now=now)
    told = session.exec(select(Notice).where(Notice.letter == "match_cancelled")).all()
    assert [letter.household_id for letter in told] == [scene.household.id]


def test_aid_is_not_given_back_without_a_reason_of_the_list(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.delivered(session, now)
    with pytest.raises(BadInput, match="reason_missing"):
        decisions.give_back(session, match.id, reason_code="", actor=scene.household_actor, now=now)


@pytest.mark.parametrize(
    ("reason", "state"), [("misuse", NeedState.HELD), ("not_entitled", NeedState.HELD), ("other", NeedState.VERIFIED)]
)
def test_reclaimed_aid_leaves_the_ledger_and_misuse_holds_the_need(
    session: Session, scene: Scene, now: datetime, reason: str, state: NeedState
) -> None:
    match = scene.confirmed(session, now)
    decisions.reclaim_open(session, match.id, reason_code=reason, actor=scene.manager, now=now)
    session.refresh(scene.need)
    assert (match.state, steps_of(session, match)) == (MatchState.RECLAIMING, ["reclaim"])
    assert scene.need.committed_units == 10, "nothing is back yet"
    decisions.reclaim_done(session, match.id, actor=scene.manager, now=now)
    session.refresh(scene.need)
    assert (match.state, steps_of(session, match)) == (MatchState.RECLAIMED, [])
    assert (scene.need.committed_units, scene.need.state) == (0, state)
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.RETURNED


@pytest.mark.parametrize("closed", [True, False])
def test_a_reclaim_without_ground_leaves_everything_as_it_was(
    session: Session, scene: Scene, now: datetime, approver: Actor, closed: bool
) -> None:
    match = scene.confirmed(session, now)
    if closed:
        decisions.follow_up(session, match.id, GOOD, actor=WORKER, now=now)
    decisions.reclaim_open(session, match.id, reason_code="other", actor=scene.manager, now=now)
    decisions.reclaim_drop(session, match.id, actor=approver, now=now)
    expected = (MatchState.CLOSED, []) if closed else (MatchState.CONFIRMED, ["follow_up"])
    assert (match.state, steps_of(session, match)) == expected
    decisions.reclaim_open(session, match.id, reason_code="other", actor=scene.manager, now=now.replace(hour=5))


def test_a_case_worker_alone_and_another_giver_reclaim_nothing(session: Session, scene: Scene, now: datetime) -> None:
    match = scene.confirmed(session, now)
    with pytest.raises(NotAllowed):
        decisions.reclaim_open(session, match.id, reason_code="misuse", actor=scene.giver, now=now)
    foreign = Actor(id="m-2", role=Role.CHARITY_MANAGER, org_id="another")
    with pytest.raises(NotFound):
        decisions.reclaim_open(session, match.id, reason_code="misuse", actor=foreign, now=now)


def _cash_handed_over(session: Session, scene: Scene, now: datetime) -> Match:
    """500 yuan that the giver says it put into the household's hands; the household says that nothing came."""
    cash = {"category": "EMERGENCY.CASH", "unit": "FEN"}
    need = make.a_need(session, scene.household, gap_units=50_000, cause="FIRE", **cash)
    offer = make.an_offer(session, scene.organisation, id="cash", stock_units=10**7, **cash)
    scene.need, scene.line = need, make.a_line(session, need, offer, units=50_000, value_fen=50_000)
    match = scene.delivered(session, now)
    assert match.paid_at is None, "no bank had a part in it"
    return decisions.not_received(session, match.id, actor=scene.household_actor, now=now)


def test_money_handed_over_by_hand_stays_in_the_ledger_until_a_person_has_looked(
    session: Session, scene: Scene, now: datetime
) -> None:
    match = _cash_handed_over(session, scene, now)
    session.refresh(scene.need)
    assert (match.state, steps_of(session, match)) == (MatchState.RECLAIMING, ["paid_missing"])
    assert session.get_one(LedgerEntry, match.ledger_entry_id).state is AidState.DELIVERED
    assert (scene.need.state, scene.need.committed_units) == (NeedState.HELD, 50_000), "nobody else gives meanwhile"
    with pytest.raises(WrongState):
        decisions.reclaim_drop(session, match.id, actor=scene.manager, now=now)


@pytest.mark.parametrize("found", ["nothing came", "it stands", "the giver has it"])
def test_what_a_person_found_about_money_handed_over_by_hand(
    session: Session, scene: Scene, now: datetime, approver: Actor, found: str
) -> None:
    match = _cash_handed_over(session, scene, now)
    act, actor, state, left = {
        "nothing came": (decisions.never_handed_over, approver, MatchState.RETURNED, 0),
        "it stands": (decisions.reclaim_drop, approver, MatchState.DELIVERED, 50_000),
        "the giver has it": (decisions.reclaim_done, scene.manager, MatchState.RECLAIMED, 0),
    }[found]
    act(session, match.id, actor=actor, now=now)
    session.refresh(scene.need)
    assert (match.state, scene.need.state, scene.need.committed_units) == (state, NeedState.VERIFIED, left)
    row = session.get_one(LedgerEntry, match.ledger_entry_id)
    assert row.state is (AidState.DELIVERED if left else AidState.RETURNED)


def test_only_civil_affairs_says_that_nothing_was_handed_over_and_never_of_what_a_bank_paid(
    session: Session, scene: Scene, now: datetime, approver: Actor
) -> None:
    match = _cash_handed_over(session, scene, now)
    with pytest.raises(WrongState):
        decisions.never_handed_over(session, match.id, actor=scene.manager, now=now)
    match.paid_at = now
    with pytest.raises(WrongState, match="bank_says_paid"):
        decisions.never_handed_over(session, match.id, actor=approver, now=now)


def test_household_giver_and_approver_read_and_settle_it_on_their_pages(
    settings: Settings, sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        match = _cash_handed_over(session, scene, now)
        match_id, home_id, org_id, need_id = match.id, scene.household.id, scene.organisation.id, scene.need.id
    app = create_app(settings, database=sqlite_database)
    assert "您说没有收到" in household_client(app, home_id).get(f"/offers-to-me/{match_id}").text
    told = client_as(app, Role.CHARITY_MANAGER, org_id=org_id).get(f"/our-matches/{match_id}").text
    assert ("家庭说没有收到这笔款项" in told, "drop-reclaim" in told) == (True, False)
    officer, path = client_as(app, Role.APPROVER), f"/matches/{match_id}/drop-reclaim"
    assert "机构说现金已当面交付" in officer.get(path).text
    assert officer.post(path, data={}).status_code == 422
    assert officer.post(path, data={"found": "nothing"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.RETURNED
        assert session.get_one(Need, need_id).state is NeedState.VERIFIED
