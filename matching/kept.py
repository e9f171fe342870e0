"""What a run that is stopped leaves as it was: the parts that it has not come to.

What enters: parts that nobody has begun. What leaves: one `Outcome` with what was announced for them before, cut back
to what today's limits hold, and with every pin met; their pins alone where nothing was announced, or where that cannot
be mended. Called by `solve` once somebody has pressed stop: the best plan so far of such a part is the one that stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matching.compiled import Compiled
from matching.components import Component, joined
from matching.cutback import Clash, Tight, cut_back
from matching.limits import Limits
from matching.network import Ints, promised_units
from matching.parts import Outcome, receipts, score_of, untouched
from matching.refill import allowed
from matching.residual import State
from matching.rules import breaches


def as_announced(compiled: Compiled, limits: Limits, parts: Sequence[Component]) -> Outcome:
    """The announced units of these parts that today's limits hold. O(E + parts) and, for pins, the exact solver."""
    whole = joined(parts)
    assert whole is not None, "a task has parts"
    pairs = whole.pairs
    rest = untouched(compiled, pairs)
    promised = np.minimum(promised_units(compiled, pairs), compiled.pair_most[pairs])
    if not promised.any() and not breaches(compiled, limits, whole, rest.units):
        return rest
    state = State(compiled, limits, whole, np.zeros_like(promised))
    units = _mended(compiled, limits, whole, _within_gaps(compiled, pairs, allowed(state, promised)))
    if units is None:
        return rest
    received = receipts(compiled, pairs=pairs, units=units)
    return replace(rest, units=units, score=score_of(compiled, needs=whole.needs, received=received))


def _within_gaps(compiled: Compiled, pairs: Ints, units: Ints) -> Ints:
    """Without the needs that would get more than is open of them: their pins alone."""
    too_much = receipts(compiled, pairs=pairs, units=units) > compiled.open
    return np.asarray(np.where(too_much[compiled.pair_need[pairs]], compiled.pair_least[pairs], units), np.int64)


def _mended(compiled: Compiled, limits: Limits, whole: Component, units: Ints) -> Ints | None:
    """These units if they keep every rule, else cut back until they do; None if that fails."""
    if not breaches(compiled, limits, whole, units):
        return units
    least = np.zeros_like(compiled.pair_least)
    least[whole.pairs] = compiled.pair_least[whole.pairs]
    every = np.zeros_like(least)
    every[whole.pairs] = units
    found = cut_back(Tight(replace(compiled, pair_least=least), limits, whole, ()), every)
    if isinstance(found, Clash) or breaches(compiled, limits, whole, found[whole.pairs]):
        return None
    return np.asarray(found[whole.pairs], np.int64)
