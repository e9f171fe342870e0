"""What if: the plan after overrides, and who would gain and lose, before anybody decides.

What enters: a compiled problem, the lines of a plan for it, and what to try: pins, bans, units kept for a district,
stocks that grow or shrink, another order of the cells. What leaves: an `Outlook`: losers and winners by name, the
previewed plan, and the change of every figure. Called by the marketplace when staff weigh an override and by
`python -m matching preview`.

The plan is laid out as a flow once (`matching.present`, remembered for the next call) and only repaired for each try.
Where every part that is touched is pure, the score changes exactly as a new run's would, and so does the coverage
wherever its certificate calls it leximin (household caps can leave several plans of one score); which of several needs
in one cell pays may differ, because stability, cost and lot are left to the run. In hard parts the standing
choices are kept, so the outlook is a plan that is allowed, and a bound for what a run would find; where no repair keeps
them, lines are cut back (`matching.cutback`), and pins are called a conflict only on the exact solver's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic

import numpy as np

from matching.compiled import Compiled
from matching.cutback import Clash, Tight, cut_back, minimal
from matching.flow import NoFlow
from matching.model import Ban, Cell, Pin
from matching.network import Ints, announced_units, pair_index
from matching.overrides import Trial
from matching.parts import coverage, receipts
from matching.plan import Line
from matching.present import Present, present
from matching.resettled import refilled, resolved
from matching.standing import rank_of


@dataclass(frozen=True, slots=True)
class Reserve:
    """Units of a resource that only needs of the district may have."""

    resource_id: str
    district: str
    units: int


@dataclass(frozen=True, slots=True)
class More:
    """A resource has so many units more (negative: fewer, at most all)."""

    resource_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Try:
    """What to try together; an empty `order` keeps the policy's."""

    pins: tuple[Pin, ...] = ()
    bans: tuple[Ban, ...] = ()
    reserves: tuple[Reserve, ...] = ()
    more: tuple[More, ...] = ()
    order: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A need whose units change; `rank` is that of the best cell lost, or of the last cell won."""

    need_id: str
    before: int
    after: int
    rank: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would change. `coverage` has one entry per cell of the policy's order (of the new order if one is tried).

    With a `conflict` (pins that cannot be met together, none of which is too many) there is no plan and no change.
    """

    losers: tuple[Shift, ...]
    winners: tuple[Shift, ...]
    lines: tuple[Line, ...]
    coverage: tuple[int, ...]
    score: int
    broken_units: int
    cost: int
    exact: bool
    conflict: tuple[str, ...]
    seconds: float


_KEPT: list[tuple[Compiled, tuple[Line, ...], Present]] = []
_ONE_AT_A_TIME = Lock()


def ready(compiled: Compiled, lines: Sequence[Line]) -> Present:
    """The plan laid out as a flow; the last one is remembered. Seconds for a city, then milliseconds."""
    with _ONE_AT_A_TIME:
        for known, told, now in _KEPT:
            if known is compiled and (told is lines or told == tuple(lines)):
                return now
        now = present(compiled, lines)
        _KEPT[:] = [(compiled, tuple(lines), now)]
        return now


def preview(compiled: Compiled, lines: Sequence[Line], *, tried: Try) -> Outlook:
    """What the plan becomes if `tried` is done. O(arcs) and a search per way; another order solves everything again.

    Raises
    ------
    ValueError
        If an id or an order is not the problem's.
    """
    start = monotonic()
    _require(compiled, tried)
    now = ready(compiled, lines)
    after = replace(_ordered(compiled, tried), pair_most=now.most)
    units, exact = _planned(now, after, tried)
    if isinstance(units, tuple):
        return replace(_outlook(after, now.units, now.units, exact=exact, start=start), conflict=units)
    return _outlook(after, now.units, units, exact=exact, start=start)


def _planned(now: Present, after: Compiled, tried: Try) -> tuple[Ints | tuple[str, ...], bool]:
    """Units of every pair, or the pins that contradict each other; and whether a new run would say the same."""
    trial, settled, sure = _forced(now, tried, pins=tried.pins, unpinned=())
    units = None
    if settled:
        with suppress(NoFlow):
            units = resolved(trial, after) if tried.order or not now.best else trial.units()
    hard = _touches_hard(now, tried) or not sure
    if not hard:
        if units is not None:
            return units, now.best
        if names := _conflict(now, tried):
            return names, True
    tight = _tightened(now, after, tried)
    if isinstance(tight, str):
        return (tight,), True
    if units is not None:
        units = refilled(tight, units)
        if tight.allows(units):
            return units, False
    found = cut_back(tight, now.units)
    if isinstance(found, Clash):
        return _names(now.compiled, found.pairs), found.sure
    return refilled(tight, found), False


