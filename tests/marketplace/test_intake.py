"""A table from outside: columns found, one class of faults at a time, nothing taken that a spreadsheet has spoilt."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlmodel import Session

from adapters.tabular_writer import Column as OutColumn
from adapters.tabular_writer import write_csv, write_xlsx
from marketplace import audit, intake
from marketplace.actors import Actor, Role
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.intake import Column, Row, Schema, Stage, cells, sentences
from marketplace.intake.cells import id_number, units
from marketplace.reference.identity_number import make_id_number

TODAY = date(2026, 11, 23)
MORNING = datetime(2026, 3, 1, 9)  # noqa: DTZ001  a spreadsheet knows no zone
GOOD_ID = make_id_number("509900", date(1980, 5, 17), seq=12)


def _finish(row: Row) -> None:
    try:
        row.values["units"] = units(row["amount"], row["unit"], wanted="FEN")
    except intake.BadCell as error:
        row.fault("amount", error.code, stage=error.stage, **error.params)
        return
    if row.values["units"] > 10_000_000:
        row.hold("implausible_amount")


SCHEMA = Schema(
    columns=(
        Column("key", "编号", "Reference", cells.text(20), needed=True, filled=True),
        Column("person", "身份证号", "ID number", id_number(TODAY), secret=True),
        Column("amount", "金额", "Amount", cells.number, needed=True, filled=True, kind="number"),
        Column("unit", "单位", "Unit", cells.unit),
        Column("on", "日期", "Date", cells.day, kind="date"),
    ),
    key=("key",),
    finish=_finish,
)


def check(columns: list[str], *rows: list[object], **over: object) -> intake.Checked:
    """The answer for a small CSV file."""
    return intake.check_table(write_csv(columns, rows), SCHEMA, **over)  # type: ignore[arg-type]


def codes(checked: intake.Checked) -> list[tuple[int, str, str]]:
    """Row, column and code of every fault."""
    return [(fault.row, fault.column, fault.code) for fault in checked.faults]


@pytest.mark.parametrize(
    "names",
    [["key", "person", "amount"], ["编号", "身份证号", "金额（元）"], ["Reference *", "id_number", "AMOUNT"]],
)
def test_columns_are_found_by_our_name_or_a_name_in_either_language(names: list[str]) -> None:
    checked = check(names, ["a", GOOD_ID, "1,200.50"])
    assert checked.faults == []
    assert checked.rows[0].values == {"key": "a", "person": GOOD_ID, "amount": "1200.5", "units": 120_050}


def test_missing_columns_are_told_before_any_row_is_looked_at() -> None:
    checked = check(["编号"], [""], ["x" * 99])
    assert checked.stage is Stage.COLUMNS
    assert codes(checked) == [(1, "amount", "column_missing")]
    assert checked.rows == []


def test_spoilt_cells_are_told_before_wrong_ones_and_wrong_ones_before_clashes() -> None:
    rounded = ["a", "5.099E+17", "1"]
    wrong = ["b", "12", "many"]
    twice = [["c", None, "1"], ["c", None, "2"]]
    header = ["key", "person", "amount"]
    assert codes(check(header, rounded, wrong, *twice)) == [(2, "person", "id_rounded")]
    assert codes(check(header, wrong, *twice)) == [(2, "person", "id_length"), (2, "amount", "not_a_number")]
    assert codes(check(header, *twice)) == [(3, "key", "row_repeated")]


def test_an_id_number_that_a_spreadsheet_rounded_is_refused_with_the_mend() -> None:
    sheet = write_xlsx(["key", OutColumn("person", kind="number"), "amount"], [["a", 1, 5]])
    assert intake.check_table(sheet, SCHEMA).faults[0].code == "id_length"
    checked = check(["key", "person", "amount"], ["a", GOOD_ID[:15] + "000", 5], ["b", GOOD_ID, 5])
    assert codes(checked) == [(2, "person", "id_rounded")]
    assert "文本" in intake.sentence("id_rounded", lang="zh_Hans")[1]


def test_a_secret_value_is_hidden_in_faults_and_in_the_error_file() -> None:
    wrong = GOOD_ID[:-1] + ("1" if GOOD_ID[-1] != "1" else "2")
    checked = check(["key", "person", "amount"], ["a", wrong, 5])
    assert checked.faults[0].code == "id_check_digit"
    told = checked.faults[0].shown + intake.error_file(checked.faults, lang="en").decode() + repr(checked)
    assert wrong[1:-1] not in told


def test_row_numbers_are_those_a_spreadsheet_shows_even_after_blank_rows() -> None:
    checked = check(["key", "amount"], ["a", 1], [None, None], ["b", "x"])
    assert codes(checked) == [(4, "amount", "not_a_number")]


def test_an_implausible_amount_is_held_and_never_refused() -> None:
    checked = check(["key", "amount"], ["a", 100_000], ["b", 100_000.01])
    assert [row.held for row in checked.rows] == [(), ("implausible_amount",)]


@pytest.mark.parametrize(
    ("amount", "unit", "fen"),
    [("3000", None, 300_000), ("3000", "元", 300_000), ("3", "万元", 3_000_000), ("7", "分", 7)],
)
def test_money_is_read_in_its_unit_to_whole_fen(amount: str, unit: str | None, fen: int) -> None:
    assert units(amount, unit, wanted="FEN") == fen


@pytest.mark.parametrize(
    ("amount", "unit", "wanted", "code"),
    [
        ("1.005", None, "FEN", "not_whole_fen"),
        ("2.5", None, "PACK", "not_whole"),
        ("2", "小时", "PACK", "wrong_unit"),
        ("0", None, "FEN", "not_positive"),
        ("-4", None, "PACK", "not_positive"),
    ],
)
def test_an_amount_that_does_not_fit_its_unit_is_refused(amount: str, unit: str, wanted: str, code: str) -> None:
    with pytest.raises(intake.BadCell) as caught:
        units(amount, unit, wanted=wanted)
    assert caught.value.code == code


@pytest.mark.parametrize("cell", [date(2026, 3, 1), MORNING, "2026-3-1", "2026年3月1日", "20260301", "2026/03/01"])
def test_dates_are_read_as_people_write_them(cell: object) -> None:
    assert cells.day(cell) == "2026-03-01"  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["2026-02-30", "soon", "2026-13-01"])
def test_a_date_that_is_none_is_refused(cell: str) -> None:
    with pytest.raises(intake.BadCell):
        cells.day(cell)


def test_a_mapping_file_names_columns_fills_constants_and_translates_words() -> None:
    mapping = intake.read_mapping(
        '[columns]\nkey = "流水"\namount = "钱"\n[constants]\nunit = "分"\n[values.unit]\nyuan2 = "元"\n'.encode(),
        SCHEMA,
    )
    checked = check(["流水", "钱", "unit", "备注"], ["a", 5, None], ["b", 5, "yuan2"], mapping=mapping)
    assert [row.values["units"] for row in checked.rows] == [5, 500]
    assert checked.ignored == ("备注",)


@pytest.mark.parametrize("text", ["[columns", "[wrong]\nkey = 1", "[columns]\nnone = 'x'", "[values]\nkey = 'x'"])
def test_a_wrong_mapping_file_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        intake.read_mapping(text.encode(), SCHEMA)


def test_a_mapping_to_an_absent_column_is_a_fault_of_the_columns() -> None:
    mapping = intake.read_mapping(b'[columns]\nkey = "nowhere"', SCHEMA)
    assert codes(check(["key", "amount"], ["a", 1], mapping=mapping)) == [(1, "nowhere", "mapped_column_absent")]


def test_a_file_that_is_no_table_says_so_in_both_languages() -> None:
    checked = intake.check_table(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", SCHEMA)
    assert checked.stage is Stage.FILE
    fault = checked.faults[0]
    assert intake.sentence(fault.code, fault.params, lang="zh_Hans") != intake.sentence(
        fault.code, fault.params, lang="en"
    )


def test_records_of_a_registry_pass_the_same_rules_and_faulty_ones_are_set_aside() -> None:
    checked, faults = intake.check_records([(1, {"key": "a", "amount": 3}), (2, {"key": "b"})], SCHEMA)
    assert [row.values["units"] for row in checked.rows] == [300]
    assert [(fault.row, fault.code) for fault in faults] == [(2, "empty")]


def test_every_fault_of_files_has_its_sentence() -> None:
    from adapters.tabular_faults import FILE_FAULTS

    assert {f"file_{code}" for code in FILE_FAULTS} <= set(sentences.codes())


def test_the_template_passes_its_own_check_up_to_the_missing_rows() -> None:
    for lang in ("zh_Hans", "en"):
        checked = intake.check_table(intake.template_file(SCHEMA, lang=lang), SCHEMA)
        assert checked.faults[0].code == "file_no_rows"


def _keep(session: Session, checked: intake.Checked, *, actor: Actor, now: datetime) -> intake.ImportBatch:
    return intake.keep_batch(
        session,
        checked,
        kind=intake.ImportKind.NEEDS,
        file_name="C:\\lists\\march.csv",
        data=b"x",
        source="list",
        counts={"new": len(checked.rows)},
        actor=actor,
        now=now,
    )


def test_checked_rows_wait_sealed_and_are_destroyed_when_the_batch_is_closed(
    session: Session, verifier: Actor, now: datetime
) -> None:
    batch = _keep(session, check(["key", "person", "amount"], ["a", GOOD_ID, 5]), actor=verifier, now=now)
    assert batch.file_name == "march.csv"
    assert GOOD_ID.encode() not in (batch.payload or b"")
    assert intake.rows_of(session, batch)[0].values["person"] == GOOD_ID
    intake.close_batch(session, batch, state=intake.ImportState.CONFIRMED, actor=verifier, now=now)
    assert batch.payload is None
    with pytest.raises(WrongState):
        intake.rows_of(session, batch)
    assert audit.verify(session).bad_seq == 0


def test_a_batch_with_faults_cannot_be_stored(session: Session, verifier: Actor, now: datetime) -> None:
    batch = _keep(session, check(["key", "amount"], ["a", "x"]), actor=verifier, now=now)
    assert [fault.code for fault in intake.faults_of(session, batch)] == ["not_a_number"]
    with pytest.raises(WrongState):
        intake.rows_of(session, batch)


def test_a_batch_of_another_organisation_or_kind_looks_like_none(
    session: Session, verifier: Actor, now: datetime
) -> None:
    batch = _keep(session, check(["key", "amount"], ["a", 1]), actor=verifier, now=now)
    stranger = Actor(id="c", role=Role.CHARITY_MANAGER, org_id="org-1")
    with pytest.raises(NotFound):
        intake.get_batch(session, batch.id, kind=intake.ImportKind.NEEDS, actor=stranger)
    with pytest.raises(NotFound):
        intake.get_batch(session, batch.id, kind=intake.ImportKind.AID, actor=verifier)
