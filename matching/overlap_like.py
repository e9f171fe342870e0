"""How like aid that was given is to aid that is asked for: the same need, cause, kind, month, year.

What enters: a row of live aid and what somebody wants to give. What leaves: yes or no, or the rows that are like it.
What either leaves open may be anything. Called by the judge of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from matching.overlap_rules import Asked, Given, Rule, may_be_one, one_illness


def same_need(row: Given, asked: Asked, /) -> bool:
    """Whether a row names the very need that is asked about."""
    return bool(row.need_id) and row.need_id == asked.need_id


def same_cause(row: Given, asked: Asked, /) -> bool:
    """Whether both may be for one event; an unknown one may be any."""
    return may_be_one(row.cause, asked.cause)


def alike(row: Given, asked: Asked, /) -> bool:
    """Whether a row is of the same kind and cause, or under another kind of one illness."""
    one_kind = row.category == asked.category and same_cause(row, asked)
    return one_kind or one_illness(row, category=asked.category, cause=asked.cause)


def same_month(row: Given, asked: Asked, /) -> bool:
    """Whether both are of one month of one year."""
    return (row.given_on.year, row.given_on.month) == (asked.on.year, asked.on.month)


def of_year(rule: Rule, asked: Asked, rows: Iterable[Given], /) -> list[Given]:
    """Aid of the category in this year; what is paid every month by right is not among it."""
    had = [row for row in rows if row.category == asked.category and row.given_on.year == asked.on.year]
    return [row for row in had if row.programme not in rule.excepted]
