"""Allocate: one problem in, one plan with its proof out.

What enters: a `Problem` in any order of rows. What leaves: a `Plan`: lines, reasons, prices and a certificate. Called
by the command line, the marketplace's runs and the benches. It compiles the problem, splits it into independent parts,
has each part solved (on several processes if asked), and hands the outcomes to `certify`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from time import monotonic

import numpy as np

from matching.certify import Clock, Ledger, infeasible
from matching.compiled import Compiled, compile_problem
from matching.components import Component, split
from matching.flow import NoFlow
from matching.kept import as_announced
from matching.limits import Limits, shared_limits
from matching.model import Problem
from matching.parts import Conflict, Outcome
from matching.plan import Plan
from matching.pure import batches, conflict, solve_pure
from matching.tables import at_one_go
from matching.worth import most_value


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: pairs decided of all pairs, and the score and bound of the parts decided so far.

    `phase` is filter, split, pure, hard, prices, reasons or done.
    """

    phase: str
    done: int
    total: int
    score: int
    bound: int


@dataclass(frozen=True, slots=True)
class _Task:
    """What one worker solves in one go; `kind` is pure, small, large or value.

    `seconds` is the share of the budget that each hard part of the task has.
    """

    kind: str
    parts: tuple[Component, ...]
    seconds: float = 0.0

    @property
    def size(self) -> int:
        return sum(len(part.pairs) for part in self.parts)


SMALL_PAIRS = 2_000
"""Hard parts up to this many pairs are solved exactly; parts with values to gain are `assign`'s at any size."""

_SHARED: dict[str, tuple[Compiled, Limits]] = {}
"""What forked workers find in their memory, so that nothing large is sent to them."""


@at_one_go()
def allocate(
    problem: Problem,
    *,
    workers: int = 1,
    budget_s: float | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Plan:
    """The best plan of a problem, with prices, reasons and certificate.

    The plan depends neither on the order of the rows nor on `workers`. `budget_s` replaces the policy's budget, which
    only hard parts can use up. Pins that cannot be met give a plan without lines whose certificate names a minimal
    contradicting set. Once `cancelled` is true, parts not yet begun keep what was announced for them as far as the
    limits hold it, and the certificate says `interrupted`.

    Raises
    ------
    BadInput
        If the rows contradict each other (see `matching.wellformed`).
    """
    clock = Clock()
    compiled = compile_problem(problem)
    clock.mark("filter")
    limits = shared_limits(compiled)
    parts = split(compiled, limits)
    clock.mark("split")
    ledger = Ledger(compiled)

    def tell(phase: str) -> None:
        if progress is not None:
            progress(Progress(phase, ledger.done, len(compiled.pair_need), ledger.score, ledger.bound))

    tell("split")
    clashes = _hopeless_pin(compiled)
    if clashes:
        return infeasible(compiled, clock=clock, conflict=clashes)
    seconds = problem.policy.budget_s if budget_s is None else budget_s
    deadline = monotonic() + seconds
    for phase, tasks in _phases(compiled, parts, seconds=seconds):
        for task, found in _done(compiled, limits, tasks, workers=workers, deadline=deadline, cancelled=cancelled):
            if isinstance(found, Conflict):
                return infeasible(compiled, clock=clock, conflict=found.names(compiled))
            for outcome in found:
                ledger.add(outcome, kind=task.kind, parts=len(task.parts) // len(found))
            tell(phase)
        clock.mark(phase)
    tell("prices")
    plan = ledger.plan(clock, tell=tell, workers=workers)
    tell("done")
    return plan


def _hopeless_pin(compiled: Compiled) -> tuple[str, ...]:
    """A pin that no plan can meet whatever else happens, as a conflict of one."""
    for pin in compiled.lost_pins:
        return (f"{pin.need_id}>{pin.resource_id}",)
    by_use = np.where(compiled.pair_most > 0, compiled.pair_used, 0)
    beyond = (compiled.pair_least > np.where(compiled.pair_used < 0, compiled.pair_most, by_use)).nonzero()[0]
    return Conflict((int(beyond[0]),)).names(compiled) if len(beyond) else ()


def _phases(compiled: Compiled, parts: Sequence[Component], *, seconds: float) -> list[tuple[str, list[_Task]]]:
    """The pure tasks, then the hard ones; the largest first, so that workers finish together."""
    sorts: dict[str, list[Component]] = {"pure": [], "small": [], "value": [], "large": []}
    for part in parts:
        size = "large" if len(part.pairs) > SMALL_PAIRS else "small"
        sorts["value" if most_value(compiled, part.pairs) else size if part.hard else "pure"].append(part)
    pure, small, value = ([_Task(kind, batch) for batch in batches(sorts[kind])] for kind in ("pure", "small", "value"))
    hard = [*small, *value, *(_Task("large", (part,)) for part in sorts["large"])]
    share = seconds / max(1, sum(task.size for task in hard))
    hard = [replace(task, seconds=share * task.size / len(task.parts)) for task in hard]
    return [(name, sorted(tasks, key=lambda task: -task.size)) for name, tasks in (("pure", pure), ("hard", hard))]


def _done(
    compiled: Compiled,
    limits: Limits,
    tasks: Sequence[_Task],
    *,
    workers: int,
    deadline: float,
    cancelled: Callable[[], bool] | None,
) -> Iterator[tuple[_Task, list[Outcome] | Conflict]]:
    """Every task with what came of it, in the order of completion."""
    stop = cancelled or (lambda: False)
    if workers <= 1 or len(tasks) < 2:
        for task in tasks:
            if stop():
                yield task, [as_announced(compiled, limits, task.parts)]
            else:
                yield task, _work(compiled, limits, task, deadline=deadline, workers=workers)
        return
    _SHARED["now"] = (compiled, limits)
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        waiting = {pool.submit(_work_shared, task, deadline): task for task in tasks}
        for future in as_completed(waiting):
            if stop():
                pool.shutdown(wait=False, cancel_futures=True)
            task = waiting[future]
            left = future.cancelled()
            yield task, [as_announced(compiled, limits, task.parts)] if left else future.result()
    del _SHARED["now"]


def _work_shared(task: _Task, deadline: float) -> list[Outcome] | Conflict:
    compiled, limits = _SHARED["now"]
    return _work(compiled, limits, task, deadline=deadline)


def _work(
    compiled: Compiled, limits: Limits, task: _Task, *, deadline: float, workers: int = 1
) -> list[Outcome] | Conflict:
    if task.kind != "pure":
        return _work_hard(compiled, limits, task, deadline=deadline, workers=workers)
    try:
        return [solve_pure(compiled, limits, task.parts)]
    except NoFlow:
        return next(filter(None, (conflict(compiled, limits, part) for part in task.parts)))


def _work_hard(
    compiled: Compiled, limits: Limits, task: _Task, *, deadline: float, workers: int
) -> list[Outcome] | Conflict:
    """CP-SAT is loaded here: a city without hard parts does without."""
    from matching.assign import solve_by_value
    from matching.priced import solve_large
    from matching.small import solve_small

    if task.kind == "value":
        return solve_by_value(compiled, limits, task.parts, seconds=task.seconds, deadline=deadline)
    if task.kind == "large":
        found = solve_large(compiled, limits, task.parts[0], seconds=task.seconds, deadline=deadline, workers=workers)
        if found:
            return [found]
    return solve_small(compiled, limits, task.parts, seconds=task.seconds, deadline=deadline)
