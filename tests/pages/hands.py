"""One pair of hands for two ways of using a page: the app's test client (quick) and Chromium without scripts.

What enters: an address, ticks, words, and what is pressed, named by a part of the address it leads to. What leaves: the
words of the page; each page is read as it opens (`faults`): no code where a word belongs, no word of the other
language, no sentence with holes; the browser also asks that nothing scrolls sideways at 360 px. `taps` counts what a
thumb would press. A walk written once is so walked in both.
"""

from __future__ import annotations

import io
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from playwright.sync_api import Page

from tests.pages.sound import UNFILLED

CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\b[A-Z]{3,}[_.][A-Z_.]+\b|\b(?:True|False|Undefined|Traceback)\b")
SPELT = re.compile(r"\b[A-Z2-9]{4}(?: [A-Z2-9]{4})+\b|\b[A-Z2-7]{8}\b|\b\w*\d\w*\b", re.ASCII)
"""Codes and numbers that a person reads out."""
CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]+"), re.compile(r"[A-Za-z]{4,}")
SAME = frozenset({"JPEG", "WEBP", "WeChat"})
"""Words that both languages write alike."""
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def faults(text: str, *, language: str, known: tuple[str, ...] = ()) -> list[str]:
    """What a reader of this language could not read. `known` are names and sentences that people typed."""
    found = [f"code: {one}" for one in CODE.findall(text)] + [f"hole: {one}" for one in UNFILLED.findall(text)]
    for one in known:
        text = text.replace(one, "")
    text = SPELT.sub("", text)
    foreign = CHINESE.findall(text) if language == "en" else ENGLISH.findall(text)
    return found + [f"not {language}: {one}" for one in foreign if one not in SAME]


@dataclass
class Hands(ABC):
    """What every walk may do."""

    language: str
    known: tuple[str, ...] = ()
    taps: int = 0

    def go(self, path: str) -> str:
        """Open an address; its words."""
        self._open(path)
        return self.read()

    def tick(self, name: str, value: str) -> None:
        """One choice."""
        self._tick(name, value)
        self.taps += 1

    def press(self, part: str = "", *, holding: str = "") -> str:
        """The first button or link of the page whose address holds this (without a part the first form's button);
        where several forms lead there, the one with this value in it."""
        self._press(part, holding)
        self.taps += 1
        return self.read()

    def read(self) -> str:
        """The words of the page, which must be words."""
        text = self.words()
        wrong = faults(text, language=self.language, known=self.known) + self.looks()
        assert not wrong, (self.path(), wrong)
        return text

    def looks(self) -> list[str]:
        """What only a browser sees."""
        return []

    @abstractmethod
    def words(self) -> str:
        """The visible words of the main part."""

    @abstractmethod
    def path(self) -> str:
        """Where the hands are."""

    @abstractmethod
    def values(self, name: str) -> list[str]:
        """The values that can be ticked under a name, in their order."""

    @abstractmethod
    def has(self, part: str) -> bool:
        """Whether something with such an address can be pressed."""

    @abstractmethod
    def fill(self, name: str, text: str) -> None:
        """Type into a field, or choose from its list."""

    @abstractmethod
    def attach(self, name: str, picture: bytes) -> None:
        """A photo."""

    @abstractmethod
    def _open(self, path: str) -> None: ...

    @abstractmethod
    def _tick(self, name: str, value: str) -> None: ...

    @abstractmethod
    def _press(self, part: str, holding: str) -> None: ...


@dataclass
class _Form:
    action: str
    posts: bool
    values: list[tuple[str, str]] = field(default_factory=list)
    names: set[tuple[str, str]] = field(default_factory=set)
    choices: list[tuple[str, str]] = field(default_factory=list)
    single: set[str] = field(default_factory=set)
    button: tuple[str, str] | None = None
    pressed: bool = False


class _Main(HTMLParser):
    """The forms, links and words of <main>, as far as a press needs them."""

    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path, self.forms, self.links, self.said = path, list[_Form](), list[str](), list[str]()
        self.order: list[tuple[str, _Form | None]] = []
        self._inside, self._form, self._mute, self._select = 0, None, 0, ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside += tag == "main"
        if not self._inside:
            return
        self._mute += tag in ("script", "title", "style") or tag == "option" or tag == "textarea"
        if tag == "a" and "href" in given:
            self.order.append((given["href"], None))
        elif tag == "form":
            self._form = _Form(given.get("action") or self.path, given.get("method", "get").lower() == "post")
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(self._form, tag, given)

    def _field(self, form: _Form, tag: str, given: dict[str, str]) -> None:
        name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "text")
        if tag == "button" and kind != "button" and not form.pressed:
            form.pressed, form.button = True, (name, value) if name else None
            self.order.append((form.action, form))
        elif tag == "select":
            self._select = name
            form.names.add((name, ""))
        elif tag == "option" and "selected" in given:
            form.values.append((self._select, value))
        elif tag == "textarea":
            form.names.add((name, ""))
        elif tag == "input" and kind in ("radio", "checkbox"):
            form.names.add((name, value or "y"))
            form.choices.append((name, value or "y"))
            if kind == "radio":
                form.single.add(name)
            if "checked" in given:
                form.values.append((name, value or "y"))
        elif tag == "input" and name:
            form.names.add((name, ""))
            if kind != "file":
                form.values.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        self._mute -= self._inside and tag in ("script", "title", "style", "option", "textarea")
        self._inside -= tag == "main"
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if self._inside and not self._mute:
            self.said.append(data)


