"""The judge on reasons: does every open need have one, and is what the rows say true?

What enters: a case. What leaves: faults. Called by `checker`. That every need with something open has a row is checked
for all; what the rows say is derived again for `SAMPLE` needs spread evenly over the ids. A row holds if the limit it
names is on the pair's way and as short as it says, and if the cells, needs, dates and counts it names are those of the
rules. How much more would have to be there (`short_by`) is checked as a sum only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from matching.checker_case import FAR, RULES, Case, Fault
from matching.model import Cell
from matching.plan import Reason

SAMPLE = 2_000


def reason_faults(case: Case) -> Iterator[Fault]:
    """Every open need has a reason, every reason an id; what they say is derived again for `SAMPLE` needs."""
    rows: dict[str, list[Reason]] = {}
    for row in case.plan.reasons:
        if row.need_id not in case.n or (row.resource_id and row.resource_id not in case.r):
            yield Fault("reason_of_nothing", f"{row.need_id} {row.resource_id} {row.code} names an id of no row")
        else:
            rows.setdefault(row.need_id, []).append(row)
    for i in np.flatnonzero(case.got < case.open).tolist():
        if all(row.code == "chosen" for row in rows.get(case.needs[i].need_id, ())):
            yield Fault("no_reason", f"{case.needs[i].need_id} is not fully covered and no reason says why")
    told = sorted(rows)
    for need_id in told[:: max(1, len(told) // SAMPLE)]:
        for row in rows[need_id]:
            if not _holds(case, row, i=case.n[need_id]):
                yield Fault("forged_reason", f"{need_id} {row.resource_id} {row.code} {dict(row.detail)} is not so")


def _holds(case: Case, row: Reason, *, i: int) -> bool:
    """Whether a row is true of need i: the rules, limits, cells, needs, dates and counts that it names."""
    need, said, name, code = case.needs[i], row.detail, row.resource_id, row.code
    pair = case.pair(need.need_id, name)
    units = int(case.units[pair]) if pair >= 0 else 0
    if code == "chosen":
        runner_up = str(said.get("runner_up", ""))
        return 0 < units == said.get("units") and (not runner_up or case.pair(need.need_id, runner_up) >= 0)
    if code == "covered":
        return sum(map(int, said.values())) >= need.gap > 0
    if case.got[i] >= case.open[i] or (name and pair < 0):
        return False
    if not name:
        return _holds_refused(case, row, i=i)
    if code in ("provider_chosen", "exclusive"):
        other = str(said.get("provider" if code == "provider_chosen" else "drawn"))
        group = {x: case.resources[case.r[x]].exclusive_group for x in (name, other) if x in case.r}
        homes = case.home[case.pn[(case.units > 0) & (case.pr == case.r.get(other, -1))]]
        if code == "exclusive":
            return other != name and case.home[i] in homes and group[name] == group[other] == said.get("group")
        return (
            need.one_provider and other != name and (at := case.pair(need.need_id, other)) >= 0 and case.units[at] > 0
        )
    if code == "lot_or_minimum":
        left, step = int(said.get("left", 0)), int(said.get("step", 0))
        return 0 <= left < step and said.get("short_by") == step - left
    if code not in ("cap", "earmark", "stock", "priced_out", "tie_break"):
        return code == "within_gap"
    kind = str(said.get("kind")) if code == "cap" else "earmark" if code == "earmark" else "resource"
    at, r = (
        case.row.get(
            (
                kind,
                name if kind == "resource" else str(said.get("id")),
                need.household_id if "household" in kind else "",
            ),
            0,
        ),
        case.r[name],
    )
    size, used = {
        "max_per_need": (case.each[r], units),
        "max_per_household": (case.share[r], case.use[at]),
        "resource": (case.stock[r], case.use[at]),
    }.get(kind, (case.limits[at], case.use[at]))
    if (
        kind in ("max_per_need", "max_per_household")
        and said.get("id") != name
        or (kind in ("earmark", "household_cap") and at not in np.concatenate([*case.ways(np.array([pair])), [-1]]))
    ):
        return False
    left = size - used
    told = size < FAR and said.get("limit") == size and said.get("left") == left
    return told and int(said.get("short_by", 0)) > 0 and ("next_level" not in said or _holds_cells(case, row, i=i))


def _holds_refused(case: Case, row: Reason, *, i: int) -> bool:
    """A row without a resource: no pair is eligible, and the rules it names are those that turn resources away."""
    first = Counter(case.refused(np.array(i), np.arange(len(case.resources))).tolist())
    named = {RULES[number - 1]: count for number, count in first.items()}
    if row.code == "no_resource":
        return not first[0] and dict(row.detail) == named
    if row.code == "cool_off":
        return not first[0] and row.detail.get("until") == case.until(case.needs[i])
    orgs = {r.org_id for r in case.resources} - case.needs[i].consented
    fits = row.code == "banned" or (row.code == "no_consent" and {*str(row.detail.get("orgs", "")).split(";")} <= orgs)
    return not first[0] and fits and row.code in named


def _holds_cells(case: Case, row: Reason, *, i: int) -> bool:
    """The cell of the need's next unit, and the cell that the named need's last unit fills."""

    def cell(j: int, more: int) -> Cell:
        position = int(case.past[j] + case.got[j]) + more
        return case.needs[j].urgency, (position - 1) * case.policy.levels // case.needs[j].gap + 1

    said, mine, ranks, other = row.detail, cell(i, 1), case.policy.ranks(), str(row.detail.get("need"))
    if (said["next_urgency"], said["next_level"]) != mine or row.code not in ("priced_out", "tie_break"):
        return (said["next_urgency"], said["next_level"]) == mine
    at = case.pair(other, row.resource_id)
    if at < 0 or not case.units[at]:
        return False
    theirs = cell(case.n[other], 0)
    above = ranks[theirs] > ranks[mine] if row.code == "priced_out" else theirs == mine
    return above and (said.get("urgency"), said.get("level")) == theirs
