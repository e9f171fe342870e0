"""`shanqiao import households` and `import categories` as functions.

Enters: an open database, a table with a row for each person and its source, and how to print and ask. Leaves: an exit
code (0 well, 1 faults in the rows, 2 a file or an option that cannot be used). Called by `marketplace.watching`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from sqlmodel import Session

from adapters.tabular_long import Piece
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.households import bringing, foreseen, lists, long_lists
from marketplace.households.table import people_schema
from marketplace.households.views_bring import desk
from marketplace.intake import Checked, ImportBatch
from marketplace.intake.command import Say, Steps, bring_in, either, mapping_of, tell_faults, tell_refusal

WORDS = {
    "new": ("新家庭", "new households"),
    "known": ("已有家庭，有不同则更新", "households known already, changed where they differ"),
    "people": ("新人员", "new people"),
    "begun": ("新进类别", "categories that begin"),
    "ended": ("结束的类别", "categories that end"),
    "corrected": ("更正：继续的类别", "categories that go on after all"),
    "elsewhere": ("未收：登记在另一家庭", "left out: on record in another household"),
    "erased": ("未收：本人信息已在此删除", "left out: erased here"),
    "unnamed": ("未收：个人类别缺身份证号", "left out: a person's own category without an ID number"),
    "others": ("未收：不属于您的区县", "left out: of districts that you do not serve"),
}
LIST_WORDS = {
    **{name: WORDS[name] for name in ("begun", "ended", "corrected")},
    "known": ("已有记录", "known already"),
    "strangers": (
        "未收：不在册或不属于您的区县",
        "left out: not of the register, or of districts that you do not serve",
    ),
}


def import_households(
    database: Database,
    file: Path,
    /,
    *,
    source: str,
    mapping: Path | None,
    as_of: date | None = None,
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
            as_of=as_of,
            actor=actor,
            now=now,
        )
        return batch, told.of_file(piece, checked)

    steps = Steps(
        check=(partial(check, piece) for piece in long_lists.pieces_of(file, schema, mapping=columns)),
        confirm=partial(bringing.confirm_import, as_of=as_of, actor=actor, now=now),
        drop=partial(desk.drop, actor=actor, now=now),
        words=WORDS,
        always=True,
    )
    return bring_in(database, file, steps=steps, dry_run=dry_run, lang=lang, say=say, agree=agree)


def import_categories(
    database: Database,
    file: Path,
    /,
    *,
    source: str,
    as_of: date | None,
    dry_run: bool,
    actor: Actor,
    now: datetime,
    lang: str,
    say: Say,
    agree: Callable[[], bool],
) -> int:
    """Look at a list of who is in which category, say exactly what storing it would do, and do that if somebody agrees.
    Its bad rows are told and left out; the others count."""
    try:
        found, faults = foreseen.look(database, file, as_of=as_of, actor=actor, now=now)
    except BadInput as error:
        return tell_refusal(error, lang=lang, say=say)
    code = tell_faults(faults, file=file, lang=lang, say=say) if faults else 0
    if code > 1:
        return code
    if faults:
        say(either(lang, "以上各行不收；其余各行的结果：", "These rows are left out. Of the others:"))
    _tell_list(found, lang=lang, say=say)
    if dry_run or not agree():
        say(either(lang, "没有保存任何内容。", "Nothing was stored."))
        return code
    stored = replace(lists.take_file(database, file, source=source, as_of=as_of, actor=actor, now=now), bad=())
    say(either(lang, "已保存。", "Stored."))
    if stored != found:
        say(either(lang, "其间登记册有变动，实际保存的是：", "The register had changed meanwhile. What was stored:"))
        _tell_list(stored, lang=lang, say=say)
    return code


def _tell_list(found: lists.Counts, *, lang: str, say: Say) -> None:
    for name, (zh, en) in LIST_WORDS.items():
        say(f"{getattr(found, name):>8,}  {either(lang, zh, en)}")