class Fingers(Hands):
    """The app's own test client; forms are filled as a browser fills them."""

    def __init__(self, client: FlaskClient, *, language: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(language, known)
        self.client, self._at = client, "/"
        self._typed: list[tuple[str, str]] = []
        self._photos: dict[str, bytes] = {}
        self._main = _Main("/")
        client.get(f"/?lang={language}")

    def _open(self, path: str) -> None:
        self._shown(self.client.get(path, follow_redirects=True))

    def _shown(self, answer: object) -> None:
        text, request = answer.text, answer.request  # type: ignore[attr-defined]
        assert answer.status_code in (200, 422), (request.path, answer.status_code)  # type: ignore[attr-defined]
        self._at, self._typed, self._photos = request.path, [], {}
        self._main = _Main(self._at)
        self._main.feed(text)

    def words(self) -> str:
        return " ".join(" ".join(self._main.said).split())

    def path(self) -> str:
        return self._at

    def values(self, name: str) -> list[str]:
        return [value for form in self._main.forms for one, value in form.choices if one == name]

    def has(self, part: str) -> bool:
        return any(part in address for address, _form in self._main.order)

    def fill(self, name: str, text: str) -> None:
        assert any((name, "") in form.names for form in self._main.forms), (self._at, name)
        self._typed.append((name, text))

    def attach(self, name: str, picture: bytes) -> None:
        assert any((name, "") in form.names for form in self._main.forms), (self._at, name)
        self._photos[name] = picture

    def _tick(self, name: str, value: str) -> None:
        assert any((name, value) in form.names for form in self._main.forms), (self._at, name, value)
        self._typed.append((name, value))

    def _press(self, part: str, holding: str) -> None:
        found = [(address, form) for address, form in self._main.order if part in address and (part or form)]
        if holding:
            found = [pair for pair in found if pair[1] and holding in {value for _name, value in pair[1].values}]
        assert found, (self._at, part, [address for address, _form in self._main.order])
        address, form = found[0]
        if form is None or not form.posts:
            self._open(urljoin(self._at, address))
            return
        mine = [(name, text) for name, text in self._typed if {(name, text), (name, "")} & form.names]
        typed = {name for name, _text in mine if (name, "") in form.names or name in form.single}
        pairs = [pair for pair in form.values if pair[0] not in typed] + mine
        data: dict[str, list[object]] = {}
        for name, text in pairs + ([form.button] if form.button else []):
            data.setdefault(name, []).append(text)
        for name, picture in self._photos.items():
            data[name] = [(io.BytesIO(picture), f"{name}.png")]
        kind = "multipart/form-data" if self._photos else None
        where = urljoin(self._at, address)
        self._shown(self.client.post(where, data=data, content_type=kind, follow_redirects=True))


class Thumb(Hands):
    """Chromium at 360 px."""

    def __init__(self, page: Page, *, language: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(language, known)
        self.page = page
        page.goto(f"/?lang={language}")

    def _open(self, path: str) -> None:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)

    def words(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    def looks(self) -> list[str]:
        return ["scrolls sideways"] if self.page.evaluate(WIDE) else []

    def path(self) -> str:
        return urlsplit(self.page.url).path

    def _seen(self, part: str) -> str:
        buttons = f'main form[action*="{part}"] button[type=submit]' if part else "main form button[type=submit]"
        own = ', main form[action=""] button[type=submit]' if part and part in self.path() else ""
        return buttons + own + (f', main a[href*="{part}"]' if part else "")

    def values(self, name: str) -> list[str]:
        return [str(box.get_attribute("value")) for box in self.page.locator(f'main input[name="{name}"]').all()]

    def has(self, part: str) -> bool:
        return self.page.locator(self._seen(part)).count() > 0

    def fill(self, name: str, text: str) -> None:
        box = self.page.locator(f'main [name="{name}"]').first
        if box.evaluate("box => box.tagName") == "SELECT":
            box.select_option(text)
        else:
            box.fill(text)

    def attach(self, name: str, picture: bytes) -> None:
        sent = {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture}
        self.page.locator(f'main input[name="{name}"]').set_input_files(sent)  # type: ignore[arg-type]

    def _tick(self, name: str, value: str) -> None:
        self.page.locator(f'main input[name="{name}"][value="{value}"]').first.check()

    def _press(self, part: str, holding: str) -> None:
        kept = f'main form:has(input[value="{holding}"]) button[type=submit]'
        with self.page.expect_navigation():
            self.page.locator(kept if holding else self._seen(part)).first.click()
