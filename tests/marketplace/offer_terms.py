"""Terms of an offer with nothing wrong in them, for the offers' tests."""

from datetime import date
from typing import Any

from marketplace.offers.terms import Terms


def some_terms(**over: Any) -> Terms:
    """A hundred food parcels for the whole city, up to twelve a household."""
    values: dict[str, Any] = {
        "title": "冬季食品包",
        "category": "LIVING.FOOD_PACK",
        "stock_units": 100,
        "max_per_need": 12,
        "valid_to": date(2027, 5, 22),
        "standard": "每户 1 至 12 份",
        "steps": "街道通知，自取或送达",
        "rules": "不收取任何费用",
    }
    return Terms(**values | over)
