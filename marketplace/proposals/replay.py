"""Replay: solve a stored run again from the input it kept, and say whether the same plan comes out.

Enters: the id or the number of a run. Leaves: a `Replay` that holds both plan hashes and names everything that differs.
Nothing is written to the database; `hand_out` writes what was solved as the two folders that `python -m matching check`
judges, so that an auditor needs neither this house nor its word. Called by `shanqiao run replay`. An interrupted run is
exempt: where it stopped was decided by the clock or by a person, so another plan proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, select

from marketplace.db import Database
from marketplace.errors import BadInput, NotFound
from marketplace.proposals.archive import code, get_input, recall_lines, unpack
from marketplace.proposals.models import Run, RunInput
from marketplace.proposals.problem import policy_of
from matching.folder import input_sha256, plan_sha256, write_plan, write_problem
from matching.model import Problem
from matching.plan import Line, Plan
from matching.solve import allocate

FIRST_FEW = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Replay:
    """`stored` and `fresh` are plan hashes; `differs` is empty when nothing differs; `solved` is input and outcome."""

    number: int
    stored: str
    fresh: str
    exempt: bool
    differs: tuple[Difference, ...]
    solved: tuple[Problem, Plan] | None = None

    @property
    def holds(self) -> bool:
        """The plan was reproduced from the very same input, or the run is exempt."""
        return self.exempt or (bool(self.fresh) and self.fresh == self.stored and not self.differs)


def replay(database: Database, name: str, /) -> Replay:
    """Recall, solve and compare; reading only, and no transaction is open while it solves."""
    with database.reading() as session:
        run = find_run(session, name)
        kept = get_input(session, run.id)
        lines = {(line.need_id, line.resource_id): line.units for line in recall_lines(session, run.id)}
    exempt = bool(run.certificate.get("interrupted"))
    try:
        problem = unpack(kept.payload)
    except BadInput:
        damaged = Difference("输入：所存的已损坏", "input: what was stored is damaged")
        return Replay(run.number, run.plan_sha256, "", False, (damaged,))
    plan = allocate(problem)
    differs = [*_input(run, kept, problem), *_plan(run, plan, lines)]
    if plan.certificate.plan_sha256 != run.plan_sha256 or differs:
        differs += _versions(kept.versions, {**plan.certificate.versions, "matching": code()})
    return Replay(run.number, run.plan_sha256, plan.certificate.plan_sha256, exempt, tuple(differs), (problem, plan))


def hand_out(found: Replay, folder: Path, /) -> str:
    """Write input and plan of a run that was reproduced; says where they lie, or why nothing was written."""
    if found.solved is None or found.differs or found.fresh != found.stored:
        return "没有写出：结果不是原方案 · nothing written: this is not the plan of the run"
    problem, plan = found.solved
    write_problem(problem, folder / "problem")
    write_plan(plan, folder / "plan")
    return f"python -m matching check {folder / 'problem'} {folder / 'plan'}"


def find_run(session: Session, name: str, /) -> Run:
    """The run of that id or number, or NotFound."""
    run = session.get(Run, name)
    if run is None and name.isascii() and name.isdigit() and len(name) < 10:
        run = session.exec(select(Run).where(Run.number == int(name))).first()
    if run is None:
        raise NotFound("run")
    return run


def _input(run: Run, kept: RunInput, problem: Problem) -> list[Difference]:
    found = []
    hashes = {run.input_sha256, kept.sha256, input_sha256(problem)}
    if len(hashes) > 1:
        stored = input_sha256(problem)
        found.append(
            Difference(
                f"输入：计算记为 {run.input_sha256}，所存的是 {stored}",
                f"input: the run says {run.input_sha256}, what was stored has {stored}",
            )
        )
    if problem.policy != policy_of(run.policy, run.as_of):
        found.append(
            Difference("方案：计算所记与所存输入不同", "policy: the run says another one than its stored input")
        )
    return found


def _plan(run: Run, plan: Plan, stored: Mapping[tuple[str, str], int]) -> list[Difference]:
    """The stored lines against the stored hash and against the fresh lines."""
    found = []
    as_lines = tuple(Line(need, offer, units) for (need, offer), units in sorted(stored.items()))
    if plan_sha256(as_lines) != run.plan_sha256:
        found.append(
            Difference("明细：所存明细与所存校验值不符", "lines: the stored lines no longer have the stored plan hash")
        )
    fresh = {(line.need_id, line.resource_id): line.units for line in plan.lines}
    changed = sorted(pair for pair in stored.keys() | fresh.keys() if stored.get(pair) != fresh.get(pair))
    if changed:
        few = ", ".join(f"{n}>{o} {stored.get((n, o), 0)}►{fresh.get((n, o), 0)}" for n, o in changed[:FIRST_FEW])
        found.append(
            Difference(
                f"明细：{len(changed)} 行不同，最前面的：{few}", f"lines: {len(changed)} differ, the first: {few}"
            )
        )
    if plan.certificate.interrupted and not run.certificate.get("interrupted"):
        found.append(
            Difference("时间：这次重算超时，原计算没有", "time: this replay ran out of its time, the run did not")
        )
    return found


def _versions(then: Mapping[str, str], now: Mapping[str, str]) -> list[Difference]:
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return [
        Difference(
            f"{name} 的版本：当时 {then.get(name, '无')}，现在 {now.get(name, '无')}",
            f"version of {name}: {then.get(name, 'none')} then, {now.get(name, 'none')} now",
        )
        for name in names
    ]
