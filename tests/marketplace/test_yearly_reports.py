"""The clock of the report that a giver owes once a year: who has one, when it is reminded, when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.calendar import after_working_days
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import waiting
from marketplace.notices import Notice
from marketplace.organisations.models import OrganisationState
from marketplace.reports import service, yearly
from marketplace.reports.months import Year
from tests import factories as make

NEW_YEAR = datetime(2027, 1, 1, 1, 0, tzinfo=UTC)
BEFORE = datetime(2026, 3, 1, tzinfo=UTC)


def givers(database: Database) -> tuple[str, str]:
    """An old giver and one that applied before New Year and was let in afterwards; a third, old one is suspended."""
    with database.transaction() as session:
        old = make.an_organisation(session, created_at=BEFORE)
        new = make.an_organisation(session, created_at=BEFORE, contract_from=NEW_YEAR.date())
        make.an_organisation(session, created_at=BEFORE, state=OrganisationState.SUSPENDED)
        return old.id, new.id


def running(session: Session) -> list[Clock]:
    return list(session.exec(select(Clock).where(Clock.step == yearly.STEP, col(Clock.ended_at).is_(None))))


def test_each_active_giver_of_the_year_before_has_one_clock_until_its_report_is_published(
    sqlite_database: Database,
) -> None:
    old, _new = givers(sqlite_database)
    assert yearly.sweep(sqlite_database, clock=lambda: NEW_YEAR - timedelta(days=40)) == 0
    assert yearly.sweep(sqlite_database, clock=lambda: NEW_YEAR) == 1
    assert yearly.sweep(sqlite_database, clock=lambda: NEW_YEAR + timedelta(hours=1)) == 0
    manager = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=old)
    with sqlite_database.transaction() as session:
        (clock,) = running(session)
        assert (clock.org_id, clock.due_at) == (old, after_working_days(Year(2026).ends, 60))
        assert yearly.find_owed(session, old, now=NEW_YEAR) is not None
        report = service.prepare(session, Year(2026), org_id=old, actor=manager, now=NEW_YEAR)
        service.publish(session, report.id, actor=manager, now=NEW_YEAR)
        assert running(session) == []
    assert yearly.sweep(sqlite_database, clock=lambda: NEW_YEAR + timedelta(days=30)) == 0


def test_a_giver_that_owes_its_year_is_reminded_by_a_letter_of_its_own(sqlite_database: Database) -> None:
    old, _new = givers(sqlite_database)
    yearly.sweep(sqlite_database, clock=lambda: NEW_YEAR)
    for days in (1, 10, 20, 60, 80, 95, 96, 120):
        waiting.sweep(sqlite_database, clock=lambda at=NEW_YEAR + timedelta(days=days): at)
    with sqlite_database.reading() as session:
        letters = session.exec(select(Notice).where(Notice.org_id == old, Notice.letter == "yearly_due")).all()
        (clock,) = running(session)
    assert (len(letters), clock.reminders) == (4, 4)


def test_a_house_that_slept_through_the_spring_still_gives_ten_working_days(sqlite_database: Database) -> None:
    givers(sqlite_database)
    autumn = NEW_YEAR + timedelta(days=300)
    yearly.sweep(sqlite_database, clock=lambda: autumn)
    with sqlite_database.reading() as session:
        (clock,) = running(session)
        assert (clock.due_at, clock.reminders) == (after_working_days(autumn, 10), 0)
