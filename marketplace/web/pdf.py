"""A page made for paper as a PDF, where the optional extra `pdf` is installed.

Enters: a page as it was rendered. Leaves: the same page as a PDF on A4, drawn by Chromium with the fonts of the
machine, or None where Playwright or Chromium is missing. The page's scripts do not run, and nothing but the house's
own static files is read: no address outside is asked. Nothing is written to the disk. Called by the views of papers.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from typing import Any

from flask import Flask, Response, current_app, request
from flask_babel import gettext as _

from marketplace.web.assets import PREFIX
from marketplace.web.pages import refuse

WANTED = "pdf"
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
HERE = "http://paper.invalid"


def as_asked(page: Response, /) -> Response:
    """The page, or its PDF if the address asks for it (`?as=pdf`); a sentence where this house makes none."""
    if request.args.get("as") != WANTED or page.status_code != 200:
        return page
    drawn = drawn_on_paper(page.get_data(as_text=True))
    if drawn is None:
        told = _("This house makes no PDF: whoever runs it can install the extra for it. Print the page instead.")
        return refuse(told, to=request.path)
    answer = Response(drawn, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = "inline"
    return answer


def drawn_on_paper(text: str, /) -> bytes | None:
    """The PDF of a page; in a thread of its own, because a browser's driver wants one."""
    browser = next((found for name in BROWSERS if (found := which(name))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser is None:
        return None
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_draw, sync_playwright, app, Path(browser), text).result(timeout=60)


def _draw(driver: Any, app: Flask, browser: Path, text: str) -> bytes:
    def serve(route: Any) -> None:
        """The page itself and our own static files; everything else is refused."""
        path = str(route.request.url).removeprefix(HERE)
        if path == "/":
            route.fulfill(body=text, content_type="text/html; charset=utf-8")
        elif path.startswith(PREFIX):
            found = app.test_client().get(path, buffered=True)
            route.fulfill(body=found.get_data(), content_type=found.headers.get("Content-Type", ""))
        else:
            route.abort()

    with driver() as playwright:
        box = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
        chromium = playwright.chromium.launch(executable_path=str(browser), args=["--disable-gpu", *box])
        try:
            page = chromium.new_page(java_script_enabled=False)
            page.route("**/*", serve)
            page.goto(f"{HERE}/")
            drawn: bytes = page.pdf(format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "15mm"))
            return drawn
        finally:
            chromium.close()
