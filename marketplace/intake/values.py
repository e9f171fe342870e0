"""The words of an intake: columns of a schema, rows on their way, faults and their classes.

What enters: what a room declares about its table. What leaves: frozen values and the `Row` that a room's own rules may
mark as faulty or held. Used by every module of this package and by the rooms that import tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, TypeAlias

from adapters.ports import Cell
from adapters.tabular_cells import plain_text

Value: TypeAlias = Any
"""What a reader makes of a cell: text, whole number, yes/no, list, or nothing; always fit for JSON."""

Reader: TypeAlias = Callable[[Cell], Value]


class Stage(IntEnum):
    """Classes of faults in the order in which they are told: the next is told only when this one is mended."""

    FILE = 0
    COLUMNS = 1
    SPOILT = 2
    VALUES = 3
    ROWS = 4


class BadCell(ValueError):
    """A cell that cannot be taken; `code` has a sentence, `params` fill it. The value itself is not kept."""

    def __init__(self, code: str, *, stage: Stage = Stage.VALUES, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.stage = stage
        self.params = params


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in files and in both languages, and how a cell is read.

    `needed`: the column must be there; `filled`: no cell may be empty; `secret`: its values are never shown whole.
    """

    name: str
    zh: str
    en: str
    read: Reader
    needed: bool = False
    filled: bool = False
    secret: bool = False
    also: tuple[str, ...] = ()
    kind: Literal["text", "number", "date"] = "text"
    choices: tuple[str, ...] = ()

    def label(self, *, lang: str) -> str:
        """English for languages that begin with ``en``, Chinese for all others."""
        return self.en if lang.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend. `row` is the number a spreadsheet shows (0: the file itself), `column` the file's own name."""

    row: int
    column: str
    shown: str = field(repr=False)
    code: str
    params: Mapping[str, str | int]
    stage: Stage


@dataclass(slots=True)
class Row:
    """One row being checked: values by column name, faults found, and why a person must look before it is used."""

    number: int
    values: dict[str, Value] = field(repr=False)
    cells: Mapping[str, Cell] = field(repr=False)
    faults: list[tuple[str, BadCell]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Value:
        return self.values.get(name)

    def fault(self, column: str, code: str, /, *, stage: Stage = Stage.ROWS, **params: str | int) -> None:
        """Mark a column of this row as wrong."""
        self.faults.append((column, BadCell(code, stage=stage, **params)))

    def hold(self, code: str) -> None:
        """Take the row, but leave its use to a person."""
        self.held.append(code)


@dataclass(frozen=True, slots=True)
class Schema:
    """The table of one room. `key` names columns that together tell rows apart within the file.

    `finish` looks at one row whose cells are all readable; `across` looks at all such rows together.
    """

    columns: Sequence[Column]
    key: tuple[str, ...] = ()
    finish: Callable[[Row], None] | None = None
    across: Callable[[Sequence[Row]], None] | None = None

    def column(self, name: str) -> Column:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)


def shown(cell: Cell, *, secret: bool) -> str:
    """A cell for a report: long ones cut, secret ones hidden but for their ends."""
    text = plain_text(cell)
    if secret:
        return text[0] + "•" * (len(text) - 2) + text[-1] if len(text) > 2 else "•" * len(text)
    return text if len(text) <= 40 else text[:39] + "…"
