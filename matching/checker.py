"""The independent judge: does a plan keep every rule, and is what its certificate says true?

What enters: a problem and a plan, or their folders. What leaves: faults, each with a code and a sentence; none means
that the plan stands. Called by `python -m matching check`, before a run is shown to staff, and by the tests. It
derives everything from the rules again in whole numbers and imports nothing of the solvers, only the words (`model`,
`plan`), the folder's reader and hashes, and the judge's other parts: the rules as arrays (`checker_case`) and line by
line (`checker_rules`), the bound that the prices prove (`checker_bound`), whether another plan is as good
(`checker_unique`), and the reasons (`checker_reasons`). Of a large plan a child reads the reasons while the caller
reads the problem, and then looks for other plans as good while the caller does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from secrets import randbelow
from typing import get_origin, get_type_hints

import numpy as np

from matching.checker_bound import Bounds
from matching.checker_case import ALL, Case, Fault
from matching.checker_numbers import FAR, Numbers
from matching.checker_reasons import Told, reason_faults
from matching.checker_rules import breaches, conflict, refused
from matching.checker_unique import ALONE, is_flow, proven_tiers
from matching.child import beside
from matching.folder import BadInput, input_sha256, plan_sha256, read_problem
from matching.model import LARGEST, Problem
from matching.plan import Certificate, Plan
from matching.results import read_bare, reason_columns
from matching.tables import at_one_go

LATER = 3
"""Tiers that a pure plan must be proven in before it is optimal: coverage, promises, cost."""
APART = 200_000
"""Pairs from which on a child is worth its birth."""
MANY = 200_000
"""Keys times leading runs: of a larger problem only three runs are worked out, unless all are claimed to be proven."""
PROVERS = ("both", "bound", "cp_sat", "highs", "mixed", "sums")
"""Who may stand behind a value that reaches its bound; only `sums` can be worked out here."""


@at_one_go()
def check(problem: Problem, plan: Plan, *, workers: int = 1) -> tuple[Fault, ...]:
    """All faults of a plan, none if it stands; O(pairs · log pairs). Lines that no rule could mean are judged first.

    With two `workers` a child looks for other plans as good meanwhile, where the plan is large.
    """
    return _judged(problem, plan, lambda: None, workers=workers)


@at_one_go()
def check_folder(folder: Path, out: Path, *, workers: int = 1) -> tuple[Fault, ...]:
    """Judge what `solve` wrote into `out` for the problem in `folder`; with two `workers` a child reads the reasons.

    Raises
    ------
    BadInput
        If the problem cannot be read; that something in `out` cannot is a fault.
    """
    with beside(lambda: _told(out), workers=workers) as asked:
        problem, told = read_problem(folder), cache(asked)
        try:
            plan = read_bare(out)
        except BadInput as error:
            return (Fault("unreadable", str(error)),)
        found = _judged(problem, plan, told, workers=workers)
        return (Fault("unreadable", wrong),) if isinstance(wrong := told(), str) else found


def _told(out: Path) -> Told | str:
    """What the reasons tell, or why they cannot be read."""
    try:
        return Told.of(reason_columns(out))
    except BadInput as error:
        return str(error)


def _judged(problem: Problem, plan: Plan, told: Callable[[], Told | str | None], *, workers: int) -> tuple[Fault, ...]:
    faults = (*_garbled(plan.certificate), *_lines(problem, plan))
    if faults or plan.certificate.status == "infeasible":
        return (*faults, *_hashes(problem, plan), *(() if faults else conflict(problem, plan)))
    case = Case(problem, plan)
    wrong = tuple(refused(case))
    if wrong:
        return (*_hashes(problem, plan), *wrong)
    with beside(lambda: _proven(case), workers=workers if len(case.keys) > APART else 1) as tiers:
        found = (*_hashes(problem, plan), *breaches(case), *_sums(case), *_worth(case), *_proof(case, tiers))
        rows = told()
        return (*found, *reason_faults(case, rows if isinstance(rows, Told) else None))


def _garbled(said: Certificate) -> Iterator[Fault]:
    """Words of the certificate that are not of their kind: what rests on them could not be judged."""
    for name, kind in get_type_hints(Certificate).items():
        word, many = getattr(said, name), get_origin(kind)
        if not (isinstance(word, many) if many else type(word) is kind) or (kind is int and word < 0):
            yield Fault("garbled", f"{name} of the certificate is {word!r}")
    if type(said.price_scale) is int and not 1 <= said.price_scale < FAR:
        yield Fault("garbled", f"prices cannot be divided by {said.price_scale}")
    counts = [*said.coverage, *(said.components.values() if isinstance(said.components, Mapping) else ())]
    if any(type(units) is not int for units in counts) or any(type(name) is not str for name in said.conflict):
        yield Fault("garbled", "coverage, components or conflict of the certificate are not of their kind")


def _lines(problem: Problem, plan: Plan) -> Iterator[Fault]:
    needs, resources = {n.need_id for n in problem.needs}, {r.resource_id for r in problem.resources}
    for x in plan.lines:
        if x.need_id not in needs or x.resource_id not in resources:
            yield Fault("unknown_id", f"{x.need_id} and {x.resource_id} are not both in the problem")
        if type(x.units) is not int or not 0 < x.units <= LARGEST:
            yield Fault("no_units", f"{x.need_id} gets {x.units!r} of {x.resource_id}: that is no amount")
    pairs = [(x.need_id, x.resource_id) for x in plan.lines]
    if len(set(pairs)) < len(pairs) or pairs != sorted(pairs):
        yield Fault("twice" if len(set(pairs)) < len(pairs) else "order", "the lines are not distinct and sorted")


def _hashes(problem: Problem, plan: Plan) -> Iterator[Fault]:
    said = plan.certificate
    if said.input_sha256 != input_sha256(problem):
        yield Fault("input_sha256", "the certificate was made for another problem")
    if said.plan_sha256 != plan_sha256(plan.lines):
        yield Fault("plan_sha256", "the certificate was made for another plan")


def _sums(case: Case) -> Iterator[Fault]:
    """Everything the certificate states that follows from the lines."""
    said, policy, i = case.said, case.policy, case.lines
    cells = np.stack([case.filled[case.urgency == u].sum(axis=0) for u in range(4)])
    n, cost = case.pn[i], sum(a * b for a, b in zip(case.cost[i].tolist(), case.units[i].tolist(), strict=True))
    alone = case.counted == case.open[n]
    true = {
        "coverage": tuple(int(cells[u, k - 1]) for u, k in policy.order),
        "score": sum(rank * int(cells[u, k - 1]) for (u, k), rank in policy.ranks().items()),
        "units": int(case.units.sum()),
        "households_served": len({*case.home[n].tolist()}),
        "broken_units": int(np.maximum(case.kept - case.units, 0).sum()),
        "cost": cost,
        "gap": (said.bound - said.score) / said.bound if said.bound else 0.0,
        "value": sum(case.value[i][alone].tolist()) if policy.objective == "value" else 0,
    }
    for name, value in true.items():
        if getattr(said, name) != value:
            yield Fault(name, f"the certificate says {name} is {getattr(said, name)}, the plan gives {value}")
    if said.conflict:
        yield Fault("conflict", "a run that gives something names pins that cannot be met")
    if said.status not in ("optimal", "feasible") or (said.status == "optimal" and said.bound != said.score):
        yield Fault("status", f"status {said.status} with score {said.score} and bound {said.bound}")


def _worth(case: Case) -> Iterator[Fault]:
    """Value, its bound and its prover go together, and by value nobody proves that no other plan is as good."""
    said, by_value = case.said, case.policy.objective == "value"
    reached = by_value and said.value == said.value_bound
    if said.value_bound < said.value or (said.value_bound and not by_value):
        yield Fault("value_bound", f"value {said.value} does not go with its bound {said.value_bound}")
    if said.value_proof not in (PROVERS if reached else ("",)):
        yield Fault("value_proof", f"{said.value_proof!r} proves no value {said.value} of at most {said.value_bound}")
    if by_value and said.status == "optimal" and not reached:
        yield Fault("status", f"status optimal with value {said.value} and its bound {said.value_bound}")
    if by_value and said.unique:
        yield Fault("unique", "by value nobody proves that no other plan is as good")
    if said.value_proof == "sums" and said.value_bound < (most := _most_worth(case)):
        yield Fault("value_bound", f"the best of every need adds up to {most}, the bound is {said.value_bound}")


def _most_worth(case: Case) -> int:
    """What the needs would be worth if each were served whole by the best resource for it."""
    best, whole = np.zeros(len(case.needs), case.value.dtype), case.most == case.open[case.pn]
    np.maximum.at(best, case.pn[whole], case.value[whole])
    return sum(best.tolist())


def _proven(case: Case) -> int | None:
    """In how many tiers the prices prove that no plan is better; 0 where they cannot, or score and bound differ."""
    sound = not case.misplaced and case.said.bound == case.said.score and not (_signs(case) < 0).any()
    return proven_tiers(case) if sound else 0


def _signs(case: Case) -> Numbers:
    """The first price that is not 0 of each limit."""
    return np.asarray(case.price[np.arange(len(case.limits)), (case.price != 0).argmax(axis=1)])


def _proof(case: Case, found: Callable[[], int | None]) -> Iterator[Fault]:
    """Every price stands on a limit, has a right sign, and together they prove the bound, the gaps and uniqueness."""
    said, proven, left = case.said, case.said.bound == case.said.score, case.use < case.limits
    sign = _signs(case)
    pure = is_flow(case) or not said.components.get("hard_small", 0) + said.components.get("hard_large", 0)
    yield from case.misplaced
    if (sign < 0).any():
        yield Fault("negative_price", "the first price of some limit is below 0")
    if said.status == "optimal" and pure and ((sign > 0) & left).any():
        yield Fault("idle_price", "some limit has a price and something left")
    if case.misplaced or (sign < 0).any():
        return
    bounds = Bounds(case)
    whole = bounds.run(1)
    if said.bound < (least := whole[0][-1]):
        yield Fault("bound", f"the prices prove no bound below {least}, the certificate says {said.bound}")
    yield from _gaps(case, bounds, whole)
    tiers = found()
    if said.unique and tiers is not None and tiers < ALONE:
        yield Fault("unique", "another plan may be as good" if proven else "the plan is not proven to be the best")
    if said.status == "optimal" and tiers is not None and tiers < LATER:
        yield Fault("later_tiers", "the prices do not prove that promises are kept and cost is low as far as can be")


def _gaps(case: Case, bounds: Bounds, entire: tuple[Numbers, Numbers]) -> Iterator[Fault]:
    """The gap of every leading run is there, and as wide as the prices prove: for every run of a small problem or of a
    plan that claims to be lexicographic, else for the first, the `entire` last and one that nobody can foresee."""
    said, gaps, cells = case.said, case.said.gap_by_prefix, len(case.policy.order)
    proven = said.bound == said.score
    wanted = {ALL: -1} | {name: i for name, i in case.sorts.items() if case.open[case.sort == i].any()}
    whole = all(isinstance(row, list | tuple) and len(row) == cells and min(row) >= 0 for row in gaps.values())
    if set(gaps) != set(wanted) or not whole or (proven and any(row[-1] for row in gaps.values())):  # type: ignore[index]
        yield Fault("gap_by_prefix", "not one gap of 0 or more for each leading run and category, or an open end")
        return
    few = len(case.keys) * cells > MANY and said.lexicographic != "proven"
    for run in sorted({0, cells - 1, randbelow(cells)}) if few else range(cells):
        found = entire if run == cells - 1 else bounds.run(cells - run)
        for name, gap in zip(wanted, np.subtract(*found)[[*wanted.values()]].tolist(), strict=True):
            if gaps[name][run] < gap:  # type: ignore[index]
                yield Fault("gap_by_prefix", f"{name}: the prices prove no gap below {gap} in run {run}")
    fair = proven and not any(gaps[ALL])  # type: ignore[arg-type]
    if said.lexicographic not in ("proven", "not_proven") or (said.lexicographic == "proven" and not fair):
        yield Fault("lexicographic", f"lexicographic is {said.lexicographic}, but some run of cells has a gap")


def proven_bound(problem: Problem, plan: Plan) -> int:
    """The bound that the tier-1 prices prove, rounded down: a score is whole."""
    return int(Bounds(Case(problem, plan)).run(1)[0][-1])
