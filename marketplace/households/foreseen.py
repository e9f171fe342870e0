"""What a list of the register would do, said before anything is stored.

Enters: a file of any length and the day for which it tells. Leaves: the same counts that storing it would give, and
the faults of its rows. Of a long file only what it tells of people of the register is in memory. Nothing is written.
Called by the command `import categories`, and by `bringing` for the categories of its own tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session

from adapters.ports import WillNeverWork
from adapters.tabular_cells import text_cell
from adapters.tabular_long import Piece, long_table
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.households import lists
from marketplace.households.listed import Span, Word, believed
from marketplace.households.lists import Counts
from marketplace.households.long_lists import of_file
from marketplace.intake import Fault, refused_file
from marketplace.intake.columns import NO_MAPPING, match_columns


def look(
    database: Database, file: Path, /, *, as_of: date | None, actor: Actor, now: datetime
) -> tuple[Counts, list[Fault]]:
    """The dry run: what `lists.take_file` would count, and what is wrong with which row. A file that is no table, or
    lacks a column, has these faults alone."""
    try:
        with database.reading() as session:
            return of_pieces(session, _pieces(file, today=local_day(now)), as_of=as_of, actor=actor, now=now)
    except WillNeverWork as error:
        return Counts(), refused_file(error).faults


def of_pieces(
    session: Session, pieces: Iterable[Piece], /, *, as_of: date | None, actor: Actor, now: datetime
) -> tuple[Counts, list[Fault]]:
    """The same of a list that is read already."""
    lists.may_take(actor, as_of=as_of, now=now)
    told, faults, rows, strangers = dict[Word, Span](), list[Fault](), 0, 0
    for piece in pieces:
        good, bad = lists.read_rows(piece.data, today=local_day(now))
        faults += [of_file(piece, fault) if piece.numbers else fault for fault in bad]
        here, others = lists.placed(session, good, actor)
        rows, strangers = rows + len(good), strangers + others
        told.update(here)
    begun, ended, again = would(session, believed(session, told, as_of=as_of), as_of=as_of)
    known = rows - strangers - begun - ended - again
    return Counts(begun, ended, known, strangers, again), sorted(faults, key=lambda fault: fault.row)


def would(session: Session, told: Mapping[Word, Span], /, *, as_of: date | None) -> tuple[int, int, int]:
    """How much begins, ends, and goes on after all. What is taken up again to end on another day ends."""
    again = lists.wrong_ends(session, told, as_of=as_of)
    begun, ended = lists.due(session, told, source="")
    moved = sum(until is not None for _spell, until in again)
    return len(begun), len(ended) + moved, len(again) - moved


def _pieces(file: Path, *, today: date) -> Iterator[Piece]:
    """The file in pieces with all rows of a person together; one that is short, or no text, or lacks the column is one
    piece."""
    table = long_table(file)
    number = (
        match_columns(table.names, lists.list_schema(today), mapping=NO_MAPPING).found.get("id_number")
        if table
        else None
    )
    if table is None or number is None or table.rows <= lists.PIECE:
        return iter((Piece(file.read_bytes(), ()),))
    return table.pieces(number, text_cell, size=lists.PIECE)
