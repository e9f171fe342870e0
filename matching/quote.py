"""A quote for a need that came after the run: what it can have at once, and how its next units stand.

What enters: the `Board` of a run and a newcomer. What leaves: a `Quote`: the free stock it may take now without
touching anybody, and for each level of the rest whether its units would outrank the price of the cheapest fitting
resource. Called by `python -m matching quote` and by the marketplace. Nobody loses anything here; `matching.make_way`
says who would, and only proposes.

The free stock keeps every rule. It is what filling by cost, or by the largest lots first, finds: with lots and minima a
run may find more. A price says what the last unit of a resource is worth to those who have it: a unit that ranks below
it gets nothing in the next run as long as nothing else changes (pure problems); one above it is likely, not promised,
for the price may rise with each unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matching.board import Board, Fit, Newcomer
from matching.eligibility import Bools, Ints
from matching.model import FAR, Cell, Need
from matching.plan import Line

LIKELY, EVEN, UNLIKELY, UNSURE, CLOSED = "likely", "even", "unlikely", "unsure", "closed"
"""Above the line, on it, below it; no line is known, for a fitting resource had stock left over when the prices were
made; or no resource may give this need more, whatever the prices."""
FREE, COVERED, NOTHING_FITS = "free", "covered", "nothing_fits"


@dataclass(frozen=True, slots=True)
class LevelQuote:
    """`units` of one level of the gap that are open after the free stock, their rank and how they stand."""

    level: int
    units: int
    rank: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What one newcomer is told.

    `open` units are open before the free stock. `resource_id` is the cheapest fitting resource for the rest, `price`
    its price per unit times the plan's scale; `line` the lowest cell that pays it, None if there is no price.
    `fits` counts the eligible resources, `refused` by rule those that do not fit, the nearest to a match first.
    """

    need_id: str
    open: int
    free: tuple[Line, ...]
    resource_id: str
    price: int
    line: Cell | None
    levels: tuple[LevelQuote, ...]
    fits: int
    refused: Mapping[str, int]

    @property
    def verdict(self) -> str:
        """How the next unit after the free stock stands, or why there is none to speak of."""
        if self.open == 0:
            return COVERED
        if not self.levels:
            return FREE
        return self.levels[0].verdict if self.fits else NOTHING_FITS


@dataclass(frozen=True, slots=True)
class _Room:
    """What stands between a newcomer and each fitting resource; arrays over the places.

    Now: beside what the household's other needs have. Apart: if they had nothing, for the next run decides on them
    anew, and what they pay for the household's limits is in the prices.
    """

    places: Ints
    begun: int
    """Units that are covered or had."""
    open: int
    most: int
    """Units that the gap and the household's caps leave now."""
    now: Ints
    """Most units from each, within what is left of the stock, now."""
    most_apart: int
    apart: Ints
    """Most units from each, apart."""
    got: Ints
    """Units that the need has already from each."""
    rival: Bools
    """Whether the household draws on another resource of the same exclusive group."""
    earmarks: Mapping[str, int]
    """Units left under each earmark."""


def quote(
    board: Board,
    newcomer: Newcomer,
    *,
    left: Mapping[str, int] | None = None,
    earmarks: Mapping[str, int] | None = None,
) -> Quote:
    """Quote one newcomer; nothing is booked. About 0.05 ms for a class of needs seen before, O(fitting resources).

    `left` and `earmarks` replace, for the resources and earmarks they name, what the board believes to be left.
    """
    newcomer = board.newcomer(newcomer)
    fit = board.fit(newcomer)
    marks = {**board.earmark_left, **earmarks} if earmarks else board.earmark_left
    room = _room(board, newcomer, fit, left=left, earmarks=marks)
    free = tuple(_free(board, newcomer.need, room))
    ask = _cheapest(board, newcomer, room, free)
    levels = tuple(_levels(board, newcomer.need, ask, begun=room.begun + _sum(free)))
    line = _line(board, ask.price) if ask and ask.price else None
    name, price = (ask.resource_id, ask.price) if ask else ("", 0)
    return Quote(newcomer.need.need_id, room.open, free, name, price, line, levels, len(fit.places), fit.refused)


def _sum(lines: Sequence[Line]) -> int:
    return sum(line.units for line in lines)


