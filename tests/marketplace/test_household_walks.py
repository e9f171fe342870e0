"""Every way of a household from its first page to the end, by the app's own test client."""

from __future__ import annotations

import pytest

from adapters.fakes import FakeFace
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from tests.marketplace.household_walks import KNOWN, WALKS, House, in_turn
from tests.pages.hands import Fingers, faults


@pytest.mark.parametrize(("walk", "language"), in_turn(first="en"))
def test_a_household_goes_its_way_to_the_end(
    settings: Settings, sqlite_database: Database, walk: str, language: str
) -> None:
    app = create_app(settings, database=sqlite_database, face=FakeFace())
    app.config["WTF_CSRF_ENABLED"] = False

    def maker(token: str) -> Fingers:
        client = app.test_client()
        if token:
            client.set_cookie("sid", token)
        return Fingers(client, language=language, known=KNOWN)

    WALKS[walk](House(app, sqlite_database, language, maker))


@pytest.mark.parametrize(
    ("text", "language"),
    [("状态 in_delivery", "zh_Hans"), ("申请 Waiting", "zh_Hans"), ("State: 等待", "en"), ("by %(day)s", "en")],
)
def test_a_page_that_says_a_code_or_the_other_language_is_found(text: str, language: str) -> None:
    assert faults(text, language=language)
    assert not faults("申请已送达", language="zh_Hans")
