"""A nation is solved as if it were one city, whoever does the work, and bad nations are refused whole."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from matching import allocate
from matching.__main__ import main
from matching.cluster import Alone, DaskCrew, crew
from matching.folder import read_problem, write_problem
from matching.generate_nation import generate_nation, write_nation_folder
from matching.model import Need, Pin, Policy, Problem, Resource
from matching.nation import solve_nation
from matching.nation_check import check_nation
from matching.shards import respond
from matching.wellformed import BadInput

EVERYBODY = frozenset({"*"})
POLICY = Policy(as_of=date(2026, 7, 1), levels=2)


def need(name: str, gap: int, urgency: int, *, home: str = "") -> Need:
    return Need(name, home or f"h-{name}", "d1", "rice", "kg", gap, urgency, consented=EVERYBODY)


def rice(name: str, stock: int, **terms: Any) -> Resource:
    return Resource(name, "org", "rice", "kg", stock, **terms)


def written(folder: Path, shards: dict[str, Problem]) -> Path:
    for name, problem in shards.items():
        write_problem(problem, folder / "shards" / name)
    return folder


def merged(folder: Path) -> Problem:
    """All shards as one problem. Districts get their shard's name: own resources must not reach into another shard."""
    problems = {path.name: read_problem(path) for path in sorted((folder / "shards").iterdir())}
    rows = {row.resource_id: row for problem in problems.values() for row in problem.resources}
    for name, problem in problems.items():
        everywhere = frozenset(f"{name}-{need.district}" for need in problem.needs)
        for row in problem.resources:
            if row.resource_id.startswith(name):
                near = everywhere if "*" in row.districts else frozenset(f"{name}-{d}" for d in row.districts)
                rows[row.resource_id] = replace(row, districts=near)
    needs = tuple(
        replace(need, district=f"{name}-{need.district}")
        for name, problem in problems.items()
        for need in problem.needs
    )
    ledger = tuple(row for problem in problems.values() for row in problem.ledger)
    bans = tuple(row for problem in problems.values() for row in problem.bans)
    one = next(iter(problems.values()))
    return replace(one, needs=needs, resources=tuple(rows.values()), ledger=ledger, bans=bans)


def without_marks(folder: Path) -> Path:
    """Drop earmarks: their names are each shard's own, so a merged problem would confuse them."""
    for path in sorted((folder / "shards").iterdir()):
        problem = read_problem(path)
        bare = tuple(replace(row, earmark=None) for row in problem.resources)
        (path / "earmarks.csv").unlink(missing_ok=True)
        write_problem(replace(problem, resources=bare, earmarks=()), path)
    return folder


