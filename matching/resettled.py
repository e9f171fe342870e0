"""The two ways in which a tried override is worked out further than its repair: solved again, or filled up.

What enters: a `Trial` that has settled, and the problem with the order of cells that is tried. What leaves: units per
pair. Called by `matching.whatif`: for another order of the cells, and for whatever touches hard parts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matching.compiled import Compiled
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


def refilled(trial: Trial, units: Ints, after: Compiled) -> Ints:
    """The same plan with what is left over given to whoever gains most, in steps that every hard rule allows."""
    now, compiled = trial.now, trial.compiled
    places = np.flatnonzero(now.stock_arc >= 0)
    stock = compiled.stock.copy()
    stock[places] += trial.grown[places]
    most = np.where(trial.barred | trial.outside, 0, now.most)
    tight = replace(after, stock=stock, pair_most=most, pair_least=trial.pinned)
    state = State(tight, now.limits, now.part, units[now.part.pairs])
    refill(state)
    found = units.copy()
    found[now.part.pairs] = state.units
    return found
