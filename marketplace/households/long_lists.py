"""A list of the register of any length, checked and stored piece by piece.

Enters: a file. Leaves: pieces of whole households that each pass `bringing` as a file of their own, whose faults name
the rows of the whole file. What lies in two pieces, a number that two households have, is looked for here: of all the
pieces only a fingerprint of each number is kept in memory, with its row. Called by the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from adapters.ports import WillNeverWork
from adapters.tabular_cells import text_cell
from adapters.tabular_long import Piece, long_table
from marketplace.intake import BadCell, Checked, Fault, FileMapping, Reader, Schema, Stage
from marketplace.intake.columns import match_columns
from marketplace.intake.values import shown

PIECE = 50_000
"""So many rows are in memory at a time, and are stored in one transaction."""
_ROWS = ("row", "first")
"""What a fault's sentence may tell of that is the number of a row."""


@dataclass(slots=True)
class Told:
    """What the pieces before have told: fingerprint of an ID number ► row of the file."""

    numbers: dict[int, int] = field(default_factory=dict, repr=False)

    def of_file(self, piece: Piece, checked: Checked, /) -> Checked:
        """The answer for a piece in rows of the file, with the numbers that stand in a piece before, too."""
        if not piece.numbers:
            return checked
        faults = [of_file(piece, fault) for fault in checked.faults]
        return replace(checked, faults=faults or self._repeated(piece, checked))

    def _repeated(self, piece: Piece, checked: Checked) -> list[Fault]:
        found = []
        for row in checked.rows:
            if number := row.values.get("id_number"):
                here = _row(piece, row.number)
                first = self.numbers.setdefault(hash(number), here)
                if first != here:
                    told = shown(number, secret=True)
                    found.append(Fault(here, "id_number", told, "row_repeated", {"first": first}, Stage.ROWS))
        return found


def pieces_of(file: Path, schema: Schema, /, *, mapping: FileMapping) -> Iterator[Piece]:
    """The file in pieces of whole households; one that is short, or no text, or lacks a column is one piece."""
    try:
        table = long_table(file)
    except WillNeverWork:
        table = None
    homes = match_columns(table.names, schema, mapping=mapping).found.get("household_ref") if table else None
    if table is None or homes is None or table.rows <= PIECE:
        return iter((Piece(file.read_bytes(), ()),))
    return table.pieces(homes, partial(_home, schema.column("household_ref").read), size=PIECE)


def _home(read: Reader, text: str) -> object:
    """The household as the check will read it; a cell that it refuses belongs nowhere."""
    try:
        return read(text_cell(text))
    except BadCell:
        return None


def _row(piece: Piece, number: int) -> int:
    """A piece has its column names in the first row, and no blank rows."""
    return piece.numbers[number - 2] if number >= 2 else number


def of_file(piece: Piece, fault: Fault, /) -> Fault:
    """A fault of a piece with the rows of the file."""
    told = {
        name: _row(piece, value) if name in _ROWS and isinstance(value, int) else value
        for name, value in fault.params.items()
    }
    return replace(fault, row=_row(piece, fault.row), params=told)
