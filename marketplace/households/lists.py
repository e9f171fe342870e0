"""Lists of a department coming into the register: who is in which category from when, and who has left.

Enters: the bytes of a table (ID number, category, first day, last day if it has ended, and for registered recipients
which benefit it is, if the list says so). Leaves: spells begun and ended,
and counts. People outside the register, or outside the actor's districts, are counted and not kept; bad rows are told
by number and code. The same list again changes nothing. A list with its day (`as_of`) also corrects an end that a list
had told before. Called by the command `import categories`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from adapters.ports import WillNeverWork
from adapters.tabular import read_table
from adapters.tabular_cells import text_cell
from adapters.tabular_long import long_table
from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database, chunks
from marketplace.errors import BadInput
from marketplace.households.categories import (
    BENEFITS,
    REGISTERED,
    Entry,
    enter_many,
    follow_many,
    leave,
    take_back_end,
)
from marketplace.households.listed import (
    LISTED,
    Key,
    Span,
    Word,
    believed,
    is_same_stay,
    joined,
    laid_together,
    people_of,
    remember,
    spells_by_key,
)
from marketplace.households.models import Household, Person
from marketplace.intake import CheckedRow, Column, Fault, Schema, Stage, cells, check_records, refused_file
from marketplace.intake.columns import NO_MAPPING, match_columns
from marketplace.policy import require
from marketplace.reference.monitoring import is_personal
from marketplace.reference.words import words
from marketplace.sealed import number_index, vault_of

PIECE = 50_000
"""So many rows of a long list are in memory at a time."""
_ASKED = 500


def span_of(row: CheckedRow, /) -> Span:
    """What one row tells, of one person."""
    told = row.values
    until = date.fromisoformat(told["to_on"]) if told.get("to_on") else None
    return Span(date.fromisoformat(told["from_on"]), until, told.get("benefit") or "")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a list did: spells begun, ended, taken up again and known already, people of others, and bad rows as (row,
    code)."""

    begun: int = 0
    ended: int = 0
    known: int = 0
    strangers: int = 0
    corrected: int = 0
    bad: tuple[tuple[int, str], ...] = ()

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            begun=self.begun + other.begun,
            ended=self.ended + other.ended,
            known=self.known + other.known,
            strangers=self.strangers + other.strangers,
            corrected=self.corrected + other.corrected,
            bad=tuple(sorted({*self.bad, *other.bad})),
        )


def take_file(
    database: Database, file: Path, /, *, source: str, as_of: date | None = None, actor: Actor, now: datetime
) -> Counts:
    """Take in a file of any length, piece by piece: first who is in, then who has left, so that nobody's end is heard
    before those who stay. A short one is a single piece. Each piece is stored by itself: after a fault in the middle
    the same file again goes on with the rest."""
    told: dict[str, Any] = {"source": source, "as_of": as_of, "actor": actor, "now": now}
    found = Counts()
    try:
        table = long_table(file)
    except WillNeverWork as error:
        raise BadInput("list_unreadable", field="file") from error
    numbers = match_columns(table.names, list_schema(local_day(now)), mapping=NO_MAPPING).found if table else {}
    if table is None or "id_number" not in numbers or table.rows <= PIECE:
        with database.transaction() as session:
            return take_list(session, file.read_bytes(), **told)
    for over in (False, True):
        for piece in table.pieces(numbers["id_number"], text_cell, size=PIECE):
            with database.transaction() as session:
                part = take_list(session, piece.data, over=over, **told)
            bad = tuple((piece.numbers[row - 2], code) for row, code in part.bad)
            found += replace(part, bad=bad)
    return found


