"""The board between two runs: what is left of every resource, and what the last plan says a unit of it is worth.

What enters: a problem, the lines of its plan and the plan's prices, once per run; later the free stock that is booked.
What leaves: which resources a new need may draw on, what each still has, and what a unit pays in prices. Built and
read by `matching.quote` and by the marketplace, which hands in the households' facts need by need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from matching import eligibility as rules
from matching.eligibility import CODES, LOOKS, Bools, Classes, Ints, Refusals, active, cooling
from matching.model import FAR, Cap, Need, PastAid, Problem, Resource
from matching.plan import Line, Price

MOST_CLASSES = 4096
"""Classes of needs whose eligible resources are remembered."""


@dataclass(frozen=True, slots=True)
class Held:
    """Units that a need of the household has from a resource; `counted` is what they count for gap and caps."""

    need_id: str
    resource_id: str
    category: str
    units: int
    counted: int


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A need that came after the run, and what is known of its household beyond what the board holds.

    `banned` names single resources that are closed to this need.
    """

    need: Need
    past: tuple[PastAid, ...] = ()
    banned: frozenset[str] = frozenset()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """What the rules of eligibility say of one need: places of its resources, and how many fell to which rule."""

    places: Ints
    refused: dict[str, int]


@dataclass(slots=True)
class _Class:
    """What needs that look alike share."""

    classes: Classes
    by_category: dict[int, Ints] = field(default_factory=dict)
    fit: Fit | None = None


class Board:
    """Resources, stock left and prices in arrays (R resources, sorted by id); built once, asked often."""

    def __init__(
        self, problem: Problem, *, lines: Sequence[Line] = (), prices: Iterable[Price] = (), scale: int = 1
    ) -> None:
        rows = tuple(sorted(problem.resources, key=lambda row: row.resource_id))
        self.problem, self.policy, self.scale, self.resources = problem, problem.policy, scale, rows
        self.ranks = problem.policy.ranks()
        self.place = {row.resource_id: at for at, row in enumerate(rows)}
        self.stock = _numbers(row.stock for row in rows)
        self.stock_left = self.stock.copy()
        self.earmark_left = {row.earmark: row.budget for row in problem.earmarks}
        parents = {row.earmark: row.parent for row in problem.earmarks}
        self.above = [_path(row.earmark, parents) for row in rows]
        self.lot = _numbers(row.lot for row in rows)
        self.least = _numbers(max(1, row.min_per_need) for row in rows)
        self.per_need = _numbers(FAR if row.max_per_need is None else row.max_per_need for row in rows)
        self.per_household = _numbers(FAR if row.max_per_household is None else row.max_per_household for row in rows)
        self.by_cost = np.argsort(np.lexsort((np.arange(len(rows)), _numbers(row.unit_cost for row in rows))))
        self.toll, self._tolls_at_home = _tolls(self, prices)
        self._columns, self._gives = _numbered_columns(rows)
        self._classes: dict[tuple[Any, ...], _Class] = {}
        self._answers: dict[tuple[str, Any], Bools] = {}
        self._resource_out = _resource_out(problem, rows)
        self._bans: dict[str, frozenset[str]] = {}
        for ban in problem.bans:
            self._bans[ban.need_id] = self._bans.get(ban.need_id, frozenset()) | {ban.resource_id}
        self._past: dict[str, list[PastAid]] = {}
        for aid in problem.ledger:
            self._past.setdefault(aid.household_id, []).append(aid)
        self._held: dict[str, list[Held]] = {}
        self._remember(lines)

    def newcomer(self, newcomer: Newcomer) -> Newcomer:
        """The newcomer with what the board knows of its household added."""
        home = newcomer.need.household_id
        past = (*self._past.get(home, ()), *newcomer.past)
        return replace(newcomer, past=past, held=(*self._held.get(home, ()), *newcomer.held))

    def fit(self, newcomer: Newcomer) -> Fit:
        """The resources that pass every rule of eligibility. O(R of the category), less for a class seen before."""
        need, kind = newcomer.need, self._class_of(newcomer.need)
        given = sum(row.units for row in newcomer.past if row.need_id == need.need_id)
        out = {
            rules.WINDOW: not active(need.valid_from, need.valid_to, on=self.policy.as_of),
            rules.COOL_OFF: bool(newcomer.past) and self._cools(newcomer),
            rules.BANNED: "*" in self._bans.get(need.need_id, ()),
            rules.COVERED: given >= need.gap,
        }
        banned = newcomer.banned | self._bans.get(need.need_id, frozenset())
        plain = not banned and not any(out.values())
        if plain and kind.fit is not None:
            return kind.fit
        found = self._fit(kind, out, [self.place[name] for name in banned if name in self.place])
        if plain:
            kind.fit = found
        return found

    def tolls(self, newcomer: Newcomer, places: Ints) -> Ints:
        """Tier-1 prices (times `scale`) that one unit of each of these resources pays, shape (len(places),)."""
        need, home = newcomer.need, newcomer.need.household_id
        toll: Ints = self.toll[places].copy()
        if home in self._tolls_at_home:
            own = self._tolls_at_home[home]
            caps = sum(own.get(cap.cap_id, 0) for cap in self.caps_over(need))
            shares = [own.get((self.resources[at].resource_id,), 0) for at in places.tolist()]
            toll += caps + np.array(shares, np.int64)
        return toll

    def caps_over(self, need: Need) -> list[Cap]:
        """The household caps that count what this need receives."""
        homes = ("*", need.household_id)
        return [cap for cap in self.problem.caps if cap.household_id in homes and need.category in cap.categories]

    def book(self, need: Need, lines: Iterable[Line]) -> None:
        """Take free stock off the board, so that the next newcomer does not get it again."""
        for line in lines:
            self._take(line)
            held = Held(line.need_id, line.resource_id, need.category, line.units, line.units)
            self._held.setdefault(need.household_id, []).append(held)

    def _take(self, line: Line) -> None:
        at = self.place[line.resource_id]
        self.stock_left[at] -= line.units
        for mark in self.above[at]:
            self.earmark_left[mark] -= line.units

    def _remember(self, lines: Sequence[Line]) -> None:
        needs = {row.need_id: row for row in self.problem.needs}
        used = {row.need_id for row in self.problem.pairs or () if row.units_used is not None}
        past: dict[str, int] = {}
        for aid in self.problem.ledger:
            if aid.need_id in used:
                past[str(aid.need_id)] = past.get(str(aid.need_id), 0) + aid.units
        for line in lines:
            need = needs[line.need_id]
            counted = max(0, need.gap - past.get(line.need_id, 0)) if line.need_id in used else line.units
            held = Held(line.need_id, line.resource_id, need.category, line.units, counted)
            self._held.setdefault(need.household_id, []).append(held)
            self._take(line)

    def _cools(self, newcomer: Newcomer) -> bool:
        facts = replace(self.problem, needs=(), ledger=newcomer.past)
        return bool(cooling(facts, [newcomer.need])[0])

    def _class_of(self, need: Need) -> _Class:
        asks = tuple(of_need(need) for _, of_need, _, _ in LOOKS)
        found = self._classes.get(asks)
        if found is None:
            if len(self._classes) >= MOST_CLASSES:
                self._classes.clear()
            table = {
                look[0]: self._answer(look, ask, gives)
                for look, ask, gives in zip(LOOKS, asks, self._gives, strict=True)
            }
            mine = {rule: np.zeros(1, np.int64) for rule in table}
            found = self._classes[asks] = _Class(Classes(mine, self._columns, table))
        return found

    def _answer(self, look: tuple[Any, ...], ask: Any, gives: list[Any]) -> Bools:
        """One row of the rule's table, remembered; where resources hold sets, one member is looked up in each."""
        rule, answer = look[0], look[3]
        if (rule, ask) not in self._answers:
            if len(self._answers) >= MOST_CLASSES:
                self._answers.clear()
            if rule == rules.DISTRICT:
                row = np.array([[ask in names or "*" in names for names in gives]], bool)
            else:
                row = answer([ask], gives)
            self._answers[rule, ask] = row.reshape(1, len(gives))
        return self._answers[rule, ask]

    def _fit(self, kind: _Class, out: dict[str, bool], banned: list[int]) -> Fit:
        refusals = Refusals(
            classes=kind.classes,
            group=np.zeros(1, np.int64),
            need_out={rule: np.array([failed]) for rule, failed in out.items()},
            resource_out=self._resource_out,
            banned={0: np.array(sorted(banned), np.int64)} if banned else {},
            listed=None if self.problem.pairs is None else {},
            by_category=kind.by_category,
        )
        codes = refusals.codes(0)
        tally = np.bincount(codes, minlength=len(CODES))
        refused = {CODES[at]: int(tally[at]) for at in range(len(CODES) - 1, 0, -1) if tally[at]}
        return Fit(np.flatnonzero(codes == 0).astype(np.int64), refused)


