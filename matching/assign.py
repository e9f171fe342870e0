"""The objective by value: whole families to places, jobs to agents.

What enters: a compiled problem and parts in which some need served whole has a value. What leaves: one `Outcome` each,
or a `Conflict` of pins. Called by `solve`, on any worker. A part in which every need is served whole by one resource or
not at all goes to the `assigners`, ours and two solvers; the best plan that keeps the rules counts, with the least
bound that no plan refutes. The later tiers follow with that value held. Every other part is `small`'s, where CP-SAT
does it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from matching.assigners import ASSIGNERS
from matching.child import answers
from matching.compiled import Compiled
from matching.components import Component
from matching.hard import Exact, solve_exact
from matching.limits import Limits
from matching.network import Ints
from matching.opening import greedy, tightened
from matching.parts import UNKNOWN, Conflict, Outcome
from matching.rules import breaches
from matching.servings import Answer, Servings, servings
from matching.small import EFFORT, SHARE, outcome_of, solve_small
from matching.worth import value_of

ROUNDS = (("bound", 0.1), ("core", 0.1), ("bound", 0.05), ("highs", 0.35), ("cp_sat", 0.1))
"""Who is asked, with how much effort per second that the budget has for the part; a unit of CP-SAT's can take four
seconds. Each starts from the best plan so far, which makes the question tighter. Ours comes first, and what its bound
rules out nobody else has to look at: more with each better plan. Where it has nothing to say, a short round of HiGHS
finds the plan, among the servings that its relaxation likes."""

OURS = "bound"
"""The assigner whose bound is in whole numbers and rests on nobody's word: what it proves needs no second opinion."""

CONFIRM = 0.25
"""How much of its effort a solver spends on a value that the one before has proven."""

HAND_IN, PART = 0.6, 0.7
"""Shares of the time left after which a solver has to hand in what it has, and after which its child is killed."""

PATIENCE = 5.0
"""Seconds per unit of effort after which a child is given up, beyond the first minute."""


@dataclass(slots=True)
class _Trial:
    """What is known about one part so far; `units` is None until a plan keeps the rules."""

    part: Component
    model: Servings
    units: Ints | None = None
    value: int = -1
    bounds: tuple[tuple[str, int], ...] = ()
    finished: bool = True

    @property
    def bound(self) -> int | None:
        """The least bound that the best plan does not refute."""
        return min((bound for _, bound in self.bounds if bound >= self.value), default=None)

    @property
    def proofs(self) -> tuple[str, ...]:
        """Who says that nothing is worth more than the best plan."""
        return tuple(sorted({name for name, bound in self.bounds if bound == self.value}))

    def settled(self, name: str) -> bool:
        """Whether there is nothing to ask of this one: it has proven the plan, or our own bound has."""
        return name in self.proofs or OURS in self.proofs


def solve_by_value(
    compiled: Compiled, limits: Limits, parts: Sequence[Component], *, seconds: float, deadline: float
) -> list[Outcome] | Conflict:
    """The best plan of each part, value first.

    `seconds` is what the budget has for each part; the effort follows from it alone. A solver that is killed leaves
    the part to the others, and the part counts as interrupted.
    """
    outcomes: list[Outcome] = []
    trials = []
    for part in parts:
        model = servings(compiled, limits, part)
        trial = None if model is None or model.overfull else _Trial(part, model)
        if trial is not None:
            _learn(compiled, limits, trial, name="", answer=Answer(greedy(trial.model), UNKNOWN))
            trials.append(trial)
    for name, share in ROUNDS:
        _ask(compiled, limits, trials, name=name, effort=max(0.1, seconds * share), deadline=deadline)
    solved = [trial for trial in trials if trial.units is not None]
    rest = [part for part in parts if not any(trial.part is part for trial in solved)]
    found = solve_small(compiled, limits, rest, seconds=seconds, deadline=deadline)
    if isinstance(found, Conflict):
        return found
    outcomes += [replace(outcome, value_proofs=_alone(compiled, outcome)) for outcome in found]
    return outcomes + _finish(compiled, limits, solved, seconds=seconds, deadline=deadline)


def _ask(
    compiled: Compiled, limits: Limits, trials: Sequence[_Trial], *, name: str, effort: float, deadline: float
) -> None:
    """Put every part to one solver that has not proven it yet; the children have `PART` of the time left."""

    def work(trial: _Trial) -> Answer:
        if trial.units is None:
            return ASSIGNERS[name](trial.model, start=None, effort=effort, until=until)
        start, model = _columns(trial.model, trial.units), tightened(trial.model, trial.value)
        share = CONFIRM if trial.proofs else 1.0
        return ASSIGNERS[name](model, start=start, effort=effort * share, until=until)

    now = monotonic()
    until, stop = (now + (deadline - now) * part for part in (HAND_IN, PART))
    asked = [trial for trial in trials if not trial.settled(name)]
    found = answers(work, asked, deadline=stop, patience=60 + effort * PATIENCE)
    for trial, answer in zip(asked, found, strict=True):
        trial.finished = trial.finished and answer is not None and not answer.late
        if answer is not None:
            _learn(compiled, limits, trial, name=name, answer=answer)


def _learn(compiled: Compiled, limits: Limits, trial: _Trial, *, name: str, answer: Answer) -> None:
    """Take over what an answer is good for; whoever proposes a plan that breaks a rule is not believed at all."""
    if answer.chosen is None:
        return
    units = trial.model.units(answer.chosen, pairs=len(trial.part.pairs))
    if breaches(compiled, limits, trial.part, units):
        return
    trial.bounds += ((name, answer.bound),)
    value = trial.model.value(answer.chosen)
    if value > trial.value:
        trial.units, trial.value = units, value
    if answer.narrower is not None and _holds(answer.narrower, trial):
        trial.model = answer.narrower


def _holds(model: Servings, trial: _Trial) -> bool:
    """Whether the best plan is among those of a narrower question."""
    return trial.units is not None and model.value(_columns(model, trial.units)) == trial.value


def _columns(model: Servings, units: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The columns that are on in a plan, helpers included."""
    chosen = np.where(model.places >= 0, units[model.places] > 0, False)
    switched = model.helper[chosen]
    chosen[switched[switched >= 0]] = True
    return chosen


def _finish(
    compiled: Compiled, limits: Limits, trials: Sequence[_Trial], *, seconds: float, deadline: float
) -> list[Outcome]:
    """The later tiers with the value held, as far as a small effort allows."""
    effort = min(EFFORT, max(0.1, seconds * SHARE / 2))

    def work(trial: _Trial) -> Exact | None:
        return solve_exact(
            compiled, limits, trial.part, start=trial.units, effort=effort, settled={"value": trial.value}
        )

    outcomes = []
    found = answers(work, trials, deadline=deadline, patience=60 + effort * PATIENCE)
    for trial, answer in zip(trials, found, strict=True):
        assert trial.units is not None
        held = answer is not None and value_of(compiled, pairs=trial.part.pairs, units=answer.units) >= trial.value
        exact = answer if answer is not None and held else Exact(trial.units, UNKNOWN, False)
        outcome = outcome_of(compiled, limits, trial.part, exact)
        outcomes.append(
            replace(
                outcome,
                value_bound=trial.bound,
                value_proofs=trial.proofs,
                finished=trial.finished and answer is not None,
            )
        )
    return outcomes


def _alone(compiled: Compiled, outcome: Outcome) -> tuple[str, ...]:
    """CP-SAT's name if it has proven the value of a part by itself."""
    got = value_of(compiled, pairs=outcome.pairs, units=outcome.units)
    return ("cp_sat",) if outcome.value_bound == got else ()
