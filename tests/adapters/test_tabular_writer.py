"""Tables going out: text stays text, nothing runs as a formula, and what we wrote we can read again."""

from __future__ import annotations

import io
import tempfile
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from adapters.ports import NEED_COLUMNS, Cell, FormulaError, RoundedNumber
from adapters.tabular import Table, read_table
from adapters.tabular_cells import plain_text
from adapters.tabular_writer import Column, write_csv, write_template, write_xlsx

RISKY = ["=1+1", "+86 139", "-2+3", "@SUM(A1)", "＝1+1", "=cmd|' /C calc'!A0"]


def sheet_xml(data: bytes, number: int = 1) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(f"xl/worksheets/sheet{number}.xml").decode()


@pytest.mark.parametrize("text", [*RISKY, "\tx", "\rx", "\nx"])
def test_csv_text_that_could_run_gets_a_mark_before_it(text: str) -> None:
    written = write_csv([text], [[text]]).decode("utf-8-sig")
    assert written.replace('"', "").startswith(f"'{text}")
    assert written.count("'" + text[0]) == 2


def test_csv_opens_as_chinese_and_keeps_numbers_numbers() -> None:
    data = write_csv(["编号", "数量"], [["N-1", -5], [None, 2.5], ["a,b", True]])
    assert data == '\ufeff编号,数量\r\nN-1,-5\r\n,2.5\r\n"a,b",TRUE\r\n'.encode()


@pytest.mark.parametrize("text", RISKY)
def test_what_we_wrote_as_csv_we_read_as_it_was(text: str) -> None:
    assert read_table(write_csv(["a", "b"], [[text, "x"]])).rows == [(text, "x")]


def test_a_spreadsheet_gives_back_every_type_we_put_in() -> None:
    moment = datetime(2026, 11, 23, 8, 30)  # noqa: DTZ001 - the times of a spreadsheet have no zone
    row: tuple[Cell, ...] = ("509900199003070013", 3, 2.5, True, date(2026, 11, 23), moment, None, "x")
    names = [f"c{number}" for number in range(len(row))]
    assert read_table(write_xlsx(names, [row])) == Table(tuple(names), [row], 2)


def test_a_spreadsheet_shows_what_was_spoilt_and_times_without_their_zone() -> None:
    row: list[Cell] = [RoundedNumber("5.099E+17"), FormulaError("#N/A"), datetime(2026, 11, 23, 8, tzinfo=UTC), 10**17]
    (read,) = read_table(write_xlsx(["a", "b", "c", "d"], [row])).rows
    local = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - the times of a spreadsheet have no zone
    assert read == (RoundedNumber("5.099E+17"), FormulaError("#N/A"), local, "1" + "0" * 17)


@pytest.mark.parametrize("text", [*RISKY, "https://example.test/", "{=1}"])
def test_no_text_becomes_a_formula_or_a_link_in_a_spreadsheet(text: str) -> None:
    data = write_xlsx(["a", "b"], [[text, 1]])
    assert "<f>" not in sheet_xml(data)
    assert "hyperlink" not in sheet_xml(data)
    assert read_table(data).rows == [(text, 1)]


def test_a_spreadsheet_has_a_frozen_header_with_filters() -> None:
    xml = sheet_xml(write_xlsx(["a", "b"], [["x", 1], ["y", 2]]))
    assert 'state="frozen"' in xml
    assert '<autoFilter ref="A1:B3"/>' in xml


def test_a_template_has_text_columns_typed_lists_and_no_rows() -> None:
    districts = [f"5001{number:02}" for number in range(60)]
    columns = [Column("source_id"), Column("gap", kind="number"), Column("district_code"), Column("urgency", "number")]
    data = write_template(columns, {"district_code": districts, "urgency": ["0", "1", "2", "3"], "tags": []})
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    assert book.get_sheet_by_index(0).to_python() == [["source_id", "gap", "district_code", "urgency"]]
    words = book.get_sheet_by_name("choices").to_python()
    assert [row[0] for row in words] == districts
    assert [row[1] for row in words][:5] == ["0", "1", "2", "3", ""]
    xml = sheet_xml(data)
    assert 'type="list"' in xml
    assert "choices!$A$1:$A$60" in xml
    assert "choices!$B$1:$B$4" in xml
    assert 'sqref="C2:C5001"' in xml


def test_a_template_without_lists_has_one_sheet() -> None:
    data = write_template(NEED_COLUMNS, {})
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names == ["data"]


def test_an_id_number_typed_into_the_template_stays_text() -> None:
    with zipfile.ZipFile(io.BytesIO(write_template(["head_id_number"], {}))) as package:
        styles, sheet = package.read("xl/styles.xml").decode(), package.read("xl/worksheets/sheet1.xml").decode()
    assert 'formatCode="@"' in styles
    assert "<cols><col " in sheet
    assert "style=" in sheet.split("<cols>")[1].split("</cols>")[0]


def test_nothing_stays_on_disk_even_when_a_row_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def rows() -> object:
        yield ["x"]
        raise RuntimeError("broken row")

    with pytest.raises(RuntimeError):
        write_xlsx(["a"], rows())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_no_cell_is_lost_when_written_as_text() -> None:
    cells = [None, True, False, 3, 2.5, date(2026, 11, 23), datetime(2026, 11, 23, 8, 5, tzinfo=UTC), time(8, 5), "x"]
    assert [plain_text(cell) for cell in cells] == [
        "",
        "TRUE",
        "FALSE",
        "3",
        "2.5",
        "2026-11-23",
        "2026-11-23 08:05+00:00",
        "08:05:00",
        "x",
    ]
