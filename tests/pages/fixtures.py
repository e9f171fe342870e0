"""Fixtures for tests that need a served app and a browser; import them in a conftest.

`live_server` serves what `make_app` makes, on a free loopback port; a conftest overrides `make_app` to serve a seeded
house. Without Chromium the tests skip with one line; with CI=true they fail.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from waitress.server import create_server

from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.demo import command
from marketplace.wiring import open_database
from tests.pages import checker, gallery

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AppMaker = Callable[[Path], Flask]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app under waitress on a free port; yields its address."""
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=10)


@pytest.fixture(scope="session")
def make_app() -> AppMaker:
    """The app on an empty house, with the gallery of parts."""

    def make(instance: Path) -> Flask:
        settings = demo_settings(instance, seed=7)
        return gallery.install(create_app(settings, database=open_database(settings)))

    return make


@pytest.fixture(scope="session")
def live_server(make_app: AppMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the served app."""
    app = make_app(tmp_path_factory.mktemp("served"))
    with served(app) as address:
        yield address
    app.extensions["database"].close()


@pytest.fixture(scope="session")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demonstration house: the small city, built and told to its end."""
    settings = demo_settings(tmp_path_factory.mktemp("demo"), seed=7)
    command.play(settings, size="small", seed=7, now=datetime.now(UTC))
    database = open_database(settings)
    yield command.site(settings, database)
    database.close()


@pytest.fixture(scope="session")
def demo_server(demo_app: Flask) -> Iterator[str]:
    """The address of the served demonstration."""
    with served(demo_app) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, started once."""
    if not CHROMIUM.exists():
        sentence = "Chromium is missing: scripts/browser.sh installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


def new_page(browser: Browser, address: str, *, login: str = "") -> Page:
    """A page in a context of its own, watched for faults, and signed in if a demonstration login is given."""
    page = browser.new_context(base_url=address).new_page()
    checker.watch(page, host=address)
    if login:
        page.goto("/")
        action = "/demo/household" if login == "demo-household" else f"/demo/sign-in/{login}"
        page.click(f"form[action='{action}'] button")
    return page


@pytest.fixture
def browser_page(chromium: Browser, live_server: str) -> Iterator[Page]:
    """A fresh page whose addresses begin at the served app; foreign requests and console errors are kept as faults."""
    page = new_page(chromium, live_server)
    yield page
    page.context.close()