def _require(compiled: Compiled, tried: Try) -> None:
    needs, goods = set(compiled.need_ids), set(compiled.resource_ids)
    named = [(pin.need_id, pin.resource_id) for pin in tried.pins]
    named += [(ban.need_id, ban.resource_id) for ban in tried.bans]
    for need_id, resource_id in named + [("*", name) for name in _stocks(tried)]:
        if need_id != "*" and need_id not in needs:
            raise ValueError(f"need {need_id!r} is not in the problem")
        if resource_id != "*" and resource_id not in goods:
            raise ValueError(f"resource {resource_id!r} is not in the problem")
    if any(row.need_id == row.resource_id == "*" for row in tried.bans):
        raise ValueError("a ban of everything: name a need or a resource")


def _stocks(tried: Try) -> list[str]:
    return [row.resource_id for row in tried.reserves] + [row.resource_id for row in tried.more]


def _ordered(compiled: Compiled, tried: Try) -> Compiled:
    if not tried.order:
        return compiled
    policy = replace(compiled.problem.policy, order=tried.order)
    return replace(compiled, problem=replace(compiled.problem, policy=policy))


def _forced(now: Present, tried: Try, *, pins: Sequence[Pin], unpinned: Sequence[int]) -> tuple[Trial, bool, bool]:
    """Everything tried, forced into the flow: (the trial, whether it could settle, whether that is exact)."""
    trial, compiled = Trial(now), now.compiled
    exact = len({kept.resource_id for kept in tried.reserves}) == len(tried.reserves)
    place = {name: i for i, name in enumerate(compiled.resource_ids)}
    for row in tried.more:
        trial.more(place[row.resource_id], row.units)
    for kept in tried.reserves:
        inside = np.array([need.district == kept.district for need in compiled.problem.needs], bool)
        if now.stock_arc[place[kept.resource_id]] >= 0:
            exact &= not trial.reserve(place[kept.resource_id], inside=inside, units=kept.units)
    for pair in unpinned:
        trial.unpin(pair)
    banned = _banned(compiled, tried.bans)
    if (trial.pinned[banned] > 0).any():
        return trial, False, exact
    trial.ban(banned)
    for pin in pins:
        at = pair_index(compiled, need_id=pin.need_id, resource_id=pin.resource_id)
        if at is None or not trial.pin(at, pin.units):
            return trial, False, exact
    return trial, trial.settle(), exact


def _banned(compiled: Compiled, bans: Sequence[Ban]) -> Ints:
    need = {name: i for i, name in enumerate(compiled.need_ids)} if bans else {}
    resource = {name: i for i, name in enumerate(compiled.resource_ids)} if bans else {}
    hit = np.zeros(len(compiled.pair_need), bool)
    for ban in bans:
        mine = True if ban.need_id == "*" else compiled.pair_need == need[ban.need_id]
        hit |= mine & (True if ban.resource_id == "*" else compiled.pair_resource == resource[ban.resource_id])
    return np.flatnonzero(hit)


def _touches_hard(now: Present, tried: Try) -> bool:
    """Whether anything tried lies in a hard part."""
    compiled = now.compiled
    if tried.order:
        return bool(now.hard.any())
    names = {*_stocks(tried), *(pin.resource_id for pin in tried.pins), *(ban.resource_id for ban in tried.bans)}
    needs = {pin.need_id for pin in tried.pins} | {ban.need_id for ban in tried.bans}
    goods = np.array([name in names for name in compiled.resource_ids], bool)
    own = np.array([name in needs for name in compiled.need_ids], bool)
    return bool((now.hard & own).any() or now.hard[compiled.pair_need[goods[compiled.pair_resource]]].any())


