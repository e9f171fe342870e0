"""Labels of codes in Chinese and English.

What enters: a table's name, a code, a language. What leaves: the label people read. Called by views, notices
and templates; the tables are those of `data/words.csv` and every other file that carries `code`, `zh` and
`en`.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from marketplace.reference.tables import UnknownCode, rows

OWN_FILES = {
    "need": "needs",
    "purpose": "purposes",
    "field": "fields",
    "monitoring_category": "monitoring_categories",
    "aid_item": "aid_items",
    "feed": "feeds",
    "fact_kind": "fact_kinds",
    "indicator": "indicators",
    "need_error": "need_errors",
    "need_point": "need_points",
    "warning_rule": "warning_rules",
    "duplicate_rule": "duplicate_rules",
    "visit_cause": "visit_causes",
    "source": "sources",
}
"""Tables that have a file of their own; all others live in `words.csv`."""


@cache
def words(table: str) -> Mapping[str, tuple[str, str]]:
    """Code to (Chinese, English) for one table, in the table's own order."""
    if table in OWN_FILES:
        found = {row["code"]: (row["zh"], row["en"]) for row in rows(OWN_FILES[table])}
    else:
        found = {row["code"]: (row["zh"], row["en"]) for row in rows("words") if row["table"] == table}
    if not found:
        raise UnknownCode("words", table)
    return MappingProxyType(found)


def list_codes(table: str) -> tuple[str, ...]:
    """The codes of one table in the order in which people expect them."""
    return tuple(words(table))


def label(table: str, code: str | int, *, lang: str = "zh_Hans") -> str:
    """The label of a code; any language that does not begin with ``en`` gets Chinese.

    >>> label("urgency", 3, lang="en"), label("unit", "FEN")
    ('Critical', '元')
    """
    pair = words(table).get(str(code))
    if pair is None:
        raise UnknownCode(table, str(code))
    return pair[1] if lang.startswith("en") else pair[0]


def choices(table: str, *, lang: str = "zh_Hans") -> list[tuple[str, str]]:
    """(code, label) pairs for a select field."""
    return [(code, label(table, code, lang=lang)) for code in words(table)]
