"""`shanqiao import needs` and `shanqiao pull needs` as functions: check, tell, ask, store; pull, tell back.

What enters: an open database, a file or a registry door, who acts, and how to print and ask. What leaves: an exit
code (0 well, 1 faults in the rows or the registry out of reach, 2 a file that cannot be used). Called by
`marketplace.cli`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from adapters.ports import Registry, TryAgainLater, WillNeverWork
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.intake.command import Say, Steps, bring_in, either, mapping_of, tell_refusal
from marketplace.needs import imports, registry
from marketplace.needs.table import need_schema
from marketplace.needs.uploads import desk

WORDS = {
    "rows": ("行数", "rows"),
    "new": ("新需求", "new"),
    "changed": ("有变化", "changed"),
    "same": ("没有变化", "unchanged"),
    "held": ("其中暂缓、待人工核对", "of these held for a person"),
    "unverified": ("其中还需核实", "of these still to be verified"),
    "double": ("未导入：其他来源已有", "left out: open already from another source"),
    "erased": ("未导入：本人信息已在此删除", "left out: of people who were erased here"),
    "faulty": ("有问题，已搁置", "set aside because of faults"),
}
STORED = ("new", "changed", "same", "held", "unverified", "double", "erased")
"""What storing a file would do; a pull also counts rows it sets aside."""


def import_needs(
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
    """Check a file, say exactly what storing it would do, and do that if somebody agrees."""
    try:
        columns = mapping_of(mapping, need_schema(today=local_day(now)))
    except BadInput as error:
        return tell_refusal(error, lang=lang, say=say)
    steps = Steps(
        check=lambda session: imports.check_file(
            session, file.read_bytes(), file_name=file.name, source=source, mapping=columns, actor=actor, now=now
        ),
        confirm=partial(imports.confirm_import, actor=actor, now=now),
        drop=partial(desk.drop, actor=actor, now=now),
        words={name: WORDS[name] for name in STORED},
    )
    return bring_in(database, file, steps=steps, dry_run=dry_run, lang=lang, say=say, agree=agree)


def tell_counts(counts: Mapping[str, int], *, lang: str, say: Say) -> None:
    """One line for each count."""
    for name, number in counts.items():
        if name in WORDS:
            zh, en = WORDS[name]
            say(f"{number:>8,}  {either(lang, zh, en)}")


def pull_needs(
    database: Database,
    door: Registry,
    /,
    *,
    source: str,
    actor: Actor,
    clock: registry.Clock,
    aid_to_tell: registry.AidToTell,
    lang: str,
    say: Say,
) -> int:
    """Pull what is new, then tell back what became of it."""
    try:
        got = registry.pull_needs(database, door, source=source, actor=actor, clock=clock)
        told = registry.report_back(database, door, source=source, actor=actor, clock=clock, aid_to_tell=aid_to_tell)
    except (TryAgainLater, WillNeverWork) as error:
        say(str(error))
        return 1
    tell_counts({name: getattr(got, name) for name in WORDS if hasattr(got, name)}, lang=lang, say=say)
    say(f"{told.states:>8,}  {either(lang, '已回告状态', 'states told back')}")
    say(f"{told.aid:>8,}  {either(lang, '已回告帮扶', 'pieces of aid told back')}")
    if told.later:
        say(either(lang, "登记系统暂时联系不上，稍后再试。", "The registry is out of reach; try again later."))
    return 1 if told.later else 0
