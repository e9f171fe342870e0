"""Fixtures for tests that need a served app and a browser; import them in a conftest.

`live_server` serves what `make_app` makes, on a free loopback port; a conftest overrides `make_app` to serve a seeded
house. Without Chromium the tests skip with one line; with CI=true they fail.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from waitress.server import create_server

from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.demo import command
from marketplace.demo.accounts import ACCOUNTS
from marketplace.wiring import open_database
from tests.pages import checker, gallery
from tests.pages.forms import SeenForm, forms_of
from tests.pages.reach import reach, writes_of_gets
from tests.running import running

CHROMIUM = next(filter(Path.exists, map(Path, ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium"))), None)
"""Debian's Chromium without windows, which opens a page in less than half the time, or else the whole browser."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",  # what glides is painted sixty times a second; no check looks while it moves
]
AppMaker = Callable[[Path], Flask]
Walk = Callable[[str], dict[str, str]]
Forms = Callable[[str], dict[str, list[SeenForm]]]
ENGLISH = frozenset(account.login for account in ACCOUNTS[::2])
"""Every second role of the demonstration walks in English."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app under waitress on a free port; yields its address."""
    with running(create_server(app, host="127.0.0.1", port=0, threads=8)) as port:
        yield f"http://127.0.0.1:{port}"


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


def of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run of the tests share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Hold a lock on this file: other workers wait."""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's folder; the first worker that needs it builds it."""
    shared = of_the_run(tmp_path_factory)
    with one_at_a_time(shared / "demo.lock"):
        if not (shared / "demo").exists():
            settings = demo_settings(shared / "demo.part", seed=7)
            command.play(settings, size="small", seed=7, now=datetime.now(UTC))
            (shared / "demo.part").rename(shared / "demo")
    return shared / "demo"


@contextmanager
def a_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demonstration house: a copy of the small city, built and told to its end once for all tests of a run."""
    folder = tmp_path_factory.mktemp("demo-copy")
    shutil.copytree(built_once(tmp_path_factory), folder, dirs_exist_ok=True)
    settings = demo_settings(folder, seed=7)
    database = open_database(settings)
    yield command.site(settings, database)
    database.close()


@pytest.fixture(scope="session")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One demonstration for all tests of a worker that change little in it."""
    with a_demo(tmp_path_factory) as app:
        yield app


def lead(app: Flask, login: str) -> dict[str, Any]:
    """Walk (see `reach`) as this login: endpoint ► address, address ► forms, and what a GET wrote: address, table."""
    forms: dict[str, list[SeenForm]] = {}
    with writes_of_gets(app) as writes:
        pages = reach(
            app, login, english=login in ENGLISH, shown=lambda at, text: forms.update({at: forms_of(text, at)})
        )
    return {
        "pages": pages,
        "forms": {path: [asdict(form) for form in found] for path, found in forms.items()},
        "writes": writes,
    }


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Login ► what its walk through the untouched demonstration met; whoever needs it first walks for all."""
    shared = of_the_run(tmp_path_factory)
    with a_demo(tmp_path_factory) as app:

        def led(login: str) -> dict[str, Any]:
            kept = shared / f"walk-{login or 'stranger'}.json"
            with one_at_a_time(kept.with_suffix(".lock")):
                if not kept.exists():
                    kept.write_text(json.dumps(lead(app, login)), encoding="utf-8")
            return dict(json.loads(kept.read_text(encoding="utf-8")))

        yield led


@pytest.fixture(scope="session")
def walk(walked: Callable[[str], dict[str, Any]]) -> Walk:
    """Login ► endpoint ► one address of it, for every page within its reach."""
    return lambda login: dict(walked(login)["pages"])


@pytest.fixture(scope="session")
def forms(walked: Callable[[str], dict[str, Any]]) -> Forms:
    """Login ► address ► the forms that this page showed on the walk."""

    def seen(login: str) -> dict[str, list[SeenForm]]:
        return {path: [SeenForm(**form) for form in found] for path, found in walked(login)["forms"].items()}

    return seen


@pytest.fixture(scope="session")
def demo_server(demo_app: Flask) -> Iterator[str]:
    """The address of the served demonstration."""
    with served(demo_app) as address:
        yield address


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory, live_server: str) -> Iterator[Browser]:
    """Debian's Chromium, started once; what pages it finds sound is told to the run's other workers."""
    checker.SOUND.file = of_the_run(tmp_path_factory) / "sound"
    if CHROMIUM is None:
        sentence = "Chromium is missing: scripts/browser.sh installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        checker.open_reader(browser, live_server)
        yield browser
        browser.close()


def new_page(browser: Browser, address: str, *, login: str = "", scripts: bool = True) -> Page:
    """A page in a context of its own, watched for faults, and signed in if a demonstration login is given."""
    page = browser.new_context(base_url=address, java_script_enabled=scripts).new_page()
    checker.watch(page, host=address)
    if login:
        page.goto("/")
        action = "/demo/household" if login == "demo-household" else f"/demo/sign-in/{login}"
        page.click(f"form[action='{action}'] button")
    return page


class Windows:
    """Windows that tests at one address use one after another: a fresh one costs the browser three pages.

    What a window kept (cookies, storage, caches, keepers, faults) is gone when it is taken again.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser, self._free = browser, dict[tuple[str, bool], list[Page]]()

    def take(self, address: str, *, scripts: bool = True) -> Page:
        """A window that nobody is signed in at."""
        free = self._free.setdefault((address, scripts), [])
        if not free:
            return new_page(self._browser, address, scripts=scripts)
        page = free.pop()
        page.evaluate("() => sessionStorage.clear()")
        told = page.context.new_cdp_session(page)
        told.send("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
        told.detach()
        page.context.clear_cookies()
        checker.FAULTS[page].clear()
        return page

    def give_back(self, page: Page, address: str, *, scripts: bool = True) -> None:
        """Whoever changed more than that in a window closes it instead."""
        self._free[address, scripts].append(page)

    @contextmanager
    def lent(self, address: str) -> Iterator[Page]:
        """A window for as long as this is open."""
        page = self.take(address)
        try:
            yield page
        except BaseException:
            page.context.close()
            raise
        self.give_back(page, address)

    def close(self) -> None:
        """Close those that are free."""
        for page in chain.from_iterable(self._free.values()):
            page.context.close()


@pytest.fixture(scope="module")
def windows(chromium: Browser) -> Iterator[Windows]:
    """The windows of a file."""
    opened = Windows(chromium)
    yield opened
    opened.close()


@pytest.fixture
def browser_page(windows: Windows, live_server: str) -> Iterator[Page]:
    """A page whose addresses begin at the served app; foreign requests and console errors are kept as faults."""
    with windows.lent(live_server) as page:
        yield page
