"""What the HTML of a page must fulfil for whoever sees it, told without a browser: `faults_of(text)`.

The walk over each role's pages asks this of every page it opens, so that a page that several roles share is looked at
as each of them gets it; the browser looks at one of them (see `checker`). A hundredth of a browser's cost.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
FIELDS = frozenset({"input", "select", "textarea"})
UNFILLED = re.compile(r"%\(\w+\)[sd]|\{\{|\}\}|<Undefined|None</|<dt>\s*</dt>")


class Reader(HTMLParser):
    """Collects what the rules ask about, and whether each element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[tuple[str, dict[str, str], bool]] = []
        self.heads, self.title, self.lang = 0, "", ""
        self.forms: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element says, and what it is in."""
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        self._forbidden(tag, values)
        self.heads += tag == "h1"
        self.lang = values.get("lang", "") if tag == "html" else self.lang
        if tag == "label" and "for" in values:
            self.labelled.add(values["for"])
        if tag == "form":
            self.forms.append(values.get("method", "").lower() != "post")
        if values.get("name") == "csrf_token" and self.forms:
            self.forms[-1] = True
        if tag in FIELDS and values.get("type") not in ("hidden", "submit"):
            self.fields.append((tag, values, "label" in self.open))
        if tag not in VOID:
            self.open.append(tag)

    def _forbidden(self, tag: str, values: dict[str, str]) -> None:
        if "style" in values or any(name.startswith("on") for name in values):
            self.faults.append(f"inline style or handler on <{tag}>")
        if tag == "script" and "src" not in values:
            self.faults.append("inline script")
        if tag == "img" and "alt" not in values:
            self.faults.append("picture without words")

    def handle_endtag(self, tag: str) -> None:
        """An element closes what was opened last, but for those whose end may be left out."""
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1] if self.open else 'nothing'}>")
            if tag not in self.open:
                return
        while self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """The title's words."""
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data


def faults_of(text: str, /) -> list[str]:
    """One sentence for each fault of a page.

    >>> faults_of("<html lang=en><title>A · Shanqiao</title><h1>A</h1><input id=a></html>")
    ['field without a label: a']
    """
    reader = Reader()
    reader.feed(text)
    faults = list(dict.fromkeys(reader.faults))
    if reader.heads != 1:
        faults.append(f"{reader.heads} h1")
    if not re.search(r"(善桥|Shanqiao)\s*$", reader.title) or reader.title.strip().startswith("·"):
        faults.append(f"poor title {reader.title.strip()}")
    if reader.lang not in ("zh-Hans", "en"):
        faults.append("poor lang")
    faults += [f"id twice: {one}" for one in sorted({one for one in reader.ids if reader.ids.count(one) > 1})]
    faults += ["form without its token"] * (not all(reader.forms))
    faults += [f"words not filled in: {found}" for found in sorted(set(UNFILLED.findall(text)))]
    for _tag, values, inside in reader.fields:
        named = inside or values.get("id") in reader.labelled
        if not (named or values.get("aria-label") or values.get("aria-labelledby")):
            faults.append(f"field without a label: {values.get('id') or values.get('name')}")
    return faults
