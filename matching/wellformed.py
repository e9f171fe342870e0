"""What one row cannot know: rules between the rows of a problem.

What enters: a problem whose rows are each well formed. What leaves: the misfits, each with its table, row, column,
value and mend. Called by `matching.folder`, which turns them into a refusal, and by `matching.compiled`, so that a
problem built in code is held to the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from matching.model import Ban, Candidate, Need, Pin, Problem, Resource


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing wrong: `row` counts from 0 over the data rows of `table`; -1 concerns the whole table."""

    table: str
    row: int
    column: str
    value: str
    wrong: str
    mend: str

    def __str__(self) -> str:
        """The sentence a person reads. Files count their header as row 1."""
        place = f"{self.table}, row {self.row + 2}" if self.row >= 0 else self.table
        column = f", column {self.column}" if self.column else ""
        return f"{place}{column}: {self.value!r} {self.wrong}. Mend: {self.mend}."


class BadInput(ValueError):
    """A problem refused whole; `misfits` says where and how to mend it, `str()` the first twenty of them."""

    def __init__(self, misfits: Iterable[Misfit]) -> None:
        self.misfits = tuple(misfits)
        more = len(self.misfits) - 20
        said = [str(misfit) for misfit in self.misfits[:20]] + ([f"… and {more} more."] if more > 0 else [])
        super().__init__("\n".join(said))


def require(problem: Problem) -> None:
    """Refuse a problem with misfits.

    Raises
    ------
    BadInput
        Naming table, row, column, value and mend of each.
    """
    found = tuple(misfits(problem))
    if found:
        raise BadInput(found)


def misfits(problem: Problem) -> Iterator[Misfit]:
    """Everything wrong between the rows, in the order of the files. O(rows)."""
    yield from _duplicates(problem)
    yield from _units(problem)
    yield from _earmarks(problem)
    yield from _mixed_units(problem)
    yield from _ledger(problem)
    yield from _decisions(problem)
    yield from _size(problem)


def _duplicates(problem: Problem) -> Iterator[Misfit]:
    pair = attrgetter("need_id", "resource_id")
    tables: tuple[tuple[str, str, Callable[[Any], object]], ...] = (
        ("needs", "need_id", attrgetter("need_id")),
        ("resources", "resource_id", attrgetter("resource_id")),
        ("earmarks", "earmark", attrgetter("earmark")),
        ("caps", "cap_id", attrgetter("cap_id")),
        ("cooloffs", "category", attrgetter("category")),
        *((table, "need_id", pair) for table in ("pins", "bans", "announced", "pairs")),
    )
    for table, column, key_of in tables:
        rows, seen = getattr(problem, table) or (), dict[object, int]()
        keys = list(map(key_of, rows))
        for row, key in enumerate(keys) if len(set(keys)) < len(keys) else ():
            first = seen.setdefault(key, row)
            if first != row:
                name = key if isinstance(key, str) else " and ".join(map(str, key))  # type: ignore[call-overload]
                yield Misfit(table, row, column, name, f"stands in row {first + 2} already", "keep one of the two rows")


def _units(problem: Problem) -> Iterator[Misfit]:
    """One category, one unit, over needs and resources alike."""
    unit_of: dict[str, str] = {}
    tables: tuple[tuple[str, tuple[Need | Resource, ...]], ...] = (
        ("needs", problem.needs),
        ("resources", problem.resources),
    )
    for table, rows in tables:
        kinds = set(map(attrgetter("category", "unit"), rows)) - unit_of.items()
        some = len({category for category, _ in kinds} - unit_of.keys()) < len(kinds)
        unit_of |= () if some else kinds
        for row, item in enumerate(rows) if some else ():
            known = unit_of.setdefault(item.category, item.unit)
            if known != item.unit:
                wrong = f"is a second unit of category {item.category}, which counts in {known!r} above"
                yield Misfit(table, row, "unit", item.unit, wrong, "use one unit per category, or another category")


def _earmarks(problem: Problem) -> Iterator[Misfit]:
    parent_of = {e.earmark: e.parent for e in problem.earmarks}
    for row, mark in enumerate(problem.earmarks):
        if mark.parent is not None and mark.parent not in parent_of:
            yield Misfit("earmarks", row, "parent", mark.parent, "is not an earmark", "add its row or leave it empty")
        elif _returns(mark.earmark, parent_of):
            mend = "make the parents a tree: leave one of them empty"
            yield Misfit("earmarks", row, "parent", str(mark.parent), f"leads back to {mark.earmark}", mend)
    for row, resource in enumerate(problem.resources):
        if resource.earmark is not None and resource.earmark not in parent_of:
            mend = "add it to earmarks.csv or leave the column empty"
            yield Misfit("resources", row, "earmark", resource.earmark, "is not an earmark", mend)


