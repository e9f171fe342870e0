"""From the outcomes of the parts to the plan: sums, bound, gaps and the certificate.

What enters: a compiled problem and the outcome of every part. What leaves: the `Plan`. Called by `solve` only. The
bound is worked out from the prices alone, over all needs at once, and so does not depend on the solvers.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from time import perf_counter

import numpy as np

from matching.child import beside
from matching.compiled import Compiled
from matching.explain import reasons
from matching.folder import input_sha256, plan_sha256
from matching.network import Ints
from matching.parts import Outcome, broken, cost_of, coverage, receipts, score_of
from matching.plan import Certificate, Line, Plan, Price
from matching.prices import of_tier
from matching.relaxed import bound_at
from matching.runs import ALL, Gaps, no_gaps, run_gaps
from matching.worth import value_said

_KINDS = {"pure": "pure", "small": "hard_small", "value": "hard_small", "large": "hard_large"}


class Clock:
    """Seconds per phase; a phase that is marked twice adds up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def mark(self, phase: str) -> None:
        """Book the time since the last mark under `phase`."""
        now = perf_counter()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 3)
        self._last = now


class Ledger:
    """What has been decided so far, part by part, and the plan that follows in the end."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.units: Ints = np.zeros(len(compiled.pair_need), dtype=np.int64)
        self.outcomes: list[Outcome] = []
        self.components = {"pure": 0, "hard_small": 0, "hard_large": 0}
        self.proofs = {"price": 0, "solver": 0, "none": 0}
        self.done = self.score = self.bound = 0

    def add(self, outcome: Outcome, *, kind: str, parts: int) -> None:
        """Book one outcome; the order of booking does not matter."""
        self.units[outcome.pairs] = outcome.units
        self.outcomes.append(outcome)
        self.proofs[outcome.proof] += parts
        self.components[_KINDS[kind]] += parts
        self.done += len(outcome.pairs)
        self.score += outcome.score
        self.bound += outcome.bound

    def plan(self, clock: Clock, *, tell: Callable[[str], None], workers: int = 1) -> Plan:
        """Price, prove and wrap up; with several workers the reasons are found while the proof is made."""
        tell("prices")
        prices = tuple(sorted((row for outcome in self.outcomes for row in outcome.prices), key=_price_key))
        lines = lines_of(self.compiled, self.units)
        with beside(partial(self._certificate, lines, prices=prices), workers=workers) as certificate:
            tell("reasons")
            clock.mark("prices")
            told = reasons(self.compiled, lines, prices, workers=workers)
            clock.mark("reasons")
            said = certificate()
        clock.mark("proof")
        return Plan(lines=lines, reasons=told, prices=prices, certificate=replace(said, seconds=clock.seconds))

    def _certificate(self, lines: tuple[Line, ...], *, prices: tuple[Price, ...]) -> Certificate:
        compiled = self.compiled
        bound = price_bound(compiled, prices, units=self.units)
        pairs = np.arange(len(self.units), dtype=np.int64)
        received = receipts(compiled, pairs=pairs, units=self.units)
        needs = np.arange(len(compiled.need_ids), dtype=np.int64)
        score = score_of(compiled, needs=needs, received=received)
        exact = bound == score
        value, value_bound, value_proof = value_said(compiled, self.outcomes)
        by_value = compiled.problem.policy.objective == "value"
        flawless = exact and not by_value and all(o.unique for o in self.outcomes)
        gaps = self._gaps(prices, short=bound - score)
        return Certificate(
            status="optimal" if exact and value == value_bound else "feasible",
            score=score,
            bound=bound,
            gap=(bound - score) / bound if bound else 0.0,
            gap_by_prefix=gaps,
            unique=flawless,
            lexicographic="proven" if exact and not any(gaps[ALL]) else "not_proven",
            coverage=coverage(compiled, received),
            units=int(self.units.sum()),
            households_served=len(np.unique(compiled.household[received > 0])),
            broken_units=broken(compiled, pairs=pairs, units=self.units),
            cost=cost_of(compiled, pairs=pairs, units=self.units),
            components=self.components,
            interrupted=not all(o.finished for o in self.outcomes),
            input_sha256=input_sha256(compiled.problem),
            plan_sha256=plan_sha256(lines),
            price_scale=1,
            versions=versions(),
            seconds={},
            solver_bound=max(score, min(bound, self.bound)),
            proofs=self.proofs,
            value=value,
            value_bound=value_bound,
            value_proof=value_proof,
        )

    def _gaps(self, prices: tuple[Price, ...], *, short: int) -> Gaps:
        """Every leading run of a pure plan is at its own best unless a household cap has a price."""
        first = of_tier(prices, 1)
        pure = not self.components["hard_small"] and not self.components["hard_large"]
        if not short and pure and not any(kind == "household_cap" for kind, _, _ in first):
            return no_gaps(self.compiled)
        return run_gaps(self.compiled, units=self.units, prices=first, apart=short)


def price_bound(compiled: Compiled, prices: tuple[Price, ...], *, units: Ints | None = None) -> int:
    """What no plan can score more than, by the prices of tier 1 alone; `units` of a plan save work (`bound_at`)."""
    pairs = np.flatnonzero(compiled.pair_most > 0).astype(np.int64)
    return bound_at(compiled, prices, pairs=pairs, units=pairs * 0 if units is None else units[pairs])


def lines_of(compiled: Compiled, units: Ints) -> tuple[Line, ...]:
    """Lines of the pairs that carry anything, sorted by need and resource as the pairs are."""
    given = np.flatnonzero(units)
    rows = zip(
        compiled.pair_need[given].tolist(), compiled.pair_resource[given].tolist(), units[given].tolist(), strict=True
    )
    return tuple(
        Line(compiled.need_ids[need], compiled.resource_ids[resource], amount) for need, resource, amount in rows
    )


def infeasible(compiled: Compiled, *, clock: Clock, conflict: tuple[str, ...]) -> Plan:
    """The answer when pins contradict each other or the rules: no lines, and the pins named."""
    plan = Ledger(compiled).plan(clock, tell=lambda phase: None)
    said = replace(
        plan.certificate,
        status="infeasible",
        bound=0,  # pins that nothing meets leave no sum to bound
        solver_bound=0,
        gap=0.0,
        unique=False,
        lexicographic="not_proven",
        conflict=conflict,
    )
    return replace(plan, reasons=(), certificate=said)


def versions() -> dict[str, str]:
    """What the result was made with."""
    packages = {name: version(name) for name in ("highspy", "numpy", "ortools", "scipy")}
    return packages | {"python": platform.python_version()}


def _price_key(row: Price) -> tuple[int, str, str, str]:
    return row.tier, row.kind, row.id, row.household_id
