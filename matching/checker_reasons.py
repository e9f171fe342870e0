"""The judge on reasons: does every open need have one, and is what the rows say true?

What enters: a case, and what its reasons tell. What leaves: faults. Called by `checker`. That every need with something
open has a row is checked for all; what the rows say is derived again for `SAMPLE` needs that nobody can foresee. A row
holds if the limit it names is on the pair's way and as short as it says, and if the cells, needs, dates and counts it
names are those of the rules. How much more of a limit would have to be there (`short_by`) is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import numpy as np

from matching.checker_case import RULES, Case, Fault
from matching.checker_numbers import FAR
from matching.model import Cell
from matching.plan import Reason

SAMPLE = 2_000
TIERS = ("only", "coverage", "stability", "cost", "hash")
"""What may decide between a resource and the runner-up; the first where there is none."""


@dataclass(frozen=True, slots=True)
class Told:
    """What all reasons tell: the ids they name, the needs they say why not of, and all rows of the needs to look at."""

    needs: set[str]
    resources: set[str]
    short: set[str]
    sample: tuple[Reason, ...]

    @classmethod
    def of(cls, columns: Sequence[Sequence[Any]]) -> Told:
        """From the columns of the reasons: needs, resources, codes, details."""
        needs, resources, codes, _ = columns
        names = dict.fromkeys(needs)
        chosen = {*SystemRandom().sample([*names], min(SAMPLE, len(names)))}
        rows = (Reason(*row) for row in zip(*columns, strict=True) if row[0] in chosen)
        short = {need for need, code in zip(needs, codes, strict=True) if code != "chosen"}
        return cls({*names}, {*resources} - {""}, short, tuple(rows))


def reason_faults(case: Case, told: Told | None = None) -> Iterator[Fault]:
    """Every open need has a reason, every reason an id; what they say is derived again for `SAMPLE` needs."""
    rows = [(x.need_id, x.resource_id, x.code, x.detail) for x in case.plan.reasons]
    told = told or Told.of([*zip(*rows, strict=True)] or [()] * 4)
    for name in sorted((told.needs - case.n.keys()) | (told.resources - case.r.keys())):
        yield Fault("reason_of_nothing", f"some reason names {name}, an id of no row")
    for i in np.flatnonzero(case.got < case.open).tolist():
        if case.needs[i].need_id not in told.short:
            yield Fault("no_reason", f"{case.needs[i].need_id} is not fully covered and no reason says why")
    given = _given(case)
    for row in told.sample:
        if row.need_id in case.n and not _holds(case, row, i=case.n[row.need_id], given=given):
            yield Fault("forged_reason", f"{row.need_id} {row.resource_id} {row.code} {dict(row.detail)} is not so")


def _given(case: Case) -> dict[str, Counter[str]]:
    """Need ► state ► units that the ledger names for it."""
    given: dict[str, Counter[str]] = {}
    for row in case.problem.ledger:
        if row.need_id is not None:
            given.setdefault(row.need_id, Counter())[row.state] += row.units
    return given


def _holds(case: Case, row: Reason, *, i: int, given: dict[str, Counter[str]]) -> bool:
    """Whether a row is true of need i: the rules, limits, cells, needs, dates and counts that it names."""
    need, said, name = case.needs[i], row.detail, row.resource_id
    pair = case.pair(need.need_id, name)
    units = int(case.units[pair]) if pair >= 0 else 0
    if row.code == "chosen":
        return pair >= 0 and 0 < units == said.get("units") and _holds_chosen(case, row, pair)
    if row.code == "covered":
        return not case.open[i] and need.gap > 0 and dict(said) == dict(given.get(need.need_id, ()))
    if case.got[i] >= case.open[i]:
        return False
    if not name:
        return _holds_refused(case, row, i=i)
    return pair >= 0 and row.code in CODES and CODES[row.code](case, row, pair)


def _holds_chosen(case: Case, row: Reason, pair: int) -> bool:
    """The price is the published one, the pin is there, and the runner-up costs as much more as the row says; which of
    the later tiers decided is believed."""
    said, need = row.detail, case.needs[case.pn[pair]]
    true: dict[str, str | int] = {"units": int(case.units[pair]), "price": _price(case, row.resource_id)}
    if case.least[pair]:
        true["pinned"] = int(case.least[pair])
    dearer = 0
    if "runner_up" in said:
        other = case.pair(need.need_id, str(said["runner_up"]))
        if other < 0 or other == pair:
            return False
        dearer = int(case.paid[case.node[other], 0] - case.paid[case.node[pair], 0])
        true |= {"runner_up": said["runner_up"], "extra_price": dearer}
        true["extra_cost"] = int(case.cost[other] - case.cost[pair])
    tiers = TIERS[1:2] if dearer > 0 else TIERS[1:] if "runner_up" in said else TIERS[:1]
    return {**said, "tier": ""} == {**true, "tier": ""} and said.get("tier") in tiers


def _price(case: Case, resource_id: str) -> int:
    return int(case.price[case.row.get(("resource", resource_id, ""), 0), 0])


def _holds_provider(case: Case, row: Reason, pair: int) -> bool:
    need, other = case.needs[case.pn[pair]], str(row.detail.get("provider"))
    at = case.pair(need.need_id, other)
    return need.one_provider and other != row.resource_id and at >= 0 and bool(case.units[at])


def _holds_exclusive(case: Case, row: Reason, pair: int) -> bool:
    other = case.r.get(str(row.detail.get("drawn")), case.pr[pair])
    same = {case.resources[r].exclusive_group for r in (other, case.pr[pair])} == {row.detail.get("group")}
    homes = case.home[case.pn[case.lines_of(int(other))]]
    return bool(same and other != case.pr[pair] and case.home[case.pn[pair]] in homes)


def _holds_step(case: Case, row: Reason, pair: int) -> bool:
    """What is left of the limit of that kind, and the least that could be added, are those of the rules."""
    said, n, r = row.detail, int(case.pn[pair]), int(case.pr[pair])
    step, counted = _steps(case, pair)
    mine, way, caps = int(case.open[n] - case.got[n]), _way(case, pair), _caps_left(case, n)
    lefts: dict[str, tuple[set[int], int]] = {
        "need": ({mine}, counted),
        "max_per_need": ({int(case.each[r] - case.units[pair])}, step),
        "max_per_household": ({way["max_per_household"]}, step),
        "household_cap": ({*caps}, counted),
        "earmark": ({way[name] for name in way if name not in ("resource", "max_per_household")}, step),
        "resource": ({way["resource"]}, step),
        "all_or_nothing": ({min(sum(_rooms(case, n).values()), *caps)} if case.whole[n] else set(), int(case.open[n])),
    }
    known, least = lefts.get(str(said.get("kind")), (set(), 0))
    left = int(said.get("left", -1))
    return left in known and left < least == said.get("step") and said.get("short_by") == least - left


def _holds_free(case: Case, row: Reason, pair: int) -> bool:
    """No limit keeps the next step away, and so much is left of them: the plan is not the best."""
    n = int(case.pn[pair])
    (step, counted), left = _steps(case, pair), int(case.open[n] - case.got[n])
    caps, rooms = _caps_left(case, n), sum(_rooms(case, n).values())
    each = FAR if case.used[pair] >= 0 else int(case.each[case.pr[pair]] - case.units[pair])
    free = min(*_way(case, pair).values(), each) >= step and min(left, *caps) >= counted
    return free and dict(row.detail) == {"left": min(rooms, *caps)}


def _steps(case: Case, pair: int) -> tuple[int, int]:
    """The least that the resource could add to a pair, and what that counts for the need."""
    n, r, used = int(case.pn[pair]), int(case.pr[pair]), int(case.used[pair])
    lot, floor, wanted = int(case.lot[r]), max(1, int(case.floor[r])), int(case.open[n])
    if case.whole[n]:
        rooms = _rooms(case, n)
        floor = max(floor, wanted - (0 if case.one[n] else sum(rooms.values()) - rooms[pair]))
    step = used if used >= 0 else lot if case.units[pair] else -(-floor // lot) * lot
    return step, wanted if case.whole[n] or used >= 0 else step


def _way(case: Case, pair: int) -> dict[str, int]:
    """What is left of each limit of supply on the way of a pair, by its kind; every earmark counts by itself."""
    r, at = int(case.pr[pair]), int(case.node[pair])
    share = int(case.share[r]) if case.used[pair] < 0 else FAR
    left, goods = {"max_per_household": share}, len(case.resources)
    while at:
        earmark = goods < at <= goods + len(case.problem.earmarks)
        name = f"earmark {at}" if earmark else "resource" if at <= goods else "max_per_household"
        left[name] = int(case.stock[r] if name == "resource" else case.limits[at]) - int(case.use[at])
        at = int(case.above[at])
    return left


def _rooms(case: Case, n: int) -> dict[int, int]:
    """What each pair of a need could carry by what is left of all supply."""
    first, last = np.searchsorted(case.pn, [n, n + 1]).tolist()
    return {pair: max(0, min(*_way(case, pair).values(), int(case.most[pair]))) for pair in range(first, last)}


def _caps_left(case: Case, n: int) -> list[int]:
    """What is left of each household cap that counts a need; `FAR` stands for none."""
    return [FAR, *(int(case.limits[at] - case.use[at]) for at in case.caps[n] if at)]


def _holds_limit(case: Case, row: Reason, pair: int) -> bool:
    """The limit is on the pair's way, of that size, with that much left; the cells are those of the plan."""
    said, name, r, need = row.detail, row.resource_id, case.pr[pair], case.needs[case.pn[pair]]
    kind = str(said.get("kind")) if row.code == "cap" else "earmark" if row.code == "earmark" else "resource"
    known = str(said.get("id", name if kind == "resource" else ""))
    at = case.row.get((kind, known, need.household_id if "household" in kind else ""), 0)
    size, used = case.limits[at], case.use[at]  # of row 0 both are 0
    if kind == "max_per_need":
        size, used = case.each[r], case.units[pair]
    elif kind in ("resource", "max_per_household"):
        size = (case.stock if kind == "resource" else case.share)[r]
    elif not at or at not in np.concatenate([*case.ways(np.array([pair]))]):
        return False
    told = known == name or kind in ("earmark", "household_cap")
    told &= size < FAR and (said.get("limit"), said.get("left")) == (size, size - used)
    return bool(told and int(said.get("short_by", 0)) > 0 and _holds_cells(case, row, i=int(case.pn[pair])))


