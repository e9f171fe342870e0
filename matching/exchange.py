"""Turn a divisible plan into one of whole providers and whole lots by exchanges that cost nobody anything.

What enters: a component and the units of its best flow, which splits needs that want one provider and breaks lots.
What leaves: units with few of either. Called by `priced`. In an exchange units go round in a circle: one need gives
up some of a resource, another takes them and gives up as many of a second resource, which the first need takes, or a
third stands between. No need, stock, earmark or cap notices, so the score stays. Where no circle is found, a need keeps
its split and a broken lot is dropped: `refill`, the exact flow and the pieces that follow make the best of that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.limits import Limits
from matching.model import FAR
from matching.network import Ints
from matching.rules import column, flag, rival_key

TRIES = 8
"""Most resources that are tried as the one provider of a need."""

LOOKS = 1_000
"""Most needs that are looked at for one move before it is given up: giants serve thousands, and most are in vain."""


def exchanged(compiled: Compiled, limits: Limits, part: Component, units: Ints) -> Ints:
    """The same receipts with one provider where one is wanted, then whole lots. Order and shape of ``part.pairs``."""
    table = _Table(compiled, limits, part, units)
    for need in table.split_needs():
        table.concentrate(need)
    for resource in table.in_lots():
        table.even_out(resource)
    return np.array(table.units, dtype=np.int64)


class _Table:
    """Units by place as plain lists, which single steps read and write faster than arrays."""

    def __init__(self, compiled: Compiled, limits: Limits, part: Component, units: Ints) -> None:
        pairs = part.pairs
        need, self.resource = compiled.pair_need[pairs].astype(np.int64), compiled.pair_resource[pairs].tolist()
        most = compiled.pair_most[pairs].copy()
        rivals = rival_key(compiled, part) >= 0
        most[rivals] = units[rivals]
        self.need: list[int] = need.tolist()
        self.most: list[int] = most.tolist()
        self.units: list[int] = units.tolist()
        self.pinned: list[int] = compiled.pair_least[pairs].tolist()
        self.share: list[int] = limits.pair_share[pairs].tolist()
        used = np.zeros(len(limits.share_limit) + 1, dtype=np.int64)
        np.add.at(used, limits.pair_share[pairs], units)
        self.share_left: list[int] = (np.append(limits.share_limit, FAR) - used).tolist()
        self.lot, self.least = column(compiled, "lot").tolist(), column(compiled, "min_per_need").tolist()
        self.single = flag(compiled, "one_provider")
        self.single[need[compiled.pair_used[pairs] >= 0]] = True
        self.start = np.searchsorted(need, np.arange(len(compiled.need_ids) + 1)).tolist()
        self.lines: list[list[int]] = [[] for _ in compiled.resource_ids]
        self.used: dict[int, set[int]] = {}
        for place in np.flatnonzero(units).tolist():
            self.lines[self.resource[place]].append(place)
            self.used.setdefault(self.need[place], set()).add(place)
        self.log: list[tuple[int, int]] = []
        self.looks = 0

    def split_needs(self) -> list[int]:
        """Needs that want one provider and have several, or have a broken lot, ascending."""
        found: list[int] = []
        for need in sorted({self.need[place] for places in self.lines for place in places}):
            if self.single[need]:
                mine = [place for place in self._places(need) if self.units[place]]
                if len(mine) > 1 or self.units[mine[0]] % self.lot[self.resource[mine[0]]]:
                    found.append(need)
        return found

    def in_lots(self) -> list[int]:
        """Resources that come in lots, ascending."""
        return [resource for resource, lines in enumerate(self.lines) if lines and self.lot[resource] > 1]

    def concentrate(self, need: int) -> None:
        """Let one resource give all that several give to this need; leave it as it is where no circle is found."""
        mine = [place for place in self._places(need) if self.units[place]]
        total = sum(self.units[place] for place in mine)
        order = sorted(self._places(need), key=lambda at: (self.lot[self.resource[at]] > 1, -self.units[at], at))
        for place in order[:TRIES]:
            resource = self.resource[place]
            fits = total >= self.least[resource] and total % self.lot[resource] == 0
            if fits and self._room(place) >= total - self.units[place]:
                mark = len(self.log)
                if all(self._take_over(place, other) for other in mine if other != place):
                    return
                self._undo(mark)

    def _take_over(self, place: int, other: int) -> bool:
        """Move all units of `other` to `place`, both of one need."""
        units = self.units[other]
        if not self._vacate(self.resource[place], self.resource[other], units):
            return False
        self._move(other, -units)
        self._move(place, units)
        return True

    def even_out(self, resource: int) -> None:
        """Pass the odd units of one need to another that is short of a whole lot; drop what finds nobody."""
        lot = self.lot[resource]
        while True:
            broken = [at for at in self.lines[resource] if self.units[at] % lot and not self.single[self.need[at]]]
            if len(broken) < 2:
                return
            broken.sort(key=lambda at: (self.units[at] % lot, at))
            if not any(self._pass_on(broken[0], to, lot=lot) for to in reversed(broken[1:])):
                self._move(broken[0], -(self.units[broken[0]] % lot))

    def _pass_on(self, place: int, to: int, *, lot: int) -> bool:
        """Odd units of `place` go to `to`, whose need gives as many of something without lots in return."""
        units = min(self.units[place] % lot, lot - self.units[to] % lot)
        if self._room(to) < units:
            return False
        mark = len(self.log)
        if not self._repay(self.need[to], self.need[place], units):
            self._undo(mark)
            return False
        self._move(place, -units)
        self._move(to, units)
        return True

    def _repay(self, payer: int, payee: int, units: int) -> bool:
        """`payer` gives `payee` units of something without lots, directly or with a third need between them."""
        left = units
        for give in self._held(payer):
            take = self._place(payee, self.resource[give])
            if take >= 0:
                left -= self._shift(give, take, left)
        for give in self._held(payer) if left else ():
            for take in self._plain(payee):
                if self._room(take) > 0 and self.resource[take] != self.resource[give]:
                    left -= self._over_a_third(give, take, left)
                if left == 0:
                    return True
        return left == 0

    def _over_a_third(self, give: int, take: int, units: int) -> int:
        """Needs on the resource of `take` move to that of `give`, to make room; returns how many units."""
        left = units
        for place, other in self._movable(self.resource[take], self.resource[give]):
            some = min(self._spare(give), self._room(take), left)
            if some <= 0:
                break
            some = self._shift(place, other, some)
            left -= self._shift(give, take, some)
        return units - left

    def _held(self, need: int) -> list[int]:
        """Places without lots that have units to give, ascending."""
        used = sorted(self.used.get(need, ()))
        return [place for place in used if self.lot[self.resource[place]] == 1 and self._spare(place) > 0]

    def _plain(self, need: int) -> Iterator[int]:
        yield from (place for place in self._places(need) if self.lot[self.resource[place]] == 1)

    def _vacate(self, resource: int, to: int, units: int) -> bool:
        """Needs that may combine move `units` from `resource` to `to`, if need be over a third; all or nothing."""
        mark, left = len(self.log), units
        self.looks = LOOKS
        for place, other in self._movable(resource, to):
            left -= self._shift(place, other, left)
            if left == 0:
                return True
        if self._around(resource, to, left):
            return True
        self._undo(mark)
        return False

    def _around(self, resource: int, to: int, units: int) -> bool:
        """One need moves to a third resource, from which another moves on."""
        left = units
        for place in list(self.lines[resource]):
            need = self.need[place]
            if self.single[need] or self._spare(place) <= 0:
                continue
            for other in self._plain(need):
                third = self.resource[other]
                if self.looks < 0:
                    return False
                if third in (resource, to) or self._room(other) <= 0:
                    continue
                for leaving, arriving in self._movable(third, to):
                    some = min(self._spare(place), self._room(other), left)
                    some = self._shift(leaving, arriving, some) if self.need[leaving] != need else 0
                    self._shift(place, other, some)
                    left -= some
                    if left == 0:
                        return True
                if self._spare(place) <= 0:
                    break
        return False

    def _movable(self, resource: int, to: int) -> Iterator[tuple[int, int]]:
        """Places on `resource` of needs that may combine, each with the same need's place on `to`."""
        for place in list(self.lines[resource]):
            need = self.need[place]
            if not self.single[need]:
                self.looks -= 1
                other = bisect_left(self.resource, to, self.start[need], self.start[need + 1])
                if other < self.start[need + 1] and self.resource[other] == to:
                    yield place, other

    def _shift(self, place: int, other: int, units: int) -> int:
        """Take up to so many units from one place and give them at the other; returns how many."""
        some = max(0, min(self._spare(place), self._room(other), units))
        if some:
            self._move(place, -some)
            self._move(other, some)
        return some

    def _places(self, need: int) -> range:
        return range(self.start[need], self.start[need + 1])

    def _place(self, need: int, resource: int) -> int:
        """The place of a pair, or -1."""
        low, high = self.start[need], self.start[need + 1]
        at = bisect_left(self.resource, resource, low, high)
        return at if at < high and self.resource[at] == resource else -1

    def _room(self, place: int) -> int:
        return min(self.most[place] - self.units[place], self.share_left[self.share[place]])

    def _spare(self, place: int) -> int:
        return self.units[place] - self.pinned[place]

    def _move(self, place: int, units: int) -> None:
        before = self.units[place]
        self.units[place] = before + units
        if self.share[place] >= 0:
            self.share_left[self.share[place]] -= units
        if before == 0:
            self.lines[self.resource[place]].append(place)
            self.used.setdefault(self.need[place], set()).add(place)
        if self.units[place] == 0:
            self.lines[self.resource[place]].remove(place)
            self.used[self.need[place]].remove(place)
        self.log.append((place, units))

    def _undo(self, mark: int) -> None:
        """Take back all moves since `mark`."""
        taken = self.log[mark:]
        for place, units in reversed(taken):
            self._move(place, -units)
        del self.log[mark:]
