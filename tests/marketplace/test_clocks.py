"""A step waits with a limit, reminds its holder, and ends when somebody acts."""

from datetime import datetime, timedelta

from sqlmodel import Session

from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from tests.factories import a_household


def test_a_clock_runs_until_somebody_acts(session: Session, now: datetime) -> None:
    holder = Holder(household_id=a_household(session).id)
    clock = clocks.start(session, "household_answer", "match-1", holder=holder, now=now)
    assert clocks.late(session, "household_answer", now=clock.due_at - timedelta(seconds=1)) == []
    assert clocks.late(session, "household_answer", now=clock.due_at) == [clock]
    assert clocks.end(session, "match-1", outcome="accepted", now=clock.due_at) == 1
    assert clocks.late(session, "household_answer", now=clock.due_at) == []
    assert clocks.running_of(session, "match-1") == []


def test_an_urgent_step_has_less_time(session: Session, now: datetime) -> None:
    holder = Holder(household_id=a_household(session).id)
    calm = clocks.start(session, "household_answer", "match-1", holder=holder, now=now)
    urgent = clocks.start(session, "household_answer", "match-2", holder=holder, now=now, urgent=True)
    assert urgent.due_at < calm.due_at


def test_two_reminders_fall_due_at_their_shares_and_never_again(session: Session, now: datetime) -> None:
    holder = Holder(household_id=a_household(session).id)
    clock = clocks.start(session, "household_answer", "match-1", holder=holder, now=now)
    whole = clock.due_at - now
    assert clocks.due_reminders(session, now=now + whole * 39 / 100) == []
    assert clocks.due_reminders(session, now=now + whole * 40 / 100) == [clock]
    assert clocks.due_reminders(session, now=now + whole * 41 / 100) == []
    assert clocks.due_reminders(session, now=now + whole * 80 / 100) == [clock]
    assert clocks.due_reminders(session, now=clock.due_at) == []
    assert clock.reminders == 2


def test_starting_again_ends_the_clock_that_ran(session: Session, now: datetime) -> None:
    holder = Holder(household_id=a_household(session).id)
    first = clocks.start(session, "household_answer", "match-1", holder=holder, now=now)
    second = clocks.start(session, "household_answer", "match-1", holder=holder, now=now + timedelta(days=1))
    assert first.outcome == "restarted"
    assert clocks.running_of(session, "match-1") == [second]
