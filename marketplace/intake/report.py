"""What a person takes away from a check: a file of all faults, and an empty template that would pass.

What enters: faults or a schema, and a language. What leaves: the bytes of a CSV or XLSX file. Called by the rooms'
views and commands; a page shows at most `SHOWN_ROWS` faulty rows and offers the file for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.tabular_writer import Column as OutColumn
from adapters.tabular_writer import write_csv, write_template
from marketplace.intake.sentences import sentence
from marketplace.intake.values import Fault, Schema

SHOWN_ROWS = 15
_HEADS = {
    "zh": ("行号", "列", "值", "问题", "怎样改正"),
    "en": ("Row", "Column", "Value", "What is wrong", "How to mend it"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One fault in words; `shown` may be empty."""

    row: int
    column: str
    shown: str
    wrong: str
    mend: str


def told(faults: Sequence[Fault], *, lang: str) -> list[Told]:
    """The first faults in words, of at most `SHOWN_ROWS` rows."""
    rows = sorted({fault.row for fault in faults})[:SHOWN_ROWS]
    kept = [fault for fault in faults if fault.row in rows]
    first = kept if rows != [1] else kept[:SHOWN_ROWS]
    return [Told(f.row, f.column, f.shown, *sentence(f.code, f.params, lang=lang)) for f in first]


def error_file(faults: Sequence[Fault], *, lang: str) -> bytes:
    """All faults as CSV, one a line; values of secret columns are hidden but for their ends."""
    head = _HEADS["en" if lang.startswith("en") else "zh"]
    return write_csv(head, ((f.row, f.column, f.shown, *sentence(f.code, f.params, lang=lang)) for f in faults))


def template_file(schema: Schema, *, lang: str) -> bytes:
    """An empty XLSX with the schema's columns; text columns are text, so ID numbers keep their digits."""
    columns = [OutColumn(column.label(lang=lang), kind=column.kind) for column in schema.columns]
    choices = {column.label(lang=lang): column.choices for column in schema.columns if column.choices}
    return write_template(columns, choices)
