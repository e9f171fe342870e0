"""What a row of a table of planned visits does: a new time, or something to a visit that is there.

Enters: the facts of a row and what is known. Leaves: a `Judged`, or a BadInput with the field that is wrong. A visit is
changed only by a row that gives its number, in the ways of the page: it is called off with a reason, one person goes
instead of another, it is called off and the household is asked about the new time, or it is said what became of it.
Called by `planned`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from marketplace.appointments.models import OPEN, AppointmentState
from marketplace.appointments.planned_known import Known, Service, Standing
from marketplace.appointments.planned_table import Planned
from marketplace.errors import BadInput


class Act(StrEnum):
    """What a row does."""

    NEW = "new"
    SAME = "same"
    EXCHANGE = "exchange"
    MOVE = "move"
    CALL_OFF = "call_off"
    DONE = "done"
    MISSED = "no_show_volunteer"
    AWAY = "no_show_household"


SAID = (Act.DONE, Act.MISSED, Act.AWAY)
"""What became of a visit, under the name of the state that it is in then."""
FREES = (Act.MOVE, Act.CALL_OFF, Act.MISSED, Act.AWAY)
"""The visit that stands takes no units, time and people any more."""
LEAVES = (Act.MOVE, Act.CALL_OFF)
"""The visit that stands is called off."""
ASKS = (Act.NEW, Act.MOVE)
"""A time is proposed, and the household is asked."""
STAYS = (Act.SAME, Act.EXCHANGE)
"""The time stays as it is."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One row with what it does; `there` is the visit that it names or meets."""

    number: int
    one: Planned
    service: Service
    act: Act
    there: Standing | None = None


def judge(number: int, one: Planned, known: Known, /, *, now: datetime) -> Judged:
    """What this row does, before it is held against the others."""
    named = known.services.get(one.service)
    if named is None:
        raise BadInput("visit_service_unknown", field="service")
    there = _there(one, named, known)
    if there is None and (one.call_off or one.outcome) and not one.visit:
        raise BadInput("visit_number_needed", field="visit")
    act = Act.NEW if there is None else _act(one, there, now=now)
    return Judged(number, one, named, act, there)


def _there(one: Planned, named: Service, known: Known) -> Standing | None:
    """The visit of a row: by its number, and where that was called off (by this same table, once) by its time."""
    at_time = known.standing.get((named.match.id, one.window.starts_at))
    if not one.visit:
        return at_time
    numbered = known.numbered.get(one.visit)
    if numbered is None or numbered.visit.match_id != named.match.id:
        raise BadInput("visit_number_unknown", field="visit")
    called_off = numbered.visit.state is AppointmentState.CANCELLED
    is_about = one.call_off or one.outcome
    return at_time if called_off and at_time is not None and not is_about else numbered


def _act(one: Planned, there: Standing, *, now: datetime) -> Act:
    visit = there.visit
    if one.outcome:
        return _said(one, there)
    if one.call_off and visit.state is AppointmentState.CANCELLED:
        return Act.SAME
    as_it_is = (visit.starts_at, visit.ends_at, visit.place) == (one.window.starts_at, one.window.ends_at, one.place)
    same_people = one.numbers in (there.numbers, there.came)
    if not one.call_off and as_it_is and same_people and visit.state is not AppointmentState.CANCELLED:
        return Act.SAME
    if one.visit != visit.id:
        raise BadInput("visit_number_needed" if one.call_off else "visit_planned_otherwise", field="begins")
    if visit.state not in OPEN or visit.starts_at <= now:
        raise BadInput("visit_closed", field="visit")
    if one.call_off:
        return Act.CALL_OFF
    if as_it_is and len(there.numbers) == len(one.numbers) and len(set(there.numbers) - set(one.numbers)) == 1:
        return Act.EXCHANGE
    if there.one_of_several:
        raise BadInput("visit_choice_stands", field="visit")
    return Act.MOVE


def _said(one: Planned, there: Standing) -> Act:
    """What became of an agreed visit, by its number and with its own time; what is on record stays as it is."""
    visit = there.visit
    if one.visit != visit.id:
        raise BadInput("visit_number_needed", field="visit")
    if one.call_off:
        raise BadInput("visit_said_and_off", field="call_off")
    if (visit.starts_at, visit.ends_at, visit.place) != (one.window.starts_at, one.window.ends_at, one.place):
        raise BadInput("visit_time_stands", field="begins")
    served = (one.minutes, one.content, one.numbers) == (visit.minutes, visit.content, there.came)
    if visit.state.value == one.outcome and (one.outcome != Act.DONE or served):
        return Act.SAME
    if visit.state is not AppointmentState.AGREED:
        raise BadInput("visit_said_otherwise", field="outcome")
    return Act(one.outcome)


def refuse_mixed_choices(judged: Sequence[Judged], /) -> dict[int, BadInput]:
    """Row ► what is wrong with its mark of alternatives: times of which the household takes one have one mark, and no
    other time of the service has it."""
    marked: dict[tuple[str, str], set[str]] = {}
    for row in judged:
        if row.one.choice:
            marked.setdefault((row.service.match.id, row.one.choice), set()).add(_choice(row))
    wrong: dict[int, BadInput] = {}
    for row in judged:
        several = row.there is not None and row.there.one_of_several and row.act in STAYS
        mixed = len(marked.get((row.service.match.id, row.one.choice), ())) > 1
        if mixed or (several and not row.one.choice):
            wrong[row.number] = BadInput("visit_choice_otherwise", field="choice")
    return wrong


def _choice(row: Judged) -> str:
    """The choice that a row's time is of; new ones make one together."""
    return "" if row.there is None or row.act in ASKS else row.there.visit.choice_id