CODES: dict[str, Callable[[Case, Reason, int], bool]] = {
    "provider_chosen": _holds_provider,
    "exclusive": _holds_exclusive,
    "lot_or_minimum": _holds_step,
    "within_gap": _holds_free,
    **dict.fromkeys(("cap", "earmark", "stock", "priced_out", "tie_break"), _holds_limit),
}


def _holds_refused(case: Case, row: Reason, *, i: int) -> bool:
    """A row without a resource: no pair is eligible, and the rules it names are those that turn resources away."""
    first = Counter(case.refused(np.array(i), np.arange(len(case.resources))).tolist())
    named = {RULES[number - 1]: count for number, count in first.items()}
    orgs = {r.org_id for r in case.resources} - case.needs[i].consented
    told = {
        "no_resource": dict(row.detail) == named,
        "cool_off": row.detail.get("until") == case.until(case.needs[i]),
        "no_consent": "no_consent" in named and {*str(row.detail.get("orgs", "")).split(";")} <= orgs,
        "banned": "banned" in named,
    }
    return not first[0] and told.get(row.code, False)


def _holds_cells(case: Case, row: Reason, *, i: int) -> bool:
    """The cell of the need's next unit, and the cell that the named need's last unit fills."""
    said, mine, ranks, other = row.detail, _cell(case, i, 1), case.ranks, str(row.detail.get("need"))
    if row.code in ("cap", "earmark"):
        return "next_level" not in said or (said.get("next_urgency"), said["next_level"]) == mine
    lowest = _lowest(case, row.resource_id, but=i)
    if row.code == "stock":
        last = said.get("left") or lowest is None or ranks[_cell(case, lowest, 0)] < ranks[mine]
        return bool(last) and (said.get("next_urgency"), said.get("next_level")) == mine
    at = case.pair(other, row.resource_id)
    if said.get("price") != _price(case, row.resource_id):
        return False
    if at < 0 or not case.units[at] or (said.get("next_urgency"), said.get("next_level")) != mine:
        return False
    theirs = _cell(case, case.n[other], 0)
    if lowest is None or ranks[theirs] != ranks[_cell(case, lowest, 0)]:
        return False
    above = ranks[theirs] > ranks[mine] if row.code == "priced_out" else theirs == mine
    return above and (said.get("urgency"), said.get("level")) == theirs


def _lowest(case: Case, resource_id: str, *, but: int) -> int | None:
    """The need, other than `but`, whose last unit ranks lowest of all that a resource gives beyond what is pinned."""
    lines, ranks = case.lines_of(case.r[resource_id]), case.ranks
    needs = case.pn[lines[case.units[lines] > case.least[lines]]]
    return min((n for n in needs.tolist() if n != but), key=lambda n: ranks[_cell(case, n, 0)], default=None)


def _cell(case: Case, n: int, more: int) -> Cell:
    """The cell of the last unit that a need got (`more` 0), or of its next one (1)."""
    position = int(case.past[n] + case.got[n]) + more
    return case.needs[n].urgency, (position - 1) * case.policy.levels // case.needs[n].gap + 1
