"""What an offer says: each thing that can be wrong is named with its field, and nothing else is refused."""

from datetime import date
from typing import Any

import pytest

from marketplace.intake import sentence
from marketplace.offers.models import Acceptance
from marketplace.offers.terms import doubt, faults
from tests.marketplace.offer_terms import some_terms

TODAY = date(2026, 11, 23)


def codes(**over: Any) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in faults(some_terms(**over), on=TODAY)]


def test_ordinary_terms_are_taken():
    assert codes() == []
    assert codes(max_per_need=None, districts=("500103", "500157"), tags_any=("elder",), min_urgency=3) == []
    assert codes(acceptance=Acceptance.STANDING, lot=4, min_per_need=4, max_per_need=12, max_per_household=12) == []


@pytest.mark.parametrize(
    ("over", "field", "code"),
    [
        ({"category": "FREE.LUNCH"}, "category", "unknown_category"),
        ({"stock_units": 0}, "stock_units", "not_positive"),
        ({"stock_units": 2**62 + 1}, "stock_units", "too_large"),
        ({"max_per_need": 10**12 + 1}, "max_per_need", "too_large"),
        ({"lot": 101, "max_per_need": None}, "lot", "lot_over_stock"),
        ({"min_per_need": 101, "max_per_need": None}, "min_per_need", "least_over_stock"),
        ({"min_per_need": 5, "max_per_need": 4}, "max_per_need", "most_under_least"),
        ({"lot": 5, "min_per_need": 6, "max_per_need": 9}, "max_per_need", "no_lot_between"),
        ({"lot": 5, "max_per_household": 4}, "max_per_household", "most_under_least"),
        ({"districts": ("500105",)}, "districts", "unknown_district"),
        ({"tags_any": ("rich",)}, "tags_any", "not_in_list"),
        ({"tags_all": ("elder",), "tags_none": ("elder",)}, "tags_none", "tags_contradict"),
        ({"tags_any": ("elder",), "tags_none": ("elder",)}, "tags_none", "tags_contradict"),
        ({"min_urgency": 4}, "min_urgency", "not_between"),
        ({"valid_to": None}, "valid_to", "empty"),
        ({"valid_to": TODAY}, "valid_to", "end_past"),
        ({"valid_from": date(2027, 6, 1)}, "valid_to", "dates_reversed"),
        ({"title": ""}, "title", "empty"),
        ({"standard": ""}, "standard", "empty"),
        ({"steps": ""}, "steps", "empty"),
        ({"rules": ""}, "rules", "empty"),
        ({"category": "EMERGENCY.CASH", "unit_cost_fen": 5}, "unit_cost_fen", "cost_of_money"),
    ],
)
def test_each_fault_is_named_with_its_field(over: dict[str, Any], field: str, code: str):
    assert codes(**over) == [(field, code)]


def test_amounts_that_no_giver_means_wait_for_a_person():
    assert doubt(some_terms()) == ""
    assert doubt(some_terms(stock_units=24_000)) == ""
    assert doubt(some_terms(stock_units=24_001)) == "stock_implausible"
    assert doubt(some_terms(min_per_need=25, max_per_need=None)) == "least_implausible"


def test_amounts_of_money_are_told_in_yuan():
    terms = some_terms(category="EMERGENCY.CASH", stock_units=100_050, lot=200_000, max_per_need=None)
    assert [dict(fault.facts) for fault in faults(terms, on=TODAY)] == [{"most": "1000.50"}]


def test_every_fault_and_doubt_has_its_sentence_in_both_languages():
    codes = {"lot_over_stock", "least_over_stock", "most_under_least", "no_lot_between", "cost_of_money", "end_past"}
    facts = {"most": "1", "least": "1", "lot": "1"}
    for code in codes | {"tags_contradict", "hold_stock_implausible", "hold_least_implausible"}:
        for lang in ("zh_Hans", "en"):
            assert all(sentence(code, facts, lang=lang))
