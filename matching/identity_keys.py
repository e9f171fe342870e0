"""Keys under which people are found again unread, and an agreement told in words.

What enters: columns of people, or the levels of a pair. What leaves: for each person some short texts, each of which a
second record of the same person most likely has too; and for each field one of the words same, similar, different,
untold. Called by the households room, which seals every key with its own secret before it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from matching.identity_compare import FIELDS, TOP
from matching.identity_records import Column, Records, read_records

USES = ("number", "phone", "name_birth", "name_place", "surname_birth", "given_birth")
"""What a key is made of."""


def search_keys(columns: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """For each row its keys by use; uses without facts are left out.

    >>> search_keys({"name": ["鄭建國"], "birth_date": ["1968年3月5日"], "address": [""]})[0]["name_birth"]
    'jianguo\\tzen|19680305'
    """
    records = read_records(columns)
    return [_keys(records, row) for row in range(records.size)]


def _keys(records: Records, row: int) -> dict[str, str]:
    told = {name: _value(column, row) for name, column in records.columns.items()}
    surname, given = (_ear(records.columns[name], row) for name in ("surname", "given"))
    name = "\t".join(sorted((surname, given))) if surname and given else ""
    words = told["place"].split("\t")[0]
    made = {
        "number": (told["number"],),
        "phone": (told["phone"],),
        "name_birth": (name, told["birth"]),
        "name_place": (name, words),
        "surname_birth": (surname, told["birth"]),
        "given_birth": (given, told["birth"]),
    }
    return {use: "|".join(parts) for use, parts in made.items() if all(parts)}


def _value(column: Column, row: int) -> str:
    code = int(column.codes[row])
    return column.values[code] if code >= 0 else ""


def _ear(column: Column, row: int) -> str:
    code = int(column.codes[row])
    return column.text["ear"][code] if code >= 0 else ""


def in_words(levels: NDArray[np.uint8]) -> dict[str, str]:
    """Field ► same, similar, different or untold.

    >>> in_words(np.array([5, 1, 0, 4, 0, 0, 0, 2, 0, 0, 0], np.uint8))["birth"]
    'similar'
    """
    return {name: _word(int(level), TOP[name]) for name, level in zip(FIELDS, levels, strict=True)}


def _word(level: int, top: int) -> str:
    if level in (0, 1):
        return ("untold", "different")[level]
    return "same" if level == top else "similar"
