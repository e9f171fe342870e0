"""`python -m matching link`: a table of people in, pairs out.

What enters: a CSV file (`record_id` and any of the known columns), and perhaps a JSON file that maps the file's own
column names to the known ones; several own columns may map to one known name and are read as one text. What leaves: a
CSV file `a, b, score, band`, written whole or not at all. Called by `matching.__main__`. Cells are never judged:
whatever stands there is evidence or is left out. Only what makes the table unreadable is refused.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from matching.identity import Links, link
from matching.identity_records import KNOWN
from matching.policy_file import Unclear, strict_json
from matching.tables import csv_text, read_columns
from matching.wellformed import BadInput, Misfit

ID = "record_id"
NAMES = (ID, *KNOWN)
HEADER = ("a", "b", "score", "band")


def linked(asked: Namespace) -> tuple[int, int, int]:
    """Read, link, write; the numbers of records, of pairs "same" and of pairs for review.

    Raises
    ------
    BadInput
        If a file cannot be read or written, a column is not there or is named twice, or a record id is empty or twice.
    """
    ids, columns = _read(asked.records, asked.fields)
    _require_place(asked.out)
    links = link(columns)
    _write(asked.out, ids, links)
    same = int(links.same.sum())
    return len(ids), same, len(links.a) - same


def _read(path: Path, fields: Path | None) -> tuple[list[str], dict[str, list[str]]]:
    if not path.is_file():
        raise BadInput([Misfit(path.name, -1, "", str(path), "is not a file", "name a CSV file of records")])
    try:
        header, cells = read_columns(path)
    except OSError as error:
        raise BadInput([Misfit(path.name, -1, "", str(path), "cannot be read", "allow reading it")]) from error
    _require_once(path, header)
    known = _mapping(fields, header) if fields else {name: [name] for name in header if name in NAMES}
    found = {name: _joined([cells[header.index(own)] for own in owns]) for name, owns in known.items()}
    if not set(found) & set(KNOWN) - {"source"}:
        mend = f"name columns {', '.join(KNOWN)}, or map your own with --fields"
        raise BadInput([Misfit(path.name, -1, "", ", ".join(header), "has no column to compare", mend)])
    size = len(cells[0]) if cells else 0
    ids = found.pop(ID, None)
    if ids is None:
        raise BadInput(
            [Misfit(path.name, -1, ID, ", ".join(header), "has no record_id", "add it or map it by --fields")]
        )
    _require_ids(path, ids)
    return ids, found if size else {name: [] for name in found}


def _joined(columns: Sequence[Sequence[str]]) -> list[str]:
    return [" ".join(filter(None, map(str.strip, row))) for row in zip(*columns, strict=True)]


def _require_once(path: Path, header: list[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInput([Misfit(path.name, -1, twice[0], twice[0], "heads two columns", "rename one of them")])


def _require_ids(path: Path, ids: list[str]) -> None:
    seen: dict[str, int] = {}
    wrong = []
    for row, name in enumerate(ids):
        first = seen.setdefault(name, row)
        if not name:
            wrong.append(Misfit(path.name, row, ID, "", "is empty", "give every record its own id"))
        elif first != row:
            mend = "give every record its own id"
            wrong.append(Misfit(path.name, row, ID, name, f"stands in row {first + 2} already", mend))
    if wrong:
        raise BadInput(wrong)


def _mapping(path: Path, header: list[str]) -> dict[str, list[str]]:
    """Known name ► own columns. A map written the other way round is understood where it cannot mean anything else."""
    told = _told(path)
    pairs: list[tuple[object, object]]
    if set(told) <= set(NAMES) and not set(told) <= set(header):
        pairs = [(own, name) for name, owns in told.items() for own in (owns if isinstance(owns, list) else [owns])]
    else:
        pairs = list(told.items())
    found: dict[str, list[str]] = {}
    for own, name in pairs:
        if name in (None, ""):
            continue
        if not isinstance(own, str) or own.strip() not in header:
            mend = f"write one of {', '.join(header)}"
            raise BadInput([Misfit(path.name, -1, "", str(own), "is not a column of the table", mend)])
        if name not in NAMES:
            raise BadInput([Misfit(path.name, -1, str(own), str(name), "is not known", f"use {', '.join(NAMES)}")])
        found.setdefault(str(name), []).append(own.strip())
    mapped = {own for owns in found.values() for own in owns}
    for name in header:
        if name in NAMES and name not in mapped and name not in found:
            found[name] = [name]
    return found


def _told(path: Path) -> dict[str, object]:
    mend = 'write an object such as {"first_name": "given_name"}'
    try:
        told = strict_json(path.read_text(encoding="utf-8-sig"))
    except Unclear as error:
        raise BadInput([Misfit(path.name, -1, error.key, error.key or path.name, error.wrong, error.mend)]) from error
    except (OSError, ValueError) as error:
        raise BadInput([Misfit(path.name, -1, "", str(path), "is not a JSON file", mend)]) from error
    if not isinstance(told, dict):
        raise BadInput([Misfit(path.name, -1, "", type(told).__name__, "is not an object", mend)])
    return told


def _require_place(out: Path) -> None:
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise BadInput([Misfit(out.name, -1, "", str(out), "cannot be written", "name a file in a folder that exists")])


def _write(out: Path, ids: list[str], links: Links) -> None:
    """Beside its place first, then moved there, so that no half file is ever found."""
    pairs = zip(links.a.tolist(), links.b.tolist(), links.score.tolist(), strict=True)
    rows = [(ids[i], ids[j], f"{score:.6f}", links.band(at)) for at, (i, j, score) in enumerate(pairs)]
    part = ""
    try:
        with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=out.absolute().parent, delete=False) as file:
            part = file.name
            file.write(csv_text(HEADER, rows))
        Path(part).chmod(0o644)
        os.replace(part, out)
    except OSError as error:
        with suppress(OSError):
            Path(part).unlink()
        mend = "free the place or name another file"
        raise BadInput([Misfit(out.name, -1, "", str(out), "cannot be written", mend)]) from error
