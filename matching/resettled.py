"""The two ways in which a tried override is worked out further than its repair: solved again, or filled up.

What enters: a `Trial` that has settled, with the order of cells that is tried; or the problem after all that is tried
and units that keep its rules. What leaves: units per pair. Called by `matching.whatif`: for another order of the
cells, and for whatever touches hard parts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matching.compiled import Compiled
from matching.cutback import Tight
from matching.flow import whole_flow
from matching.network import SINK, SOURCE, Ints, level_sizes, rank_table
from matching.overrides import Trial
from matching.refill import refill
from matching.residual import State


def resolved(trial: Trial, after: Compiled) -> Ints:
    """Units of the best plan within the bounds of the trial, by the ranks of `after`. One whole flow: seconds.

    Raises
    ------
    NoFlow
        If the pins cannot be met.
    """
    route, old = trial.route, trial.now.network
    last = len(old.tail) - 1
    needs = old.needs
    row, level = np.nonzero(level_sizes(after, needs))
    costs = route.cost.copy()
    costs[last - len(row) : last] = -rank_table(after)[after.urgency[needs[row]], level]
    order = np.append(np.delete(np.arange(len(route.flow)), last), last)
    network = replace(
        old,
        nodes=len(route.levels),
        tail=np.append(route.tail[order[:-1]], SOURCE),
        head=np.append(np.append(old.head[:last], route.head[last + 1 :]), SINK),
        lower=route.low[order],
        upper=np.append(np.minimum(route.high[order[:-1]], old.upper[last]), old.upper[last]),
    )
    route.flow[order] = whole_flow(network, costs=costs[order])
    return trial.units()


def refilled(tight: Tight, units: Ints) -> Ints:
    """The same plan with what is left over given to whoever gains most, in steps that every hard rule allows.

    First everybody may have what no reserve holds back, then the districts what is kept for them.
    """
    compiled = tight.compiled
    if tight.kept:
        stock, given = compiled.stock.copy(), np.zeros_like(compiled.stock)
        np.add.at(given, compiled.pair_resource, units)
        for outside, most in tight.kept:
            for resource in np.unique(compiled.pair_resource[outside]).tolist():
                free = max(0, most - int(units[outside].sum()))
                stock[resource] = min(int(stock[resource]), int(given[resource]) + free)
        units = _filled(replace(compiled, stock=stock), tight, units)
    held = np.logical_or.reduce([outside for outside, _ in tight.kept] or [np.zeros(len(units), bool)])
    return _filled(replace(compiled, pair_most=np.where(held, 0, compiled.pair_most)), tight, units)


def _filled(compiled: Compiled, tight: Tight, units: Ints) -> Ints:
    state = State(compiled, tight.limits, tight.part, units[tight.part.pairs])
    refill(state)
    found = units.copy()
    found[tight.part.pairs] = state.units
    return found
