"""Add new sentences to the Chinese catalogues and say which still lack their words.

Reads every `_("…")` of code and templates, puts each unknown sentence into the file of its room under
`marketplace/translations/zh_Hans`, drops the ones no longer used, and lists what is untranslated.
Usage: python scripts/translate.py [--check]. With --check nothing is written. Called by authors and by the tests.
"""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from marketplace.web.catalogues import DEFAULT, read_room, room_files

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "marketplace" / "translations"
METHODS = [("marketplace/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
SHARED = {"layout", "components", "errors", "web", "app.py"}
Key = tuple[str | None, object]


def used(root: Path = ROOT) -> dict[Key, str]:
    """Every sentence in use and the room it belongs to (the first that uses it)."""
    found: dict[Key, str] = {}
    for folder in ("marketplace", "templates"):
        rows = extract_from_dir(str(root / folder), _methods(folder), keywords=KEYWORDS)
        for name, _line, message, _comments, context in sorted(
            rows, key=lambda row: (_room(row[0]) != "shared", row[0])
        ):
            found.setdefault((context, message), _room(name))
    return found


def _methods(folder: str) -> list[tuple[str, str]]:
    return [(pattern.removeprefix(folder + "/"), method) for pattern, method in METHODS if pattern.startswith(folder)]


def _room(name: str) -> str:
    first = Path(name).parts[0]
    return "shared" if first in SHARED else Path(first).stem


def known() -> dict[Key, tuple[Path, Message]]:
    """Every sentence in the Chinese files, and where."""
    rows = (
        (path, message) for path in room_files(DEFAULT, sources=SOURCES) for message in read_room(path) if message.id
    )
    return {(message.context, message.id): (path, message) for path, message in rows}


def untranslated() -> list[str]:
    """Sentences in use without Chinese words."""
    words = known()
    return sorted(
        str(message)
        for context, message in used()
        if (context, message) not in words or not _filled(words[context, message][1])
    )


def _filled(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return all(strings) and not message.fuzzy


def write() -> None:
    """Bring the files up to date, each sorted by sentence."""
    words, rooms = known(), {}
    for key, room in used().items():
        path, message = words.get(key, (SOURCES / DEFAULT / f"{room}.po", None))
        rooms.setdefault(path, []).append((key, message.string if message else ""))
    for path, rows in rooms.items():
        catalog = Catalog(locale=DEFAULT)
        for (context, message), string in sorted(rows, key=str):
            catalog.add(message, string, context=context)
        with path.open("wb") as file:
            write_po(file, catalog, width=0, omit_header=True)
    for path in set(room_files(DEFAULT, sources=SOURCES)) - rooms.keys():
        path.unlink()


def main() -> int:
    if "--check" not in sys.argv:
        write()
    missing = untranslated()
    sys.stdout.write("".join(f"no Chinese yet: {sentence}\n" for sentence in missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
