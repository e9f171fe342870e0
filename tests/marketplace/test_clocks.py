"""A step waits with a limit, reminds its holder, and ends when somebody acts."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from marketplace.appointments import booking
from marketplace.claims import waiting as insurers
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.clocks.steps import STEPS
from marketplace.decisions import waiting
from marketplace.liveness import service as liveness
from marketplace.meetings import night
from marketplace.payments import late
from marketplace.payments import waiting as payments
from marketplace.reference.words import label
from tests.factories import a_household, an_organisation


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


def test_the_reminder_at_the_limit_gives_no_more_time_one_that_was_missed_before_it_does(
    session: Session, now: datetime
) -> None:
    holder = Holder(org_id=an_organisation(session).id)
    swept, slept = (clocks.start(session, "bank_answer", ref, holder=holder, now=now) for ref in ("b-1", "b-2"))
    limit = swept.due_at
    slept.remind_at = limit + timedelta(hours=1)
    assert clocks.due_reminders(session, now=now + (limit - now) * 80 / 100) == [swept]
    assert clocks.due_reminders(session, now=limit) == [swept]
    assert (swept.due_at, len(clocks.late(session, "bank_answer", now=limit))) == (limit, 2)
    assert clocks.due_reminders(session, now=limit + timedelta(hours=1)) == [slept]
    assert slept.due_at > limit + timedelta(hours=24)
    assert clocks.late(session, "bank_answer", now=limit + timedelta(hours=1)) == [swept]


def test_starting_again_ends_the_clock_that_ran(session: Session, now: datetime) -> None:
    holder = Holder(household_id=a_household(session).id)
    first = clocks.start(session, "household_answer", "match-1", holder=holder, now=now)
    second = clocks.start(session, "household_answer", "match-1", holder=holder, now=now + timedelta(days=1))
    assert first.outcome == "restarted"
    assert clocks.running_of(session, "match-1") == [second]


def _told() -> dict[str, list[str]]:
    """Step ► the cells of its row in the document."""
    text = (Path(__file__).parents[2] / "docs" / "deadlines.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_document_names_every_step_with_its_words_holder_limits_and_reminders() -> None:
    told = _told()
    assert list(told) == list(STEPS)
    for step in STEPS.values():
        reminders = ", ".join(f"{share} %" for share in step.remind_at)
        limits = (f"{step.hours} hours",) * 2 if step.hours else (str(step.days), str(step.urgent_days or step.days))
        assert told[step.code][:5] == [label("step", step.code), step.side.value, *limits, reminders], step.code


def test_the_document_says_of_each_step_whether_something_follows_and_to_which_step_it_passes() -> None:
    rooms = (waiting.CONSEQUENCES, insurers.CONSEQUENCES, payments.CONSEQUENCES, night.CONSEQUENCES)
    follows = {liveness.STEP, booking.ANSWER, *late.STEPS, *(step for follows in rooms for step in follows)}
    for code, cells in _told().items():
        assert cells[5].startswith("stays") != (code in follows), code
        passes = re.match(r"passes to `(\w+)`", cells[5])
        assert passes is None or passes[1] in STEPS, code


def test_hours_run_day_and_night_and_a_reminder_that_comes_too_late_adds_one(session: Session, now: datetime) -> None:
    holder = Holder(org_id=an_organisation(session).id)
    friday = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    clock = clocks.start(session, "urgent_answer", "match-1", holder=holder, now=friday, urgent=True)
    assert clock.due_at == friday + timedelta(hours=4)
    slept = friday + timedelta(hours=9)
    assert clocks.due_reminders(session, now=slept) == [clock]
    assert clock.due_at == slept + timedelta(hours=1)


def test_the_words_that_promise_four_hours_hold() -> None:
    assert STEPS["urgent_answer"].hours == 4
