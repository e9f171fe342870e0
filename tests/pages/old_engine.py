"""How the oldest engine that pages hold in draws them: Chrome 66 of 2018, as in WebViews that came with a telephone.

Enters: a page that is to be opened. Leaves: the same page, whose styles come without the rules that this engine cannot
read and without the declarations that it does not know (`read_by_old`), and `FLAT`, a script that takes the gaps away
that it knows in grids only. What it would draw otherwise (its own fonts and controls) is not shown. Called by the
browser tests.
"""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route

SELECTORS = re.compile(r":has\(|:is\(|:where\(|:focus-visible|:not\([^()]*,")
"""One of these makes the whole rule unread, with everything else that stands in its list."""
NAMES = re.compile(
    r"inset(-.*)?|(margin|padding|border)-(inline|block)(-.*)?|border-(start|end)-(start|end)-radius|aspect-ratio|"
    r"accent-color|text-wrap|text-underline-offset"
)
VALUES = re.compile(r"\b(min|max|clamp)\(|^(anywhere|revert)$|\d(dvh|svh|lvh)\b")
FLAT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("[data-flat] { gap: 0 !important }");
  document.adoptedStyleSheets = [sheet];
  document.querySelectorAll("*").forEach((el) => {
    if (/flex/.test(getComputedStyle(el).display)) el.dataset.flat = "";
  });
}"""
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def draw_as_old(page: Page) -> None:
    """From now on this page has the styles as the old engine reads them."""

    def fulfil(route: Route) -> None:
        route.fulfill(body=read_by_old(route.fetch().text()), content_type="text/css")

    page.route("**/*.css*", fulfil)


def read_by_old(css: str) -> str:
    """A stylesheet without what the old engine cannot read.

    >>> read_by_old("a, b:has(c) { top: 0 } @media print { .d { inset: 0; top: 1px; width: min(1px, 2px) } }")
    '@media print{.d{top: 1px}}'
    >>> read_by_old(".e { min-height: max(var(--s), 1px) }")
    '.e{min-height:unset}'
    """
    return "".join(_rules(COMMENT.sub("", css)))


def _rules(css: str) -> list[str]:
    """The rules one after the other, those within an @media read likewise."""
    kept, at = list[str](), 0
    while (begins := css.find("{", at)) >= 0:
        head, ends = css[at:begins].strip(), _end(css, begins)
        body, at = css[begins + 1 : ends], ends + 1
        while head.startswith(("@charset", "@import")):
            head = head.partition(";")[2].strip()
        if head.startswith(("@media", "@supports")):
            kept.append(f"{head}{{{''.join(_rules(body))}}}")
        elif head.startswith("@"):
            kept.append(f"{head}{{{body}}}")
        elif not SELECTORS.search(head):
            kept.append(f"{head}{{{_declarations(body)}}}")
    return kept


def _end(css: str, begins: int) -> int:
    """Where the block that begins here ends."""
    deep = 0
    for at in range(begins, len(css)):
        deep += {"{": 1, "}": -1}.get(css[at], 0)
        if not deep:
            return at
    return len(css)


def _declarations(body: str) -> str:
    kept = []
    for one in re.split(r";(?![^(]*\))", body):
        name, _colon, value = one.strip().partition(":")
        if not name or NAMES.fullmatch(name):
            continue
        if not VALUES.search(value.strip()):
            kept.append(one.strip())
        elif "var(" in value:  # found out only when it is computed: what stood before is gone too
            kept.append(f"{name}:unset")
    return ";".join(kept)
