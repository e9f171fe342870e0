"""Whom a list tells of a running benefit is seen now and then, as if a case had granted it; its end ends that."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.households import categories, lists
from marketplace.households.models import Person
from marketplace.households.service import list_people
from marketplace.liveness import duties, listed, schedule, service
from marketplace.liveness.models import CheckState, SurvivalCheck, SurvivalDuty
from marketplace.visits.models import HomeVisit
from tests import factories as make
from tests.marketplace.signal_scene import CLERK, a_home, a_number, head, into

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({"500103"}))


def tell(session: Session, *rows: str, now: datetime) -> None:
    """A department's list: ID number, category, first day, last day, benefit."""
    table = "\n".join(["身份证号,类别,开始日期,结束日期,救助类型", *rows])
    lists.take_list(session, table.encode(), source="mca", actor=CLERK, now=now)


def look(database: Database, now: datetime) -> int:
    """One look; and that the next one finds nothing more to do."""
    done = listed.look(database, now=now)
    assert listed.look(database, now=now) == 0
    return done


def running(database: Database) -> dict[str, str]:
    """Kind ► the telling part of who is asked now."""
    with database.reading() as session:
        found = session.exec(select(SurvivalDuty).where(col(SurvivalDuty.ended_at).is_(None)))
        return {duty.kind: duty.person_id for duty in found}


def test_each_kind_that_a_list_tells_is_scheduled_and_its_end_ends_it(sqlite_database: Database, now: datetime) -> None:
    told = {
        "SENIOR": ("高龄津贴领取人员", date(1938, 1, 1)),
        "ORPHAN": ("ORPHAN", date(2014, 1, 1)),
        "DISABLED": ("残疾人两项补贴人员", date(1980, 1, 1)),
        "DIBAO": ("IN_REGISTER", date(1970, 1, 1)),
        "TEKUN": ("IN_REGISTER", date(1950, 1, 1)),
    }
    numbers = {kind: a_number(born) for kind, (_name, born) in told.items()}

    def row(kind: str, last: str) -> str:
        return f"{numbers[kind]},{told[kind][0]},2026-05-01,{last},{kind if kind in categories.BENEFITS else ''}"

    with sqlite_database.transaction() as session:
        people = {kind: head(session, a_home(session, numbers=(one,), now=now)).id for kind, one in numbers.items()}
        tell(session, *(row(kind, "") for kind in told), now=now)
    assert look(sqlite_database, now) == 5
    assert running(sqlite_database) == people
    with sqlite_database.reading() as session:
        days = {duty.kind: duty.next_on for duty in session.exec(select(SurvivalDuty))}
    assert days["DIBAO"] == date(2027, 5, 1), "counted from the day of the benefit, so that not all fall on one day"
    assert days["SENIOR"] == date(2027, 5, 1)
    assert days["TEKUN"] == date(2027, 2, 1)
    with sqlite_database.transaction() as session:
        tell(session, *(row(kind, "2026-11-23") for kind in told), now=now)
    assert look(sqlite_database, now) == 0, "the last day is a day of the benefit"
    assert look(sqlite_database, now + timedelta(days=1)) == 5
    assert running(sqlite_database) == {}
    with sqlite_database.reading() as session:
        homes = session.exec(select(Person.household_id)).all()
        kept = {spell.category for home in homes for spell in categories.list_spells(session, home)}
        assert "EXITED_2Y" in kept, "the register stays as the list told it"


def test_everybody_named_in_extreme_hardship_is_asked_and_of_an_allowance_family_whom_messages_reach(
    sqlite_database: Database, now: datetime
) -> None:
    old, older, poor, child = a_number(), a_number(), a_number(), a_number(date(2015, 1, 1))
    with sqlite_database.transaction() as session:
        hard, low = a_home(session, numbers=(old, older), now=now), a_home(session, numbers=(poor, child), now=now)
        people = {one.id for one in list_people(session, hard.id)} | {head(session, low).id}
        rows = [f"{one},IN_REGISTER,2026-05-01,,TEKUN" for one in (old, older)]
        tell(session, *rows, *(f"{one},IN_REGISTER,2026-05-01,," for one in (child, poor)), now=now)
    assert look(sqlite_database, now) == 2
    with sqlite_database.transaction() as session:
        assert {duty.person_id for duty in session.exec(select(SurvivalDuty))} == people
        tell(session, f"{older},IN_REGISTER,2026-05-01,2026-11-20,TEKUN", now=now + timedelta(hours=1))
    assert look(sqlite_database, now + timedelta(hours=2)) == 1
    with sqlite_database.reading() as session:
        left = [duty.person_id for duty in duties.duties_of_household(session, hard.id)]
        assert len(left) == 1, "one has left, and the household's category runs on for the other"
        assert categories.categories_on(session, [hard.id], on=local_day(now)) == {hard.id: ["IN_REGISTER"]}


def test_what_a_person_ended_stays_ended_and_an_end_told_by_mistake_is_taken_back(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        home = a_home(session, numbers=(a_number(),), now=now)
        spell_id = into(session, home, "IN_REGISTER", from_on=date(2026, 5, 1), now=now).id
    assert look(sqlite_database, now) == 1
    later = now + timedelta(days=2)
    with sqlite_database.transaction() as session:
        categories.leave(session, spell_id, on=local_day(now), reason="LISTED", actor=CLERK, now=later)
    assert look(sqlite_database, later) == 1
    with sqlite_database.transaction() as session:
        categories.take_back_end(session, spell_id, actor=CLERK, now=later)
    assert look(sqlite_database, later) == 1
    with sqlite_database.transaction() as session:
        [duty] = duties.duties_of_household(session, home.id)
        duties.end_duty(session, duty.id, reason="mistake", actor=VERIFIER, now=later)
    assert look(sqlite_database, later) == 0, "staff said that nobody is to ask"


def test_what_staff_ask_for_by_hand_is_not_ended_by_a_category_that_was_over_before(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        home = a_home(session, numbers=(a_number(),), now=now)
        spell = into(session, home, "IN_REGISTER", from_on=date(2025, 5, 1), now=now)
        categories.leave(session, spell.id, on=date(2025, 12, 1), reason="LISTED", actor=CLERK, now=now)
        duties.enrol(session, head(session, home).id, "DIBAO", actor=WORKER, now=now + timedelta(days=1))
    assert look(sqlite_database, now + timedelta(days=3)) == 0


def test_a_check_that_waits_falls_with_the_last_benefit_and_nobody_goes(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        home = make.a_household(session)
        person = list_people(session, home.id)[0]
        [one, two] = [duties.enrol(session, person.id, kind, actor=WORKER, now=now) for kind in ("TEKUN", "SENIOR")]
    for day in (95, 120):
        at = now + timedelta(days=day)
        schedule.sweep(sqlite_database, clock=lambda at=at: at)  # type: ignore[misc]
    with sqlite_database.transaction() as session:
        check = session.exec(select(SurvivalCheck)).one()
        assert check.state is CheckState.VISIT
        duties.end_duty(session, one.id, reason="mistake", actor=VERIFIER, now=at)
        assert check.state is CheckState.VISIT, "another benefit runs"
        duties.end_duty(session, two.id, reason="benefit_over", actor=VERIFIER, now=at)
        session.refresh(check)
        assert (check.state, check.done_by) == (CheckState.DROPPED, VERIFIER.id)
        assert clocks.running_of(session, check.id) == []
        assert session.exec(select(HomeVisit)).one().state.value != "open"
        assert service.find_waiting(session, person.id) is None