def _numbers(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _path(mark: str | None, parents: dict[str, str | None]) -> tuple[str, ...]:
    """An earmark and all above it."""
    found: list[str] = []
    while mark is not None:
        found.append(mark)
        mark = parents[mark]
    return tuple(found)


def _numbered_columns(rows: Sequence[Resource]) -> tuple[dict[str, Ints], list[list[Any]]]:
    """What each rule looks at on the resources: by rule the number of each resource's value, and the values."""
    columns: dict[str, Ints] = {}
    gives: list[list[Any]] = []
    for rule, _, of_resource, _ in LOOKS:
        seen: dict[Any, int] = {}
        columns[rule] = _numbers(seen.setdefault(of_resource(row), len(seen)) for row in rows)
        gives.append(list(seen))
    return columns, gives


def _resource_out(problem: Problem, rows: Sequence[Resource]) -> dict[str, Bools]:
    shut = {ban.resource_id for ban in problem.bans if ban.need_id == "*"}
    on = problem.policy.as_of
    return {
        rules.WINDOW: np.array([not active(row.valid_from, row.valid_to, on=on) for row in rows], bool),
        rules.BANNED: np.array([row.resource_id in shut for row in rows], bool),
    }


def _tolls(board: Board, prices: Iterable[Price]) -> tuple[Ints, dict[str, dict[Any, int]]]:
    """What a unit of each resource pays to everybody, and the prices of single households by cap and by resource."""
    common: dict[tuple[str, str], int] = {}
    at_home: dict[str, dict[Any, int]] = {}
    for row in prices:
        if row.tier != 1:
            continue
        if row.household_id:
            key = (row.id,) if row.kind == "max_per_household" else row.id
            at_home.setdefault(row.household_id, {})[key] = row.price
        else:
            common[row.kind, row.id] = row.price
    toll = [
        common.get(("resource", row.resource_id), 0) + sum(common.get(("earmark", mark), 0) for mark in marks)
        for row, marks in zip(board.resources, board.above, strict=True)
    ]
    return np.array(toll, np.int64), at_home
