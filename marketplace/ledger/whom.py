"""Whose aid a row of past aid tells of.

Enters: checked rows and the households of the needs that they name. Leaves: for each its household, by ID number, by
reference, else by the need, and whom of it the aid was for, if the row says so: also who lives elsewhere by now and
lived there once. Called by `planning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from marketplace.db import chunks
from marketplace.households.apart import people_by_number
from marketplace.households.former import rows_by_number
from marketplace.households.models import Household, Person
from marketplace.households.register import source_index
from marketplace.households.same import same_as
from marketplace.intake import CheckedRow
from marketplace.ledger.references import meant
from marketplace.sealed import number_index, vault_of

_ASKED = 500


def find(
    session: Session, rows: Sequence[CheckedRow], /, *, needs: Mapping[str, str], source: str
) -> list[tuple[str, str]]:
    """The household of each row and the person in it, in the order of the rows; empty where nobody here fits. O(rows),
    questions in slices."""
    homes = _homes(session, rows, source=source)
    numbers = _named(rows, "person_id_number")
    people = people_by_number(session, numbers)
    former = rows_by_number(session, numbers)
    same = same_as(session, {home for home in (*homes.values(), *needs.values()) if home})
    found = []
    for row in rows:
        number = str(row.values.get("person_id_number") or "")
        person, lives = people.get(number, ("", ""))
        home = _home(row, needs, homes) or lives
        here = bool(home) and lives in same.of(home)
        found.append((home, person if here else former.get((number, home), "")))
    return found


def _home(row: CheckedRow, needs: Mapping[str, str], homes: Mapping[str, str]) -> str:
    values = row.values
    named = homes.get(str(values.get("head_id_number") or "")) or homes.get(str(values.get("household_ref") or ""))
    return named or needs.get(str(values.get("need_source_id") or ""), "")


def _homes(session: Session, rows: Sequence[CheckedRow], *, source: str) -> dict[str, str]:
    """ID number or household reference ► household; a reference counts in this source, or in the only one that has
    it."""
    vault = vault_of(session)
    numbers, refs = _named(rows, "head_id_number"), _named(rows, "household_ref")
    sources = session.execute(select(col(Household.source)).distinct()).scalars().all() if refs else []
    by_number = {number_index(vault, number): number for number in numbers}
    by_ref = {source_index(vault, one, ref): (ref, one) for ref in refs for one in sources}
    told: dict[str, dict[str, str]] = {}
    for index, home in _asked(session, by_ref, column=col(Household.source_index), home=col(Household.id)):
        ref, one = by_ref[index]
        told.setdefault(ref, {})[one] = home
    held = _asked(session, by_number, column=col(Person.id_number_index), home=col(Person.household_id))
    return meant(told, source) | {by_number[index]: home for index, home in held}


def _named(rows: Sequence[CheckedRow], column: str) -> set[str]:
    return {str(row.values[column]) for row in rows if row.values.get(column)}


def _asked(session: Session, wanted: Iterable[str], *, column: Any, home: Any) -> Iterator[tuple[str, str]]:
    for some in chunks(sorted(wanted), _ASKED):
        rows: Iterable[Any] = session.execute(select(column, home).where(column.in_(some)))
        yield from ((str(index), str(household)) for index, household in rows)
