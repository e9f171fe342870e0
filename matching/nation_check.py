"""The judge for nations: every shard's plan, what they take together, and the bound, from the files alone.

What enters: a nation's folder and its output folder. What leaves: faults, each naming its shard; none means that the
nation stands. Called by `python -m matching check NATION DIR`. Like the judge it rests on, it imports nothing of the
solvers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from matching.checker import check, proven_bound
from matching.checker_case import Fault
from matching.checker_rules import conflict
from matching.folder import input_sha256, read_plan, read_problem
from matching.model import Problem, Resource
from matching.nation_folder import PRICES, SHARDS, nation_sha256, read_nation, shard_folders, with_stocks
from matching.plan import Plan
from matching.results import read_prices
from matching.wellformed import BadInput


def check_nation(folder: Path, out: Path) -> tuple[Fault, ...]:
    """All faults of a nation; an empty tuple means that it stands. O(shards · one check), one shard in memory."""
    folders = shard_folders(folder)
    try:
        said = read_nation(out)
        return tuple(_Judged(folders, out, said).faults())
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return (Fault("unreadable", f"nation.json lacks or garbles {error}"),)


class _Judged:
    """What has been found so far; `said` is the content of nation.json."""

    def __init__(self, folders: Mapping[str, Path], out: Path, said: Mapping[str, Any]) -> None:
        self.folders, self.out, self.said = folders, out, said
        self.rows: dict[str, dict[str, Resource]] = {}
        self.homes: dict[tuple[str, str], str] = {}
        self.given: dict[str, int] = {}
        self.policies: set[object] = set()
        self.plans: dict[str, str] = {}
        self.total = {"score": 0, "units": 0, "households_served": 0, "bound": 0}

    def faults(self) -> Iterator[Fault]:
        """Shard by shard, then the whole."""
        if self.said["status"] == "infeasible":
            yield from self._gives_up()
            return
        if set(self.said["shards"]) != set(self.folders):
            yield Fault("shards", "nation.json does not name the shards of the folder")
            return
        for name, folder in self.folders.items():
            try:
                yield from (Fault(x.code, f"{name}: {x.message}") for x in self._shard(name, read_problem(folder)))
            except BadInput as error:
                yield Fault("unreadable", f"{name}: {error}")
        yield from self._shared()
        yield from self._sums()

    def _gives_up(self) -> Iterator[Fault]:
        """Every pin that is named clashes with others of its shard, or with the stock that shards share."""
        pinned: Counter[str] = Counter()
        stocks: dict[str, int] = {}
        named: dict[str, list[str]] = {}
        for one in self.said["conflict"]:
            name, _, pin = one.partition(": ")
            named.setdefault(name, []).append(pin)
        for name, folder in self.folders.items():
            problem = read_problem(folder)
            for row in problem.pins:
                pinned[row.resource_id] += row.units
            stocks |= {row.resource_id: row.stock for row in problem.resources}
            if name in named:
                pins = tuple(named.pop(name))
                plan = read_plan(self.out / SHARDS / name)
                said = replace(plan.certificate, status="infeasible", conflict=pins)
                yield from (
                    Fault(x.code, f"{name}: {x.message}") for x in conflict(problem, replace(plan, certificate=said))
                )
        for name, told in named.items():
            if told != [f"{pinned[name]} units pinned, {stocks.get(name)} there"] or pinned[name] <= stocks[name]:
                yield Fault("conflict", f"{name} is no shard, and no resource that is pinned beyond its stock")
        if not self.said["conflict"]:
            yield Fault("conflict", "an infeasible nation names its pins")

    def _shard(self, name: str, problem: Problem) -> Iterator[Fault]:
        out, said = self.out / SHARDS / name, self.said["shards"][name]
        stocks = {r: int(row["quotas"][name]) for r, row in self.said["shared"].items()}
        plan = read_plan(out)
        yield from check(with_stocks(problem, stocks), plan)
        yield from self._belongs(name, problem)
        for line in plan.lines:
            if line.resource_id in stocks:
                self.given[line.resource_id] = self.given.get(line.resource_id, 0) + line.units
        certificate = plan.certificate
        self.plans[name] = certificate.plan_sha256
        for key in ("score", "units", "households_served"):
            self.total[key] += getattr(certificate, key)
        if (said["score"], said["plan_sha256"]) != (certificate.score, certificate.plan_sha256):
            yield Fault("certificate", "score or plan hash is not that of the shard's certificate")
        if said["input_sha256"] != input_sha256(problem):
            yield Fault("input_sha256", "the shard's folder is not the one that was solved")
        least = self._bound(problem, plan, out)
        self.total["bound"] += least
        if said["bound"] < least:
            yield Fault("bound", f"the prices prove no bound below {least}, nation.json says {said['bound']}")

    def _belongs(self, name: str, problem: Problem) -> Iterator[Fault]:
        """Needs and households are in one shard; the policy is one."""
        self.policies.add(problem.policy)
        self.rows[name] = {row.resource_id: row for row in problem.resources}
        for kind in ("need_id", "household_id"):
            for known in {getattr(need, kind) for need in problem.needs}:
                if self.homes.setdefault((kind, known), name) != name:
                    yield Fault("two_shards", f"{known} is in {self.homes[kind, known]} too")

    def _bound(self, problem: Problem, plan: Plan, out: Path) -> int:
        """What the shard cannot exceed when it pays the nation's prices; the worth of shared stock is taken off."""
        rows = read_prices(out / PRICES)
        tolls = {r: int(row["price"]) for r, row in self.said["shared"].items()}
        paid = {row.id: row.price for row in rows if row.kind == "resource"}
        for row in problem.resources:
            if paid.get(row.resource_id, 0) < tolls.get(row.resource_id, 0):
                raise ValueError(f"a price of {row.resource_id} below the nation's, in {out.name}")
        if any(row.tier != 1 or row.price < 0 for row in rows):
            raise ValueError(f"a price of another tier or below 0, in {out.name}")
        priced = replace(plan, prices=rows, certificate=replace(plan.certificate, price_scale=1))
        worth = sum(tolls.get(row.resource_id, 0) * row.stock for row in problem.resources)
        return proven_bound(problem, replace(priced, lines=())) - worth

    def _shared(self) -> Iterator[Fault]:
        """Stock, rows and quotas of what shards share."""
        if len(self.policies) > 1:
            yield Fault("policy", "the shards have different policies")
        homes: dict[str, list[str]] = {}
        for name, rows in self.rows.items():
            for known in rows:
                homes.setdefault(known, []).append(name)
        shared = {known for known, names in homes.items() if len(names) > 1}
        if shared != set(self.said["shared"]):
            yield Fault("shared", "nation.json does not name the resources that stand in several shards")
            return
        for known in sorted(shared):
            said, first = self.said["shared"][known], self.rows[homes[known][0]][known]
            if any(self.rows[name][known] != first for name in homes[known]) or said["stock"] != first.stock:
                yield Fault("shared_row", f"{known} does not have the same row everywhere")
            if said["price"] < 0:
                yield Fault("negative_price", f"the price of {known} is {said['price']}")
            if self.given.get(known, 0) > first.stock:
                yield Fault("over_stock", f"the shards take {self.given[known]} of {known}, {first.stock} are there")
            if sum(said["quotas"].values()) > first.stock or min(said["quotas"].values()) < 0:
                yield Fault("quotas", f"the quotas of {known} are more than its stock {first.stock}")

    def _sums(self) -> Iterator[Fault]:
        worth = sum(row["price"] * row["stock"] for row in self.said["shared"].values())
        least = worth + self.total.pop("bound")
        for key, value in self.total.items():
            if self.said[key] != value:
                yield Fault(key, f"nation.json says {key} is {self.said[key]}, the shards give {value}")
        bound, score = self.said["bound"], self.total["score"]
        if bound < least:
            yield Fault("bound", f"the prices prove no bound below {least}, nation.json says {bound}")
        if self.said["gap"] != ((bound - score) / bound if bound else 0.0):
            yield Fault("gap", f"the gap is not that of score {score} and bound {bound}")
        if (self.said["status"] == "optimal") != (bound == score):
            yield Fault("status", f"status {self.said['status']} with score {score} and bound {bound}")
        if self.said["nation_sha256"] != nation_sha256(self.plans):
            yield Fault("nation_sha256", "the hash of all plans is another one")
