"""Spreadsheets made to do harm: sheets that span the world, bombs, broken parts. Each ends in a sentence."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
import xlsxwriter

from adapters.ports import FormulaError, WillNeverWork
from adapters.tabular import read_table
from adapters.tabular_faults import Limits
from tests.adapters.test_tabular import grid, refusal, workbook

SHEET = "xl/worksheets/sheet1.xml"
ROWS = [["a", "b"], ["x", 1], ["y", 2]]


def rebuilt(changes: Mapping[str, bytes | None], *, rows: list[list[Any]] = ROWS) -> bytes:
    """A good workbook with some parts replaced, added, or taken out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(grid(rows))) as good, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            content = changes.get(name, good.read(name))
            if content is not None:
                bad.writestr(name, content)
        for name in changes.keys() - set(good.namelist()):
            bad.writestr(name, changes[name] or b"")
    return out.getvalue()


def part(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(grid(ROWS))) as good:
        return good.read(name)


def test_one_stray_cell_in_the_far_corner_is_refused_before_it_costs_memory() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "far")

    assert refusal(workbook(draw)).code == "too_many_rows"


def test_a_wide_sheet_is_refused_by_its_span() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "a")
        sheet.write(190_000, 16_000, "far")

    assert refusal(workbook(draw)).code == "too_many_cells"


def test_a_far_cell_on_another_sheet_is_found_too() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.add_worksheet().write(0, 0, "a")
        book.add_worksheet().write(1_048_575, 16_383, "far")
    assert refusal(out.getvalue()).code == "too_many_rows"


def test_formatted_but_empty_cells_far_away_do_no_harm() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_row(1, 0, [1, 2])
        sheet.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))

    assert read_table(workbook(draw)).rows == [(1, 2)]


def test_a_file_that_unpacks_to_too_much_is_refused() -> None:
    assert refusal(
        rebuilt({"xl/media/zeros.bin": bytes(2_000_000)}), limits=Limits(max_unpacked_bytes=1_000_000)
    ).code == ("file_too_large")


def test_a_document_of_another_kind_in_a_zip_is_no_table() -> None:
    assert refusal(rebuilt({"xl/workbook.xml": None, "word/document.xml": b"<a/>"})).code == "not_a_table"


def test_a_part_that_comes_twice_is_refused() -> None:
    out = io.BytesIO(rebuilt({}))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(out, "a") as bad:
        bad.writestr(SHEET, part(SHEET))
    assert refusal(out.getvalue()).code == "damaged"


@pytest.mark.parametrize(
    "changes",
    [
        {SHEET: part(SHEET)[:-40]},
        {SHEET: b"<!DOCTYPE x [<!ENTITY e 'far'>]>" + part(SHEET).split(b"?>", 1)[1]},
        {SHEET: part(SHEET).decode().replace("UTF-8", "UTF-16").encode("utf-16")},
        {SHEET: part(SHEET).replace(b'<c r="A2"', b"<c")},
        {SHEET: part(SHEET).replace(b'r="A2"', b'r="22"')},
        {SHEET: None},
        {"xl/_rels/workbook.xml.rels": None},
        {"xl/_rels/workbook.xml.rels": b"<broken"},
        {"xl/workbook.xml": part("xl/workbook.xml").replace(b"rId1", b"rId99")},
        {"xl/workbook.xml": part("xl/workbook.xml").replace(b"r:id", b"rid")},
        {"xl/workbook.xml": part("xl/workbook.xml").replace(b"UTF-8", b"UTi-8")},
    ],
    ids=[
        "cut",
        "doctype",
        "utf16",
        "no-place",
        "no-column",
        "no-sheet",
        "no-relations",
        "bad-relations",
        "dangling",
        "no-relation",
        "no-such-encoding",
    ],
)
def test_a_workbook_with_broken_parts_is_called_damaged(changes: Mapping[str, bytes | None]) -> None:
    assert refusal(rebuilt(changes)).code == "damaged"


def test_a_merged_range_beyond_the_cells_does_no_harm() -> None:
    rows = [["title"], ["a", "b"], ["x", 1]]
    with zipfile.ZipFile(io.BytesIO(grid(rows))) as good:
        sheet = good.read(SHEET)
    merged = b'<mergeCells count="1"><mergeCell ref="ZZ1:ZZ2"/></mergeCells><pageMargins'
    odd = rebuilt({SHEET: sheet.replace(b"<pageMargins", merged)}, rows=rows)
    assert read_table(odd).rows == [("x", 1)]


def test_a_workbook_of_charts_or_hidden_sheets_only_has_no_header() -> None:
    hidden = part("xl/workbook.xml").replace(b'sheetId="1"', b'sheetId="1" state="veryHidden"')
    assert refusal(rebuilt({"xl/workbook.xml": hidden})).code == "no_header"


def test_a_number_that_is_none_is_a_failed_formula() -> None:
    odd = part(SHEET).replace(b'<c r="B2"><v>1</v>', b'<c r="B2"><v>NaN</v>')
    assert read_table(rebuilt({SHEET: odd})).rows == [("x", FormulaError("#NUM!")), ("y", 2)]


@pytest.mark.parametrize("step", [7, 101, 997])
def test_a_workbook_with_any_byte_changed_is_read_or_refused_but_never_breaks(step: int) -> None:
    good = rebuilt({})
    for place in range(0, len(good), step):
        bad = bytearray(good)
        bad[place] ^= 0x55
        with contextlib.suppress(WillNeverWork):
            read_table(bytes(bad))
