"""Why a need has no eligible pair at all, or nothing open.

What enters: a compiled problem. What leaves: reasons `covered`, `cool_off`, `banned`, `no_consent` and `no_resource`.
Called by `matching.explain`. Needs that look alike are judged once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from matching import eligibility as rules
from matching.compiled import Compiled
from matching.eligibility import Bools, Ints
from matching.plan import Reason

TOLD_ALONE = (rules.COOL_OFF, rules.BANNED, rules.NO_CONSENT)
"""Rules that have a reason of their own where nothing else stands in the way."""
NAMED = 20
"""Most organisations that one reason names."""


def covered(compiled: Compiled) -> Iterator[Reason]:
    """Needs whose whole gap the ledger has filled: how much is delivered, approved and reserved."""
    whole = {compiled.need_ids[i] for i in np.flatnonzero((compiled.gap > 0) & (compiled.open == 0))}
    states: dict[str, Counter[str]] = {need_id: Counter() for need_id in whole}
    for row in compiled.problem.ledger:
        if row.need_id in states:
            states[row.need_id][row.state] += row.units
    for need_id in sorted(states):
        yield Reason(need_id, "", "covered", dict(states[need_id]))


def refused(compiled: Compiled) -> Iterator[Reason]:
    """Needs with something open and no eligible pair. O(classes · R + needs · R)."""
    paired = np.zeros(len(compiled.need_ids), bool)
    paired[compiled.pair_need] = True
    judge = _Refusals(compiled)
    for need in np.flatnonzero((compiled.open > 0) & ~paired).tolist():
        yield from judge.reasons(need)


class _Refusals:
    """Answers per class of needs, remembered."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.refusals = compiled.refusals
        self.known: dict[tuple[int, ...], tuple[dict[str, Ints], dict[str, int]]] = {}
        self.by_category: dict[int, Ints] = {}
        self.until = _until(compiled)

    def reasons(self, need: int) -> Iterator[Reason]:
        """One row per rule that alone stands between the need and some resource; else the count per failed rule."""
        need_id = self.compiled.need_ids[need]
        sole, counts = self._class(need)
        told = False
        if rules.COOL_OFF in sole:
            told = True
            yield Reason(need_id, "", "cool_off", {"until": self.until.get(need, "")})
        if rules.BANNED in sole:
            told = True
            yield Reason(need_id, "", "banned", self._ban(need, sole[rules.BANNED]))
        if rules.NO_CONSENT in sole:
            told = True
            orgs = sorted({self.compiled.problem.resources[r].org_id for r in sole[rules.NO_CONSENT].tolist()})
            yield Reason(need_id, "", "no_consent", {"orgs": ";".join(orgs[:NAMED]), "count": len(orgs)})
        if not told:
            yield Reason(need_id, "", "no_resource", dict(counts))

    def _class(self, need: int) -> tuple[dict[str, Ints], dict[str, int]]:
        refusals = self.refusals
        key = (int(refusals.group[need]), *(int(out[need]) for out in refusals.need_out.values()))
        alone = refusals.listed is not None or need in refusals.banned
        if not alone and key in self.known:
            return self.known[key]
        among = self._alike(need)
        failed = _failed(self.compiled, need, among)
        only = failed.sum(axis=0) == 1
        sole = {rule: among[only & failed[rules.RULES.index(rule)]] for rule in TOLD_ALONE}
        found = ({rule: r for rule, r in sole.items() if len(r)}, refusals.counts(need))
        if not alone:
            self.known[key] = found
        return found

    def _alike(self, need: int) -> Ints:
        """Resources of the need's category: of all others the category is one rule that fails."""
        classes = self.refusals.classes
        category = int(classes.need[rules.CATEGORY][need])
        if category not in self.by_category:
            self.by_category[category] = np.flatnonzero(classes.passes(rules.CATEGORY, need, slice(None)))
        return self.by_category[category]

    def _ban(self, need: int, resources: Ints) -> dict[str, str | int]:
        names = {self.compiled.resource_ids[r] for r in resources.tolist()}
        need_id = self.compiled.need_ids[need]
        codes = {
            ban.code
            for ban in self.compiled.problem.bans
            if ban.need_id in ("*", need_id) and (ban.resource_id == "*" or ban.resource_id in names)
        }
        return {"by": ";".join(sorted(code or "staff" for code in codes)), "count": len(names)}


def _failed(compiled: Compiled, need: int, among: Ints) -> Bools:
    """Which rules fail for which of these resources, shape (rules, len(among))."""
    refusals = compiled.refusals
    failed = np.zeros((len(rules.RULES), len(among)), bool)
    for i, rule in enumerate(rules.RULES):
        if rule in refusals.classes.table:
            failed[i] = ~refusals.classes.passes(rule, need, among)
        if rule in refusals.need_out:
            failed[i] |= refusals.need_out[rule][need]
        if rule in refusals.resource_out:
            failed[i] |= refusals.resource_out[rule][among]
        if rule == rules.BANNED and need in refusals.banned:
            failed[i] |= np.isin(among, refusals.banned[need])
        if rule == rules.NOT_LISTED and refusals.listed is not None:
            failed[i] = ~np.isin(among, refusals.listed.get(need, np.empty(0, np.int64)))
    return failed


def _until(compiled: Compiled) -> dict[int, str]:
    """The first date on which each waiting need may get the category again."""
    problem = compiled.problem
    days = {rule.category: rule.days for rule in problem.cooloffs}
    waiting = np.flatnonzero(compiled.refusals.need_out[rules.COOL_OFF]).tolist()
    rows: dict[tuple[str, str], list[tuple[str | None, int]]] = {}
    for row in problem.ledger:
        age = (problem.policy.as_of - row.given_on).days
        if 0 <= age < days.get(row.category, 0):
            rows.setdefault((row.household_id, row.category), []).append((row.need_id, days[row.category] - age))
    found = {}
    for i in waiting:
        need = problem.needs[i]
        left = [wait for need_id, wait in rows[need.household_id, need.category] if need_id != need.need_id]
        found[i] = (problem.policy.as_of + timedelta(max(left))).isoformat()
    return found
