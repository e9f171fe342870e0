"""The forms of a page as a robot sees them: where each posts to and what its fields take."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

USUAL = {"date": "2026-12-20", "number": "3", "tel": "10000000009", "email": "a@example.org", "time": "10:00"}


@dataclass
class SeenForm:
    """One form: its address, whether it posts, its fields with a value that fits, and which of them take words."""

    action: str
    posts: bool
    uploads: bool = False
    values: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.forms = path, list[SeenForm]()
        self._open: SeenForm | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = SeenForm(given.get("action") or self.path, given.get("method", "get").lower() == "post")
            self.forms.append(self._open)
        if self._open is None:
            return
        name = given.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and given.get("value"):
            self._open.values.setdefault(self._select, given["value"])
        elif tag == "textarea" and name:
            self._open.words.append(name)
        elif tag == "input" and name:
            self._input(self._open, given, name)
        elif tag == "button" and name:
            self._open.values.setdefault(name, given.get("value", ""))

    def _input(self, form: SeenForm, given: dict[str, str], name: str) -> None:
        kind = given.get("type", "text")
        if kind == "file":
            form.uploads = True
        elif kind in ("radio", "checkbox"):
            form.values.setdefault(name, given.get("value", "y"))
        elif kind in USUAL or given.get("inputmode") in ("numeric", "decimal"):
            form.values.setdefault(name, given.get("value") or USUAL.get(kind, "3"))
            form.words.append(name)
        elif kind == "hidden":
            form.values.setdefault(name, given.get("value", ""))
        elif kind in ("text", "search", "password"):
            form.words.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""


def forms_of(html: str, path: str) -> list[SeenForm]:
    """Every form of the page, in its order."""
    reader = _Reader(path)
    reader.feed(html)
    return reader.forms
