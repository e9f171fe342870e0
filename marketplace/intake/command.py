"""A table brought in from the command line: check, tell, ask, store.

Enters: an open database, a file, the room's steps, and how to print and ask. Leaves: an exit code (0 well, 1 faults in
the rows, 2 a file or an option that cannot be used). A long table may come in pieces: all are checked and told as one
before the first is stored, and each is stored in a transaction of its own. Called by the rooms' `commands`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.intake.batches import counts_of
from marketplace.intake.checking import Checked
from marketplace.intake.columns import NO_MAPPING, FileMapping, read_mapping
from marketplace.intake.models import ImportBatch
from marketplace.intake.report import error_file, told
from marketplace.intake.sentences import codes, sentence
from marketplace.intake.values import Fault, Schema, Stage

Say = Callable[[str], None]
Check = Callable[[Session], tuple[ImportBatch, Checked]]


@dataclass(frozen=True, slots=True)
class Steps:
    """A room's use cases, each with its file, actor and time bound; `words` name its counts in both languages.

    `check`: of the whole file, or of each of its pieces, taken in turn.
    `always`: storing means something even when no row is new, such as that a source was loaded.
    """

    check: Check | Iterable[Check]
    confirm: Callable[[Session, str], object]
    drop: Callable[[Session, str], object]
    words: Mapping[str, tuple[str, str]]
    always: bool = False


def mapping_of(path: Path | None, schema: Schema, /) -> FileMapping:
    """The mapping file that was named, read; without one the table's own columns. BadInput names what is wrong."""
    return NO_MAPPING if path is None else read_mapping(path.read_bytes(), schema)


def bring_in(
    database: Database, file: Path, /, *, steps: Steps, dry_run: bool, lang: str, say: Say, agree: Callable[[], bool]
) -> int:
    """Check a file, say exactly what storing it would do, and do that if somebody agrees."""
    try:
        kept, counts, faults = _checked(database, steps)
    except BadInput as error:
        return tell_refusal(error, lang=lang, say=say)
    if faults:
        return tell_faults(faults, file=file, lang=lang, say=say)
    for name, (zh, en) in {"rows": ("行数", "rows"), **steps.words}.items():
        say(f"{counts[name]:>8,}  {either(lang, zh, en)}")
    needless = not (steps.always or counts["new"] or counts["changed"])
    if dry_run or needless or not agree():
        _each(database, kept, steps.drop)
        say(either(lang, "没有保存任何内容。", "Nothing was stored."))
        return 0
    for batch_id in _each(database, kept, steps.confirm):
        say(either(lang, f"已保存。回执 {batch_id}", f"Stored. Receipt {batch_id}"))
    return 0


def _checked(database: Database, steps: Steps) -> tuple[list[str], Counter[str], list[Fault]]:
    """The pieces that wait to be stored, with their counts together; or the faults of their lowest class, with nothing
    left waiting. After a fault of the file itself no further piece is read."""
    kept, counts, faults = list[str](), Counter[str](), list[Fault]()
    for check in (steps.check,) if callable(steps.check) else steps.check:
        with database.transaction() as session:
            batch, checked = check(session)
            kept.append(batch.id)
            counts.update({"rows": checked.total, **counts_of(batch)})
        faults += checked.faults
        if checked.stage in (Stage.FILE, Stage.COLUMNS):
            break
    if len(kept) > 1 and faults:
        _each(database, kept, steps.drop)
    lowest = min((fault.stage for fault in faults), default=Stage.FILE)
    return kept, counts, sorted((fault for fault in faults if fault.stage == lowest), key=lambda fault: fault.row)


def _each(database: Database, kept: Sequence[str], act: Callable[[Session, str], object]) -> Sequence[str]:
    for batch_id in kept:
        with database.transaction() as session:
            act(session, batch_id)
    return kept


def tell_faults(faults: Sequence[Fault], *, file: Path, lang: str, say: Say) -> int:
    """At most fifteen rows with column, value and mend; all of them in a file beside the table."""
    stage, lead = sentence(f"stage_{int(faults[0].stage)}", lang=lang)
    say(f"{stage} {lead}")
    for fault in told(faults, lang=lang):
        value = f" [{fault.shown}]" if fault.shown else ""
        say(f"{either(lang, '行', 'row')} {fault.row} · {fault.column}{value}: {fault.wrong} {fault.mend}")
    report = file.with_name(f"{file.stem}.errors.csv")
    report.write_bytes(error_file(faults, lang=lang))
    say(either(lang, f"全部 {len(faults)} 处问题：{report}", f"All {len(faults)} faults: {report}"))
    return 2 if faults[0].stage in (Stage.FILE, Stage.COLUMNS) else 1


def tell_refusal(error: BadInput, *, lang: str, say: Say) -> int:
    """An option that cannot be used: what is wrong and the mend."""
    say(" ".join(sentence(error.code, error.facts, lang=lang)) if error.code in codes() else error.code)
    return 2


def either(lang: str, zh: str, en: str) -> str:
    """The English sentence for languages that begin with ``en``, the Chinese for all others."""
    return en if lang.startswith("en") else zh
