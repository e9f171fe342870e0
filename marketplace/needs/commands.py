"""`shanqiao import needs` and `shanqiao pull needs` as functions: check, tell, ask, store; pull, tell back.

What enters: an open database, a file or a registry door, who acts, and how to print and ask. What leaves: an exit
code (0 well, 1 faults in the rows or the registry out of reach, 2 a file that cannot be used). Called by
`marketplace.cli`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from adapters.ports import Registry, TryAgainLater, WillNeverWork
from marketplace import intake
from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.intake import Fault, FileMapping, Stage
from marketplace.needs import imports, registry
from marketplace.needs.service import today_of
from marketplace.needs.table import need_schema

Say = Callable[[str], None]
WORDS = {
    "rows": ("行数", "rows"),
    "new": ("新需求", "new"),
    "changed": ("有变化", "changed"),
    "same": ("没有变化", "unchanged"),
    "held": ("其中暂缓、待人工核对", "of these held for a person"),
    "unverified": ("其中还需核实", "of these still to be verified"),
    "double": ("未导入：其他来源已有", "left out: open already from another source"),
    "faulty": ("有问题，已搁置", "set aside because of faults"),
}


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
        with database.transaction() as session:
            batch, checked = imports.check_file(
                session,
                file.read_bytes(),
                file_name=file.name,
                source=source,
                mapping=_mapping(mapping, now=now),
                actor=actor,
                now=now,
            )
    except BadInput as error:
        say(f"{error.code}: {dict(error.facts)}" if error.facts else error.code)
        return 2
    if checked.faults:
        return tell_faults(checked.faults, file=file, lang=lang, say=say)
    tell_counts({"rows": checked.total, **intake.counts_of(batch)}, lang=lang, say=say)
    nothing_new = not (batch.counts["new"] or batch.counts["changed"])
    if dry_run or nothing_new or not agree():
        with database.transaction() as session:
            imports.drop_import(session, batch.id, actor=actor, now=now)
        say(_either(lang, "没有保存任何内容。", "Nothing was stored."))
        return 0
    with database.transaction() as session:
        imports.confirm_import(session, batch.id, actor=actor, now=now)
    say(_either(lang, f"已保存。回执 {batch.id}", f"Stored. Receipt {batch.id}"))
    return 0


def _mapping(path: Path | None, *, now: datetime) -> FileMapping:
    if path is None:
        return intake.NO_MAPPING
    return intake.read_mapping(path.read_bytes(), need_schema(today=today_of(now)))


def tell_faults(faults: Sequence[Fault], *, file: Path, lang: str, say: Say) -> int:
    """At most fifteen rows with column, value and mend; all of them in a file beside the table."""
    stage, lead = intake.sentence(f"stage_{int(faults[0].stage)}", lang=lang)
    say(f"{stage} {lead}")
    for fault in intake.told(faults, lang=lang):
        value = f" [{fault.shown}]" if fault.shown else ""
        say(f"{_either(lang, '行', 'row')} {fault.row} · {fault.column}{value}: {fault.wrong} {fault.mend}")
    report = file.with_name(f"{file.stem}.errors.csv")
    report.write_bytes(intake.error_file(faults, lang=lang))
    say(_either(lang, f"全部 {len(faults)} 处问题：{report}", f"All {len(faults)} faults: {report}"))
    return 2 if faults[0].stage in (Stage.FILE, Stage.COLUMNS) else 1


def tell_counts(counts: Mapping[str, int], *, lang: str, say: Say) -> None:
    """One line for each count."""
    for name, number in counts.items():
        if name in WORDS:
            zh, en = WORDS[name]
            say(f"{number:>8,}  {_either(lang, zh, en)}")


def _either(lang: str, zh: str, en: str) -> str:
    return en if lang.startswith("en") else zh


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
    say(f"{told.states:>8,}  {_either(lang, '已回告状态', 'states told back')}")
    say(f"{told.aid:>8,}  {_either(lang, '已回告帮扶', 'pieces of aid told back')}")
    if told.later:
        say(_either(lang, "登记系统暂时联系不上，稍后再试。", "The registry is out of reach; try again later."))
    return 1 if told.later else 0
