"""The messages of the doors: what they show of themselves, and how their errors carry a code and values."""

from __future__ import annotations

import dataclasses

import pytest

from adapters import ports


def test_a_message_never_shows_its_address_or_text() -> None:
    message = ports.Message(
        channel="sms",
        idempotency_key="notice-7",
        template_code="offer-waiting",
        address="13900000000",
        body="a matter waits for you",
        subject="a matter",
        params={"link": "https://example.test/x"},
    )
    shown = f"{message!r} {message}"
    assert "notice-7" in shown
    for hidden in ("13900000000", "matter", "example.test"):
        assert hidden not in shown


def test_a_need_record_shows_its_number_and_no_cell() -> None:
    record = ports.NeedRecord(source_id="N-1", cells={"head_name": "王小明"})
    assert "N-1" in repr(record)
    assert "王小明" not in repr(record)


def test_a_rounded_number_does_not_show_what_is_left_of_an_id_number() -> None:
    assert "5099" not in repr(ports.RoundedNumber("509900199003071000"))


def test_messages_cannot_be_changed_on_the_way() -> None:
    receipt = ports.Receipt(channel="console", reference="1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        receipt.reference = "2"  # type: ignore[misc]


def test_errors_carry_a_code_and_values_beside_their_sentence() -> None:
    error = ports.TryAgainLater("Busy.", code="busy", params={"door": "sms"}, after_seconds=30)
    assert isinstance(error, ports.OutsideError)
    assert (str(error), error.code, error.params, error.after_seconds) == (
        "Busy.",
        "busy",
        {"door": "sms"},
        30,
    )
    assert ports.WillNeverWork("No.", code="no").params == {}


def test_no_column_is_named_twice() -> None:
    for columns in (ports.NEED_COLUMNS, ports.AID_COLUMNS):
        assert len(set(columns)) == len(columns)
