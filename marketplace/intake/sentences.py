"""The sentences of faults and holds in both languages, from `sentences.csv` beside this module.

What enters: a code and the values that fill its sentence. What leaves: what is wrong and how to mend it. Called by
pages, commands and error files; the table is data, because commands speak without a request that chooses a language.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from io import StringIO


@cache
def _table() -> dict[str, Mapping[str, str]]:
    text = (files("marketplace.intake") / "sentences.csv").read_text(encoding="utf-8")
    return {row["code"]: row for row in csv.DictReader(StringIO(text))}


def codes() -> tuple[str, ...]:
    """Every code that has a sentence."""
    return tuple(_table())


def sentence(code: str, params: Mapping[str, str | int] | None = None, /, *, lang: str) -> tuple[str, str]:
    """What is wrong, and the mend.

    >>> sentence("not_between", {"low": 0, "high": 3}, lang="en")
    ('This is not a whole number from 0 to 3.', 'Write a whole number from 0 to 3.')
    """
    row = _table()[code]
    which = "en" if lang.startswith("en") else "zh"
    facts = dict(params or {})
    return row[which].format(**facts), row[f"{which}_mend"].format(**facts)


def hold_sentence(code: str, *, lang: str) -> str:
    """Why a row waits for a person."""
    return sentence(f"hold_{code}", lang=lang)[0]
