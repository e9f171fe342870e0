"""The table of planned visits: its columns in both languages, the facts of one row, and the month that goes out.

Enters: a giver's table, one visit a row, or a giver and a month. Leaves: the `Schema` that the file passes, the
`Planned` of a checked row, and the month's visits under the same headings with the number and the state of each, so
that what goes out comes back unchanged or changed. No row names a household. Called by `planned` and its desk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from adapters import tabular_writer
from adapters.ports import Cell
from marketplace.appointments.fitness import Window
from marketplace.appointments.models import (
    OPEN,
    Appointment,
    AppointmentState,
    Booking,
    Place,
    ServiceRecord,
    Volunteer,
)
from marketplace.calendar import HERE, local_day
from marketplace.intake import BadCell, Column, Row, Schema, cells
from marketplace.reference.words import label, words

OUTCOMES = (
    AppointmentState.DONE.value,
    AppointmentState.NO_SHOW_VOLUNTEER.value,
    AppointmentState.NO_SHOW_HOUSEHOLD.value,
)
"""What a row may say became of a visit, under the names of its states."""
_STATE, _CONTENT = "appointment_state", "service_content"
_CLOCK = re.compile(r"(?:\S+ )?(\d{1,2})[:：](\d{2})(?::00)?")
_SPLIT = re.compile(r"[;；,，、|]")


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit as a row tells it: the service's number, when, where, and the register's numbers of who comes; the mark
    of alternatives, the number of the visit that is changed, why it is called off, and what became of it: its state
    from then on, with the minutes and the content of a served one; each perhaps empty."""

    service: str
    window: Window
    place: Place
    numbers: tuple[str, ...]
    choice: str = ""
    visit: str = ""
    call_off: str = ""
    outcome: str = ""
    minutes: int = 0
    content: str = ""


def planned_schema() -> Schema:
    """The columns; a place that is left empty is the household's home. Rows of one service with the same mark are
    alternatives. A visit that is changed or called off, or of which it is said what became of it, is named by its
    number; those who are named beside a visit that was served are those who came."""
    place, why = (cells.one_of(cells.meanings_of(table)) for table in ("visit_place", "visit_cancel"))
    outcome = cells.one_of(cells.meanings((code, *words(_STATE)[code]) for code in OUTCOMES))
    ends = tuple(words(_STATE)[code][0] for code in OUTCOMES)
    content = cells.one_of(cells.meanings_of(_CONTENT))
    columns = (
        Column("service", "服务编号", "Service", cells.text(32), needed=True, filled=True, also=("编号", "Number")),
        Column("day", "日期", "Day", cells.day, needed=True, filled=True, kind="date"),
        Column("begins", "开始", "Begins at", _clock, needed=True, filled=True, also=("开始时间",)),
        Column("ends", "结束", "Ends at", _clock, needed=True, filled=True, also=("结束时间",)),
        Column("place", "地点", "Where", place, choices=_labels("visit_place")),
        Column(
            "volunteers", "志愿者编号", "Volunteers", cells.text(200), needed=True, filled=True, also=("Who comes",)
        ),
        Column("choice", "备选", "Alternatives", cells.text(32)),
        Column("visit", "安排编号", "Visit number", cells.text(32)),
        Column("call_off", "取消原因", "Call off because", why, choices=_labels("visit_cancel")),
        Column("outcome", "实际情况", "What became of it", outcome, choices=ends),
        Column("minutes", "服务分钟", "Minutes served", cells.whole(1, 1440), kind="number"),
        Column("content", "服务内容", "What was done", content, choices=_labels(_CONTENT)),
    )
    return Schema(columns=columns, key=("service", "day", "begins"), finish=_finish)


def _finish(row: Row) -> None:
    """Minutes and content belong to a visit that took place, and both are said of it."""
    told = [name for name in ("minutes", "content") if row[name] is not None]
    if row["outcome"] == AppointmentState.DONE:
        for name in {"minutes", "content"}.difference(told):
            row.fault(name, "empty")
    elif told:
        row.fault("outcome", "visit_outcome_missing")


def _labels(table: str) -> tuple[str, ...]:
    return tuple(zh for zh, _en in words(table).values())


def _clock(cell: Cell) -> str | None:
    """A time of day, as 14:30; a spreadsheet's own times are read too."""
    plain = cells.text(32)(cell)
    if plain is None:
        return None
    found = _CLOCK.fullmatch(plain)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise BadCell("not_a_time")
    return f"{int(found[1]):02d}:{found[2]}"