def _returns(start: str, parent_of: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    at = parent_of[start]
    while at is not None and at not in seen:
        if at == start:
            return True
        seen.add(at)
        at = parent_of.get(at)
    return False


def _mixed_units(problem: Problem) -> Iterator[Misfit]:
    """Budgets and caps add raw units, so everything under one of them must count in one unit."""
    parent_of = {e.earmark: e.parent for e in problem.earmarks}
    unit_under: dict[str, str] = {}
    for row, resource in enumerate(problem.resources):
        seen: set[str] = set()
        at = resource.earmark
        while at is not None and at not in seen:
            seen.add(at)
            if unit_under.setdefault(at, resource.unit) != resource.unit:
                wrong = f"differs from {unit_under[at]!r}, the unit of the earmark {at}"
                yield Misfit("resources", row, "unit", resource.unit, wrong, "give each unit its own earmark")
                break
            at = parent_of.get(at)
    everything: tuple[Need | Resource, ...] = (*problem.resources, *problem.needs)
    unit_of = dict(map(attrgetter("category", "unit"), everything))
    for row, cap in enumerate(problem.caps):
        if not cap.categories - {"*"}:
            shown = ";".join(cap.categories)
            yield Misfit(
                "caps", row, "categories", shown, "names no category", "write the categories with ; between them"
            )
        units = sorted({unit_of[c] for c in cap.categories if c in unit_of})
        if len(units) > 1:
            wrong = f"mixes the units {', '.join(units)}"
            mend = "write one cap per unit"
            yield Misfit("caps", row, "categories", ";".join(sorted(cap.categories)), wrong, mend)


def _ledger(problem: Problem) -> Iterator[Misfit]:
    needs = {n.need_id: n for n in problem.needs}
    for row, aid in enumerate(problem.ledger):
        if aid.need_id is None:
            continue
        need = needs.get(aid.need_id)
        if need is None:
            mend = "leave the column empty for history, or add the need"
            yield Misfit("ledger", row, "need_id", aid.need_id, "is not a need", mend)
        elif need.household_id != aid.household_id:
            wrong = f"is not the household of need {aid.need_id}"
            yield Misfit("ledger", row, "household_id", aid.household_id, wrong, f"write {need.household_id}")
        elif need.category != aid.category:
            wrong = f"is not the category of need {aid.need_id}"
            yield Misfit("ledger", row, "category", aid.category, wrong, f"write {need.category}")


def _decisions(problem: Problem) -> Iterator[Misfit]:
    """Pins, bans and pairs name needs and resources that exist; announced links may name what is gone."""
    needs = {n.need_id for n in problem.needs}
    resources = {r.resource_id for r in problem.resources}
    tables: tuple[tuple[str, tuple[Pin | Ban | Candidate, ...]], ...] = (
        ("pins", problem.pins),
        ("bans", problem.bans),
        ("pairs", problem.pairs or ()),
    )
    mend = "correct the id or drop the row"
    for table, rows in tables:
        star = "*" if table == "bans" else None
        for row, item in enumerate(rows):
            if item.need_id not in needs and item.need_id != star:
                yield Misfit(table, row, "need_id", item.need_id, "is not a need", mend)
            if item.resource_id not in resources and item.resource_id != star:
                yield Misfit(table, row, "resource_id", item.resource_id, "is not a resource", mend)
    for row, ban in enumerate(problem.bans):
        if ban.need_id == ban.resource_id == "*":
            yield Misfit("bans", row, "resource_id", "*", "bans everything", "name a need or a resource")
    for row, pair in enumerate(problem.pairs or ()):
        if pair.units_used == 0:
            yield Misfit("pairs", row, "units_used", "0", "cannot be shown in a plan", "write at least 1")


def _size(problem: Problem) -> Iterator[Misfit]:
    total = sum(need.gap for need in problem.needs)
    if 4 * problem.policy.levels * total >= 2**62:
        wrong = f"units of need in all, times 4 times {problem.policy.levels} levels, pass 2^62"
        yield Misfit("needs", -1, "gap", str(total), wrong, "count in larger units, or split the problem")
