"""Reading the tables of partners: encodings, types, what spreadsheets spoil, odd layouts, and honest refusals."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import xlsxwriter

from adapters.ports import FormulaError, RoundedNumber, WillNeverWork
from adapters.tabular import Table, read_table
from adapters.tabular_faults import Limits

Draw = Callable[[Any, Any], None]
MOMENT = datetime(2026, 11, 23, 8, 30)  # noqa: DTZ001 - the times of a spreadsheet have no zone


def workbook(draw: Draw, *, sheets: int = 1) -> bytes:
    """Draw on the last of some sheets; the earlier ones are hidden."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    made = [book.add_worksheet() for _ in range(sheets)]
    made[-1].activate()
    made[-1].set_first_sheet()
    for sheet in made[:-1]:
        sheet.write(0, 0, "hidden")
        sheet.hide()
    draw(book, made[-1])
    book.close()
    return out.getvalue()


def grid(rows: list[list[Any]]) -> bytes:
    def draw(book: Any, sheet: Any) -> None:
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(number, column, value)

    return workbook(draw)


def refusal(data: bytes, *, limits: Limits | None = None) -> WillNeverWork:
    with pytest.raises(WillNeverWork) as caught:
        read_table(data, limits=limits)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_text_is_read_in_every_usual_encoding_delimiter_and_line_end(
    encoding: str, delimiter: str, line_end: str
) -> None:
    lines = ["source_id,地址,units", 'N-1,"渝中区, 一号",3', "N-2,,x"]
    text = line_end.join(line.replace(",", delimiter) for line in lines)
    table = read_table(text.encode(encoding))
    assert table.columns == ("source_id", "地址", "units")
    assert table.rows == [("N-1", f"渝中区{delimiter} 一号", "3"), ("N-2", None, "x")]


def test_numbers_in_text_stay_text_so_that_no_digit_is_lost() -> None:
    table = read_table(b"id,phone\n509900199003070013,013900000000\n")
    assert table.rows == [("509900199003070013", "013900000000")]


@pytest.mark.parametrize("shown", ["5.099E+17", "5.09900199003071E+17", "5,099E+17", "1E+18", "5.1e+17"])
def test_a_number_that_a_spreadsheet_shortened_before_saving_text_is_flagged(shown: str) -> None:
    assert read_table(f"id;n\n{shown};1\n".encode()).rows == [(RoundedNumber(shown), "1")]


def test_words_that_only_look_like_shortened_numbers_stay_words() -> None:
    assert read_table(b"a,b\n2E+,C++\n").rows == [("2E+", "C++")]


def test_a_cell_with_a_line_break_is_one_cell() -> None:
    table = read_table(b'a,b\n"x\ny",1\nz,2\n')
    assert list(table.records()) == [(2, {"a": "x\ny", "b": "1"}), (3, {"a": "z", "b": "2"})]


def test_blank_rows_are_passed_over_but_counted() -> None:
    table = read_table(b"a,b\n1,2\n,\n\n3,4\n,\n\n")
    assert [number for number, _ in table.records()] == [2, 5]


def test_short_rows_are_filled_up_and_empty_ends_cut() -> None:
    table = read_table(b"a,b,c,,\n1\n1,2,3,,\n1,2,3,,,,\n")
    assert table == Table(("a", "b", "c"), [("1", None, None), ("1", "2", "3"), ("1", "2", "3")], 2)


def test_one_column_alone_is_a_table() -> None:
    assert read_table(b"a\n1\n2\n") == Table(("a",), [("1",), ("2",)], 2)


def test_titles_above_the_header_are_passed_over_and_row_numbers_stay_true() -> None:
    table = read_table("2026年需求表,,\n\n编号,姓名,\nN-1,王小明,\n".encode("gb18030"))
    assert table.columns == ("编号", "姓名")
    assert table.first_row == 4
    assert list(table.records()) == [(4, {"编号": "N-1", "姓名": "王小明"})]


