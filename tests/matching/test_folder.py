"""The problem folder: read back what was written, and every kind of bad input refused whole with its place and mend."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest

from matching.columns import TABLES
from matching.folder import BadInput, input_sha256, read_problem, write_problem
from matching.model import Cap, Need, Policy, Problem, Resource, levels_first
from matching.policy_file import SETTINGS
from matching.wellformed import misfits
from tests.matching.tiny import KINDS, tiny

SMALL = {
    "policy.json": '{"as_of": "2026-07-01"}',
    "needs.csv": "need_id,household_id,district,category,unit,gap,urgency,consented\nn1,h1,d1,rice,kg,10,2,*\n",
    "resources.csv": "resource_id,org_id,category,unit,stock,districts\nr1,o1,rice,kg,8,\n",
}


def folder_with(place: Path, **files: str | bytes | None) -> Path:
    """The small folder with some files replaced; `needs_csv` is the file needs.csv, None leaves it out."""
    named = {name.replace("_csv", ".csv").replace("_json", ".json"): content for name, content in files.items()}
    for name, content in (SMALL | named).items():
        if content is not None:
            (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def complaint(place: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_problem(place)
    return str(caught.value)


def by_id(problem: Problem) -> Problem:
    rows = {t.name: getattr(problem, t.name) for t in TABLES}
    return replace(problem, **{k: None if v is None else tuple(sorted(v, key=repr)) for k, v in rows.items()})


def test_the_columns_stand_in_the_order_of_the_fields():
    for table in TABLES:
        assert [column.name for column in table.columns] == [field.name for field in fields(table.row)]


def test_absent_columns_and_empty_cells_take_their_defaults(tmp_path):
    problem = read_problem(folder_with(tmp_path))
    assert problem == Problem(
        Policy(as_of=date(2026, 7, 1)),
        (Need("n1", "h1", "d1", "rice", "kg", 10, 2, consented=frozenset("*")),),
        (Resource("r1", "o1", "rice", "kg", 8),),
    )


def test_an_empty_consent_is_nobody_and_an_empty_household_of_a_cap_is_everybody(tmp_path):
    needs = SMALL["needs.csv"].replace("2,*", "2,")
    problem = read_problem(folder_with(tmp_path, needs_csv=needs, caps_csv="cap_id,categories,max_units\nc,rice,3\n"))
    assert problem.needs[0].consented == frozenset()
    assert problem.caps == (Cap("c", frozenset({"rice"}), 3, "*"),)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parquet", [False, True])
def test_a_written_folder_reads_back_as_the_same_problem(tmp_path, kind, parquet):
    for seed in range(40):
        problem = tiny(seed, kind=kind)
        place = tmp_path / str(seed)
        write_problem(problem, place, parquet=parquet)
        assert by_id(read_problem(place)) == by_id(problem)
        assert input_sha256(read_problem(place)) == input_sha256(problem)


def test_the_same_problem_is_written_as_the_same_bytes(tmp_path):
    problem = tiny(3, kind="hard")
    shuffled = replace(problem, needs=problem.needs[::-1], resources=problem.resources[::-1])
    write_problem(problem, tmp_path / "a")
    write_problem(shuffled, tmp_path / "b")
    first, second = ({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()} for name in "ab")
    assert first == second
    assert b"\r" not in b"".join(first.values())


def test_the_hash_ignores_the_order_of_rows_and_sees_every_cell():
    problem = replace(tiny(5, kind="hard"), pairs=())
    rows = {t.name: list(getattr(problem, t.name)) for t in TABLES}
    for held in rows.values():
        random.Random(1).shuffle(held)
    assert input_sha256(replace(problem, **{k: tuple(v) for k, v in rows.items()})) == input_sha256(problem)
    first = problem.needs[0]
    changed = [
        replace(problem, needs=(replace(first, gap=first.gap + 1), *problem.needs[1:])),
        replace(problem, needs=problem.needs[1:]),
        replace(problem, pairs=None),
        replace(problem, policy=replace(problem.policy, salt="other")),
        replace(
            problem, policy=replace(problem.policy, order=levels_first(problem.policy.levels)[::1], objective="value")
        ),
    ]
    assert len({input_sha256(p) for p in [problem, *changed]}) == 6


def test_spreadsheet_habits_are_read_a_mark_at_the_start_crlf_spaces_and_empty_last_rows(tmp_path):
    needs = "﻿" + SMALL["needs.csv"].replace(",10,", ", 10 ,").replace("\n", "\r\n") + ",,,,,,,\r\n\r\n"
    assert read_problem(folder_with(tmp_path, needs_csv=needs)).needs[0].gap == 10


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        ("-3", "'-3' is negative"),
        ("-0.5", "'-0.5' is negative"),
        ("1.5", "'1.5' is not whole"),
        ("1,5", None),
        ("1e3", "'1e3' is not whole"),
        ("ten", "'ten' is not a number"),
        ("１０", "'１０' is not a number"),
        ("1000000000001", "'1000000000001' is above the limit"),
        ("9" * 30, "is above the limit"),
        ("", "'' is empty"),
    ],
)
def test_a_bad_number_is_refused_with_file_row_column_value_and_mend(tmp_path, cell, wrong):
    needs = SMALL["needs.csv"] + f'n2,h2,d1,rice,kg,"{cell}",1,*\n'
    said = complaint(folder_with(tmp_path, needs_csv=needs))
    assert said.startswith("needs.csv, row 3, column gap: ")
    assert wrong is None or wrong in said
    assert "Mend: " in said


GOOD_NEED = SMALL["needs.csv"]
BAD = {
    "a duplicate need": (
        {"needs_csv": GOOD_NEED + "n1,h2,d1,rice,kg,1,1,*\n"},
        "needs.csv, row 3, column need_id: 'n1' stands in row 2 already",
    ),
    "an urgency of four": (
        {"needs_csv": GOOD_NEED.replace("10,2", "10,4")},
        "needs.csv, row 2, column urgency: '4' is above the limit. Mend: write a whole number from 0 to 3.",
    ),
    "a missing column": (
        {"needs_csv": GOOD_NEED.replace("gap,", "gaps,")},
        "needs.csv, column gap: 'gap' is missing from the header",
    ),
    "a misspelt column": (
        {"needs_csv": GOOD_NEED.replace("gap,", "gaps,")},
        "needs.csv, column gaps: 'gaps' is no column of this file",
    ),
    "a column twice": (
        {"earmarks_csv": "earmark,budget,budget\ne,1,1\n"},
        "earmarks.csv, column budget: 'budget' stands twice in the header",
    ),
    "a row that is too short": (
        {"needs_csv": GOOD_NEED + "n2,h2\n"},
        "needs.csv, row 3: 'n2,h2' are 2 cells under 8 columns",
    ),
    "an empty row in between": (
        {"needs_csv": GOOD_NEED + "\nn2,h2,d1,rice,kg,1,1,*\n"},
        "needs.csv, row 3: '' is an empty row",
    ),
    "an empty file": ({"needs_csv": ""}, "needs.csv: '' is an empty file"),
    "a stray quote": ({"needs_csv": GOOD_NEED + '"n2"x,\n'}, "is not CSV. Mend: check the quotes of this row."),
    "a file in another encoding": (
        {"needs_csv": (GOOD_NEED + "n2,h2,渝中,rice,kg,1,1,*\n").encode("gb18030")},
        "needs.csv, row 3: 'byte 0xd3' is not UTF-8. Mend: save the file as CSV UTF-8.",
    ),
    "no needs": ({"needs_csv": None}, "needs.csv: 'needs.csv' is missing"),
    "an unknown file": ({"earmark_csv": "earmark,budget\n"}, "earmark.csv: 'earmark.csv' is no table of a problem"),
    "two units in one category": (
        {"resources_csv": SMALL["resources.csv"].replace("kg", "bag")},
        "resources.csv, row 2, column unit: 'bag' is a second unit of category rice, which counts in 'kg' above",
    ),
    "dates the wrong way round": (
        {
            "resources_csv": "resource_id,org_id,category,unit,stock,districts,valid_from,valid_to\n"
            "r1,o1,rice,kg,8,*,2026-07-02,2026-07-01\n"
        },
        (
            "resources.csv, row 2, column valid_to: '2026-07-01' is not after valid_from 2026-07-02. "
            "Mend: swap or correct the two dates."
        ),
    ),
    "a period of no days": (
        {
            "needs_csv": GOOD_NEED.replace("consented", "consented,valid_from,valid_to").replace(
                "2,*", "2,*,2026-07-01,2026-07-01"
            )
        },
        "needs.csv, row 2, column valid_to: '2026-07-01' is not after valid_from 2026-07-01",
    ),
    "a date that is none": (
        {"ledger_csv": "household_id,category,units,given_on,state\nh1,rice,1,2026-02-30,delivered\n"},
        "ledger.csv, row 2, column given_on: '2026-02-30' is not a date. Mend: write it as YYYY-MM-DD.",
    ),
    "an unknown state": (
        {"ledger_csv": "household_id,category,units,given_on,state\nh1,rice,1,2026-02-01,returned\n"},
        "ledger.csv, row 2, column state: 'returned' is not a state",
    ),
    "a ledger row of an unknown need": (
        {"ledger_csv": "household_id,category,units,given_on,state,need_id\nh1,rice,1,2026-02-01,approved,n9\n"},
        "ledger.csv, row 2, column need_id: 'n9' is not a need",
    ),
    "a ledger row of another household": (
        {"ledger_csv": "household_id,category,units,given_on,state,need_id\nh2,rice,1,2026-02-01,approved,n1\n"},
        "ledger.csv, row 2, column household_id: 'h2' is not the household of need n1. Mend: write h1.",
    ),
    "an unknown earmark": (
        {"resources_csv": "resource_id,org_id,category,unit,stock,districts,earmark\nr1,o1,rice,kg,8,*,e\n"},
        "resources.csv, row 2, column earmark: 'e' is not an earmark",
    ),
    "an unknown parent": (
        {"earmarks_csv": "earmark,parent,budget\na,b,1\n"},
        "earmarks.csv, row 2, column parent: 'b' is not an earmark",
    ),
    "earmarks in a ring": (
        {"earmarks_csv": "earmark,parent,budget\na,b,1\nb,c,1\nc,a,1\n"},
        "earmarks.csv, row 2, column parent: 'b' leads back to a",
    ),
    "mixed units under an earmark": (
        {
            "earmarks_csv": "earmark,parent,budget\ntop,,9\nleaf,top,9\n",
            "resources_csv": "resource_id,org_id,category,unit,stock,districts,earmark\n"
            "r1,o1,rice,kg,8,*,leaf\nr2,o1,oil,bottle,8,*,top\n",
        },
        "resources.csv, row 3, column unit: 'bottle' differs from 'kg', the unit of the earmark top",
    ),
    "mixed units under a cap": (
        {
            "caps_csv": "cap_id,categories,max_units\nc,rice;oil,3\n",
            "needs_csv": GOOD_NEED + "n2,h1,d1,oil,bottle,1,1,*\n",
        },
        "caps.csv, row 2, column categories: 'oil;rice' mixes the units bottle, kg",
    ),
    "a pin on an unknown resource": (
        {"pins_csv": "need_id,resource_id,units\nn1,r9,1\n"},
        "pins.csv, row 2, column resource_id: 'r9' is not a resource",
    ),
    "a pin of nothing": (
        {"pins_csv": "need_id,resource_id,units\nn1,r1,0\n"},
        "pins.csv, row 2, column units: '0' is too small",
    ),
    "a ban of an unknown need": (
        {"bans_csv": "need_id,resource_id,code\nn9,*,\n"},
        "bans.csv, row 2, column need_id: 'n9' is not a need",
    ),
    "a ban of everything": ({"bans_csv": "need_id,resource_id\n*,*\n"}, "bans.csv, row 2, column resource_id: '*'"),
    "a pair with an unknown need": (
        {"pairs_csv": "need_id,resource_id\nn9,r1\n"},
        "pairs.csv, row 2, column need_id: 'n9' is not a need",
    ),
    "a pair listed twice": (
        {"pairs_csv": "need_id,resource_id\nn1,r1\nn1,r1\n"},
        "pairs.csv, row 3, column need_id: 'n1 and r1' stands in row 2 already",
    ),
    "a pair that uses nothing": (
        {"pairs_csv": "need_id,resource_id,units_used\nn1,r1,0\n"},
        "pairs.csv, row 2, column units_used: '0' is too small",
    ),
    "more need than can be counted": (
        {
            "needs_csv": GOOD_NEED.splitlines()[0]
            + "\n"
            + "".join(f"n{i},h,d,rice,kg,1000000000000,1,*\n" for i in range(115_293))
        },
        "needs.csv, column gap: '115293000000000000' units of need in all, times 4 times 10 levels, pass 2^62",
    ),
    "no policy": ({"policy_json": None}, "policy.json: 'policy.json' is missing"),
    "a policy that is not JSON": ({"policy_json": '{"as_of": \n'}, "policy.json, row 2: 'Expecting value' is not JSON"),
    "a policy without its day": ({"policy_json": "{}"}, "policy.json, column as_of: '' is not a date"),
    "an unknown setting": (
        {"policy_json": '{"as_of": "2026-07-01", "level": 3}'},
        "policy.json, column level: '3' belongs to no setting of a policy",
    ),
    "an unknown order": (
        {"policy_json": '{"as_of": "2026-07-01", "order": "poorest"}'},
        "policy.json, column order: 'poorest' is no order",
    ),
    "an order that leaves cells out": (
        {"policy_json": '{"as_of": "2026-07-01", "levels": 1, "order": [[3,1],[2,1],[1,1]]}'},
        (
            "policy.json, column order: '[[3, 1], [2, 1], [1, 1]]' is no order of all cells. "
            "Mend: order must name each of the 4 (urgency, level) cells exactly once"
        ),
    ),
    "an order against the levels": (
        {
            "policy_json": '{"as_of": "2026-07-01", "levels": 2, '
            '"order": [[3,2],[3,1],[2,1],[2,2],[1,1],[1,2],[0,1],[0,2]]}'
        },
        "Mend: order must name the levels of urgency 3 in ascending order",
    ),
    "no levels": ({"policy_json": '{"as_of": "2026-07-01", "levels": 0}'}, "policy.json, column levels: '0' is no"),
    "another objective": (
        {"policy_json": '{"as_of": "2026-07-01", "objective": "speed"}'},
        "policy.json, column objective: 'speed' is no objective",
    ),
    "a negative budget": (
        {"policy_json": '{"as_of": "2026-07-01", "budget_s": -1}'},
        "policy.json, column budget_s: '-1' is no number of seconds",
    ),
    "a setting twice": (
        {"policy_json": '{"as_of": "2026-07-01", "levels": 2, "levels": 3}'},
        "policy.json, column levels: 'levels' stands there twice. Mend: keep one of the two.",
    ),
    "a deep nest": (
        {"policy_json": '{"as_of": ' + "[" * 100_000 + "]" * 100_000 + "}"},
        "policy.json: 'policy.json' is nested too deeply. Mend: leave out the inner brackets.",
    ),
    "a number of five thousand digits": (
        {"policy_json": '{"as_of": "2026-07-01", "levels": ' + "9" * 5_000 + "}"},
        "policy.json: 'policy.json' holds a number that is too long",
    ),
    "a cap on all categories": (
        {"caps_csv": "cap_id,categories,max_units\nc,*,1\n"},
        "caps.csv, row 2, column categories: '*' stands for all and names nothing here",
    ),
    "a cap on no category": (
        {"caps_csv": "cap_id,categories,max_units\nc,;,1\n"},
        "caps.csv, row 2, column categories: ';' names nothing. Mend: write ids with ; between them.",
    ),
    "an offer for nowhere": (
        {"resources_csv": SMALL["resources.csv"].replace("8,", "8,;")},
        "resources.csv, row 2, column districts: ';' names nothing",
    ),
    "an organisation that no consent could name": (
        {"resources_csv": SMALL["resources.csv"].replace("o1", "o1;o2")},
        "resources.csv, row 2, column org_id: 'o1;o2' is several ids, or one that no set could name",
    ),
    "an id with a sign without width": (
        {"needs_csv": GOOD_NEED.replace("n1", "n\u200b1")},
        "needs.csv, row 2, column need_id: 'n\\u200b1' holds the invisible sign U+200B. Mend: write it again without",
    ),
    "an id with a control sign": (
        {"needs_csv": GOOD_NEED.replace("h1", "h\x001")},
        "needs.csv, row 2, column household_id: 'h\\x001' holds the invisible sign U+0000",
    ),
    "a set with a sign without width": (
        {"needs_csv": GOOD_NEED.replace("2,*", "2,o1;o\ufeff2")},
        "needs.csv, row 2, column consented: 'o1;o\\ufeff2' holds the invisible sign U+FEFF",
    ),
}


def test_a_standing_cap_may_name_a_category_without_needs(tmp_path):
    read = read_problem(folder_with(tmp_path, caps_csv="cap_id,categories,max_units\nc,rice;tents,1\n"))
    assert read.caps[0].categories == {"rice", "tents"}


def test_a_cap_that_names_no_category_is_refused_in_code_too():
    for categories in (frozenset[str](), frozenset("*")):
        problem = replace(tiny(1), caps=(Cap("c", categories, 1),))
        assert any(misfit.table == "caps" for misfit in misfits(problem))


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_whole_with_its_place_and_mend(tmp_path, case):
    files, expected = BAD[case]
    assert expected in complaint(folder_with(tmp_path, **files))


def test_every_fault_of_the_cells_is_told_at_once(tmp_path):
    needs = GOOD_NEED + "n2,h2,d1,rice,kg,-1,9,*\n"
    said = complaint(folder_with(tmp_path, needs_csv=needs, policy_json="{}"))
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "policy.json, column as_of",
        "needs.csv, row 3, column gap",
        "needs.csv, row 3, column urgency",
    ]


def test_a_flood_of_faults_is_cut_to_twenty_and_counted(tmp_path):
    needs = GOOD_NEED + "".join(f"m{i},h,d,rice,kg,-1,1,*\n" for i in range(50))
    said = complaint(folder_with(tmp_path, needs_csv=needs)).splitlines()
    assert len(said) == 21
    assert said[-1] == "… and 30 more."


def test_a_table_may_not_stand_there_twice(tmp_path):
    problem = read_problem(folder_with(tmp_path))
    write_problem(problem, tmp_path, parquet=True)
    assert "needs.parquet: 'needs.parquet' stands beside needs.csv" in complaint(tmp_path)


def test_a_parquet_file_with_typed_columns_is_read_like_the_csv(tmp_path):
    import pyarrow
    from pyarrow import parquet

    place = folder_with(tmp_path, resources_csv=None)
    columns = {
        "resource_id": ["r1", "r2"],
        "org_id": ["o1", "o1"],
        "category": ["rice", "rice"],
        "unit": ["kg", "kg"],
        "stock": [8, 9],
        "max_per_need": [3.0, None],
        "districts": [["d1", "d2"], ["*"]],
        "valid_from": [date(2026, 1, 1), None],
    }
    parquet.write_table(pyarrow.table(columns), place / "resources.parquet")
    first, second = read_problem(place).resources
    assert (first.max_per_need, first.districts, first.valid_from) == (3, {"d1", "d2"}, date(2026, 1, 1))
    assert (second.max_per_need, second.districts, second.valid_from) == (None, {"*"}, None)
    (place / "resources.parquet").write_bytes(b"not parquet")
    assert "resources.parquet: 'resources.parquet' is not a Parquet file" in complaint(place)


def test_a_folder_that_is_not_there_is_bad_input(tmp_path):
    assert "is not a folder" in complaint(tmp_path / "nowhere")


def test_an_announced_link_may_name_what_is_gone(tmp_path):
    place = folder_with(tmp_path, announced_csv="need_id,resource_id,units\nold,older,3\n")
    assert read_problem(place).announced[0].need_id == "old"


def test_the_document_names_every_file_column_and_setting():
    text = (Path(__file__).parents[2] / "docs" / "problem-folder.md").read_text("utf-8")
    for table in TABLES:
        assert f"{table.name}.csv" in text
        for column in table.columns:
            assert f"`{column.name}`" in text, f"{table.name}.{column.name}"
    for key in SETTINGS:
        assert f"`{key}`" in text