def _room(
    board: Board, newcomer: Newcomer, fit: Fit, *, left: Mapping[str, int] | None, earmarks: Mapping[str, int]
) -> _Room:
    need = newcomer.need
    mine = {held.resource_id: held for held in newcomer.held if held.need_id == need.need_id}
    past = min(need.gap, sum(row.units for row in newcomer.past if row.need_id == need.need_id))
    received = sum(held.counted for held in mine.values())
    still = max(0, need.gap - past - received)
    places = _still_to_choose(board, need, fit.places, set(mine))
    got, at_home, rival = _at_home(board, newcomer, places)
    caps = [(cap.max_units, _under(newcomer, cap.categories)) for cap in board.caps_over(need)]
    most = max(0, min(still, *(size - used for size, used in caps), FAR))
    most_apart = max(0, min(still, *(size - received for size, _ in caps), FAR))
    each = np.minimum(board.per_need[places] - got, most_apart)
    now = np.minimum(np.minimum(each, board.per_household[places] - at_home), most)
    now = np.where(rival, 0, np.maximum(0, np.minimum(now, _left(board, places, left))))
    apart = np.maximum(0, np.minimum(np.minimum(each, board.per_household[places] - got), board.stock[places]))
    return _Room(places, past + received, still, most, now, most_apart, apart, got, rival, earmarks)


def _still_to_choose(board: Board, need: Need, places: Ints, mine: set[str]) -> Ints:
    """A need that has a part already takes no more if it wants all or nothing, and keeps its one provider."""
    if not mine or not (need.all_or_nothing or need.one_provider):
        return places
    kept = [at for at in places.tolist() if board.resources[at].resource_id in mine and not need.all_or_nothing]
    return np.array(kept, np.int64)


def _left(board: Board, places: Ints, left: Mapping[str, int] | None) -> Ints:
    stock: Ints = board.stock_left[places]
    if left is None:
        return stock
    names = (board.resources[at].resource_id for at in places.tolist())
    return np.array([left.get(name, int(has)) for name, has in zip(names, stock, strict=True)], np.int64)


def _at_home(board: Board, newcomer: Newcomer, places: Ints) -> tuple[Ints, Ints, Bools]:
    """Units that the need and its household have from each resource, and where an exclusive choice was made."""
    got, at_home = np.zeros((2, len(places)), np.int64)
    rival = np.zeros(len(places), bool)
    if not newcomer.held:
        return got, at_home, rival
    rows = [board.resources[at] for at in places.tolist()]
    drawn = {held.resource_id for held in newcomer.held}
    groups = {board.resources[board.place[name]].exclusive_group: name for name in drawn if name in board.place}
    for i, row in enumerate(rows):
        for held in newcomer.held:
            if held.resource_id == row.resource_id:
                at_home[i] += held.units
                got[i] += held.units if held.need_id == newcomer.need.need_id else 0
        group = row.exclusive_group
        rival[i] = group is not None and groups.get(group, row.resource_id) != row.resource_id
    return got, at_home, rival


def _under(newcomer: Newcomer, categories: frozenset[str]) -> int:
    return sum(held.counted for held in newcomer.held if held.category in categories)


def _free(board: Board, need: Need, room: _Room) -> list[Line]:
    """The free stock: the better of two ways to fill, or nothing where all was wanted and all is not there."""
    some = np.flatnonzero(room.now > 0)
    if not len(some) or not room.most:
        return []
    cost, lot = board.by_cost[room.places[some]], board.lot[room.places[some]]
    fills = [_fill(board, need, room, some[np.argsort(cost)].tolist())]
    if (lot > 1).any() and _sum(fills[0]) < room.most:
        fills.append(_fill(board, need, room, some[np.lexsort((cost, -lot))].tolist()))
    best = max(fills, key=_sum)
    if need.all_or_nothing and _sum(best) != room.open:
        return []
    return sorted(best, key=lambda line: line.resource_id)