def test_our_own_mark_against_formulas_is_taken_off_again() -> None:
    assert read_table(b"a,b\n'=1+1,'+86 139\n").rows == [("=1+1", "+86 139")]
    assert read_table(b"a,b\n'tis,x\n").rows == [("'tis", "x")]


def test_cells_of_a_spreadsheet_keep_their_type() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["text", "whole", "part", "yes", "day", "moment", "hour", "long", "empty"])
        sheet.write_string(1, 0, " 509900199003070013 ")
        sheet.write_number(1, 1, 3)
        sheet.write_number(1, 2, 2.5)
        sheet.write_boolean(1, 3, True)
        for column, value, form in (
            (4, date(2026, 11, 23), "yyyy-mm-dd"),
            (5, MOMENT, "yyyy-mm-dd hh:mm"),
            (6, time(8, 30), "hh:mm"),
            (7, timedelta(hours=30), "[h]:mm"),
        ):
            sheet.write_datetime(1, column, value, book.add_format({"num_format": form}))
        sheet.write_string(1, 8, "　")

    (row,) = read_table(workbook(draw)).rows
    assert row[:3] == ("509900199003070013", 3, 2.5)
    assert [type(cell) for cell in row[:4]] == [str, int, float, bool]
    assert row[4:] == (date(2026, 11, 23), MOMENT, time(8, 30), "1 day, 6:00:00", None)


@pytest.mark.parametrize("number", [509900199003071234, 10**15, -(10**15), 1e300])
def test_an_id_number_kept_as_a_number_is_flagged_as_rounded(number: float) -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["id", "n"])
        sheet.write_number(1, 0, number)
        sheet.write_number(1, 1, 10**15 - 1)

    (row,) = read_table(workbook(draw)).rows
    assert row == (RoundedNumber(str(int(float(number)))), 10**15 - 1)


def test_failed_formulas_stay_visible_and_working_ones_give_their_value() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["a", "b", "c", "d"])
        sheet.write_formula(1, 0, "=1/0", value="#DIV/0!")
        sheet.write_formula(1, 1, "=A9", value="#REF!")
        sheet.write_formula(1, 2, "=1+1", value=2)
        sheet.write_formula(1, 3, '="x"', value="x")
        sheet.write_formula(2, 3, "=NA()", value="#N/A")

    table = read_table(workbook(draw))
    assert table.rows == [
        (FormulaError("#DIV/0!"), FormulaError("#REF!"), 2, "x"),
        (None, None, None, FormulaError("#N/A")),
    ]
    assert read_table(b"a,b\n#N/A,#1\n").rows == [(FormulaError("#N/A"), "#1")]


def test_the_first_sheet_that_can_be_seen_is_read() -> None:
    data = workbook(
        lambda _, sheet: [sheet.write_row(n, 0, row) for n, row in enumerate([["a", "b"], [1, 2]])], sheets=3
    )
    assert read_table(data) == Table(("a", "b"), [(1, 2)], 2)


def test_a_table_that_begins_lower_and_further_right_keeps_its_row_numbers() -> None:
    table = read_table(grid([[], [], [None, "a", "b"], [None, 1, 2], [None, None, None], [None, 3, 4]]))
    assert table.columns == ("a", "b")
    assert [number for number, _ in table.records()] == [4, 6]


def test_group_headings_over_the_header_and_names_merged_downwards_are_understood() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.merge_range("A1:D1", "需求登记表")
        sheet.merge_range("A2:A3", "编号")
        sheet.merge_range("B2:C2", "联系方式")
        sheet.write_row("B3", ["电话", "地址", "数量"])
        sheet.write_row("A4", ["N-1", "139", "渝中", 2])

    table = read_table(workbook(draw))
    assert table == Table(("编号", "电话", "地址", "数量"), [("N-1", "139", "渝中", 2)], 4)