def test_what_is_shared_goes_where_it_counts_most(tmp_path: Path) -> None:
    # Two levels, urgency first: ranks are urgency 3: 8, 7; 2: 6, 5; 1: 4, 3; 0: 2, 1. A national stock of 6.
    # East: a need of 4 at urgency 3 (2 units at 8, 2 at 7). West: 4 at urgency 2 (2 at 6, 2 at 5), own stock 1.
    # East takes 4: 2·8 + 2·7 = 30. West takes its own 1 and 2 of the nation: 2·6 + 1·5 = 17. Score 47.
    # One more unit of the nation's rice would be worth 5: 5·6 = 30 for the shared stock, 17 = (8-5)·2 + (7-5)·2 +
    # (6-5)·2 + 5·1 (west's own unit) for the rest: bound 47.
    east = Problem(POLICY, (need("e", 4, 3),), (rice("national", 6),))
    west = Problem(POLICY, (need("w", 4, 2),), (rice("national", 6), rice("own", 1)))
    folder = written(tmp_path / "n", {"east": east, "west": west})
    found = solve_nation(folder, tmp_path / "o", crew=Alone())
    assert (found["score"], found["bound"], found["status"]) == (47, 47, "optimal")
    assert found["shared"]["national"] == {"stock": 6, "price": 5, "quotas": {"east": 4, "west": 2}}
    assert check_nation(folder, tmp_path / "o") == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_nation_reaches_the_score_of_one_city_that_holds_all(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "n"
    write_nation_folder(folder, shards=2 + seed % 3, needs=60, resources=12, shared=1 + seed % 7, seed=seed)
    found = solve_nation(without_marks(folder), tmp_path / "o", crew=Alone())
    best = allocate(merged(folder)).certificate.score
    assert found["score"] <= best <= found["bound"]
    assert found["bound"] == best, "the prices at the end prove the optimum of the whole"
    assert best - found["score"] <= found["bound"] - found["score"] <= 1e-4 * best
    assert check_nation(folder, tmp_path / "o") == ()


def test_earmarks_caps_and_maxima_of_a_shard_hold_in_the_nation(tmp_path: Path) -> None:
    folder = tmp_path / "n"
    write_nation_folder(folder, shards=3, needs=300, resources=40, shared=10, seed=5)
    found = solve_nation(folder, tmp_path / "o", crew=Alone())
    assert found["gap"] <= 1e-5
    assert check_nation(folder, tmp_path / "o") == ()


def test_few_rounds_prove_a_looser_bound(tmp_path: Path) -> None:
    folder = tmp_path / "n"
    write_nation_folder(folder, shards=3, needs=300, resources=40, shared=10, seed=5)
    short = solve_nation(folder, tmp_path / "a", crew=Alone(), rounds=3)
    long = solve_nation(folder, tmp_path / "b", crew=Alone())
    assert short["rounds"] == 3
    assert short["score"] < long["score"] <= long["bound"] < short["bound"]
    assert check_nation(folder, tmp_path / "a") == ()


def test_a_nation_that_shares_nothing_is_its_cities(tmp_path: Path) -> None:
    shards = dict(generate_nation(2, 60, 12, shared=0))
    found = solve_nation(written(tmp_path / "n", shards), tmp_path / "o", crew=Alone())
    assert found["score"] == sum(allocate(city).certificate.score for city in shards.values())
    assert (found["status"], found["shared"]) == ("optimal", {})


def test_pins_hold_and_pins_beyond_the_stock_are_named(tmp_path: Path) -> None:
    # The nation has 6; west pins 3 of them to its need of urgency 0, so east gets only 3.
    east = Problem(POLICY, (need("e", 9, 3),), (rice("national", 6),))
    west = Problem(POLICY, (need("w", 9, 0),), (rice("national", 6),), pins=(Pin("w", "national", 3),))
    found = solve_nation(written(tmp_path / "n", {"east": east, "west": west}), tmp_path / "o", crew=Alone())
    assert found["shared"]["national"]["quotas"] == {"east": 3, "west": 3}
    assert found["status"] == "optimal"
    more = replace(east, pins=(Pin("e", "national", 4),))
    found = solve_nation(written(tmp_path / "m", {"east": more, "west": west}), tmp_path / "p", crew=Alone())
    assert found["status"] == "infeasible"
    assert found["conflict"] == ["national: 7 units pinned, 6 there"]
    assert check_nation(tmp_path / "m", tmp_path / "p") == ()


def test_a_pin_that_its_shard_cannot_keep_is_named(tmp_path: Path) -> None:
    east = Problem(POLICY, (need("e", 2, 3),), (rice("national", 6),), pins=(Pin("e", "national", 4),))
    west = Problem(POLICY, (need("w", 9, 0),), (rice("national", 6),))
    folder = written(tmp_path / "n", {"east": east, "west": west})
    found = solve_nation(folder, tmp_path / "o", crew=Alone())
    assert (found["status"], found["conflict"]) == ("infeasible", ["east: e>national"])
    assert check_nation(folder, tmp_path / "o") == ()


@pytest.mark.parametrize(
    "conflict",
    [[], ["east: nothing>at all"], ["east: e>national"], ["national: 7 units pinned, 6 there"], ["south: e>national"]],
)
def test_a_nation_that_gives_up_without_a_clash_is_refused(tmp_path: Path, conflict: list[str]) -> None:
    east = Problem(POLICY, (need("e", 9, 3),), (rice("national", 6),), pins=(Pin("e", "national", 3),))
    west = Problem(POLICY, (need("w", 9, 0),), (rice("national", 6),), pins=(Pin("w", "national", 3),))
    folder, out = written(tmp_path / "n", {"east": east, "west": west}), tmp_path / "o"
    assert solve_nation(folder, out, crew=Alone())["status"] == "optimal"
    (out / "nation.json").write_text(json.dumps({"status": "infeasible", "conflict": conflict}), "utf-8")
    assert {fault.code for fault in check_nation(folder, out)} & {"conflict"}


class Loses:
    """A crew whose worker dies at one round: the shard is asked of a Dask cluster again, by whoever is left."""

    def __init__(self, inner: DaskCrew, *, at: int) -> None:
        self.inner, self.at, self.calls, self.killed = inner, at, 0, 0

    def each(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
        self.calls += work is respond
        if self.calls == self.at and not self.killed:
            self.killed = int(next(iter(self.inner.client.run(os.getpid).values())))
            os.kill(self.killed, signal.SIGKILL)
        return self.inner.each(work, tasks)


def test_workers_and_a_lost_one_change_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "n"
    write_nation_folder(folder, shards=3, needs=200, resources=30, shared=8, seed=3)
    alone = solve_nation(folder, tmp_path / "alone", crew=Alone())
    assert alone["rounds"] > 4, "there are rounds after the loss"
    with crew("local", workers=2) as pair:
        assert isinstance(pair, DaskCrew)
        with crew(pair.client.scheduler.address) as called:
            two = solve_nation(folder, tmp_path / "two", crew=called)
        loses = Loses(pair, at=4)
        lost = solve_nation(folder, tmp_path / "lost", crew=loses)
    assert loses.killed, "a worker was killed during the rounds"
    same = ("nation_sha256", "score", "bound", "rounds", "shared", "shards")
    assert [two[key] for key in same] == [alone[key] for key in same]
    assert [lost[key] for key in same] == [alone[key] for key in same]


class NobodyYet:
    """A client whose workers are all being started again; it takes tasks on the terms that Dask sets."""

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": {}}

    def submit(self, work: Callable[..., Any], *task: Any, pure: bool, **where: Any) -> Any:
        if where.get("allow_other_workers") and not where.get("workers"):
            raise ValueError("Only use allow_other_workers= if using workers=")
        return work(*task)

    def gather(self, futures: list[Any]) -> list[Any]:
        return futures

    def cancel(self, futures: list[Any]) -> None:
        pass


def test_tasks_are_handed_in_while_no_worker_is_known() -> None:
    assert DaskCrew(NobodyYet()).each(max, [(1, 2), (4, 3)]) == [2, 4]


def test_the_order_of_rows_and_the_names_of_folders_change_no_plan(tmp_path: Path) -> None:
    shards = dict(generate_nation(3, 150, 24, shared=6, seed=2))
    plain = solve_nation(written(tmp_path / "n", shards), tmp_path / "o", crew=Alone())
    turned = {
        name: replace(city, needs=city.needs[::-1], resources=city.resources[::-1], ledger=city.ledger[::-1])
        for name, city in shards.items()
    }
    for name, city in turned.items():
        folder = tmp_path / "m" / "shards" / name
        write_problem(city, folder)
        for table in ("needs", "resources"):
            head, *rows = (folder / f"{table}.csv").read_text().splitlines()
            (folder / f"{table}.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")
    other = solve_nation(tmp_path / "m", tmp_path / "p", crew=Alone())
    assert other["nation_sha256"] == plain["nation_sha256"]
    # Other folder names give another order of the shards, and may give other quotas among equals: never another score.
    names = dict(zip(shards, ("z", "y", "x"), strict=True))
    renamed = written(tmp_path / "r", {names[name]: city for name, city in shards.items()})
    third = solve_nation(renamed, tmp_path / "q", crew=Alone())
    assert (third["bound"], third["status"]) == (plain["bound"], plain["status"])


def test_a_folder_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "n", dict(generate_nation(2, 60, 12, shared=3)))

    class Meddler(Alone):
        def each(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
            found = super().each(work, tasks)
            (folder / "shards" / "s000" / "notes.txt").write_text("a new file")
            return found

    with pytest.raises(BadInput, match="was changed while the nation was solved"):
        solve_nation(folder, tmp_path / "o", crew=Meddler())


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["solve", str(folder), "--out", str(folder.parent / "o"), *words]) == 2
    return capsys.readouterr().err


def refusal(folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        solve_nation(folder, folder.parent / "o", crew=Alone())
    return str(caught.value)


def test_bad_nations_are_refused_whole(tmp_path: Path) -> None:
    east = Problem(POLICY, (need("e", 4, 3),), (rice("national", 6),))
    west = Problem(POLICY, (need("w", 4, 2),), (rice("national", 6),))

    def told(name: str, **shards: Problem) -> str:
        return refusal(written(tmp_path / name, shards))

    said = told("rows", east=east, west=replace(west, resources=(rice("national", 7),)))
    assert "shards/west/resources, row 2, column resource_id: 'national' differs from the row" in said
    said = told("need", east=east, west=replace(west, needs=(need("e", 4, 2, home="h2"),)))
    assert "shards/west/needs, column need_id: 'e' is in shards/east too" in said
    said = told("home", east=east, west=replace(west, needs=(need("w", 4, 2, home="h-e"),)))
    assert "column household_id: 'h-e' is in shards/east too" in said
    said = told("policy", east=east, west=replace(west, policy=replace(POLICY, salt="other")))
    assert "shards/west/policy.json: 'west' differs from shards/east/policy.json" in said
    single = replace(
        west, needs=(replace(west.needs[0], one_provider=True),), resources=(rice("national", 6), rice("b", 1))
    )
    assert "column resource_id: 'national' is shared, and a need or rule beside it is no flow" in told(
        "hard", east=east, west=single
    )
    bad = written(tmp_path / "cell", {"east": east, "west": west})
    file = bad / "shards" / "west" / "needs.csv"
    file.write_text(file.read_text().replace(",4,", ",-4,"))
    assert "shards/west/needs.csv, row 2, column gap: '-4'" in refusal(bad)
    (tmp_path / "none" / "shards").mkdir(parents=True)
    assert "holds no folder" in refusal(tmp_path / "none")


def test_the_command_refuses_what_it_cannot_reach(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "n", dict(generate_nation(2, 40, 8, shared=2)))
    assert "add --cluster local" in refused(folder, capsys)
    assert "leave --cluster out" in refused(folder / "shards" / "s000", capsys, "--cluster", "local")
    assert "'nonsense://1' does not answer" in refused(folder, capsys, "--cluster", "nonsense://1")


def test_the_commands_make_solve_and_judge_a_nation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = str(tmp_path / "n"), str(tmp_path / "o")
    words = ["--shards", "2", "--needs", "60", "--resources", "12", "--shared", "3"]
    assert main(["generate", folder, *words]) == 0
    assert main(["solve", folder, "--out", out, "--cluster", "local", "--workers", "1"]) == 0
    assert "2 shards" in capsys.readouterr().out
    assert main(["check", folder, out]) == 0
    assert "no fault" in capsys.readouterr().out


def faults_after(folder: Path, out: Path, change: Callable[[dict[str, Any]], None]) -> set[str]:
    copy = out.parent / "forged"
    copytree(out, copy, dirs_exist_ok=True)
    said = json.loads((copy / "nation.json").read_text())
    change(said)
    (copy / "nation.json").write_text(json.dumps(said))
    return {fault.code for fault in check_nation(folder, copy)}


def test_the_judge_of_nations_refuses_forgeries(tmp_path: Path) -> None:
    folder, out = written(tmp_path / "n", dict(generate_nation(2, 80, 12, shared=3))), tmp_path / "o"
    found = solve_nation(folder, out, crew=Alone())
    assert found["status"] == "optimal"
    some = next(iter(found["shared"]))

    def forged(change: Callable[[dict[str, Any]], None]) -> set[str]:
        return faults_after(folder, out, change)

    assert forged(lambda said: None) == set()
    assert "score" in forged(lambda said: said.update(score=said["score"] + 1))
    assert "bound" in forged(lambda said: said.update(bound=said["bound"] - 1, score=said["score"] - 1))
    assert forged(lambda said: said.update(gap=0.5)) == {"gap"}
    assert forged(lambda said: said.update(status="feasible")) == {"status"}
    assert forged(lambda said: said.update(units=1)) == {"units"}
    assert forged(lambda said: said.update(nation_sha256="0" * 64)) == {"nation_sha256"}
    assert "shards" in forged(lambda said: said["shards"].pop("s000"))
    assert "shared" in forged(lambda said: said["shared"].pop(some))
    assert "shared_row" in forged(lambda said: said["shared"][some].update(stock=10**9))
    assert "bound" in forged(lambda said: said["shared"][some].update(price=0))
    assert "quotas" in forged(lambda said: said["shared"][some]["quotas"].update(s000=10**9))
    assert "input_sha256" in forged(lambda said: said["shards"]["s000"].update(input_sha256="0" * 64))
    assert "certificate" in forged(lambda said: said["shards"]["s000"].update(plan_sha256="0" * 64))
    assert "bound" in forged(lambda said: said["shards"]["s000"].update(bound=0))
    assert "unreadable" in forged(lambda said: said.pop("shared"))


def test_the_judge_of_nations_reads_prices_and_plans(tmp_path: Path) -> None:
    folder, out = written(tmp_path / "n", dict(generate_nation(2, 80, 12, shared=3))), tmp_path / "o"
    solve_nation(folder, out, crew=Alone())
    shard = out / "shards" / "s000"
    for name in ("nation_prices.csv", "plan.csv"):
        kept = (shard / name).read_text()
        (shard / name).write_text("\n".join(kept.splitlines()[:-1]) + "\n")
        assert check_nation(folder, out), f"a row of {name} is missing"
        (shard / name).write_text(kept)
    assert check_nation(folder, out) == ()
