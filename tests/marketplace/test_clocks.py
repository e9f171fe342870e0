"""A step waits with a limit, reminds its holder, and ends when somebody acts."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.clocks.steps import STEPS
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


def test_the_document_names_each_step_with_its_limit() -> None:
    text = (Path(__file__).parents[2] / "docs" / "deadlines.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): (row[2], row[3], row[4], row[5]) for row in rows}
    for step in STEPS.values():
        if step.code in told:
            reminders = ", ".join(f"{share} %" for share in step.remind_at)
            days = (str(step.days), str(step.urgent_days or step.days))
            assert told[step.code] == (step.side.value, *days, reminders), step.code
    assert {"giver_answer", "household_answer", "deliver", "household_confirm", "follow_up", "unclaimed"} <= told.keys()


def test_one_clock_follows_the_other_and_the_last_leaves_none(session: Session, now: datetime) -> None:
    clocks.move_on(session, "match-1", outcome="approved", step="call_household", now=now)
    clocks.move_on(session, "match-1", outcome="reached", step="follow_up", now=now)
    assert [clock.step for clock in clocks.running_of(session, "match-1")] == ["follow_up"]
    assert clocks.move_on(session, "match-1", outcome="closed", now=now) is None
    assert clocks.running_by_object(session, ["match-1", "match-2"]) == {}
