"""`python -m matching link`: any table in, pairs out, and one sentence for what cannot be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from matching.__main__ import main

ROWS = [
    "record_id,name,birth_date,phone,address",
    "1,王伟,1971-06-24,13800138000,重庆市渝北区松石路15号3栋2单元5-2",
    "2,王 偉,1971/6/24,138 0013 8000,渝北区松石路十五号三幢2单元502室",
    "3,李娜,1990-01-02,,",
]


def _told(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _run(tmp_path: Path, rows: list[str], fields: object = None) -> tuple[int, list[dict[str, str]]]:
    words = ["link", str(_told(tmp_path / "r.csv", rows)), "--out", str(tmp_path / "p.csv")]
    if fields is not None:
        text = fields if isinstance(fields, str) else json.dumps(fields)
        (tmp_path / "map.json").write_text(text, encoding="utf-8")
        words += ["--fields", str(tmp_path / "map.json")]
    code = main(words)
    out = tmp_path / "p.csv"
    return code, list(csv.DictReader(out.read_text(encoding="utf-8").splitlines())) if out.exists() else []


def test_one_person_written_twice_is_one_pair(tmp_path: Path) -> None:
    code, pairs = _run(tmp_path, ROWS)
    assert code == 0
    assert [(pair["a"], pair["b"], pair["band"]) for pair in pairs] == [("1", "2", "same")]
    assert 0.5 <= float(pairs[0]["score"]) <= 1


def test_own_column_names_are_mapped_either_way_round(tmp_path: Path) -> None:
    own = ["nr,who,dob,tel,street", *ROWS[1:]]
    names = {"nr": "record_id", "who": "name", "dob": "birth_date", "tel": "phone", "street": "address"}
    first = _run(tmp_path, own, names)
    assert first == _run(tmp_path, own, {known: mine for mine, known in names.items()})
    assert len(first[1]) == 1


def test_two_own_columns_make_one_text(tmp_path: Path) -> None:
    rows = ["id,given_name,surname,number,street", "1,anna,smith,6,king street", "2,ana,smith,6,king st"]
    code, pairs = _run(tmp_path, rows, {"id": "record_id", "number": "address", "street": "address"})
    assert (code, [pair["a"] for pair in pairs]) == (0, ["1"])


@pytest.mark.parametrize("rows", [ROWS[:1], ROWS[:2]])
def test_a_table_without_pairs_gives_a_header_only(tmp_path: Path, rows: list[str]) -> None:
    assert _run(tmp_path, rows) == (0, [])
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == "a,b,score,band\n"


@pytest.mark.parametrize(
    ("rows", "fields", "says"),
    [
        (["record_id,name", "1,a", "1,b"], None, "row 3, column record_id: '1' stands in row 2 already"),
        (["record_id,name", "1,a", ",b"], None, "row 3, column record_id: '' is empty"),
        (["record_id,name", "1,a,b"], None, "row 2: '1,a,b' are 3 cells under 2 columns"),
        (["name,phone", "a,1"], None, "has no record_id"),
        (["record_id,colour", "1,red"], None, "has no column to compare"),
        (["record_id,name,name", "1,a,b"], None, "heads two columns"),
        (["record_id,who", "1,a"], {"nobody": "name"}, "is not a column of the table"),
        (["record_id,who", "1,a"], {"who": "shoe_size"}, "is not known"),
        (["record_id,who", "1,a"], ["who"], "is not an object"),
        (["record_id,who", "1,a"], '{"who": "name", "who": "phone"}', "map.json, column who: 'who' stands there twice"),
        (["record_id,who", "1,a"], "{", "is not a JSON file"),
        ([""], None, "Mend"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], fields: object, says: str
) -> None:
    code, pairs = _run(tmp_path, rows, fields)
    told = capsys.readouterr().err
    assert (code, pairs) == (2, [])
    assert says in told
    assert "Mend: " in told
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.name.startswith("p")) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = _told(tmp_path / "r.csv", ROWS)
    assert main(["link", str(records), "--out", str(tmp_path / "no" / "p.csv")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["link", str(tmp_path / "gone.csv"), "--out", str(tmp_path / "p.csv")]) == 2
    assert "is not a file" in capsys.readouterr().err