def take_list(
    session: Session,
    data: bytes,
    /,
    *,
    over: bool | None = None,
    source: str,
    as_of: date | None = None,
    actor: Actor,
    now: datetime,
) -> Counts:
    """Take a list in; one that is no table, or lacks a column, is refused whole. `over`: of its rows only those with a
    last day, or only those without. `as_of`: the day for which the department tells."""
    may_take(actor, as_of=as_of, now=now)
    every, faults = read_rows(data, today=local_day(now))
    if faults and faults[0].stage in (Stage.FILE, Stage.COLUMNS):
        raise BadInput("list_columns" if faults[0].stage is Stage.COLUMNS else "list_unreadable", field="file")
    rows = [row for row in every if over is None or bool(row.values.get("to_on")) is over]
    told, strangers = placed(session, rows, actor)
    told = believed(session, told, as_of=as_of)
    again = correct(session, told, as_of=as_of, actor=actor, now=now)
    begun, ended = store_spells(session, told, source=source, actor=actor, now=now)
    bad = tuple(sorted({(fault.row, fault.code) for fault in faults}))
    counts = {"begun": begun, "ended": ended, "corrected": again, "strangers": strangers, "bad": len(bad)}
    audit.record(session, audit.Entry("register:list", body=counts), actor=actor, now=now)
    return Counts(begun, ended, len(rows) - strangers - begun - ended - again, strangers, again, bad)


def may_take(actor: Actor, /, *, as_of: date | None, now: datetime) -> None:
    """Whether the actor may bring a list of that day in."""
    require(actor, "register:enter", district=next(iter(sorted(actor.districts)), ""))
    if as_of is not None and as_of > local_day(now):
        raise BadInput("date_in_future", field="as_of")


def read_rows(data: bytes, /, *, today: date) -> tuple[list[CheckedRow], list[Fault]]:
    """The good rows of a list, and what is wrong with the others, or with the whole file."""
    schema = list_schema(today)
    try:
        table = read_table(data)
    except WillNeverWork as error:
        return [], refused_file(error).faults
    header = match_columns(table.columns, schema, mapping=NO_MAPPING)
    if header.faults:
        return [], list(header.faults)
    places = [(name, table.columns.index(theirs)) for name, theirs in header.found.items()]
    records = [{name: row[place] for name, place in places} for row in table.rows]
    checked, faults = check_records(enumerate(records, start=table.first_row), schema)
    return checked.rows, faults


def list_schema(today: date, /) -> Schema:
    """The columns of a list of the register."""
    names = words("monitoring_category")
    category = cells.one_of(cells.meanings((code, *names[code]) for code in names), code="unknown_category")
    columns = (
        Column("id_number", "身份证号", "ID number", cells.id_number(today), needed=True, filled=True, secret=True),
        Column("category", "类别", "Category", category, needed=True, filled=True, choices=tuple(names)),
        Column("from_on", "开始日期", "From", cells.day, needed=True, filled=True, kind="date"),
        Column("to_on", "结束日期", "To", cells.day, kind="date"),
        benefit_column(),
    )
    return Schema(columns=columns, key=("id_number", "category", "from_on"))


def benefit_column() -> Column:
    """Which of the two benefits a registered recipient has."""
    names = words("case_label")
    benefit = cells.one_of(cells.meanings((code, *names[code]) for code in BENEFITS), code="not_in_list")
    return Column("benefit", "救助类型", "Benefit", benefit, choices=BENEFITS, also=("待遇类型",))


def placed(session: Session, rows: Iterable[CheckedRow], actor: Actor, /) -> tuple[dict[Word, Span], int]:
    """What is told of each person and category; and how many rows are of others."""
    vault, told = vault_of(session), dict[Word, list[Span]]()
    numbers = {row.number: number_index(vault, row.values["id_number"]) for row in rows}
    homes: dict[str, str] = {}
    for some in chunks(sorted(set(numbers.values())), _ASKED):
        asked = select(Person.id_number_index, Household.id, Household.district_code).join(
            Household, col(Household.id) == col(Person.household_id)
        )
        for index, home, district in session.exec(asked.where(col(Person.id_number_index).in_(some))):
            if not actor.districts or actor.serves(district):
                homes[str(index)] = home
    strangers = 0
    for row in rows:
        index = numbers[row.number]
        lives = homes.get(index)
        strangers += lives is None
        if lives is not None:
            told.setdefault((lives, index, row.values["category"]), []).append(span_of(row))
    return {key: joined(spans) for key, spans in told.items()}, strangers


