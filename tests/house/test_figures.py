"""The figures in the documents are those that the benches wrote: a number typed by hand does not last."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.contenders import METHODS
from bench.goals import GOALS, measured, table
from bench.measure import solver
from scripts.figures import BLOCK, CHINESE, ENGLISH, WORDS, documents, tables

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh.md", "docs/allocator.md", "docs/same-person.md", "docs/trust.md", "docs/goals.md"]
)
def test_a_document_says_what_the_benches_wrote(name: str) -> None:
    assert documents()[ROOT / name] == (ROOT / name).read_text("utf-8"), "run: make figures"


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh.md", "docs/allocator.md", "docs/same-person.md", "docs/trust.md"]
)
def test_each_of_them_has_one_block_of_figures(name: str) -> None:
    assert len(BLOCK.findall((ROOT / name).read_text("utf-8"))) == 1


def test_the_tables_name_every_method_and_the_chinese_one_has_words_for_them() -> None:
    told = json.loads((ROOT / "bench" / "results" / "allocate.json").read_text("utf-8"))
    assert {row["method"] for row in told["rows"]} <= set(METHODS)
    english, chinese = tables(told, words=ENGLISH), tables(told, words=CHINESE)
    assert all(row["method"] in english for row in told["rows"])
    assert all(WORDS.get(row["method"], row["method"]) in chinese for row in told["rows"])


def test_a_goal_that_no_bench_speaks_to_says_so_and_several_may_speak_to_one(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"goals": {"9": {"figure": "p99 4 ms", "command": "x"}}, "rows": []}', "utf-8")
    (tmp_path / "b.json").write_text('{"goals": {"9": "flips 99.9 %", "3": {"figure": "11 s | one"}}}', "utf-8")
    (tmp_path / "c.json").write_text('[{"goals": 1}]', "utf-8")
    assert [row[:2] for row in measured(tmp_path)] == [("3", "11 s | one"), ("9", "p99 4 ms"), ("9", "flips 99.9 %")]
    assert table(tmp_path).count("not measured") == len(GOALS) - 2
    assert "| 11 s \\| one | no date; **older solver** | `bench/results/b.json` |" in table(tmp_path)


def test_a_goal_says_when_under_what_load_and_with_which_seed_it_was_seen(tmp_path: Path) -> None:
    told = {
        "goals": {"7": "0 changes"},
        "machine": {"measured_at": "2030-01-02T03:04:05+00:00", "load": 1.5, "solver": solver()},
        "rows": [{"seed": 7}, {"seed": 11}, {}],
    }
    (tmp_path / "a.json").write_text(json.dumps(told), "utf-8")
    assert "| 0 changes | 2030-01-02 03:04; load 1.5; seed 7, 11 | `bench/results/a.json` |" in table(tmp_path)
    told["machine"] = {"measured_at": "2020-01-02T03:04:05+00:00", "solver": "other"}
    (tmp_path / "a.json").write_text(json.dumps(told), "utf-8")
    assert "| 0 changes | 2020-01-02 03:04; seed 7, 11; **older solver** |" in table(tmp_path)


def test_the_mark_of_the_solver_follows_what_it_does_and_not_its_words(tmp_path: Path) -> None:
    code = tmp_path / "a.py"
    code.write_text('"""Words."""\n\n\ndef f(x):\n    """More."""\n    return x + 1  # why\n', "utf-8")
    before = solver(tmp_path)
    code.write_text('"""Other words."""\ndef f(x):\n    return x + 1\n', "utf-8")
    assert solver(tmp_path) == before
    code.write_text('"""Words."""\ndef f(x):\n    return x + 2\n', "utf-8")
    assert solver(tmp_path) != before
