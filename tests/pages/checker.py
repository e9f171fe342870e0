"""What every page must fulfil, beyond what axe finds: `check_page(page, path)` and `check_here(page)`.

Each page is checked in one of the eight combinations of language, text size and width, which follows from its path, so
that over all pages each occurs as often; with PAGES=all in all eight. Axe and the Tab key cost most of the time and
see no words: they are asked where a page has a part that no sound page of this run had (`shape.js` tells parts apart),
axe about the colours of those elements that stand in others as on no page before, the Tab key once for each width. Axe
reads a copy of the page in a tab that keeps it loaded, at an address that serves the same styles to the end of the run.
With PAGES=all both are asked everywhere, axe in the page itself. Used by every room's browser tests.
"""

import os
import zlib
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

COMBINATIONS = list(product(("zh_Hans", "en"), ("standard", "large"), (360, 1280)))
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
NARROW_COLOURS = "axe.configure({ rules: [{ id: 'color-contrast', selector: '[data-asked]' }] })"
"""In the tab of copies axe compares the colours of marked elements only; each costs it more than all other rules."""
RUN_AXE = """async ([options, all]) => {
  const said = ["class", "role", "type", "scope", "tabindex", "autocomplete", "aria-hidden", "aria-invalid"];
  const told = ({ name, value }) => said.includes(name) ? `${name}=${value}` : value.trim() ? name : `${name}=`;
  const part = (el) => [el.tagName, ...Array.from(el.attributes, told), !!el.textContent.trim(), !!el.labels?.length];
  const kind = (row) => [row, ...row.querySelectorAll("*")].map((el) => part(el).join(" ")).join();
  const gone = [], lists = all ? [] : document.querySelectorAll("main tbody, main ul, main ol");
  for (const list of lists) {
    const met = {};
    for (const row of list.children.length > 8 ? Array.from(list.children) : []) {
      met[kind(row)] = (met[kind(row)] ?? 0) + 1;
      if (met[kind(row)] > 2) gone.push([row, list, row.nextSibling]);
    }
  }
  gone.forEach(([row]) => row.remove());
  const found = await axe.run(document, options);
  gone.reverse().forEach(([row, list, next]) => list.insertBefore(row, next));
  return found.violations;
}"""
"""Axe looks at two of a long list's rows that it cannot tell apart; all it passed too would be megabytes."""
HERE = Path(__file__).parent
ASSERTS = (HERE / "asserts.js").read_text(encoding="utf-8")
FOCUS = (HERE / "focus.js").read_text(encoding="utf-8")
SHAPE = (HERE / "shape.js").read_text(encoding="utf-8")
WATCH_FOCUS = f"""() => {{
  if (window.focusFaults) return void (window.focusFaults.length = 0);
  const look = {FOCUS[FOCUS.index("() =>") :].rstrip().rstrip(";")};
  window.focusFaults = [];
  addEventListener("keyup", () => window.focusFaults.push(look()), true);
}}"""
COPY = """() => {
  const copy = document.documentElement.cloneNode(true);
  copy.querySelectorAll("script").forEach((script) => script.remove());
  return "<!doctype html>" + copy.outerHTML;
}"""
SHOW = """(html) => new Promise((shown) => {
  document.open();
  document.write(html);
  document.close();
  if (document.readyState === "complete") shown();
  else addEventListener("load", () => shown(), { once: true });
})"""
"""A document that is written anew keeps the scripts of its tab: axe need not be read and warmed up for each page."""
FAULTS: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()
READERS: WeakKeyDictionary[Browser, Page] = WeakKeyDictionary()
"""The tab in which axe is loaded and warm; it stays at the first address of the run (`chromium`)."""
HOUSEHOLD_BYTES, STAFF_BYTES, REQUESTS = 60 * 1024, 150 * 1024, 6


@dataclass
class Sound:
    """Parts that axe, and the Tab key at a width, found sound in this run, and those whose colours were.

    With a `file`, the workers of the run tell each other.
    """

    file: Path | None = None
    parts: set[str] = field(default_factory=set)
    heard: int = 0

    def lacks(self, parts: set[str]) -> set[str]:
        """Those that were on no sound page."""
        if not parts <= self.parts and self.file is not None and self.file.exists():
            with self.file.open("rb") as told:
                told.seek(self.heard)
                lines = told.read().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith(b"\n")]
            self.heard += sum(map(len, whole))
            self.parts.update(line.decode().strip() for line in whole)
        return parts - self.parts

    def add(self, parts: set[str]) -> None:
        """Keep what a sound page had."""
        new = parts - self.parts
        self.parts |= new
        if new and self.file is not None:
            with self.file.open("ab", buffering=0) as telling:
                telling.write("".join(f"{part}\n" for part in sorted(new)).encode())


SOUND = Sound()