def store_spells(
    session: Session, told: Mapping[Word, Span], /, *, source: str, actor: Actor, now: datetime
) -> tuple[int, int]:
    """Begin what does not run, end what has ended, remember of whom it was told; returns how many of the first two."""
    people = people_of(session, told)
    spans = laid_together(session, told, people)
    fresh, ending = _due(session, spans, source=source)
    for spell, until in ending:
        leave(session, spell, on=until, reason=LISTED, actor=actor, now=now)
    _name_benefits(session, spans)
    enter_many(session, fresh, actor=actor, now=now)
    follow_many(session, fresh, reason=LISTED, actor=actor, now=now)
    remember(session, told, people, now=now)
    return len(fresh), len(ending)


def correct(session: Session, told: Mapping[Word, Span], /, *, as_of: date | None, actor: Actor, now: datetime) -> int:
    """Take up again what `wrong_ends` finds; what has another last day ends anew with the rest. Returns how many go
    on."""
    found = wrong_ends(session, told, as_of=as_of)
    for spell, _until in found:
        take_back_end(session, spell, actor=actor, now=now)
    return sum(until is None for _spell, until in found)


def wrong_ends(session: Session, told: Mapping[Word, Span], /, *, as_of: date | None) -> list[tuple[str, date | None]]:
    """Ends that lists told, and that this one, made later, does not know or knows with another last day: the spells,
    each with that day. What people or cases have ended stays ended, and so does what only a list of before would keep
    open; a list without a day finds none."""
    if as_of is None:
        return []
    people, found = people_of(session, told), list[tuple[str, date | None]]()
    spans = laid_together(session, told, people)
    own = {((home, people.get((home, index)) if is_personal(category) else None, category), span.to_on)
           for (home, index, category), span in told.items()}  # fmt: skip
    for key, spells in spells_by_key(session, spans).items():
        span, last = spans.get(key), spells[-1]
        if span is None or (key, span.to_on) not in own or not is_same_stay(last, span):
            continue
        heard = local_day(last.ended_at) if last.ended_at else None
        if last.reason == LISTED and heard is not None and heard <= as_of and last.to_on != span.to_on:
            found.append((last.id, span.to_on))
    return found


def _name_benefits(session: Session, spans: Mapping[Key, Span]) -> None:
    """A list that says which benefit it is says so of what runs already."""
    named = {key: span for key, span in spans.items() if key[2] == REGISTERED and span.benefit}
    for key, spells in spells_by_key(session, named).items():
        for spell in spells:
            if key in named and spell.ended_at is None:
                spell.benefit = named[key].benefit
                session.add(spell)


def due(session: Session, told: Mapping[Word, Span], /, *, source: str) -> tuple[list[Entry], list[tuple[str, date]]]:
    """What a list would begin, and the spells that it would end with their last days."""
    return _due(session, laid_together(session, told, people_of(session, told)), source=source)


def _due(session: Session, spans: Mapping[Key, Span], *, source: str) -> tuple[list[Entry], list[tuple[str, date]]]:
    known = spells_by_key(session, spans)
    fresh: list[Entry] = []
    ending: list[tuple[str, date]] = []
    for (home, person, category), span in spans.items():
        begun, until = span.from_on, span.to_on
        spells = known.get((home, person, category), [])
        running = next((one for one in spells if one.ended_at is None and one.to_on is None), None)
        if running is not None and until is not None and until >= running.from_on:
            ending.append((running.id, until))
        elif running is None and not any(is_same_stay(one, span) for one in spells):
            own = Entry(home, category, begun, to_on=until, person_id=person, source=source, benefit=span.benefit)
            fresh.append(own)
    return fresh, ending