def planned_of(values: Mapping[str, Any], /) -> Planned:
    """The facts of a checked row."""
    day = date.fromisoformat(values["day"])
    first, last = (
        datetime.combine(day, time.fromisoformat(values[name]), HERE).astimezone(UTC) for name in ("begins", "ends")
    )
    numbers = (part.strip() for part in _SPLIT.split(values["volunteers"]))
    return Planned(
        service=values["service"].lower(),
        window=Window(first, last),
        place=Place(values.get("place") or Place.HOME),
        numbers=tuple(sorted({number for number in numbers if number})),
        choice=(values.get("choice") or "").lower(),
        visit=(values.get("visit") or "").lower(),
        call_off=values.get("call_off") or "",
        outcome=values.get("outcome") or "",
        minutes=values.get("minutes") or 0,
        content=values.get("content") or "",
    )


def month_file(session: Session, org_id: str, month: date, /, *, lang: str, mark: str = "") -> bytes:
    """The visits of a month as XLSX, with what became of each; what was called off is left out."""
    english = lang.startswith("en")
    heads = [(one.en if english else one.zh, one.kind) for one in planned_schema().columns]
    heads.append(("State" if english else "状态", "text"))
    columns = [tabular_writer.Column(name, kind=kind) for name, kind in heads]
    return tabular_writer.write_xlsx(columns, _rows(session, org_id, month, lang=lang), mark=mark)


def _rows(session: Session, org_id: str, month: date, *, lang: str) -> Iterator[tuple[Cell, ...]]:
    first = month.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    start, end = (datetime.combine(day, time(0), HERE).astimezone(UTC) for day in (first, after))
    wanted = select(Appointment).where(
        col(Appointment.org_id) == org_id,
        col(Appointment.state) != AppointmentState.CANCELLED,
        col(Appointment.starts_at) >= start,
        col(Appointment.starts_at) < end,
    )
    found = session.exec(wanted.order_by(col(Appointment.starts_at), col(Appointment.id))).all()
    ids, several = [one.id for one in found], open_choices(session, org_id)
    who = numbers_of(session, ids) | numbers_of(session, ids, of=ServiceRecord)
    for one in found:
        begins, ends = one.starts_at.astimezone(HERE), one.ends_at.astimezone(HERE)
        yield (
            one.match_id,
            local_day(one.starts_at),
            f"{begins:%H:%M}",
            f"{ends:%H:%M}",
            label("visit_place", one.place.value, lang=lang),
            "；".join(who.get(one.id, ())),
            one.choice_id[:8] if one.choice_id in several else None,
            one.id,
            None,
            *_said_of(one, lang=lang),
            label(_STATE, one.state.value, lang=lang),
        )


def _said_of(one: Appointment, *, lang: str) -> tuple[Cell, Cell, Cell]:
    """What became of a visit, as far as it is said."""
    if one.state.value not in OUTCOMES:
        return None, None, None
    content = label(_CONTENT, one.content, lang=lang) if one.content else None
    return label(_STATE, one.state.value, lang=lang), one.minutes, content


def numbers_of(
    session: Session, ids: list[str], /, *, of: type[Booking] | type[ServiceRecord] = Booking
) -> dict[str, tuple[str, ...]]:
    """Appointment ► the register's numbers of who is booked for it, or on record as having served it, sorted."""
    asked = select(of.appointment_id, Volunteer.registration_no).join(
        Volunteer, col(Volunteer.id) == col(of.volunteer_id)
    )
    if of is ServiceRecord:
        asked = asked.where(col(ServiceRecord.void).is_(False))
    found: dict[str, tuple[str, ...]] = {}
    for appointment_id, number in session.exec(
        asked.where(col(of.appointment_id).in_(ids)).order_by(col(Volunteer.registration_no))
    ):
        found[appointment_id] = (*found.get(appointment_id, ()), number)
    return found


def open_choices(session: Session, org_id: str, /) -> set[str]:
    """The choices of a giver's in which a household has several times to take one of."""
    asked = select(Appointment.choice_id).where(col(Appointment.org_id) == org_id, col(Appointment.state).in_(OPEN))
    return set(session.exec(asked.group_by(col(Appointment.choice_id)).having(func.count() > 1)))
