"""What every page must fulfil, beyond what axe finds: `check_page(page, path)` and `check_here(page)`.

Each page is checked in two of the eight combinations of language, text size and width (which two follows from its path,
always two that differ in everything); with PAGES=all in all eight. The colours are the same in all of them and cost axe
two thirds of its time: their contrast is measured in the first only, unless PAGES=all. Used by every room's browser
tests.
"""

import os
import zlib
from itertools import product
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, Request

COMBINATIONS = list(product(("zh_Hans", "en"), ("standard", "large"), (360, 1280)))
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
RUN_AXE = "options => axe.run(document, options).then(found => found.violations)"  # all it passed too is megabytes
HERE = Path(__file__).parent
ASSERTS = (HERE / "asserts.js").read_text(encoding="utf-8")
FOCUS = (HERE / "focus.js").read_text(encoding="utf-8")
FAULTS: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()
HOUSEHOLD_BYTES, STAFF_BYTES, REQUESTS = 60 * 1024, 150 * 1024, 6


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


def combinations(path: str) -> list[tuple[str, str, int]]:
    """Two combinations that differ in language, text size and width; all eight with PAGES=all."""
    if os.environ.get("PAGES") == "all":
        return COMBINATIONS
    first = zlib.crc32(path.encode()) % 8
    return [COMBINATIONS[first], COMBINATIONS[7 - first]]


def check_page(page: Page, path: str, *, status: int = 200) -> None:
    """Open the path in its combinations and assert everything."""
    everything = os.environ.get("PAGES") == "all"
    for turn, (language, text, width) in enumerate(combinations(path)):
        page.set_viewport_size({"width": width, "height": 800})
        joint = "&" if "?" in path else "?"
        response = page.goto(f"{path}{joint}lang={language}&text={text}")
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        check_here(page, name=f"{path} {language} {text} {width}", contrast=everything or turn == 0)


def check_here(page: Page, *, name: str = "", contrast: bool = True) -> None:
    """Assert everything on the page as it is now, such as after a form was sent with errors."""
    page.wait_for_load_state()
    found = axe_faults(page, contrast=contrast)
    faults = [*FAULTS.get(page, []), *page.evaluate(ASSERTS), *found, *focus_faults(page)]
    assert not faults, "\n".join([name or page.url, *faults])


def axe_faults(page: Page, *, contrast: bool = True) -> list[str]:
    """What axe finds under WCAG 2.2 AA and its best practices."""
    page.evaluate(AXE_SCRIPT)
    rules = {} if contrast else {"color-contrast": {"enabled": False}}
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE, {**AXE, "rules": rules})
    return [f"axe {v['id']}: {node['target']} {node['html'][:120]}" for v in found for node in v["nodes"]]


def focus_faults(page: Page, *, steps: int = 12) -> list[str]:
    """Walk with the Tab key: what has the focus shows it and is not covered."""
    faults = []
    for _step in range(steps):
        page.keyboard.press("Tab")
        if fault := page.evaluate(FOCUS):
            faults.append(fault)
    return faults


def weight(page: Page, path: str) -> tuple[int, int]:
    """Bytes transferred and requests made by a first visit, from a fresh browser context."""
    sizes = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()))
    page.goto(path, wait_until="networkidle")
    return sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes), len(sizes)
