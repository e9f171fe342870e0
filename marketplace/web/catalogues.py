"""Words: the committed `.po` files become one compiled catalogue in the instance folder.

English sentences in the code are the message ids, so English needs no file. Each room keeps its Chinese in
`translations/zh_Hans/<room>.po`; `compiled` merges them when one is newer than the result. Called by
`marketplace.app` at start, and by `scripts/translate.py`, which adds new sentences to the right file.
"""

import os
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCES = Path(__file__).parent.parent / "translations"
DEFAULT = "zh_Hans"
LANGUAGES = (DEFAULT, "en")


def room_files(language: str, *, sources: Path = SOURCES) -> list[Path]:
    """The `.po` files of one language, one per room, in the order in which they are merged."""
    return sorted((sources / language).glob("*.po"))


def read_room(path: Path) -> Catalog:
    """One room's catalogue as committed."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.name)


def compiled(target: Path, *, sources: Path = SOURCES) -> Path:
    """Bring the compiled catalogues under `target` up to date and return that folder."""
    for language in LANGUAGES:
        files = room_files(language, sources=sources)
        out = target / language / "LC_MESSAGES" / "messages.mo"
        if files and _stale(out, files):
            _compile(files, out)
    return target


def _stale(out: Path, files: list[Path]) -> bool:
    """A file changed, came or went since the last compilation (a folder's time covers the last two)."""
    watched = [*files, files[0].parent]
    return not out.exists() or out.stat().st_mtime_ns < max(file.stat().st_mtime_ns for file in watched)


def _compile(files: list[Path], out: Path) -> None:
    """Merge and write beside the target, then move: another process never reads half a file."""
    whole = Catalog(locale=out.parent.parent.name)
    for file in files:
        for message in read_room(file):
            if message.id and message.string and not message.fuzzy:
                whole.add(message.id, message.string, context=message.context)
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_suffix(f".{os.getpid()}.half")
    with half.open("wb") as stream:
        write_mo(stream, whole)
    half.replace(out)
