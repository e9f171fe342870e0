"""The line in each queue, and the command that previews overrides."""

from __future__ import annotations

from matching import allocate
from matching.__main__ import main
from matching.compiled import compile_problem
from matching.cutoffs import Cutoff, cutoffs
from matching.folder import write_plan, write_problem
from matching.model import Pin
from matching.wording import cutoff_sentence
from tests.matching.rows import need, problem, resource


def lines_of(of):
    return cutoffs(compile_problem(of), allocate(of).lines)


def test_the_line_names_the_last_cell_served_and_the_first_that_waits_in_each_district():
    # 5 beds: b (urgency 2) takes 4 in two levels of 2, e (urgency 1) one of its first level; w in the west gets none.
    of = problem(
        [
            need("b", gap=4, urgency=2),
            need("e", gap=4, household="h1"),
            need("w", gap=2, urgency=0, household="h2", district="west"),
        ],
        [resource("r", stock=5)],
    )
    assert lines_of(of) == (Cutoff("r", "east", (1, 1), (1, 1), 1), Cutoff("r", "west", (1, 1), (0, 1), 1))


def test_no_line_where_nobody_waits_or_something_is_left():
    assert lines_of(problem([need("a", gap=4)], [resource("r", stock=4)])) == ()
    assert lines_of(problem([need("a", gap=4)], [resource("r", stock=9, max_per_need=2)])) == ()


def test_a_pinned_unit_does_not_move_the_line():
    of = problem(
        [need("a", gap=4, urgency=0), need("b", gap=4, urgency=2, household="h1")],
        [resource("r", stock=3)],
        pins=(Pin("a", "r", 1),),
    )
    assert [line.last for line in lines_of(of)] == [(2, 1)]


def test_the_line_is_one_sentence_in_both_languages():
    line = Cutoff("r1", "east", last=(2, 3), next=(1, 1), waiting=4)
    assert cutoff_sentence(line, "en") == (
        "District east: the last unit of r1 went to urgent (urgency 2), level 3; "
        "needs still waiting: 4, the first at ordinary (urgency 1), level 1."
    )
    assert "“紧急”第 3 层" in cutoff_sentence(line)


def test_the_command_names_losers_and_winners_and_refuses_what_is_not_there(tmp_path, capsys):
    of = problem([need("a", gap=4), need("b", gap=4, urgency=2, household="h1")], [resource("r", stock=3)])
    write_problem(of, tmp_path / "in")
    write_plan(allocate(of), tmp_path / "out")
    where = [str(tmp_path / "in"), str(tmp_path / "out")]
    assert main(["preview", *where, "--pin", "a", "r", "2"]) == 0
    told = capsys.readouterr().out
    assert "loses       b: 3 ► 1 (rank 6)" in told
    assert "wins        a: 0 ► 2 (rank 4)" in told
    assert main(["preview", *where, "--pin", "a", "r", "4"]) == 1
    assert "a>r" in capsys.readouterr().out
    assert main(["preview", *where, "--pin", "a", "r", "2", "--order", "levels_first", "--more", "r", "-1"]) == 0
    capsys.readouterr()
    assert main(["preview", *where, "--pin", "a", "r", "2", "--lang", "zh"]) == 0
    assert capsys.readouterr().out.startswith("把握    ")
    assert main(["preview", *where, "--pin", "a", "r", "4", "--lang", "zh"]) == 1
    assert capsys.readouterr().out.startswith("冲突    这些指定不能同时满足")
    assert main(["preview", *where, "--ban", "x", "r"]) == 2
    assert main(["preview", *where, "--more", "r", "some"]) == 2