def test_merged_cells_among_the_rows_are_refused_by_place() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row("A1", ["household", "need"])
        sheet.merge_range("A2:A3", "H-1")
        sheet.write_column("B2", ["food", "coal"])

    error = refusal(workbook(draw))
    assert (error.code, error.params) == ("merged_cells", {"place": "A2:A3"})


def test_a_merged_note_below_the_rows_counts_as_a_row_and_is_refused() -> None:
    def draw(book: Any, sheet: Any) -> None:
        sheet.write_row("A1", ["a", "b"])
        sheet.write_row("A2", [1, 2])
        sheet.merge_range("A4:B4", "made by the street office")

    assert refusal(workbook(draw)).params == {"place": "A4:B4"}


@pytest.mark.parametrize("data", [b"", b"   \r\n\t", b"\0\0"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert refusal(data).code == "file_empty"


@pytest.mark.parametrize("data", [b",,\n,,\n", b"\xef\xbb\xbf,\n", grid([]), b"only a title,\na,b\n"[:13]])
def test_a_file_without_column_names_or_rows_is_refused(data: bytes) -> None:
    assert refusal(data).code in ("no_header", "no_rows")


def test_names_without_rows_are_refused() -> None:
    assert refusal(b"a,b\n,\n").code == "no_rows"


def test_two_columns_of_one_name_are_refused_by_place() -> None:
    error = refusal(grid([["a", "phone", "b", " phone "], [1, 2, 3, 4]]))
    assert (error.code, error.params) == ("duplicate_column", {"name": "phone", "first": "B", "second": "D"})


def test_values_under_no_name_are_refused_by_place() -> None:
    error = refusal(grid([["a", None, "b"], [1, None, 2], [1, 5, 2]]))
    assert (error.code, error.params) == ("column_without_name", {"column": "B"})
    assert read_table(grid([["a", None, "b"], [1, None, 2]])).rows == [(1, 2)]


def test_a_comma_that_was_not_quoted_is_refused_by_row() -> None:
    error = refusal("id,地址\nN-1,渝中\nN-2,渝中,一号\n".encode())
    assert (error.code, error.params) == ("row_too_long", {"row": 3})


@pytest.mark.parametrize(("data", "line"), [(b'a,b\n1,"2\n3,4\n', 3), (b'a,b\n1,"2"3\n', 2)])
def test_quotes_that_do_not_pair_are_refused_by_line(data: bytes, line: int) -> None:
    error = refusal(data)
    assert (error.code, error.params) == ("broken_quotes", {"line": line})


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a,b\n\xe4\xb8,\xff\xff\n", 2),
        (b"a,b\n1,2\n\xaa\xa1,x\n", 3),
        (b"\xff\xfea\0,\0b\0\n\0\x00\xd8", 2),
    ],
)
def test_text_that_is_neither_utf8_nor_gb18030_is_refused_by_line(data: bytes, line: int) -> None:
    error = refusal(data)
    assert error.code == "unknown_encoding"
    assert error.params["line"] == line


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"%PDF-1.7\n\0\0binary", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"PK\x03\x04 not really", "damaged"),
    ],
)
def test_files_of_other_kinds_are_refused_with_what_to_do(data: bytes, code: str) -> None:
    error = refusal(data)
    assert error.code == code
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_bytes=10), "file_too_large"),
        (Limits(max_rows=2), "too_many_rows"),
        (Limits(max_columns=1), "too_many_columns"),
        (Limits(max_cell_characters=3), "cell_too_long"),
    ],
)
def test_limits_hold_for_text_and_spreadsheets_alike(limits: Limits, code: str) -> None:
    rows = [["a", "b"], ["word", 1], ["word", 2], ["word", 3]]
    text = "\n".join(",".join(map(str, row)) for row in rows).encode()
    assert {refusal(text, limits=limits).code, refusal(grid(rows), limits=limits).code} == {code}


def test_a_refusal_shows_no_cell() -> None:
    error = refusal("姓名,号码\n王小明,1,2\n".encode())
    assert "王小明" not in str(error) + repr(error.params)
