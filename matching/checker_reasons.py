"""The judge on reasons: does every open need have one, and is what the rows say true?

What enters: the judge's facts and a plan. What leaves: faults. Called by `checker`. That every need with something
open has a row is checked for all; what the rows say is derived again for `SAMPLE` needs spread evenly over the ids.
A row holds if the limit it names is on the pair's way and as short as it says, and if the cells, needs, dates and
counts it names are those of the rules. How much more would have to be there (`short_by`) is checked as a sum only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from matching.checker_facts import Facts, Fault
from matching.model import Cell, Need
from matching.plan import Plan, Reason

SAMPLE = 2_000

RULES = ("category", "unit", "not_listed", "no_consent", "urgency", "district", "tags", "window", "cool_off", "banned")
SUPPLY = ("stock", "priced_out", "tie_break")


def reason_faults(facts: Facts, plan: Plan) -> Iterator[Fault]:
    """Faults of the reasons of a plan. O(needs + SAMPLE · resources)."""
    rows: dict[str, list[Reason]] = {}
    for row in plan.reasons:
        known = row.need_id in facts.needs and (not row.resource_id or row.resource_id in facts.resources)
        if not known:
            yield Fault("reason_of_nothing", f"{row.need_id} {row.resource_id} {row.code} names an id of no row")
        else:
            rows.setdefault(row.need_id, []).append(row)
    wanting = [n for n, still_open in facts.open.items() if facts.received[n] < still_open]
    for need_id in wanting:
        if all(row.code == "chosen" for row in rows.get(need_id, ())):
            yield Fault("no_reason", f"{need_id} is not fully covered and no reason says why")
    judge = _Judge(facts)
    told = sorted(rows)
    for need_id in told[:: max(1, len(told) // SAMPLE)]:
        for row in rows[need_id]:
            wrong = judge.wrong(row)
            if wrong:
                yield Fault("forged_reason", f"{need_id} {row.resource_id} {row.code}: {wrong}")


class _Judge:
    """One account at a time; answers what is wrong with a row, or nothing."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.policy = facts.problem.policy
        self.lines: dict[str, list[str]] = {}
        for need_id, resource_id in facts.amounts:
            self.lines.setdefault(resource_id, []).append(need_id)
        self.drawn: dict[str, list[str]] = {}
        for need_id, resource_id in facts.amounts:
            self.drawn.setdefault(facts.needs[need_id].household_id, []).append(resource_id)

    def wrong(self, row: Reason) -> str:
        """What is wrong with a row; empty if it holds."""
        need, gets = self.facts.needs[row.need_id], self.facts.received[row.need_id]
        if row.code == "chosen":
            return self._chosen(row)
        if row.code == "covered":
            past = sum(int(units) for units in row.detail.values())
            return "" if past >= need.gap > 0 else f"the ledger names {past} of {need.gap}"
        if gets >= self.facts.open[need.need_id]:
            return "the need is covered"
        if not row.resource_id:
            return self._refused(row, need)
        refused = self.facts.refusal((row.need_id, row.resource_id))
        return f"the pair is not even eligible: {refused}" if refused else self._short(row, need)

    def _chosen(self, row: Reason) -> str:
        units = self.facts.amounts.get((row.need_id, row.resource_id), 0)
        if row.detail.get("units") != units or not units:
            return f"the plan gives {units}"
        other = str(row.detail.get("runner_up", ""))
        return f"{other} is no other choice" if other and self._refusal(row.need_id, other) else ""

    def _refusal(self, need_id: str, resource_id: str) -> str | None:
        known = resource_id in self.facts.resources
        return self.facts.refusal((need_id, resource_id)) if known else "unknown"

    def _refused(self, row: Reason, need: Need) -> str:
        """Rows without a resource: no pair is eligible, and the rules they name are those that turn resources away."""
        near = [r for r in self.facts.problem.resources if r.category == need.category]
        first = Counter(str(self.facts.refusal((need.need_id, r.resource_id))) for r in near)
        first += Counter(category=len(self.facts.resources) - len(near))
        if first["None"]:
            return f"{first['None']} resources are eligible"
        if row.code == "no_resource":
            return "" if dict(row.detail) == dict(first) else f"the rules turn away {dict(first)}"
        if row.code == "cool_off":
            until = self._until(need)
            return "" if row.detail.get("until") == until else f"it waits until {until or 'nothing'}"
        if row.code == "no_consent":
            orgs = {r.org_id for r in self.facts.problem.resources} - need.consented
            named = set(str(row.detail.get("orgs", "")).split(";"))
            return "" if first["no_consent"] and named <= orgs else "consent is not what is missing"
        return "" if row.code == "banned" and first["banned"] else f"{row.code} turns nothing away"

    def _until(self, need: Need) -> str:
        days = {c.category: c.days for c in self.facts.problem.cooloffs}.get(need.category, 0)
        given = [
            row.given_on
            for row in self.facts.problem.ledger
            if (row.household_id, row.category) == (need.household_id, need.category)
            and row.need_id != need.need_id
            and 0 <= (self.facts.as_of - row.given_on).days < days
        ]
        return (max(given) + timedelta(days)).isoformat() if given else ""

    def _short(self, row: Reason, need: Need) -> str:
        """Rows with an eligible resource."""
        facts, detail, resource = self.facts, row.detail, self.facts.resources[row.resource_id]
        if row.code == "provider_chosen":
            other = str(detail.get("provider"))
            holds = need.one_provider and other != row.resource_id and (need.need_id, other) in facts.amounts
            return "" if holds else f"{other} does not provide"
        if row.code == "exclusive":
            other = str(detail.get("drawn"))
            drawn = other in self.drawn.get(need.household_id, ()) and other != row.resource_id
            same = drawn and facts.resources[other].exclusive_group == resource.exclusive_group == detail.get("group")
            return "" if same else f"the household does not draw on {other}"
        if row.code in ("cap", "earmark", *SUPPLY):
            return self._limit(row, need)
        if row.code == "lot_or_minimum":
            left, step = int(detail.get("left", 0)), int(detail.get("step", 0))
            return "" if 0 <= left < step and detail.get("short_by") == step - left else f"{left} left for {step}"
        return "" if row.code == "within_gap" else "there is no such reason"

    def _limit(self, row: Reason, need: Need) -> str:
        """A limit that is named with its size, what is left, and who got the last unit."""
        facts, detail = self.facts, row.detail
        kind = {"cap": str(detail.get("kind")), "earmark": "earmark"}.get(row.code, "resource")
        name = row.resource_id if kind == "resource" else str(detail.get("id"))
        if kind == "max_per_need":
            size, used = (
                facts.resources[row.resource_id].max_per_need,
                facts.amounts.get((row.need_id, row.resource_id), 0),
            )
        else:
            limit = (kind, name, need.household_id if kind in ("max_per_household", "household_cap") else "")
            if limit not in set(facts.limits_of((row.need_id, row.resource_id))):
                return f"{kind} {name} is not on its way"
            size, used = facts.size(limit), facts.use[limit]
        if size is None or detail.get("limit") != size or detail.get("left") != size - used:
            return f"{kind} {name} has {(size or 0) - used} left of {size}"
        if int(detail.get("short_by", 0)) < 1:
            return "nothing is short"
        return self._cells(row, need) if "next_level" in detail else ""

    def _cells(self, row: Reason, need: Need) -> str:
        """The cell of the need's next unit, and the cell that the named need's last unit fills."""
        detail, mine = row.detail, self._cell(need, 1)
        if (detail["next_urgency"], detail["next_level"]) != mine:
            return f"its next unit is in {mine}"
        if row.code not in ("priced_out", "tie_break"):
            return ""
        other = str(detail.get("need"))
        if other not in self.lines.get(row.resource_id, ()):
            return f"{other} gets nothing of it"
        theirs = self._cell(self.facts.needs[other], 0)
        if (detail.get("urgency"), detail.get("level")) != theirs:
            return f"the last unit of {other} is in {theirs}"
        ranks = self.policy.ranks()
        above = ranks[theirs] > ranks[mine] if row.code == "priced_out" else theirs == mine
        return "" if above else f"{theirs} does not stand so to {mine}"

    def _cell(self, need: Need, more: int) -> Cell:
        """The cell of the unit that is `more` after the last one got."""
        position = self.facts.past[need.need_id] + self.facts.received[need.need_id] + more
        return need.urgency, (position - 1) * self.policy.levels // need.gap + 1
