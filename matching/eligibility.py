"""Who may give to whom: one named rule per reason code, applied to classes of needs and resources.

What enters: needs and resources sorted by id, and the problem's dates, bans, cool-offs and candidate pairs.
What leaves: the eligible pairs as two sorted index arrays, and `Refusals`, which says of any need by which rule each
resource fell away. Called by `matching.compiled`; read by `matching.explain`. The judge does not use this file.

Needs that look alike (category, unit, district, urgency, consent, tags) are one class, resources likewise, so the
rules run once per class of needs over all resources: O(classes · R + E), never N · R objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.model import Need, Problem, Resource

ELIGIBLE = "eligible"
CATEGORY = "category"
UNIT = "unit"
NOT_LISTED = "not_listed"
NO_CONSENT = "no_consent"
URGENCY = "urgency"
DISTRICT = "district"
TAGS = "tags"
WINDOW = "window"
COOL_OFF = "cool_off"
BANNED = "banned"
COVERED = "covered"

RULES = (CATEGORY, UNIT, NOT_LISTED, NO_CONSENT, URGENCY, DISTRICT, TAGS, WINDOW, COOL_OFF, BANNED, COVERED)
"""The order of the tests. A pair is refused by the first that fails; the later it failed, the nearer it came."""

CODES = (ELIGIBLE, *RULES)
"""`CODES[refusals.codes(i)[r]]` is the name of what `codes` holds."""

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
CELLS = 4_000_000
"""Pairs of classes and resources that are looked at in one go."""
TagRule = tuple[frozenset[str], frozenset[str], frozenset[str]]


def active(valid_from: date | None, valid_to: date | None, *, on: date) -> bool:
    """Whether `on` lies in the half-open period.

    >>> active(date(2026, 1, 1), date(2026, 2, 1), on=date(2026, 2, 1))
    False
    """
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)


def tags_fit(tags: frozenset[str], rule: TagRule) -> bool:
    """Whether `tags` meet ``(tags_any, tags_all, tags_none)``."""
    some, every, none = rule
    return (not some or bool(some & tags)) and every <= tags and not none & tags


def cooling(problem: Problem, needs: Sequence[Need]) -> Bools:
    """Which needs wait because the household had the category lately; shape (N,). O(ledger + N).

    A ledger row for the very same need does not make that need wait.
    """
    days = {rule.category: rule.days for rule in problem.cooloffs}
    recent: dict[tuple[str, str], set[str | None]] = {}
    for row in problem.ledger:
        age = problem.policy.as_of - row.given_on
        if row.category in days and timedelta(0) <= age < timedelta(days[row.category]):
            recent.setdefault((row.household_id, row.category), set()).add(row.need_id)
    nothing: set[str | None] = set()
    return np.array([bool(recent.get((n.household_id, n.category), nothing) - {n.need_id}) for n in needs], bool)


def _equal(ours: Sequence[str], theirs: Sequence[str]) -> Bools:
    return np.array([[a == b for b in theirs] for a in ours], bool)


def _at_least(ours: Sequence[int], theirs: Sequence[int]) -> Bools:
    return np.array([[a >= b for b in theirs] for a in ours], bool)


def _holds(sets: Sequence[frozenset[str]], members: Sequence[str]) -> Bools:
    """Whether each set names each member; ``"*"`` names all. O(the sets' sizes), for there may be many sets."""
    answers = np.zeros((len(sets), len(members)), bool)
    place = {member: at for at, member in enumerate(members)}
    for row, names in enumerate(sets):
        answers[row, [place[name] for name in names if name in place]] = True
        answers[row] |= "*" in names
    return answers


def _held_by(members: Sequence[str], sets: Sequence[frozenset[str]]) -> Bools:
    return _holds(sets, members).T


def _fits(tags: Sequence[frozenset[str]], rules: Sequence[TagRule]) -> Bools:
    return np.array([[tags_fit(t, rule) for rule in rules] for t in tags], bool)


LOOKS: tuple[tuple[str, Callable[[Need], Any], Callable[[Resource], Any], Callable[[Any, Any], Bools]], ...] = (
    (CATEGORY, attrgetter("category"), attrgetter("category"), _equal),
    (UNIT, attrgetter("unit"), attrgetter("unit"), _equal),
    (NO_CONSENT, attrgetter("consented"), attrgetter("org_id"), _holds),
    (URGENCY, attrgetter("urgency"), attrgetter("min_urgency"), _at_least),
    (DISTRICT, attrgetter("district"), attrgetter("districts"), _held_by),
    (TAGS, attrgetter("tags"), attrgetter("tags_any", "tags_all", "tags_none"), _fits),
)
"""What each rule looks at on the need, on the resource, and the table of its answers."""


def _numbered(values: list[Any]) -> tuple[Ints, list[Any]]:
    """Number equal values alike: (index of each, the distinct values by index)."""
    place = {value: at for at, value in enumerate(dict.fromkeys(values))}
    return np.fromiter(map(place.__getitem__, values), np.int64, len(values)), list(place)


@dataclass(frozen=True, slots=True)
class Classes:
    """Needs and resources as small numbers, and one table of answers per rule.

    ``need[rule]`` and ``resource[rule]`` hold the row and column of ``table[rule]`` for every need and resource.
    """

    need: dict[str, Ints]
    resource: dict[str, Ints]
    table: dict[str, Bools]

    def passes(self, rule: str, need: int | Ints, resource: slice | Ints) -> Bools:
        """Whether `need` and the resources pass `rule`; broadcast."""
        answer: Bools = self.table[rule][self.need[rule][need], self.resource[rule][resource]]
        return answer


def classify(needs: Sequence[Need], resources: Sequence[Resource]) -> Classes:
    """Number the needs and resources by what each rule looks at, and answer each combination once."""
    rows: dict[str, Ints] = {}
    columns: dict[str, Ints] = {}
    table: dict[str, Bools] = {}
    for rule, of_need, of_resource, answer in LOOKS:
        rows[rule], asks = _numbered(list(map(of_need, needs)))
        columns[rule], gives = _numbered(list(map(of_resource, resources)))
        table[rule] = answer(asks, gives).reshape(len(asks), len(gives))
    return Classes(rows, columns, table)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why not: for each need, the first rule that each resource failed.

    N needs, R resources. ``need_out[code]`` (N,) and ``resource_out[code]`` (R,) are refusals that concern one side
    only; `banned` and `listed` (None: all) hold, by need, single resources.
    """

    classes: Classes
    group: Ints
    need_out: dict[str, Bools]
    resource_out: dict[str, Bools]
    banned: dict[int, Ints]
    listed: dict[int, Ints] | None
    by_category: dict[int, Ints] = field(default_factory=dict)

    def codes(self, need: int) -> NDArray[np.uint8]:
        """Place in `CODES` for each resource (0 is eligible), shape (R,). O(R)."""
        codes = np.full(len(self.resource_out[WINDOW]), CODES.index(CATEGORY), np.uint8)
        left = self.of_category(need)
        for place, rule in enumerate(CODES[2:], 2):
            passes = self.passes(rule, need, left)
            codes[left[~passes]] = place
            left = left[passes]
        codes[left] = 0
        return codes

    def of_category(self, need: int) -> Ints:
        """Resources of the need's category."""
        category = int(self.classes.need[CATEGORY][need])
        if category not in self.by_category:
            self.by_category[category] = np.flatnonzero(self.classes.passes(CATEGORY, need, slice(None)))
        return self.by_category[category]

    def passes(self, rule: str, need: int, resources: Ints) -> Bools:
        """Whether the need and each of the resources pass one rule."""
        if rule in self.classes.table:
            return self.classes.passes(rule, need, resources)
        if rule in self.need_out and self.need_out[rule][need]:
            return np.zeros(len(resources), bool)
        passes = np.ones(len(resources), bool)
        if rule == NOT_LISTED and self.listed is not None:
            passes = np.isin(resources, self.listed.get(need, ()))
        if rule in self.resource_out:
            passes &= ~self.resource_out[rule][resources]
        if rule == BANNED and need in self.banned:
            passes &= ~np.isin(resources, self.banned[need])
        return passes

    def for_need(self, need: int) -> dict[str, Ints]:
        """Refusing rule ► indices of the resources that fell to it, the nearest to a match first."""
        codes = self.codes(need)
        return {
            CODES[place]: np.flatnonzero(codes == place)
            for place in range(len(RULES), 0, -1)
            if bool((codes == place).any())
        }


def grouped(classes: Classes) -> Ints:
    """The class of each need, shape (N,): needs of one class look alike to every rule of the tables."""
    group = np.zeros(len(classes.need[CATEGORY]), np.int64)
    for rule, table in classes.table.items():
        group = np.unique(group * len(table) + classes.need[rule], return_inverse=True)[1]
    return group


def pairs_by_class(refusals: Refusals) -> tuple[Ints, Ints]:
    """All eligible (need, resource) before single bans, sorted; two arrays of shape (E,). O(classes · R + E)."""
    alive = np.flatnonzero(~np.logical_or.reduce(list(refusals.need_out.values())))
    _, first, place = np.unique(refusals.group[alive], return_index=True, return_inverse=True)
    asking = alive[first]
    sizes, found, order = np.zeros(len(asking), np.int64), [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for rows, candidates in _by_category(refusals, asking):
        row, column = np.nonzero(_passing(refusals.classes, asking[rows], candidates))
        sizes[rows] = np.bincount(row, minlength=len(rows))
        found.append(candidates[column])
        order.append(rows)
    starts, by = np.zeros(len(asking), np.int64), np.concatenate(order)
    starts[by] = np.cumsum(sizes[by]) - sizes[by]
    counts = sizes[place]
    inside = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(alive, counts), np.concatenate(found)[np.repeat(starts[place], counts) + inside]


def _by_category(refusals: Refusals, needs: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Places in `needs` of one category, no more at once than `CELLS` allows, and its open resources."""
    classes = refusals.classes
    open_resources = np.flatnonzero(~np.logical_or.reduce(list(refusals.resource_out.values())))
    category = classes.need[CATEGORY][needs]
    for name in np.unique(category).tolist():
        rows = np.flatnonzero(category == name)
        candidates = open_resources[classes.passes(CATEGORY, int(needs[rows[0]]), open_resources)]
        step = max(1, CELLS // max(1, len(candidates)))
        for start in range(0, len(rows), step):
            yield rows[start : start + step], candidates


def _passing(classes: Classes, needs: Ints, resources: Ints) -> Bools:
    """Whether each need and each resource of its category pass the other rules; shape (needs, resources)."""
    passes = np.ones((len(needs), len(resources)), bool)
    for rule in (UNIT, NO_CONSENT, URGENCY, DISTRICT, TAGS):
        passes &= classes.table[rule][:, classes.resource[rule][resources]][classes.need[rule][needs]]
    return passes


def pairs_listed(refusals: Refusals, need: Ints, resource: Ints) -> Bools:
    """Which of the listed pairs pass every rule but single bans; shape (E,)."""
    passes = np.ones(len(need), bool)
    for rule in refusals.classes.table:
        passes &= refusals.classes.passes(rule, need, resource)
    for out in refusals.need_out.values():
        passes &= ~out[need]
    for out in refusals.resource_out.values():
        passes &= ~out[resource]
    return passes
