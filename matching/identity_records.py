"""A table of people as whole numbers: every cell folded once, equal values with equal codes.

What enters: columns of text that the caller names, any of them missing or with empty cells. What leaves: `Records`,
with one code for each cell (-1: nothing told) and for each distinct value what comparisons need: sound, shape, words
and numbers of an address, digits of a date. Called by `identity`, then read by `identity_blocks` and
`identity_compare`. Cost grows with the rows; folding is done once for each distinct cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matching.identity_numbers import born_by, digits_of_date, id_number, is_valid, phone, sex
from matching.identity_place import address, district
from matching.identity_text import fold, is_han, shape, sounds, split_name

Codes = NDArray[np.int64]
Texts = Sequence[str]

KNOWN = (
    "source", "name", "given_name", "surname", "sex", "birth_date", "id_number", "phone", "email", "address",
    "district", "postcode", "household_id",
)  # fmt: skip
"""The columns that are compared; others are left alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """`codes` for each row, the distinct `values`, and for each of these further codes or texts by name."""

    codes: Codes
    values: list[str]
    also: dict[str, Codes] = field(default_factory=dict)
    text: dict[str, list[str]] = field(default_factory=dict)

    def of(self, name: str, default: int = -1) -> Codes:
        """A further code, for each row."""
        if not self.values:
            return np.full(len(self.codes), default, np.int64)
        return np.where(self.codes < 0, default, self.also[name][self.codes])

    def counts(self) -> Codes:
        """How many rows have each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """`size` rows; `columns` by name; `digits` of the birth date, shape (rows, 8), -1 where nothing is told."""

    size: int
    columns: dict[str, Column]
    digits: NDArray[np.int8]

    def code(self, name: str) -> Codes:
        """The codes of one column."""
        return self.columns[name].codes


def coded(cells: Texts) -> tuple[Codes, list[str]]:
    """A code for each cell in the order of the sorted distinct texts, so that no order of rows matters."""
    values = sorted(set(cells) - {""})
    code = {value: at for at, value in enumerate(values)} | {"": -1}
    return np.fromiter((code[cell] for cell in cells), np.int64, len(cells)), values


def _column(cells: Texts) -> Column:
    return Column(*coded(cells))


def _mapped(cells: Texts, change: Callable[[str], str]) -> list[str]:
    known: dict[str, str] = {cell: change(cell) for cell in set(cells)}
    return [known[cell] for cell in cells]


def read_records(columns: Mapping[str, Texts]) -> Records:
    """Fold every known column.

    Raises
    ------
    ValueError
        If columns differ in length, or no known column is there.
    """
    sizes = {len(cells) for cells in columns.values()}
    if len(sizes) > 1:
        raise ValueError(f"columns differ in length: {sorted(sizes)}")
    if not set(KNOWN) & set(columns):
        raise ValueError(f"no column to compare: name one of {', '.join(KNOWN)}")
    size = sizes.pop()
    folded = {name: _mapped(columns[name], fold) if name in columns else [""] * size for name in KNOWN}
    return _records(folded, size)


def _records(folded: dict[str, list[str]], size: int) -> Records:
    given, surname = _names(folded)
    numbers = _mapped(folded["id_number"], id_number)
    births = _mapped(folded["birth_date"], digits_of_date)
    sexes = _mapped(folded["sex"], sex)
    told = {number: born_by(number) for number in set(numbers) if is_valid(number)}
    for at, number in enumerate(numbers):
        if number in told and (not births[at] or not sexes[at]):
            births[at], sexes[at] = births[at] or told[number][0], sexes[at] or told[number][1]
    places, within = _addresses(folded["address"])
    districts = [told or also for told, also in zip(folded["district"], within, strict=True)]
    found = {
        "given": _name_column(given),
        "surname": _name_column(surname, is_surname=True),
        "full": _full_column(surname, given),
        "sex": _column(sexes),
        "birth": _column(births),
        "number": _number_column(numbers),
        "phone": _column(_mapped(folded["phone"], phone)),
        "email": _column(folded["email"]),
        "place": places,
        "district": _district_column(districts),
        "postcode": _column(_mapped(folded["postcode"], lambda text: text.removesuffix(".0").replace(" ", ""))),
        "home": _column(folded["household_id"]),
        "source": _column(folded["source"]),
    }
    return Records(size, found, _digits(births))


def _names(folded: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """Given names and surnames; a full name is split where the parts are not told."""
    known = {text: split_name(text) for text in set(folded["name"])}
    given, surname = list(folded["given_name"]), list(folded["surname"])
    for at, whole in enumerate(folded["name"]):
        if whole and not given[at]:
            last, first = known[whole]
            if not surname[at]:
                given[at], surname[at] = first, last
            elif whole.startswith(surname[at]) and is_han(whole):
                given[at] = whole[len(surname[at]) :]
            else:
                given[at] = first if last == surname[at] or not last else whole
        elif whole and not surname[at]:
            surname[at] = known[whole][0]
    return _mapped(given, _letters), _mapped(surname, _letters)


def _letters(text: str) -> str:
    """A name without marks; Chinese names without blanks."""
    kept = "".join(mark if mark.isalnum() else " " if mark in " -" else "" for mark in text)
    return kept.replace(" ", "") if is_han(text) else " ".join(kept.split())


def _name_column(cells: list[str], *, is_surname: bool = False) -> Column:
    codes, values = coded(cells)
    heard = [sounds(value, surname=is_surname) for value in values]
    texts = {"sound": [sound for sound, _ in heard], "ear": [ear for _, ear in heard]}
    texts["shape"] = [shape(value) for value in values]
    also = {name: coded(list(text))[0] for name, text in texts.items()}
    also["han"] = np.array([is_han(value) for value in values], np.int64)
    also["long"] = np.array([len(value) for value in values], np.int64)
    return Column(codes, values, also, texts)


def _full_column(surname: list[str], given: list[str]) -> Column:
    """Both parts in one order; `met` and `joined` are their sounds in alphabetical order and in a row, so that swapped
    parts and other cuts meet; `parts` and `whole` are the same of what is written."""
    pairs = [(last, first) if last and first else ("", "") for last, first in zip(surname, given, strict=True)]
    codes, values = coded(["\t".join(pair) if pair[0] else "" for pair in pairs])
    parts = [value.split("\t") for value in values]
    heard = [(sounds(last, surname=True)[1], sounds(first)[1]) for last, first in parts]
    also = {"met": coded(["\t".join(sorted(pair)) for pair in heard])[0]}
    also["joined"] = coded(["".join(pair) for pair in heard])[0]
    also["parts"] = coded(["\t".join(sorted(pair)) for pair in parts])[0]
    also["whole"] = coded(["".join(pair) for pair in parts])[0]
    also["han"] = np.array([is_han(value.replace("\t", "")) for value in values], np.int64)
    return Column(codes, values, also)


def _number_column(numbers: list[str]) -> Column:
    codes, values = coded(numbers)
    return Column(codes, values, {"valid": np.array([is_valid(value) for value in values], np.int64)})


def _addresses(cells: list[str]) -> tuple[Column, list[str]]:
    known = {cell: address(cell) for cell in set(cells)}
    codes, values = coded(["\t".join(known[cell][:2]) if cell and any(known[cell][:2]) else "" for cell in cells])
    words = [value.split("\t") for value in values]
    text = {"words": [first for first, _ in words], "numbers": [second for _, second in words]}
    also = {name: coded(cells_of)[0] for name, cells_of in text.items()}
    return Column(codes, values, also, text), [known[cell][2] if cell else "" for cell in cells]


def _district_column(cells: list[str]) -> Column:
    known = {cell: district(cell) for cell in set(cells)}
    codes, values = coded([known[cell][0] for cell in cells])
    today = dict(known.values())
    return Column(codes, values, {"today": coded([today[value] for value in values])[0]})


def _digits(births: list[str]) -> NDArray[np.int8]:
    known: dict[str, int] = {}
    places = np.fromiter((known.setdefault(birth, len(known)) for birth in births), np.int64, len(births))
    table = np.full((max(1, len(known)), 8), -1, np.int8)
    for birth, row in known.items():
        digits = birth.removeprefix("?")
        table[row, : len(digits)] = [int(digit) for digit in digits]
    return table[places]
