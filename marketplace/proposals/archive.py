"""The exact input of a run, kept so that it can be replayed and tried upon.

Enters: the `Problem` that a run solved. Leaves: its canonical tables as compressed JSON in `run_input`, and later the
same problem again, with the same input hash. Called by `service.work` when a run is stored, by `replay` and by the
preview of overrides. Ids and whole numbers only: a problem has no field for anything personal.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import Session, col, select

import matching
from marketplace.errors import BadInput, NotFound
from marketplace.proposals.models import ProposedLine, RunInput
from matching.folder import input_sha256, read_problem, write_problem
from matching.model import Problem
from matching.plan import Line
from matching.wellformed import BadInput as BadFolder


def pack(problem: Problem, /) -> bytes:
    """The files of the problem folder in one piece; the same problem gives the same bytes. Slow at city size."""
    with TemporaryDirectory() as place:
        write_problem(problem, Path(place))
        files = {path.name: path.read_text("utf-8") for path in sorted(Path(place).iterdir())}
    return gzip.compress(json.dumps(files, ensure_ascii=False, sort_keys=True).encode(), compresslevel=6, mtime=0)


def unpack(payload: bytes, /) -> Problem:
    """What `pack` wrote. A torn or altered piece that is no problem any more is refused as `input_damaged`."""
    try:
        files: Mapping[str, str] = json.loads(gzip.decompress(payload))
        with TemporaryDirectory() as place:
            for name, text in files.items():
                (Path(place) / Path(name).name).write_text(text, "utf-8", newline="")
            return read_problem(Path(place))
    except (OSError, EOFError, zlib.error, ValueError, AttributeError, BadFolder) as error:
        raise BadInput("input_damaged") from error


def keep_input(session: Session, run_id: str, /, *, payload: bytes, sha256: str, versions: Mapping[str, str]) -> None:
    """Write the packed input in the caller's transaction; a second working on the same run replaces it."""
    session.merge(RunInput(run_id=run_id, payload=payload, sha256=sha256, versions={**versions, "matching": code()}))


def get_input(session: Session, run_id: str, /) -> RunInput:
    """The stored input, or NotFound: a run that failed kept none."""
    kept = session.get(RunInput, run_id)
    if kept is None:
        raise NotFound("run_input")
    return kept


def recall_problem(session: Session, run_id: str, /) -> Problem:
    """The problem that a run solved; refused as `input_damaged` if it no longer has the hash it was stored under."""
    kept = get_input(session, run_id)
    problem = unpack(kept.payload)
    if input_sha256(problem) != kept.sha256:
        raise BadInput("input_damaged")
    return problem


def recall_lines(session: Session, run_id: str, /) -> tuple[Line, ...]:
    """The lines of a run's own plan as they stand in the database, sorted; what was given from free stock later is
    none of them."""
    planned = select(ProposedLine).where(ProposedLine.run_id == run_id, col(ProposedLine.free_stock).is_(False))
    rows = sorted((row.need_id, row.offer_id, row.units) for row in session.exec(planned))
    return tuple(Line(*row) for row in rows)


@cache
def code() -> str:
    """A short hash over the source of the allocator: two equal ones run the same code."""
    total = hashlib.sha256()
    for path in sorted(Path(matching.__file__).parent.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]
