"""Real runs on disk pass the judge; the same folders, tampered with, do not."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from matching.checker import check, check_folder
from matching.folder import plan_sha256, write_plan, write_problem
from matching.model import Problem
from matching.plan import Line, Plan
from matching.solve import allocate
from tests.matching.campaign import many
from tests.matching.rows import honest
from tests.matching.tiny import tiny


def runs(count: int, *, kind: str = "pure") -> Iterator[tuple[Problem, Plan]]:
    """Random problems whose plan has at least two lines and one price."""
    seed = 0
    while count:
        of = tiny(seed, kind=kind)
        plan = allocate(of)
        seed += 1
        if len(plan.lines) > 1 and plan.prices:
            count -= 1
            yield of, plan


def test_real_runs_pass_on_disk(tmp_path):
    for at, (of, plan) in enumerate(runs(15)):
        write_problem(of, tmp_path / f"in{at}")
        write_plan(plan, tmp_path / f"out{at}")
        assert check_folder(tmp_path / f"in{at}", tmp_path / f"out{at}") == ()


Rows = list[list[str]]


def _more(rows: Rows) -> None:
    rows[1][2] = str(int(rows[1][2]) + 1)


TAMPERED: dict[str, tuple[str, Callable[[Rows], object]]] = {
    "one unit more": ("plan.csv", _more),
    "a line left out": ("plan.csv", lambda rows: rows.pop()),
    "the lines the other way round": ("plan.csv", lambda rows: rows.insert(1, rows.pop())),
    "all prices left out": ("prices.csv", lambda rows: rows.__delitem__(slice(1, None))),
    "a limit that is not there": ("prices.csv", lambda rows: rows[1].__setitem__(2, "r99")),
    "a price that is negative": ("prices.csv", lambda rows: rows[1].__setitem__(4, "-1")),
    "all reasons left out": ("reasons.csv", lambda rows: rows.__delitem__(slice(1, None))),
    "a reason under another id": ("reasons.csv", lambda rows: rows[1].__setitem__(0, "n99")),
}


@pytest.mark.parametrize("fault", TAMPERED)
def test_a_tampered_output_folder_is_refused(fault, tmp_path):
    name, tamper = TAMPERED[fault]
    for at, (of, plan) in enumerate(run for run in runs(6) if _has_open_need(*run)):
        write_problem(of, tmp_path / f"in{at}")
        write_plan(plan, tmp_path / f"out{at}")
        path = tmp_path / f"out{at}" / name
        rows = list(csv.reader(path.read_text("utf-8").splitlines()))
        tamper(rows)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        assert _refused(tmp_path / f"in{at}", tmp_path / f"out{at}"), at


def _has_open_need(of: Problem, plan: Plan) -> bool:
    """Whether some need stays open, so that leaving out reasons is a fault, and the bound rests on the prices."""
    bare = honest(of, plan.lines).certificate.bound
    return bare > plan.certificate.score and any(row.code != "chosen" for row in plan.reasons)


def _refused(folder: Path, out: Path) -> bool:
    try:
        return bool(check_folder(folder, out))
    except ValueError:
        return True


@pytest.mark.parametrize("word", ["score", "bound", "units", "cost", "broken_units", "households_served"])
def test_a_tampered_certificate_is_refused(word, tmp_path):
    for at, (of, plan) in enumerate(runs(2)):
        write_problem(of, tmp_path / f"in{at}")
        write_plan(plan, tmp_path / f"out{at}")
        path = tmp_path / f"out{at}" / "certificate.json"
        said = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**said, word: said[word] + 1}), "utf-8")
        assert _refused(tmp_path / f"in{at}", tmp_path / f"out{at}")


@pytest.mark.parametrize("kind", ["pure", "hard"])
def test_no_change_to_the_lines_passes_even_with_a_fresh_hash(kind):
    rng = Random(7)
    for of, plan in runs(many(8, torture=200), kind=kind):
        lines = list(plan.lines)
        at = rng.randrange(len(lines))
        old = lines[at]
        changes = [
            replace(old, units=old.units + 1),
            replace(old, resource_id=rng.choice(of.resources).resource_id),
            replace(old, need_id=rng.choice(of.needs).need_id),
        ]
        for new in changes:
            other = tuple(sorted([*lines[:at], new, *lines[at + 1 :]], key=_place))
            if other != plan.lines:
                said = replace(plan.certificate, plan_sha256=plan_sha256(other))
                assert check(of, replace(plan, lines=other, certificate=said)), (old, new)


def _place(line: Line) -> tuple[str, str]:
    return line.need_id, line.resource_id
