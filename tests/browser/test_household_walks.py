"""Every way of a household in Chromium at 360 px, without scripts: one house and one server for each language.

Each walk goes in one language here and in the other with the test client; with PAGES=all (`make e2e`) in both. What a
page must be is asked by the hands as each page opens; a walk that ends has met no page that a person could not read or
leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from flask import Flask

from adapters.fakes import FakeFace
from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.wiring import open_database
from tests.marketplace.household_walks import KNOWN, WALKS, House, in_turn
from tests.pages import checker
from tests.pages.fixtures import Windows, served
from tests.pages.hands import Thumb

pytestmark = pytest.mark.browser


Town = tuple[Flask, Database, str]


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Town]]:
    """One house for all walks of a language: a walk that goes in both meets nothing of its first time."""
    with ExitStack() as opened:

        @cache
        def town(language: str) -> Town:
            settings = demo_settings(tmp_path_factory.mktemp(language), seed=5)
            database = open_database(settings)
            opened.callback(database.close)
            app = create_app(settings, database=database, face=FakeFace())
            return app, database, opened.enter_context(served(app))

        yield town


@pytest.mark.parametrize(("walk", "language"), in_turn(first="zh_Hans"))
def test_a_household_goes_its_way_on_a_telephone_without_scripts(
    towns: Callable[[str], Town], windows: Windows, walk: str, language: str
) -> None:
    app, database, address = towns(language)
    opened = []

    def maker(token: str) -> Thumb:
        page = windows.take(address, scripts=False)
        opened.append(page)
        checker.resize(page, 360)
        if token:
            page.context.add_cookies([{"name": "sid", "value": token, "url": address}])
        return Thumb(page, language=language, known=KNOWN)

    WALKS[walk](House(app, database, language, maker))
    assert not [fault for page in opened for fault in checker.FAULTS[page]]
    for page in opened:
        windows.give_back(page, address, scripts=False)