def _conflict(now: Present, tried: Try) -> tuple[str, ...]:
    """A minimal set of pins, tried ones and the plan's own, that stand in each other's or the rules' way."""
    compiled = now.compiled
    own = np.flatnonzero(compiled.pair_least > 0).tolist()

    def fails(pins: Sequence[Pin | int]) -> bool:
        released = [pair for pair in own if pair not in pins]
        return not _forced(now, tried, pins=[pin for pin in pins if isinstance(pin, Pin)], unpinned=released)[1]

    every: list[Pin | int] = [*tried.pins, *own]
    found = minimal(every, fails)
    mine = [f"{pin.need_id}>{pin.resource_id}" for pin in found if isinstance(pin, Pin)]
    return tuple(sorted({*mine, *_names(compiled, [pair for pair in found if not isinstance(pair, Pin)])}))


def _names(compiled: Compiled, pairs: Sequence[int]) -> tuple[str, ...]:
    ends = ((int(compiled.pair_need[pair]), int(compiled.pair_resource[pair])) for pair in pairs)
    return tuple(sorted(f"{compiled.need_ids[need]}>{compiled.resource_ids[resource]}" for need, resource in ends))


def _tightened(now: Present, after: Compiled, tried: Try) -> Tight | str:
    """The problem as it is after everything tried; or a pin on a pair that no rule allows."""
    place = {name: i for i, name in enumerate(after.resource_ids)}
    stock, least, most = after.stock.copy(), after.pair_least.copy(), now.most.copy()
    for row in tried.more:
        stock[place[row.resource_id]] = max(0, stock[place[row.resource_id]] + row.units)
    most[_banned(after, tried.bans)] = 0
    for pin in tried.pins:
        at = pair_index(after, need_id=pin.need_id, resource_id=pin.resource_id)
        if at is None:
            return f"{pin.need_id}>{pin.resource_id}"
        least[at] = max(pin.units, least[at])
    kept = []
    for reserve in tried.reserves:
        home = np.array([need.district == reserve.district for need in after.problem.needs], bool)
        outside = (after.pair_resource == place[reserve.resource_id]) & ~home[after.pair_need]
        kept.append((outside, max(0, int(stock[place[reserve.resource_id]]) - reserve.units)))
    compiled = replace(after, stock=stock, pair_least=least, pair_most=most)
    return Tight(compiled, now.limits, now.part, tuple(kept))


def _outlook(after: Compiled, before: Ints, units: Ints, *, exact: bool, start: float) -> Outlook:
    every = np.arange(len(units))
    had, has = (receipts(after, pairs=every, units=given) for given in (before, units))
    worse, better = np.flatnonzero(has < had), np.flatnonzero(has > had)
    cells = np.array(coverage(after, has)) - np.array(coverage(after, had))
    ranks = np.arange(len(cells), 0, -1)
    changed = np.flatnonzero(units != before)
    extra = zip((units - before)[changed].tolist(), after.pair_cost[changed].tolist(), strict=True)
    promised = announced_units(after).items()
    return Outlook(
        losers=_shifts(after, worse, had, has, position=after.past + has + 1),
        winners=_shifts(after, better, had, has, position=after.past + has),
        lines=_lines(after, units),
        coverage=tuple(cells.tolist()),
        score=sum(int(units) * int(rank) for units, rank in zip(cells, ranks, strict=True)),
        broken_units=sum(max(0, u - int(units[p])) - max(0, u - int(before[p])) for p, u in promised),
        cost=sum(more * cost for more, cost in extra),
        exact=exact,
        conflict=(),
        seconds=round(monotonic() - start, 3),
    )


def _shifts(compiled: Compiled, needs: Ints, had: Ints, has: Ints, *, position: Ints) -> tuple[Shift, ...]:
    ranks = rank_of(compiled, position=position[needs], needs=needs)
    rows = zip(needs.tolist(), had[needs].tolist(), has[needs].tolist(), ranks.tolist(), strict=True)
    return tuple(Shift(compiled.need_ids[need], *rest) for need, *rest in rows)


def _lines(compiled: Compiled, units: Ints) -> tuple[Line, ...]:
    some = np.flatnonzero(units)
    needs, goods = compiled.pair_need[some].tolist(), compiled.pair_resource[some].tolist()
    rows = zip(needs, goods, units[some].tolist(), strict=True)
    return tuple(Line(compiled.need_ids[n], compiled.resource_ids[r], given) for n, r, given in rows)