def watch(page: Page, *, host: str) -> None:
    """Keep what must not happen while a page is used: requests elsewhere, errors in the console."""
    FAULTS[page] = []

    def on_request(request: Request) -> None:
        if not request.url.startswith((host, "data:", "blob:")):
            FAULTS[page].append(f"request to another host: {request.url}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            FAULTS[page].append(f"console: {message.text}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: FAULTS[page].append(f"script: {error}"))


def everything() -> bool:
    """Is each page asked everything, whatever was asked before?"""
    return os.environ.get("PAGES") == "all"


def one_of(turn: int, *ways: Any) -> list[Any]:
    """The way that a journey goes in `make test`, by its turn; all of them with PAGES=all or TORTURE=1."""
    return list(ways) if everything() or "TORTURE" in os.environ else [ways[turn % len(ways)]]


def combinations(path: str) -> list[tuple[str, str, int]]:
    """One combination of language, text size and width; all eight with PAGES=all."""
    return COMBINATIONS if everything() else [COMBINATIONS[zlib.crc32(path.encode()) % 8]]


def check_page(page: Page, path: str, *, status: int = 200) -> None:
    """Open the path in its combinations and assert everything."""
    for language, text, width in combinations(path):
        resize(page, width)
        joint = "&" if "?" in path else "?"
        response = page.goto(f"{path}{joint}lang={language}&text={text}")
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        check_here(page, name=f"{path} {language} {text} {width}")


def resize(page: Page, width: int) -> None:
    """Give the window this width, if it has another."""
    if page.viewport_size != {"width": width, "height": 800}:
        page.set_viewport_size({"width": width, "height": 800})


def check_here(page: Page, *, name: str = "") -> None:
    """Assert everything on the page as it is now, such as after a form was sent with errors."""
    page.wait_for_load_state()
    shape, width = page.evaluate(SHAPE, []), page.viewport_size["width"] if page.viewport_size else ""
    axe, colours = _named("axe", shape["parts"]), _named("colours", shape["colours"])
    focus = _named(f"focus at {width}", shape["parts"])
    faults = [*FAULTS.get(page, []), *page.evaluate(ASSERTS)]
    faults += axe_faults(page, parts=bool(_new(axe)), colours=_new(colours))
    if _new(focus):
        faults += focus_faults(page)
    assert not faults, "\n".join([name or page.url, *faults])
    SOUND.add({*axe, *colours, *focus})


def _named(question: str, parts: list[str]) -> dict[str, str]:
    """Each part by a short name, as asked by one question."""
    return {blake2b(f"{question} {part}".encode(), digest_size=12).hexdigest(): part for part in parts}


def _new(parts: dict[str, str]) -> list[str]:
    """Those that were not yet on a page that was found sound; with PAGES=all none ever was."""
    unknown = set(parts) if everything() else SOUND.lacks(set(parts))
    return [part for name, part in parts.items() if name in unknown]


def axe_faults(page: Page, *, parts: bool, colours: list[str]) -> list[str]:
    """What axe finds under WCAG 2.2 AA and its best practices, if `parts`, and in the colours of what stands so."""
    if not parts and not colours:
        return []
    asked = {**AXE, "rules": {"color-contrast": {"enabled": bool(colours)}}} if parts else COLOURS
    if everything():
        reader = page
        reader.evaluate(AXE_SCRIPT)
    else:
        reader = _reader_of(page)
        reader.evaluate(SHOW, page.evaluate(COPY))
        reader.evaluate(SHAPE, colours)
    found: list[dict[str, Any]] = reader.evaluate(RUN_AXE, [asked, everything()])
    return [f"axe {v['id']}: {node['target']} {node['html'][:120]}" for v in found for node in v["nodes"]]


def _reader_of(page: Page) -> Page:
    """The tab for copies, of this page's width."""
    browser, size = page.context.browser, page.viewport_size
    assert browser is not None
    reader = READERS[browser]
    if size is not None and reader.viewport_size != size:
        reader.set_viewport_size(size)
    return reader


def open_reader(browser: Browser, address: str) -> None:
    """Open the tab in which axe reads copies, at an address whose styles are those of every page."""
    reader = READERS[browser] = browser.new_context(base_url=address).new_page()
    reader.goto("/")
    reader.evaluate(AXE_SCRIPT)
    reader.evaluate(NARROW_COLOURS)


def focus_faults(page: Page, *, steps: int = 12) -> list[str]:
    """Walk with the Tab key: what has the focus shows it and is not covered."""
    page.evaluate(WATCH_FOCUS)
    for _step in range(steps):
        page.keyboard.press("Tab")
    return [fault for fault in page.evaluate("() => window.focusFaults") if fault]


def weight(page: Page, path: str) -> tuple[int, int]:
    """Bytes transferred and requests made by a first visit, from a fresh browser context."""
    sizes = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()))
    page.goto(path, wait_until="networkidle")
    return sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes), len(sizes)