def _fill(board: Board, need: Need, room: _Room, order: list[int]) -> list[Line]:
    """Take from the resources in this order; of one provider only, the one that gives most."""
    lines, groups, want = list[Line](), dict[str, str](), room.most
    budget: dict[str, int] = {}
    for i in order:
        at = int(room.places[i])
        row, lot = board.resources[at], int(board.lot[at])
        marks = [budget.get(mark, room.earmarks[mark]) for mark in board.above[at]]
        units = min(want, int(room.now[i]), *marks, FAR) // lot * lot
        if units <= 0 or units + int(room.got[i]) < board.least[at]:
            continue
        if need.one_provider:
            lines.append(Line(need.need_id, row.resource_id, units))
            continue
        group = row.exclusive_group
        if group is not None and groups.setdefault(group, row.resource_id) != row.resource_id:
            continue
        lines.append(Line(need.need_id, row.resource_id, units))
        want -= units
        budget |= {mark: has - units for mark, has in zip(board.above[at], marks, strict=True)}
        if not want:
            break
    return [max(lines, key=lambda line: line.units)] if need.one_provider and lines else lines


@dataclass(frozen=True, slots=True)
class _Ask:
    """The resource with the lowest price above 0, or at 0 where all are; `sure` if every price is above 0."""

    resource_id: str
    price: int
    sure: bool


def _cheapest(board: Board, newcomer: Newcomer, room: _Room, free: Sequence[Line]) -> _Ask | None:
    """What the next unit after the free stock would pay; None if no resource may give it."""
    taken = {line.resource_id: line.units for line in free}
    rest = room.most_apart - _sum(free)
    if rest <= 0 or (newcomer.need.all_or_nothing and rest < room.open):
        return None
    given = np.zeros(len(room.places), np.int64)
    for name, units in taken.items():
        given[np.searchsorted(room.places, board.place[name])] = units
    lot, least = board.lot[room.places], board.least[room.places] - room.got - given
    more = np.minimum(room.apart - given, rest) // lot * lot
    allowed = (more > 0) & (more >= least)
    loose = (room.apart // lot * lot > 0) & ~allowed & ((lot > 1) | (board.least[room.places] > 1))
    if newcomer.need.all_or_nothing and int(more[allowed].sum()) < rest:
        return None
    rival = room.rival | loose | _rivals(board, room.places, taken)
    if taken and newcomer.need.one_provider:
        rival |= given == 0
    some = room.places[allowed & ~rival]
    if not len(some):
        return _Ask("", 0, sure=False) if (allowed | loose).any() else None
    tolls = board.tolls(newcomer, some)
    best = int(np.lexsort((board.by_cost[some], tolls, tolls == 0))[0])
    sure = bool((tolls > 0).all()) and not ((allowed | loose) & rival).any()
    return _Ask(board.resources[int(some[best])].resource_id, int(tolls[best]), sure)


def _rivals(board: Board, places: Ints, taken: Mapping[str, int]) -> Bools:
    """Where the free stock has drawn on another resource of the same exclusive group."""
    rows = [board.resources[board.place[name]] for name in taken]
    groups = {row.exclusive_group: row.resource_id for row in rows if row.exclusive_group is not None}
    rival = np.zeros(len(places), bool)
    for i, at in enumerate(places.tolist() if groups else ()):
        row = board.resources[at]
        rival[i] = groups.get(row.exclusive_group or "", row.resource_id) != row.resource_id
    return rival


def _levels(board: Board, need: Need, ask: _Ask | None, *, begun: int) -> Iterator[LevelQuote]:
    """Every level above the units that are covered, had or free, with its verdict."""
    levels, ranks = board.policy.levels, board.ranks
    found = []
    for level in range(begun * levels // need.gap + 1, levels + 1) if need.gap else ():
        low, high = -(-(level - 1) * need.gap // levels), -(-level * need.gap // levels)
        units = high - max(low, begun)
        if units > 0:
            found.append(LevelQuote(level, units, ranks[need.urgency, level], CLOSED))
    whole = sum(row.units * row.rank for row in found), sum(row.units for row in found)
    for row in found:
        worth, units = whole if need.all_or_nothing else (row.rank, 1)
        yield replace(row, verdict=_against(ask, worth * board.scale, units)) if ask else row


def _against(ask: _Ask, worth: int, units: int) -> str:
    price = ask.price * units
    if worth > price > 0:
        return LIKELY
    if not ask.sure:
        return UNSURE
    return EVEN if worth == price else UNLIKELY


def _line(board: Board, price: int) -> Cell:
    """The lowest cell whose rank pays the price."""
    order = board.policy.order
    return order[max(0, len(order) - max(1, -(-price // board.scale)))]
