"""The commands: generate, solve, check; their exit codes, and that judging needs no solver."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from matching.__main__ import main
from matching.account import account
from matching.folder import read_plan, read_problem


def generated(place: Path, *more: str, needs: int = 200, resources: int = 40) -> Path:
    folder = place / "city"
    assert main(["generate", str(folder), "--needs", str(needs), "--resources", str(resources), *more]) == 0
    return folder


def solved(place: Path, *more: str) -> tuple[str, str]:
    folder, out = generated(place, *more), place / "out"
    assert main(["solve", str(folder), "--out", str(out)]) == 0
    return str(folder), str(out)


@pytest.mark.parametrize(
    "more", [(), ("--seed", "8", "--shape", "villages"), ("--seed", "9", "--one-component", "--parquet")]
)
def test_a_generated_folder_is_solved_and_stands_before_the_judge(tmp_path, capsys, more):
    folder, out = solved(tmp_path, *more)
    assert main(["check", folder, out]) == 0
    said = capsys.readouterr().out
    assert "status      optimal, no other plan is as good" in said
    assert said.endswith("no fault\n")
    names = {path.name for path in Path(out).iterdir()}
    assert names == {"plan.csv", "reasons.csv", "prices.csv", "certificate.json"}


def test_a_tampered_plan_is_refused_and_the_fault_is_named(tmp_path, capsys):
    folder, out = solved(tmp_path)
    plan = Path(out) / "plan.csv"
    header, first, *rest = plan.read_text().splitlines()
    need, resource, units = first.split(",")
    plan.write_text("\n".join([header, f"{need},{resource},{int(units) + 1_000_000}", *rest, ""]))
    assert main(["check", folder, out]) == 1
    said = capsys.readouterr().out
    assert need in said
    assert "faults" in said
    plan.write_text("\n".join([header, f"{need},{resource},-1", *rest, ""]))
    assert main(["check", folder, out]) == 1
    assert "unreadable: plan.csv, row 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "change", "expected"),
    [
        ("resources.csv", ("stock", "-5"), "resources.csv, row 2, column stock: '-5' is negative. Mend: write a whole"),
        ("needs.csv", ("need_id", "n0000001"), "needs.csv, row 3, column need_id: 'n0000001' stands in row 2 already"),
        ("resources.csv", ("earmark", "nowhere"), "resources.csv, row 2, column earmark: 'nowhere' is not an earmark"),
        ("earmarks.csv", ("parent", None), "earmarks.csv, row 2, column parent:"),
        (
            "needs.csv",
            ("valid_to", "2020-01-01"),
            "is not after valid_from 2026-06-01. Mend: swap or correct the two dates",
        ),
    ],
)
def test_bad_input_exits_2_with_file_row_column_and_mend(tmp_path, capsys, file, change, expected):
    folder = generated(tmp_path)
    path = folder / file
    header, first, *rest = path.read_text().splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    column, value = change
    cells[column] = cells[header.split(",")[0]] if value is None else value
    if column == "valid_to":
        cells["valid_from"] = "2026-06-01"
    path.write_text("\n".join([header, ",".join(cells.values()), *rest, ""]))
    assert main(["solve", str(folder), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert "Mend: " in said.err
    assert not (tmp_path / "out").exists()


def test_contradictory_pins_exit_1_and_are_named(tmp_path, capsys):
    folder = generated(tmp_path)
    (folder / "pins.csv").write_text("need_id,resource_id,units\nn0000000,r000000,999999999\n")
    assert main(["solve", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "n0000000>r000000" in capsys.readouterr().out
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert (certificate["status"], certificate["conflict"]) == ("infeasible", ["n0000000>r000000"])
    assert (tmp_path / "out" / "plan.csv").read_text() == "need_id,resource_id,units\n"


def test_generate_never_writes_over_a_folder(tmp_path, capsys):
    folder = generated(tmp_path)
    assert main(["generate", str(folder), "--needs", "1", "--resources", "1"]) == 2
    assert "is not empty. Mend: name a new or an empty folder" in capsys.readouterr().err


def test_a_missing_output_folder_is_bad_input(tmp_path, capsys):
    assert main(["check", str(generated(tmp_path)), str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["solve", "x"],
        ["solve", "x", "--out", "y", "--workers", "0"],
        ["solve", "x", "--out", "y", "--budget", "never"],
        ["generate", "x", "--needs", "-1", "--resources", "1"],
        ["generate", "x", "--needs", "1", "--resources", "1", "--hard", "2"],
        [],
    ],
)
def test_a_wrong_command_line_exits_2(words):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2


BLOCKED = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ortools", "highspy", "scipy", "networkx", "pyarrow"):
            raise ImportError(name)


sys.meta_path.insert(0, Absent())
from matching.__main__ import main
from matching.account import account
from matching.folder import read_plan, read_problem

sys.exit(main(sys.argv[1:]))
"""


