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
        among = refusals.of_category(need)
        failed = np.array([~refusals.passes(rule, need, among) for rule in rules.RULES])
        only = failed.sum(axis=0) == 1
        sole = {rule: among[only & failed[rules.RULES.index(rule)]] for rule in TOLD_ALONE}
        found = ({rule: r for rule, r in sole.items() if len(r)}, self._counts(failed))
        if not alone:
            self.known[key] = found
        return found

    def _counts(self, failed: Bools) -> dict[str, int]:
        """Rule ► how many resources it refused as the first, the nearest to a match first; no resource passes all."""
        tally = np.bincount(failed.argmax(axis=0), minlength=len(rules.RULES))
        tally[rules.RULES.index(rules.CATEGORY)] += len(self.compiled.resource_ids) - failed.shape[1]
        return {rule: int(count) for rule, count in zip(reversed(rules.RULES), tally[::-1], strict=True) if count}

    def _ban(self, need: int, resources: Ints) -> dict[str, str | int]:
        names = {self.compiled.resource_ids[r] for r in resources.tolist()}
        need_id = self.compiled.need_ids[need]
        codes = {
            ban.code
            for ban in self.compiled.problem.bans
            if ban.need_id in ("*", need_id) and (ban.resource_id == "*" or ban.resource_id in names)
        }
        return {"by": ";".join(sorted(code or "staff" for code in codes)), "count": len(names)}


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
