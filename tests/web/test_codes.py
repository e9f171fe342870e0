"""Codes are shown in the reader's language, and an unknown one never breaks a page."""

import re

import pytest
from flask import Flask

from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.reference.tables import rows
from marketplace.reference.words import words
from marketplace.web.codes import amount, office, place, sources, word


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.mark.parametrize(
    ("lang", "shown"),
    [
        ("zh_Hans", ["米面油等食品包", "两江新区", "12 份", "¥35"]),
        ("en", ["Food parcel", "Liangjiang New Area", "12 packs", "¥35"]),
    ],
)
def test_codes_are_shown_in_the_readers_language(app: Flask, lang: str, shown: list[str]) -> None:
    with app.test_request_context(f"/?lang={lang}"):
        found = [word("LIVING.FOOD_PACK", "need"), place("500112"), amount(12, "PACK"), amount(3500, "FEN")]
    assert found == shown


def test_an_office_is_named_by_its_district_and_street(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        assert office("500101017") == "Wanzhou District · 太白街道"
        assert (office("500112"), office("500101999")) == ("Liangjiang New Area", "Wanzhou District · 999")


def test_an_unknown_code_is_shown_as_it_is(app: Flask) -> None:
    with app.test_request_context("/"):
        assert [word("NO.SUCH", "need"), word(None, "need"), place("999999")] == ["NO.SUCH", "—", "999999"]


def test_what_a_rule_rests_on_is_told_in_words_and_own_words_stay(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        assert sources("P-CQ13;P-GA", "V2").endswith("borderline families (2025) (read in a copy or an extract)")
        assert sources("DESIGN", "D") == "A proposal of this product"
        assert sources("a notice of our own; of May") == "a notice of our own; of May"


def test_every_source_of_rules_and_alerts_has_a_name() -> None:
    rested = [row for table in ("duplicate_rules", "warning_rules", "events") for row in rows(table)]
    assert {part for row in rested for part in re.split("[; ]+", row["source"])} <= set(words("source"))
    assert {row["mark"] for row in rested} <= set(words("source_mark"))