def test_judging_reading_and_generating_work_without_the_solvers(tmp_path):
    folder, out = solved(tmp_path)
    for words, code in (
        (["check", folder, out], 0),
        (["generate", str(tmp_path / "new"), "--needs", "20", "--resources", "8"], 0),
        (["solve", folder, "--out", str(tmp_path / "again")], None),
    ):
        done = subprocess.run([sys.executable, "-c", BLOCKED, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code if code is not None else "ImportError" in done.stderr


def test_the_module_runs_as_a_program(tmp_path):
    words = [sys.executable, "-m", "matching", "generate", str(tmp_path / "x"), "--needs", "3", "--resources", "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"3 needs and 2 resources written to {tmp_path / 'x'}\n")


def test_a_need_is_explained_in_both_languages(tmp_path, capsys):
    folder, out = solved(tmp_path)
    served = (Path(out) / "plan.csv").read_text().splitlines()[1].split(",")[0]
    assert main(["explain", folder, out, served]) == 0
    english = capsys.readouterr().out
    assert f"Need {served}: " in english
    assert "This run gives " in english
    assert main(["explain", folder, out, served, "--lang", "zh"]) == 0
    assert f"需求 {served}：" in capsys.readouterr().out
    assert main(["explain", folder, out, "nobody"]) == 2
    assert "needs.csv, column need_id: 'nobody' is not there" in capsys.readouterr().err


def test_a_plan_of_another_problem_is_bad_input_for_every_command_that_reads_one(tmp_path, capsys):
    folder, out = solved(tmp_path)
    other = generated(tmp_path / "other", "--seed", "8", needs=20, resources=8)
    newcomer = tmp_path / "need.json"
    columns, first, *_rest = (other / "needs.csv").read_text().splitlines()
    row = dict(zip(columns.split(","), first.split(","), strict=True))
    newcomer.write_text(json.dumps(row | {"need_id": "newcomer", "household_id": "new"}))
    wrong = "certificate.json, column input_sha256: "
    for command in (["explain", "n0000000"], ["preview"], ["quote", str(newcomer)], ["report", "--short"]):
        assert main([command[0], str(other), out, *command[1:]]) == 2, command
        said = capsys.readouterr().err
        assert wrong in said, command
        assert "was made for another problem. Mend: name the folder solved for this one" in said
    plan = Path(out) / "plan.csv"
    plan.write_text("\n".join(plan.read_text().splitlines()[:-1]) + "\n")
    assert main(["report", folder, out, "--short"]) == 2
    assert "was made for another plan.csv" in capsys.readouterr().err


def test_every_need_of_a_city_has_an_account(tmp_path):
    folder, out = solved(tmp_path, "--hard", "0.2", "--seed", "5")
    problem, plan = read_problem(Path(folder)), read_plan(Path(out))
    for need in problem.needs:
        for lang in ("en", "zh"):
            told = account(problem, plan, need.need_id, lang=lang).splitlines()
            units = sum(line.units for line in plan.lines if line.need_id == need.need_id)
            assert len(told) > 1
            assert "{" not in "".join(told)
            assert units == 0 or str(units) in "".join(told)


def test_the_order_of_the_rows_and_the_number_of_workers_change_no_byte_of_the_plan(tmp_path):
    folder, out = solved(tmp_path, "--seed", "4")
    for path in Path(folder).glob("*.csv"):
        header, *rows = path.read_text().splitlines(keepends=True)
        path.write_text("".join([header, *random.Random(1).sample(rows, len(rows))]))
    again = tmp_path / "again"
    assert main(["solve", folder, "--out", str(again), "--workers", "2"]) == 0
    for name in ("plan.csv", "reasons.csv", "prices.csv"):
        assert (Path(out) / name).read_bytes() == (again / name).read_bytes()
    first, second = (json.loads((Path(place) / "certificate.json").read_text()) for place in (out, again))
    assert first | {"seconds": 0} == second | {"seconds": 0}


def test_a_reader_who_leaves_early_changes_no_exit_code(tmp_path):
    folder, out = solved(tmp_path)
    plan = Path(out) / "plan.csv"
    header, *rows = plan.read_text().splitlines()
    plan.write_text("\n".join([header, *(f"{row}000000" for row in rows), ""]))
    words = [sys.executable, "-m", "matching", "check", folder, out]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait() == 1
