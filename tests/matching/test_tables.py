"""Tables are written as the csv module writes them and read back cell by cell."""

from __future__ import annotations

import csv
import io

import pytest

from matching.tables import Wrong, csv_text, parsed, read_columns
from matching.wellformed import BadInput

HARD = ["a", "", "a,b", 'say "x"', "two\nlines", " blank ", "渝"]


@pytest.mark.parametrize("cell", HARD)
@pytest.mark.parametrize("width", [1, 2, 3])
def test_text_is_what_the_csv_module_writes(cell, width):
    header, rows = [f"c{i}" for i in range(width)], [["p"] * width, ["q"] * (width - 1) + [cell], [cell] * width]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    assert csv_text(header, rows) == out.getvalue()


@pytest.mark.parametrize("cell", ["a,b", 'say "x"', "two\nlines", "a\rb", "渝"])
def test_what_was_written_reads_back(tmp_path, cell):
    (tmp_path / "t.csv").write_text(csv_text(["a", "b"], [[cell, "1"], ["c", "2"]]), "utf-8", newline="")
    assert read_columns(tmp_path / "t.csv") == (["a", "b"], [(cell, "c"), ("1", "2")])


def test_a_header_alone_is_a_table_of_empty_columns(tmp_path):
    (tmp_path / "t.csv").write_text("a, b\n,\n\n", "utf-8")
    assert read_columns(tmp_path / "t.csv") == (["a", "b"], [(), ()])


def test_a_row_of_blanks_between_others_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n , \n3,4\n", "utf-8")
    with pytest.raises(BadInput, match="row 3: '' is an empty row"):
        read_columns(tmp_path / "t.csv")


def test_a_column_tells_every_cell_that_is_wrong():
    def digit(cell: str) -> int:
        if not cell.isdigit():
            raise Wrong("is no digit", "write one")
        return int(cell)

    values, wrongs = parsed(["1", " x ", "2", " x ", "y"], digit)
    assert values == [1, None, 2, None, None]
    assert [(i, cell, wrong.wrong) for i, cell, wrong in wrongs] == [
        (1, "x", "is no digit"),
        (3, "x", "is no digit"),
        (4, "y", "is no digit"),
    ]
