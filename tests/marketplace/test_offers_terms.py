"""What an offer says: each thing that can be wrong is named with its field, and nothing else is refused."""

from datetime import date
from typing import Any

import pytest

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
        ({"category": "FREE.LUNCH"}, "category", "category_unknown"),
        ({"stock_units": 0}, "stock_units", "stock_none"),
        ({"stock_units": 10**12 + 1}, "stock_units", "stock_none"),
        ({"lot": 101, "max_per_need": None}, "lot", "lot_over_stock"),
        ({"min_per_need": 101, "max_per_need": None}, "min_per_need", "least_over_stock"),
        ({"min_per_need": 5, "max_per_need": 4}, "max_per_need", "most_under_least"),
        ({"lot": 5, "min_per_need": 6, "max_per_need": 9}, "max_per_need", "no_lot_between"),
        ({"lot": 5, "max_per_household": 4}, "max_per_household", "most_under_least"),
        ({"districts": ("500105",)}, "districts", "district_unknown"),
        ({"tags_any": ("rich",)}, "tags_any", "tag_unknown"),
        ({"tags_all": ("elder",), "tags_none": ("elder",)}, "tags_none", "tags_contradict"),
        ({"tags_any": ("elder",), "tags_none": ("elder",)}, "tags_none", "tags_contradict"),
        ({"min_urgency": 4}, "min_urgency", "urgency_unknown"),
        ({"valid_to": None}, "valid_to", "end_missing"),
        ({"valid_to": TODAY}, "valid_to", "end_past"),
        ({"valid_from": date(2027, 6, 1)}, "valid_to", "end_before_start"),
        ({"title": ""}, "title", "title_missing"),
        ({"standard": ""}, "standard", "standard_missing"),
        ({"steps": ""}, "steps", "steps_missing"),
        ({"rules": ""}, "rules", "rules_missing"),
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
