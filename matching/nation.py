"""Many cities: each shard solved exactly, only what they share is priced; a plan per shard and one certificate for all.

What enters: a nation's folder (`shards/<name>/`, each a problem folder) and a crew that does the work. What leaves: an
ordinary output folder per shard, and `nation.json`: score, bound, gap, prices and quotas of the shared resources, the
hash of every plan and of all together. Called by `nation_commands` and `bench/nation.py`. A resource that stands in
several shards, with the same row, is shared: its stock is the nation's. Everything else belongs to one shard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matching.certify import Clock
from matching.cluster import Crew
from matching.nation_folder import SHARDS, nation_sha256, write_nation
from matching.nation_rounds import Priced, Round, price_shared
from matching.nation_survey import Nation, overpinned, surveyed
from matching.shards import Changed, Settled, settle
from matching.wellformed import BadInput, Misfit

ROUNDS = 40
"""The most price vectors that are asked."""


def solve_nation(
    folder: Path, out: Path, *, crew: Crew, rounds: int = ROUNDS, told: Callable[[Round], None] | None = None
) -> dict[str, Any]:
    """Solve a nation, write `out`, and return the content of `nation.json`.

    The result depends neither on the crew nor on the order of rows. O(rounds · one flow of what is shared per shard).

    Raises
    ------
    BadInput
        If a shard is malformed, shards disagree on policy or on a shared row, a need or household is in two, or a
        folder is changed meanwhile.
    """
    try:
        return _solved(folder, out, crew=crew, rounds=rounds, told=told)
    except Changed as error:
        wrong, mend = "was changed while the nation was solved", "let it rest and solve again"
        raise BadInput([Misfit(str(error), -1, "", str(error), wrong, mend)]) from error


def _solved(
    folder: Path, out: Path, *, crew: Crew, rounds: int, told: Callable[[Round], None] | None
) -> dict[str, Any]:
    clock = Clock()
    nation = surveyed(folder, crew)
    clock.mark("survey")
    over = overpinned(nation)
    if over:
        return _infeasible(nation, out, conflict=over, clock=clock)
    priced = price_shared(nation, crew, rounds=rounds, told=told)
    clock.mark("rounds")
    tasks = [
        (site, str(out.absolute() / SHARDS / name), priced.prices, priced.quotas[at])
        for at, (name, site) in enumerate(nation.sites.items())
    ]
    settled = dict(zip(nation.folders, crew.each(settle, tasks), strict=True))
    clock.mark("settle")
    conflict = tuple(f"{name}: {pin}" for name, one in settled.items() for pin in one.conflict)
    if any(one.status == "infeasible" for one in settled.values()):
        return _infeasible(nation, out, conflict=conflict, clock=clock)
    content = _certificate(nation, priced, settled=settled, clock=clock)
    write_nation(content, out)
    return content


def _certificate(nation: Nation, priced: Priced, *, settled: Mapping[str, Settled], clock: Clock) -> dict[str, Any]:
    score = sum(one.score for one in settled.values())
    worth = sum(price * row.stock for price, row in zip(priced.prices, nation.shared, strict=True))
    bound = worth + sum(one.bound for one in settled.values())
    return {
        "status": "optimal" if bound == score else "feasible",
        "score": score,
        "bound": bound,
        "gap": (bound - score) / bound if bound else 0.0,
        "units": sum(one.units for one in settled.values()),
        "households_served": sum(one.households_served for one in settled.values()),
        "rounds": priced.rounds,
        "pairs": priced.pairs,
        "shared_parts": priced.parts,
        "strands": priced.strands,
        "needs": sum(len(told.needs) for told in nation.surveys.values() if told.needs is not None),
        "shared": {
            row.resource_id: {
                "stock": row.stock,
                "price": priced.prices[at],
                "quotas": {name: priced.quotas[i][at] for i, name in enumerate(nation.folders)},
            }
            for at, row in enumerate(nation.shared)
        },
        "shards": {
            name: {
                "score": one.score,
                "bound": one.bound,
                "input_sha256": one.input_sha256,
                "plan_sha256": one.plan_sha256,
            }
            for name, one in settled.items()
        },
        "nation_sha256": nation_sha256({name: one.plan_sha256 for name, one in settled.items()}),
        "versions": dict(next(iter(nation.surveys.values())).versions or {}),
        "seconds": clock.seconds,
        "peak_bytes": max(one.peak_bytes for one in settled.values()),
    }


def _infeasible(nation: Nation, out: Path, *, conflict: tuple[str, ...], clock: Clock) -> dict[str, Any]:
    """Pins that cannot be met: named, and no plan."""
    content = {"status": "infeasible", "conflict": list(conflict), "seconds": clock.seconds}
    write_nation(content, out)
    return content
