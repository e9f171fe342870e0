"""Needs that take all or nothing: which of them nothing can fill, and what a unit is worth to the others.

What enters: a compiled problem, or the network of its relaxation. What leaves: the problem without the pairs of needs
that could never be filled whole, and costs by which a flow serves a need as a whole as far as a flow can. Called by
`relaxed`, `runs` and `neighbourhoods`. A flow fills a need level by level: without this it gives all such needs their
first, most valuable levels, which no plan can, and its prices are those of a shortage that is not there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matching.compiled import Compiled
from matching.eligibility import Bools
from matching.model import FAR
from matching.network import Ints, Network, level_sizes, rank_table
from matching.rules import flag


def possible(compiled: Compiled) -> Compiled:
    """The same problem where pairs that could never be part of a need filled whole carry nothing. O(E + caps)."""
    need, entire = compiled.pair_need, taking_all(compiled)
    if not entire.any():
        return compiled
    most, pinned = compiled.pair_most.copy(), np.zeros(len(entire), dtype=np.int64)
    np.add.at(pinned, need, compiled.pair_least)
    most[(entire & flag(compiled, "one_provider"))[need] & (most < compiled.open[need])] = 0
    reach = np.zeros(len(entire), dtype=np.int64)
    np.add.at(reach, need, most)
    hopeless = entire & (pinned == 0) & (np.minimum(reach, _narrowest(compiled, entire)) < compiled.open)
    most[hopeless[need]] = 0
    return replace(compiled, pair_most=np.maximum(most, np.where(compiled.pair_least > 0, compiled.pair_most, 0)))


def taking_all(compiled: Compiled) -> Bools:
    """Whether each need takes all or nothing, by its own wish or as it is served by `units_used`."""
    entire = flag(compiled, "all_or_nothing")
    entire[compiled.pair_need[compiled.pair_used >= 0]] = True
    return entire


def _narrowest(compiled: Compiled, some: Bools) -> Ints:
    """The least of the caps over each of `some` needs, FAR where there is none."""
    caps: dict[str, dict[str, int]] = {}
    for cap in compiled.problem.caps:
        mine = caps.setdefault(cap.household_id, {})
        for category in cap.categories:
            mine[category] = min(mine.get(category, FAR), cap.max_units)
    least = np.full(len(some), FAR, dtype=np.int64)
    for at in np.flatnonzero(some).tolist() if caps else ():
        row = compiled.problem.needs[at]
        least[at] = min(caps.get(home, {}).get(row.category, FAR) for home in ("*", row.household_id))
    return least


def even_costs(network: Network, compiled: Compiled) -> Network:
    """The network where each unit of a need that takes all or nothing is worth what its units are worth on average."""
    entire = taking_all(compiled)[network.needs]
    if not entire.any():
        return network
    needs = network.needs[entire]
    sizes, ranks = level_sizes(compiled, needs), rank_table(compiled)[compiled.urgency[needs]]
    average = np.zeros(network.nodes, dtype=np.int64)
    average[network.need_node[entire]] = (sizes * ranks).sum(axis=1) // np.maximum(sizes.sum(axis=1), 1)
    levels = (network.costs[0] < 0) & (average[network.tail] > 0)
    costs = np.where(levels, -average[network.tail], network.costs[0])
    return replace(network, costs=(costs, *network.costs[1:]))
