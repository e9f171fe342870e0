"""A piece of a hard part as a mixed-integer program, solved by HiGHS.

What enters: a residual problem (see `residual`) and the units it has now. What leaves: units that score at least as
much and keep every rule. Called by `neighbourhoods`, in a process that can be killed. The linear relaxation of such a
piece is close to whole numbers already, so a few hundred needs take about a second where CP-SAT takes several. One
thread, a fixed seed and limits counted in nodes: the same piece always gets the same answer. HiGHS reckons in floating
point: its answer is rounded and believed only if `rules.breaches` finds nothing and the whole-number score is no worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

from matching import highs
from matching.compiled import Compiled
from matching.eligibility import Bools
from matching.network import Ints, announced_units, level_sizes, promised_units, rank_table
from matching.parts import UNKNOWN, broken, receipts, score_of
from matching.residual import Residual
from matching.rules import breaches, column, earmarked, exclusive, flag

WHOLE = 2**62
"""More steps than any pair has."""

NODES = 20
"""Most nodes of one search tree."""

FREE = highspy.kHighsInf

MANY = 100
"""Steps that HiGHS counts one by one. Beyond so many, units are fractions to it: most of its time went into tightening
columns of millions unit by unit, and where choices and lots are made the rest comes out whole."""

FRACTION = 0.01
"""How far from a whole number an answer may be to be rounded; one that is further is asked for again in whole steps."""

QUICK: dict[str, str | bool] = {"presolve": "off", "mip_heuristic_run_feasibility_jump": False}
"""What a small piece does without: it takes half the time and finds as much."""

LEAN: dict[str, str | bool] = {"mip_heuristic_run_rens": False, "mip_heuristic_run_rins": False}
"""What a whole part does without where time is short: the searches within the search, most of its time."""

ROUGHNESS, EXACT = 1e-4, 2.0**46
"""What HiGHS may be off by, and the size beyond which its sums are not told apart."""


@dataclass(slots=True)
class _Program:
    """Columns and rows gathered block by block; `cells` holds (row, column, value) arrays."""

    gain: list[NDArray[np.float64]] = field(default_factory=list)
    low: list[Ints] = field(default_factory=list)
    high: list[Ints] = field(default_factory=list)
    whole: list[Bools] = field(default_factory=list)
    cells: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    least: list[NDArray[np.float64]] = field(default_factory=list)
    most: list[NDArray[np.float64]] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    def add(self, *, low: Ints, high: Ints, gain: Ints | None = None, whole: Bools | bool = True) -> Ints:
        """New columns; returns their places."""
        self.gain.append(np.zeros(len(low)) if gain is None else gain.astype(np.float64))
        self.low.append(low)
        self.high.append(high)
        self.whole.append(np.broadcast_to(np.asarray(whole, dtype=np.bool_), low.shape))
        self.columns += len(low)
        return np.arange(self.columns - len(low), self.columns)

    def switches(self, count: int) -> Ints:
        """New columns that are 0 or 1."""
        return self.add(low=np.zeros(count, np.int64), high=np.ones(count, np.int64))

    def bound(self, count: int, *, least: float, most: Ints | float) -> Ints:
        """New rows; returns their places."""
        self.least.append(np.full(count, least))
        self.most.append(np.broadcast_to(np.asarray(most, dtype=np.float64), (count,)))
        self.rows += count
        return np.arange(self.rows - count, self.rows)

    def put(self, rows: Ints, columns: Ints, values: Ints | int) -> None:
        """Coefficients of `columns` in `rows`."""
        filled = np.broadcast_to(np.asarray(values, dtype=np.int64), columns.shape)
        self.cells.append((np.broadcast_to(rows, columns.shape), columns, filled))

    def at_most(self, groups: Ints, columns: Ints, values: Ints, limits: Ints) -> None:
        """Σ values·columns ≤ limit for each distinct group; `limits` goes with the sorted distinct groups."""
        if len(columns):
            _, at = np.unique(groups, return_inverse=True)
            self.put(self.bound(len(limits), least=-FREE, most=limits)[at], columns, values)

    def model(self) -> highspy.HighsLp:
        """What HiGHS reads."""
        row, col, value = (np.concatenate(part) for part in zip(*self.cells, strict=True))
        order = np.lexsort((row, col))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_, lp.sense_ = self.columns, self.rows, highspy.ObjSense.kMaximize
        lp.col_cost_ = np.concatenate(self.gain)
        lp.col_lower_, lp.col_upper_ = (np.concatenate(side).astype(np.float64) for side in (self.low, self.high))
        lp.row_lower_, lp.row_upper_ = np.concatenate(self.least), np.concatenate(self.most)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.searchsorted(col[order], np.arange(self.columns + 1)).astype(np.int32)
        lp.a_matrix_.index_, lp.a_matrix_.value_ = row[order].astype(np.int32), value[order].astype(np.float64)
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[whole] for whole in np.concatenate(self.whole).tolist()]
        return lp


@dataclass(frozen=True, slots=True)
class Solved:
    """Units of a piece in the order of its pairs, and a score that HiGHS says no units can pass."""

    units: Ints
    bound: int


def solve_piece(
    left: Residual, start: Ints, *, nodes: int = NODES, dear: int = 0, options: Mapping[str, str | bool] = QUICK
) -> Solved:
    """Units never worse than `start` in coverage, then in promises kept.

    Where promises are `dear`, each unit of them is given up only if ranks gain more than so much: the bound is then one
    on that sum and not on the score.
    """
    solver = highs.solver(mip_max_nodes=nodes, **options)
    units, bound = _answer(left, start, solver, dear=dear, many=MANY)
    if units is None:  # fractions: caps that cross each other can leave some
        units, again = _answer(left, start, solver, dear=dear, many=WHOLE)
        bound = min(bound, again)
    if units is None:
        return Solved(start, bound)
    worse = _merit(left, units) < _merit(left, start)
    believed = not worse and not breaches(left.compiled, left.limits, left.part, units)
    return Solved(units if believed else start, bound)


def _answer(left: Residual, start: Ints, solver: highspy.Highs, *, dear: int, many: int) -> tuple[Ints | None, int]:
    """The units that HiGHS finds, None if it finds none in whole numbers, and its bound."""
    program, takes = _program(left, dear=dear, many=many)
    solver.passModel(program.model())
    choices = any(block.any() for block in program.whole)
    solver.setSolution(len(start), np.arange(len(start), dtype=np.int32), (start // takes).astype(np.float64))
    solver.run()
    answer, said = solver.getSolution(), solver.getInfo()
    limit = said.mip_dual_bound if choices else said.objective_function_value
    bound = int((limit + ROUGHNESS) // _scale(left.compiled)) if abs(limit) < EXACT else UNKNOWN
    if not answer.value_valid:
        return None, bound
    steps = np.array(answer.col_value[: len(start)])
    near = np.rint(steps)
    whole = many == WHOLE or bool((np.abs(steps - near) <= FRACTION).all())
    return near.astype(np.int64) * takes if whole else None, bound


def _scale(compiled: Compiled) -> int:
    """How much a rank counts against one kept promise."""
    return 1 + sum(announced_units(compiled).values())


def _merit(left: Residual, units: Ints) -> tuple[int, int]:
    """Score, then promises kept."""
    compiled, pairs = left.compiled, left.part.pairs
    received = receipts(compiled, pairs=pairs, units=units)
    score = score_of(compiled, needs=left.part.needs, received=received)
    return score, -broken(compiled, pairs=pairs, units=units) if compiled.problem.announced else 0


def _program(left: Residual, *, dear: int, many: int) -> tuple[_Program, Ints]:
    """The piece as columns and rows, and what one step of each pair takes from the stock; the pairs come first.

    A pair of more than `many` steps of one unit is counted in fractions.
    """
    compiled, part = left.compiled, left.part
    pairs, program = part.pairs, _Program()
    need, resource = compiled.pair_need[pairs].astype(np.int64), compiled.pair_resource[pairs].astype(np.int64)
    used, least = compiled.pair_used[pairs], compiled.pair_least[pairs]
    lot = np.where(used < 0, column(compiled, "lot")[resource], 1)
    takes = np.maximum(np.where(used < 0, lot, used), 1)
    counts = np.where(used < 0, lot, compiled.open[need])
    floor = np.where(used < 0, -(-np.maximum(column(compiled, "min_per_need")[resource], least) // lot), 1)
    high = np.where(used < 0, compiled.pair_most[pairs] // lot, compiled.pair_most[pairs] > 0)
    steps = program.add(low=np.where(least > 0, floor, 0), high=high, whole=(takes > 1) | (high <= many))
    _needs(program, compiled, need=need, steps=steps, counts=counts)
    _shared(program, left, takes=takes, counts=counts, need=need, resource=resource)
    rivals = list(exclusive(compiled, part))
    single = flag(compiled, "one_provider")[need] | (used >= 0)
    chosen = single | ((floor > 1) & (least == 0))
    for places in rivals:
        chosen[places] = True
    uses = _uses(program, steps, high=high, floor=floor, chosen=chosen)
    several = single & (np.bincount(need, minlength=len(compiled.need_ids))[need] > 1)
    alone = np.unique(need[several])
    program.at_most(need[several], uses[several], np.ones(int(several.sum()), np.int64), np.ones_like(alone))
    for places in rivals:
        _one_of(program, resource[places], uses[places])
    _promises(program, compiled, pairs=pairs, steps=steps, takes=takes, dear=dear)
    return program, takes


def _needs(program: _Program, compiled: Compiled, *, need: Ints, steps: Ints, counts: Ints) -> None:
    """What a need receives fills its levels; some needs take all or nothing."""
    needs, at = np.unique(need, return_inverse=True)
    sizes, ranks = level_sizes(compiled, needs), rank_table(compiled)[compiled.urgency[needs]]
    row, level = np.nonzero(sizes)
    worth = _scale(compiled) * ranks[row, level]
    levels = program.add(low=np.zeros_like(row), high=sizes[row, level], gain=worth, whole=False)
    rows = program.bound(len(needs), least=0.0, most=0.0)
    program.put(rows[at], steps, counts)
    program.put(rows[row], levels, -1)
    entire = flag(compiled, "all_or_nothing")[needs]
    wanted = np.flatnonzero(entire)
    if len(wanted):
        whole = program.bound(len(wanted), least=0.0, most=0.0)
        mine = entire[at]
        program.put(whole[np.searchsorted(wanted, at[mine])], steps[mine], counts[mine])
        program.put(whole, program.switches(len(wanted)), -compiled.open[needs[wanted]])


def _shared(program: _Program, left: Residual, *, takes: Ints, counts: Ints, need: Ints, resource: Ints) -> None:
    """Stocks, earmarks, household maxima and caps."""
    compiled, limits, part = left.compiled, left.limits, left.part
    steps = np.arange(len(takes))
    program.at_most(resource, steps, takes, compiled.stock[np.unique(resource)])
    for mark, under in earmarked(limits, part):
        mine = np.flatnonzero(np.isin(resource, under))
        program.at_most(np.zeros_like(mine), mine, takes[mine], limits.earmark_budget[mark : mark + 1])
    share = limits.pair_share[part.pairs]
    mine = np.flatnonzero(share >= 0)
    program.at_most(share[mine], mine, takes[mine], limits.share_limit[np.unique(share[mine])])
    for group in part.groups.tolist():
        mine = np.flatnonzero(np.isin(need, limits.needs_of(group)))
        program.at_most(np.zeros_like(mine), mine, counts[mine], limits.group_limit[group : group + 1])


def _uses(program: _Program, steps: Ints, *, high: Ints, floor: Ints, chosen: NDArray[np.bool_]) -> Ints:
    """For each chosen pair the column that says whether it carries anything; a pair of one step is its own."""
    uses = steps.copy()
    more = np.flatnonzero(chosen & (high > 1))
    uses[more] = program.switches(len(more))
    if len(more):
        rows = program.bound(len(more), least=-FREE, most=0.0)
        program.put(rows, steps[more], 1)
        program.put(rows, uses[more], -high[more])
    some = more[floor[more] > 1]
    if len(some):
        rows = program.bound(len(some), least=0.0, most=FREE)
        program.put(rows, steps[some], 1)
        program.put(rows, uses[some], -floor[some])
    return uses


def _one_of(program: _Program, resource: Ints, uses: Ints) -> None:
    """A household draws on at most one of the rival resources."""
    names, at = np.unique(resource, return_inverse=True)
    drawn = program.switches(len(names))
    rows = program.bound(len(uses), least=-FREE, most=0.0)
    program.put(rows, uses, 1)
    program.put(rows, drawn[at], -1)
    program.put(program.bound(1, least=-FREE, most=1.0), drawn, 1)


def _promises(program: _Program, compiled: Compiled, *, pairs: Ints, steps: Ints, takes: Ints, dear: int) -> None:
    """One unit of worth for each announced unit that stays, less than any rank; or `dear` ranks, where that is said."""
    units = promised_units(compiled, pairs)
    some = np.flatnonzero(units)
    if not len(some):
        return
    kept = program.add(
        low=np.zeros_like(some), high=units[some], gain=np.full_like(some, dear * _scale(compiled) or 1), whole=False
    )
    rows = program.bound(len(some), least=-FREE, most=0.0)
    program.put(rows, kept, 1)
    program.put(rows, steps[some], -takes[some])
