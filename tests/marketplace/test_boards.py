"""A number on a board is as many households as its rows, and the paper of a decision adds up by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import Entry, record
from marketplace.boards import counting, keeping, paper, response
from marketplace.boards.counting import ALL, MEASURES, Moment, Place
from marketplace.boards.models import BoardCount, BoardDay
from marketplace.calendar import HERE, local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed
from marketplace.households import categories
from marketplace.households.models import Household, Person
from marketplace.proposals.problem import Scope
from marketplace.reference.standards import standards_on
from marketplace.reference.words import list_codes
from marketplace.signals import answering, sweeping
from marketplace.signals.models import Colour
from marketplace.signals.taking import record_fact
from tests.marketplace.signal_scene import CLERK, SECOND, a_home, a_number, at_work, into, told
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run
from tests.pages.people import client_as

NOW = utc_now()
TODAY = local_day(NOW)
AT = Moment(NOW, TODAY)
WORKER = Actor(id="w", role=Role.WORKER, districts=frozenset({"500103"}))


def a_city(session: Session) -> list[Household]:
    """Three households of 渝中 and one of 万州: in the register, one visited, one with a red alert, one left."""
    homes = []
    for place, district in enumerate(("500103", "500103", "500103", "500101")):
        number = a_number()
        homes.append(a_home(session, numbers=(number,), district=district, now=NOW))
        into(session, homes[-1], "IN_REGISTER", from_on=TODAY - timedelta(days=10 if place == 0 else 400), now=NOW)
        if place == 1:
            told(session, "STREET", (number, "VISIT", TODAY - timedelta(days=5), None), as_of=TODAY, now=NOW)
        if place == 2:
            told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=NOW)
    at_work(session, "W05", now=NOW)
    sweeping.sweep(session, actor=CLERK, now=NOW)
    return homes


def test_every_number_is_as_many_households_as_its_rows_and_stays_in_the_district(session: Session) -> None:
    homes = a_city(session)
    expected = {"register": 3, "new": 1, "changed": 1, "red": 1, "visited": 1, "unseen": 2, "overdue": 1}
    for measure in MEASURES:
        counted = counting.by_place(session, measure, Place("500103"), at=AT, actor=WORKER)
        rows, total = counting.rows_of(session, measure, Place("500103"), at=AT, actor=WORKER, offset=0, limit=50)
        assert sum(counted.values()) == total == len(rows) == expected.get(measure, 0), measure
    assert counting.by_place(session, "register", Place(), at=AT, actor=CLERK) == {"500101": 1, "500103": 3}
    assert counting.by_place(session, "register", Place(), at=AT, actor=WORKER) == {"500103": 3}
    assert counting.rows_of(session, "red", Place(), at=AT, actor=WORKER, offset=0, limit=9)[0] == [homes[2]]


def test_who_leaves_is_not_new_and_who_is_watched_or_comes_back_has_not_left(session: Session) -> None:
    gone, watched = (a_home(session, numbers=(a_number(),), now=NOW) for _n in range(2))
    for home in (gone, watched):
        spell = into(session, home, "DIBIAN_MEMBER", from_on=TODAY - timedelta(days=400), now=NOW)
        last: Any = {"on": TODAY - timedelta(days=9), "reason": "INCOME_ROSE", "watched": home is watched}
        categories.leave(session, spell.id, **last, actor=CLERK, now=NOW)
    assert categories.categories_on(session, [watched.id], on=TODAY)[watched.id] == ["EXITED_2Y"]
    assert [_total(session, measure, AT) for measure in ("register", "new", "left")] == [1, 0, 1]
    into(session, gone, "IN_REGISTER", from_on=TODAY - timedelta(days=8), now=NOW)
    assert [_total(session, measure, AT) for measure in ("register", "new", "left")] == [2, 0, 0]
    into(session, watched, "DIBIAN_MEMBER", from_on=TODAY - timedelta(days=2), now=NOW)
    assert categories.categories_on(session, [watched.id], on=TODAY)[watched.id] == ["DIBIAN_MEMBER"]


def _total(session: Session, measure: str, at: Moment, district: str = "") -> int:
    return sum(counting.by_place(session, measure, Place(district), at=at, actor=CLERK).values())


def _ages(session: Session, at: Moment) -> list[int]:
    return [_total(session, f"red_{band}", at) for band in range(4)]


def _answers(session: Session, colour: Colour, at: Moment, district: str = "") -> tuple[int, int]:
    code = colour.value.lower()
    return _total(session, f"answered_{code}", at, district), _total(session, f"in_time_{code}", at, district)


def test_alerts_are_told_by_age_and_answers_by_whether_they_were_in_time(session: Session) -> None:
    home = a_city(session)[2]
    assert _ages(session, AT) == [1, 0, 0, 0]
    for band, number in enumerate((1, 0, 0, 0)):
        rows, total = counting.rows_of(session, f"red_{band}", Place(), at=AT, actor=WORKER, offset=0, limit=9)
        assert len(rows) == total == number
    later = Moment(NOW + timedelta(days=5), TODAY + timedelta(days=5))
    assert _ages(session, later) == [0, 0, 1, 0]
    assert sum(counting.by_place(session, "late", Place(), at=later, actor=WORKER).values()) == 1
    (alert,) = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome="helped", actor=CLERK, now=NOW + timedelta(hours=2))
    assert _answers(session, Colour.RED, later, "500103") == (1, 1)
    assert _answers(session, Colour.RED, later, "500101") == (0, 0)


def test_response_times_are_the_days_within_which_half_and_nine_in_ten_were_answered(session: Session) -> None:
    took = (0, 0, 1, 1, 2, 3, 3, 7, 8, 40)
    for days in took:
        number = a_number()
        home = a_home(session, numbers=(number,), now=NOW)
        told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=NOW)
        at_work(session, "W05", now=NOW)
        sweeping.sweep(session, actor=CLERK, now=NOW)
        (alert,) = answering.open_alerts(session, home.id)
        answering.close(session, alert.id, outcome="helped", actor=CLERK, now=NOW + timedelta(days=days))
    at = Moment(NOW + timedelta(days=41), TODAY + timedelta(days=41))

    def told_of(place: Place, moment: Moment = at) -> list[int | None]:
        numbers = response.by_place(session, place, at=moment, actor=CLERK)
        return [response.days_within(numbers, Colour.RED, share) for share in (response.HALF, response.MOST)]

    assert told_of(Place()) == told_of(Place("500103")) == [sorted(took)[4], sorted(took)[8]]
    assert told_of(Place("500101")) == [None, None]
    assert told_of(Place(), Moment(NOW + timedelta(days=94), TODAY + timedelta(days=94))) == [8, 40]


def test_what_is_put_off_is_no_answer_and_shown_as_put_off(session: Session) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=NOW)
    at_work(session, "W02", now=NOW)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 30_000), as_of=TODAY, now=NOW)
    sweeping.sweep(session, actor=CLERK, now=NOW)
    (alert,) = answering.open_alerts(session, home.id)
    until, later = TODAY + timedelta(days=90), NOW + timedelta(hours=1)
    answering.snooze(session, alert.id, until=until, reason="AWAY", actor=CLERK, now=later)
    assert [_answers(session, colour, AT) for colour in Colour] == [(0, 0)] * 4
    assert counting.by_place(session, "put_off", Place(), at=AT, actor=CLERK) == {"500103": 1}


def test_households_without_a_street_open_as_many_rows_as_their_number(session: Session) -> None:
    with_street, *without = a_city(session)[:3]
    with_street.street_code = "500103001"
    session.add(with_street)
    session.flush()
    counted = counting.by_place(session, "register", Place("500103"), at=AT, actor=WORKER)
    place = Place("500103", counting.UNKNOWN)
    rows, total = counting.rows_of(session, "register", place, at=AT, actor=WORKER, offset=0, limit=9)
    assert counted[""] == total == len(rows) == len(without)


def test_an_answer_to_one_alert_makes_no_other_one_younger_and_putting_off_is_no_answer(session: Session) -> None:
    numbers = (a_number(), a_number())
    home, other = (a_home(session, numbers=(number,), now=NOW) for number in numbers)
    at_work(session, "W01", "W02", "W05", now=NOW)
    for number in numbers:
        told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 30_000), as_of=TODAY, now=NOW)
    sweeping.sweep(session, actor=CLERK, now=NOW)
    answering.snooze(
        session,
        answering.open_alerts(session, other.id)[0].id,
        until=TODAY + timedelta(days=60),
        reason=list_codes("snooze_reason")[0],
        actor=CLERK,
        now=NOW + timedelta(hours=1),
    )
    month = Moment(NOW + timedelta(days=30), TODAY + timedelta(days=30))
    told(session, "MEDICAL_BILLS", (numbers[0], "OWN_COST", month.today, 30_000), as_of=month.today, now=month.now)
    sweeping.sweep(session, actor=CLERK, now=month.now)
    red, orange = answering.open_alerts(session, home.id)
    assert (red.colour, orange.colour) == (Colour.RED, Colour.ORANGE)
    answering.close(session, red.id, outcome="no_need", actor=CLERK, now=month.now + timedelta(hours=1))
    assert sum(counting.by_place(session, "late", Place(), at=month, actor=CLERK).values()) == 1
    for measure, rows in (("answered_orange", [home]), ("in_time_orange", []), ("in_time_red", [home])):
        behind = counting.rows_of(session, measure, Place(), at=month, actor=CLERK, offset=0, limit=9)
        assert behind == (rows, len(rows)), measure
    assert [_answers(session, colour, month) for colour in (Colour.RED, Colour.ORANGE)] == [(1, 1), (1, 0)]


def test_kept_numbers_are_those_of_the_moment_for_every_place_and_reader(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = a_city(session)
    homes[0].street_code, homes[1].street_code = "500103001", "500103002"
    session.flush()
    places = (Place(), Place("500103"), Place("500103", "500103001"), Place("500103", counting.UNKNOWN))
    shown = [(place, reader) for place in places for reader in (CLERK, WORKER)]
    answered = answering.open_alerts(session, homes[2].id)[0].id
    answering.close(session, answered, outcome="helped", actor=CLERK, now=NOW)
    live = [keeping.board_of(session, place, at=AT, actor=reader) for place, reader in shown]
    keeping.keep(session, keeping.count(session, at=AT), seq=0, now=NOW)
    monkeypatch.setattr(keeping, "LIVE_UP_TO", 3)
    later = Moment(NOW + timedelta(hours=2), TODAY)
    into(session, a_home(session, numbers=(a_number(),), now=NOW), "IN_REGISTER", from_on=TODAY, now=NOW)
    for (place, reader), moment in zip(shown, live, strict=True):
        kept = keeping.board_of(session, place, at=later, actor=reader)
        assert moment.live
        assert (kept.live, kept.at) == (False, NOW)
        assert kept.numbers == moment.numbers, place
        totals = [keeping.kept_total(session, code, place, actor=reader) for code in ALL]
        assert totals == [moment.total(code) for code in ALL]
    assert (live[0].total("register"), live[1].total("register")) == (4, 3)
    assert [_total(session, "register", later), live[2].total("took_red_0")] == [5, 1]


def test_a_page_of_rows_needs_no_counting_where_a_number_is_kept_and_shows_its_own_end(session: Session) -> None:
    a_city(session)

    def page(offset: int, kept: int) -> tuple[int, int]:
        rows, total = counting.rows_of(
            session, "register", Place("500103"), at=AT, actor=WORKER, offset=offset, limit=2, kept=kept
        )
        return len(rows), total

    assert [page(0, 9), page(2, 9), page(0, 0)] == [(2, 9), (1, 3), (2, 3)]


def test_the_worker_counts_each_day_and_a_large_register_each_hour_in_which_something_changed(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_database.transaction() as session:
        a_city(session)
    moments = [NOW]
    sweep = keeping.Hourly(sqlite_database, clock=lambda: moments[-1])

    def told_at(now: datetime) -> bool:
        moments.append(now)
        return sweep() > 0

    def act() -> None:
        with sqlite_database.transaction() as session:
            record(session, Entry("board:test"), actor=CLERK, now=NOW)

    midnight = datetime.combine(TODAY + timedelta(days=1), datetime.min.time(), tzinfo=HERE)
    assert [told_at(midnight), told_at(midnight + timedelta(hours=2))] == [True, False]
    monkeypatch.setattr(keeping, "LIVE_UP_TO", 3)
    assert not told_at(midnight + timedelta(hours=2))
    act()
    assert [told_at(midnight + timedelta(minutes=minutes)) for minutes in (59, 61, 200)] == [False, True, False]
    act()
    days = [30, 35, 430]
    assert all(told_at(midnight + timedelta(days=day)) for day in days)
    with sqlite_database.reading() as session:
        kept = session.exec(select(BoardDay.on).distinct().order_by(col(BoardDay.on))).all()
        assert kept == [local_day(midnight) + timedelta(days=day) for day in days]
        assert session.exec(select(func.count()).select_from(BoardCount)).one() > 0
        first = local_day(midnight) + timedelta(days=60)
        before = keeping.month_ago(session, Place("500103"), on=first, actor=WORKER)
        assert before is not None
        assert (before[0], before[1]["register"]) == (kept[0], 3)
        assert keeping.month_ago(session, Place(), on=first, actor=CLERK)[1]["register"] == 4  # type: ignore[index]
        assert keeping.month_ago(session, Place(), on=first - timedelta(days=1), actor=CLERK) is None


def test_raising_the_line_takes_in_who_stands_between_both_lines_and_pays_the_gap(session: Session) -> None:
    line = standards_on(TODAY).dibao_urban_fen
    incomes = {"below": line // 2, "between": line * 105 // 100, "above": line * 120 // 100}
    homes = {}
    for name, month in incomes.items():
        number = a_number()
        homes[name] = a_home(session, numbers=(number,), now=NOW)
        told(session, "SPENDING", (number, "INCOME", TODAY, month * 12 // 100), as_of=TODAY, now=NOW)
    a_home(session, numbers=(a_number(),), now=NOW)
    into(session, homes["below"], "IN_REGISTER", from_on=TODAY - timedelta(days=9), now=NOW)
    cost = paper.raise_line(session, 10, on=TODAY, actor=SECOND)
    assert (cost.homes, cost.people, cost.unknown) == (1, 1, 1)
    # 110 % of the line less 105 % of it; incomes are told in whole yuan a year
    assert cost.new_fen == pytest.approx(line * 5 // 100, abs=20)
    assert cost.more_fen == line * 10 // 100
    with pytest.raises(BadInput):
        paper.raise_line(session, 0, on=TODAY, actor=SECOND)
    with pytest.raises(NotAllowed):
        paper.raise_line(session, 10, on=TODAY, actor=WORKER)


def test_the_paper_counts_nobody_who_is_dead(session: Session) -> None:
    line = standards_on(TODAY).dibao_urban_fen
    pair, other, alone = (a_number(), a_number()), (a_number(), a_number()), a_number()
    home, anew, empty = (a_home(session, numbers=numbers, now=NOW) for numbers in (pair, other, (alone,)))
    for gone in (home, anew, empty):
        asked = select(Person).where(Person.household_id == gone.id)
        one = session.exec(asked).first()
        assert one is not None
        record_fact(session, one, "DEATH", ref=f"death:{one.id}", on=TODAY, actor=CLERK, now=NOW)
    anew.size = 1  # a list told its number after the death
    for number in (pair[0], other[0]):
        told(session, "SPENDING", (number, "INCOME", TODAY, line * 105 // 100 * 12 // 100), as_of=TODAY, now=NOW)
    cost = paper.raise_line(session, 10, on=TODAY, actor=SECOND)
    assert (cost.homes, cost.people, cost.unknown) == (2, 2, 0)


def test_a_new_category_counts_who_meets_the_rule_and_gets_nothing_yet(session: Session) -> None:
    numbers = [a_number(), a_number(), a_number()]
    homes = [a_home(session, numbers=(number,), now=NOW) for number in numbers]
    (rule,) = at_work(session, "W05", now=NOW)
    bills = [(number, "OWN_COST", TODAY, 60_000) for number in numbers[:2]]
    told(session, "MEDICAL_BILLS", *bills, as_of=TODAY, now=NOW)
    into(session, homes[0], "IN_REGISTER", from_on=TODAY, now=NOW)
    cost = paper.add_category(session, rule.id, month_fen=30_000, on=TODAY, actor=SECOND)
    assert (cost.homes, cost.people, cost.new_fen, cost.needs) == (1, 1, 30_000, 0)
    assert (cost.year_fen, cost.unknown) == (360_000, None)
    with pytest.raises(BadInput):
        paper.add_category(session, rule.id, month_fen=0, on=TODAY, actor=SECOND)


def test_a_lost_giver_is_solved_without_all_it_posted_in_the_last_run_of_the_whole_city(
    sqlite_database: Database, settings: Settings, approver: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        urgent, _calm, offer = a_shortage(session)
        org_id, wanted = offer.org_id, urgent.id
    whole = a_run(sqlite_database, approver, now)
    part = a_run(sqlite_database, approver, now, scope=Scope(districts=("500101",)))
    with sqlite_database.reading() as session:
        run, trial = paper.lose_giver(session, org_id, actor=approver)
        assert (run.number, part.number) == (whole.number, whole.number + 1)
        assert [(change.need.id, change.before, change.after) for change in trial.losers] == [(wanted, 10, 0)]
        assert (trial.losers_count, trial.losers_people, trial.winners_count) == (
            1,
            session.get_one(Household, urgent.household_id).size,
            0,
        )
        with pytest.raises(BadInput):
            paper.lose_giver(session, "nobody", actor=approver)
    client = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    client.set_cookie("lang", "en")
    page = client.post("/boards/paper/result", data={"kind": "giver", "giver": org_id}).text
    assert "the whole city, every kind of need" in page


def test_without_any_run_there_is_no_giver_to_lose(session: Session) -> None:
    with pytest.raises(BadInput):
        paper.lose_giver(session, "nobody", actor=SECOND)
