"""`shanqiao import aid` as a function.

Enters: an open database, a file of past aid, its source and the day from which it tells everything, and how to print
and ask. Leaves: an exit code (0 well, 1 faults in the rows, 2 a file or an option that cannot be used). Called by
`marketplace.cli`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.intake.command import Say, Steps, bring_in, mapping_of, tell_refusal
from marketplace.ledger import imports
from marketplace.ledger.table import aid_schema
from marketplace.ledger.upload import desk

WORDS = {
    "new": ("新救助", "new"),
    "changed": ("有变化", "changed"),
    "same": ("没有变化", "unchanged"),
    "covering": ("其中补足已知需求", "of these covering a known need"),
    "beyond": ("其中超出缺口，记为历史", "of these beyond the gap: history"),
    "repeated": ("其中其他来源已登记，只计一次", "of these told by another source already: counted once"),
    "strangers": ("密封保存一年：家庭尚未登记", "kept sealed for a year: the household is not here yet"),
}


def import_aid(
    database: Database,
    file: Path,
    /,
    *,
    source: str,
    seen_from: date,
    mapping: Path | None,
    dry_run: bool,
    actor: Actor,
    now: datetime,
    lang: str,
    say: Say,
    agree: Callable[[], bool],
) -> int:
    """Check a file of past aid, say exactly what storing it would do, and do that if somebody agrees."""
    try:
        columns = mapping_of(mapping, aid_schema(today=local_day(now)))
    except BadInput as error:
        return tell_refusal(error, lang=lang, say=say)
    steps = Steps(
        check=lambda session: imports.check_file(
            session,
            file.read_bytes(),
            file_name=file.name,
            source=source,
            seen_from=seen_from,
            mapping=columns,
            actor=actor,
            now=now,
        ),
        confirm=partial(imports.confirm_import, actor=actor, now=now),
        drop=partial(desk.drop, actor=actor, now=now),
        words=WORDS,
        always=True,
    )
    return bring_in(database, file, steps=steps, dry_run=dry_run, lang=lang, say=say, agree=agree)
