"""Prices for hard parts: the flow that is left when the rules that are no flow are dropped.

What enters: a compiled problem and one hard component. What leaves: tier-1 prices of its shared limits, and the bound
that they prove. Called by `small` and `priced`.
"""

from __future__ import annotations

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.entire import even_costs, possible
from matching.flow import Flow, NoFlow, potentials_of, whole_flow
from matching.homes import Homes
from matching.limits import Limits
from matching.network import Ints, Network, build
from matching.plan import Price
from matching.prices import limits_worth, of_tier, pair_tolls, shadow
from matching.responses import best_responses


def relaxation(compiled: Compiled, limits: Limits, part: Component) -> tuple[Price, ...]:
    """Tier-1 prices of the relaxed part; none where not even the relaxation can keep the pins."""
    try:
        network, flow = relaxed_flow(compiled, limits, part)
    except NoFlow:
        return ()
    return prices_of(network, flow)


def relaxed_flow(compiled: Compiled, limits: Limits, part: Component) -> tuple[Network, Ints]:
    """The best coverage of the part if needs could be served by any number of resources in any amounts.

    A need that takes all or nothing finds all its units alike, and none if nothing can fill it.
    """
    network = even_costs(build(possible(compiled), limits, pairs=part.pairs, groups=part.groups), compiled)
    return network, whole_flow(network, costs=network.costs[0])


def prices_of(network: Network, flow: Ints) -> tuple[Price, ...]:
    """The prices of tier 1 that a best flow shows."""
    levels = potentials_of(network, flow, arcs=np.arange(len(flow)), costs=network.costs[0])
    return tuple(shadow(network, Flow(flow=flow, potentials=(levels,), unique=False)))


def part_bound(compiled: Compiled, part: Component, prices: tuple[Price, ...], *, units: Ints) -> int:
    """What no plan of this part can score more than, by these prices; `units` is one that keeps the rules."""
    return bound_at(compiled, prices, pairs=part.pairs, units=units)


def bound_at(compiled: Compiled, prices: tuple[Price, ...], *, pairs: Ints, units: Ints) -> int:
    """What no plan can score more than with these pairs, by the prices of tier 1 alone.

    `units` (len(pairs),) keeps the rules and only saves work: households at their best need no closer look (`homes`).
    O(pairs · levels) and a table for each household that is not.
    """
    first, compiled = of_tier(prices, 1), possible(compiled)
    best = best_responses(compiled, pairs=pairs, tolls=pair_tolls(compiled, first, pairs=pairs))
    given = np.zeros(len(compiled.pair_need), dtype=np.int64)
    given[pairs] = units
    saved = Homes(compiled, first, pairs=pairs).saved(best.worth, given)
    return limits_worth(compiled, first) + int(best.worth.sum()) - saved
