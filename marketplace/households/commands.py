"""`shanqiao import households` as a function.

Enters: an open database, a table with a row for each person and its source, and how to print and ask. Leaves: an exit
code (0 well, 1 faults in the rows, 2 a file or an option that cannot be used). Called by `marketplace.watching`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlmodel import Session

from adapters.tabular_long import Piece
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.households import bringing, long_lists
from marketplace.households.table import people_schema
from marketplace.households.views_bring import desk
from marketplace.intake import Checked, ImportBatch
from marketplace.intake.command import Say, Steps, bring_in, mapping_of, tell_refusal

WORDS = {
    "new": ("新家庭", "new households"),
    "known": ("已有家庭，有不同则更新", "households known already, changed where they differ"),
    "people": ("新人员", "new people"),
    "begun": ("新进类别", "categories that begin"),
    "ended": ("结束的类别", "categories that end"),
    "elsewhere": ("未收：登记在另一家庭", "left out: on record in another household"),
    "erased": ("未收：本人信息已在此删除", "left out: erased here"),
    "unnamed": ("未收：个人类别缺身份证号", "left out: a person's own category without an ID number"),
    "others": ("未收：不属于您的区县", "left out: of districts that you do not serve"),
}


def import_households(
    database: Database,
    file: Path,
    /,
    *,
    source: str,
    mapping: Path | None,
    dry_run: bool,
    actor: Actor,
    now: datetime,
    lang: str,
    say: Say,
    agree: Callable[[], bool],
) -> int:
    """Check a list of households and people, say exactly what storing it would do, and do that if somebody agrees."""
    schema = people_schema(today=local_day(now))
    try:
        columns = mapping_of(mapping, schema)
    except BadInput as error:
        return tell_refusal(error, lang=lang, say=say)
    told = long_lists.Told()

    def check(piece: Piece, session: Session) -> tuple[ImportBatch, Checked]:
        batch, checked = bringing.check_file(
            session,
            piece.data,
            file_name=file.name,
            source=source,
            mapping=columns,
            actor=actor,
            now=now,
        )
        return batch, told.of_file(piece, checked)

    steps = Steps(
        check=(partial(check, piece) for piece in long_lists.pieces_of(file, schema, mapping=columns)),
        confirm=partial(bringing.confirm_import, actor=actor, now=now),
        drop=partial(desk.drop, actor=actor, now=now),
        words=WORDS,
        always=True,
    )
    return bring_in(database, file, steps=steps, dry_run=dry_run, lang=lang, say=say, agree=agree)
