"""A number on a board is as many households as its rows, and the paper of a decision adds up by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from marketplace.actors import Actor, Role
from marketplace.boards import counting, paper
from marketplace.boards.counting import MEASURES, Moment, Place
from marketplace.calendar import local_day, utc_now
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed
from marketplace.households import categories
from marketplace.households.models import Household
from marketplace.reference.standards import standards_on
from marketplace.reference.words import list_codes
from marketplace.signals import answering, sweeping
from marketplace.signals.models import Colour
from tests.marketplace.signal_scene import CLERK, SECOND, a_home, a_number, at_work, into, told
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run

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


def test_who_leaves_or_comes_back_is_not_new_and_no_longer_watched(session: Session) -> None:
    home = a_home(session, numbers=(a_number(),), now=NOW)
    spell = into(session, home, "IN_REGISTER", from_on=TODAY - timedelta(days=400), now=NOW)
    categories.leave(session, spell.id, on=TODAY - timedelta(days=9), reason="INCOME_ROSE", actor=CLERK, now=NOW)
    assert counting.by_place(session, "new", Place(), at=AT, actor=CLERK) == {}
    assert counting.by_place(session, "left", Place(), at=AT, actor=CLERK) == {"500103": 1}
    assert categories.categories_on(session, [home.id], on=TODAY)[home.id] == ["EXITED_2Y"]
    into(session, home, "DIBIAN_MEMBER", from_on=TODAY - timedelta(days=2), now=NOW)
    assert categories.categories_on(session, [home.id], on=TODAY)[home.id] == ["DIBIAN_MEMBER"]


def test_alerts_are_told_by_age_and_answers_by_whether_they_were_in_time(session: Session) -> None:
    home = a_city(session)[2]
    assert counting.ages(session, Place(), at=AT, actor=WORKER)[Colour.RED] == [1, 0, 0, 0]
    for band, number in enumerate((1, 0, 0, 0)):
        rows, total = counting.rows_of(session, f"red_{band}", Place(), at=AT, actor=WORKER, offset=0, limit=9)
        assert len(rows) == total == number
    later = Moment(NOW + timedelta(days=5), TODAY + timedelta(days=5))
    assert counting.ages(session, Place(), at=later, actor=WORKER)[Colour.RED] == [0, 0, 1, 0]
    assert sum(counting.by_place(session, "late", Place(), at=later, actor=WORKER).values()) == 1
    (alert,) = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome="helped", actor=CLERK, now=NOW + timedelta(hours=2))
    red = counting.answers(session, Place("500103"), at=later, actor=WORKER)[0]
    assert (red.ended, red.in_time) == (1, 1)
    assert counting.answers(session, Place("500101"), at=later, actor=CLERK)[0].ended == 0


def test_what_is_put_off_is_no_answer_and_shown_as_put_off(session: Session) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=NOW)
    at_work(session, "W02", now=NOW)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 30_000), as_of=TODAY, now=NOW)
    sweeping.sweep(session, actor=CLERK, now=NOW)
    (alert,) = answering.open_alerts(session, home.id)
    until, later = TODAY + timedelta(days=90), NOW + timedelta(hours=1)
    answering.snooze(session, alert.id, until=until, reason="AWAY", actor=CLERK, now=later)
    assert [one.ended for one in counting.answers(session, Place(), at=AT, actor=CLERK)] == [0, 0, 0, 0]
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
    found = {one.colour: (one.ended, one.in_time) for one in counting.answers(session, Place(), at=month, actor=CLERK)}
    for measure, rows in (("answered_orange", [home]), ("in_time_orange", []), ("in_time_red", [home])):
        behind = counting.rows_of(session, measure, Place(), at=month, actor=CLERK, offset=0, limit=9)
        assert behind == (rows, len(rows)), measure
    assert (found[Colour.RED], found[Colour.ORANGE]) == ((1, 1), (1, 0))


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


def test_a_new_category_counts_who_meets_the_rule_and_gets_nothing_yet(session: Session) -> None:
    numbers = [a_number(), a_number(), a_number()]
    homes = [a_home(session, numbers=(number,), now=NOW) for number in numbers]
    (rule,) = at_work(session, "W05", now=NOW)
    bills = [(number, "OWN_COST", TODAY, 60_000) for number in numbers[:2]]
    told(session, "MEDICAL_BILLS", *bills, as_of=TODAY, now=NOW)
    into(session, homes[0], "IN_REGISTER", from_on=TODAY, now=NOW)
    cost = paper.add_category(session, rule.id, month_fen=30_000, on=TODAY, actor=SECOND)
    assert (cost.homes, cost.people, cost.new_fen, cost.needs) == (1, 1, 30_000, 0)


def test_a_lost_giver_is_solved_without_all_it_posted(
    sqlite_database: Database, approver: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        urgent, _calm, offer = a_shortage(session)
        org_id, wanted = offer.org_id, urgent.id
    a_run(sqlite_database, approver, now)
    with sqlite_database.reading() as session:
        _run, trial = paper.lose_giver(session, org_id, actor=approver)
        assert [(change.need.id, change.before, change.after) for change in trial.losers] == [(wanted, 10, 0)]
        assert (trial.losers_count, trial.losers_people, trial.winners_count) == (
            1,
            session.get_one(Household, urgent.household_id).size,
            0,
        )
        with pytest.raises(BadInput):
            paper.lose_giver(session, "nobody", actor=approver)


def test_without_any_run_there_is_no_giver_to_lose(session: Session) -> None:
    with pytest.raises(BadInput):
        paper.lose_giver(session, "nobody", actor=SECOND)
