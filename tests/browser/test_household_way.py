"""The household's way at 360 px without JavaScript, drawn as by the oldest engine that pages hold in: alone in few
taps, refused, watched, objecting, appealing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from marketplace.actors import Actor, Role
from marketplace.appeals.models import Appeal
from marketplace.cases import outcome
from marketplace.cases.models import CaseItem
from marketplace.reference.identity_number import make_id_number
from tests.browser.street import Street, open_street
from tests.pages.checker import ASSERTS, one_of
from tests.pages.old_engine import FLAT, draw_as_old

pytestmark = pytest.mark.browser
MOST_TAPS = 12
WORKER = Actor(id="worker-of-the-street", role=Role.WORKER, districts=frozenset({"500103"}))


class Thumb:
    """One thumb on one page: it counts what it presses; with `old` each page that opens is held to what every page must
    fulfil."""

    def __init__(self, page: Page, *, old: bool = False) -> None:
        self.page, self.taps, self.old = page, 0, old

    def tick(self, name: str, value: str) -> None:
        self.page.locator(f'input[name="{name}"][value="{value}"]').check()
        self.taps += 1

    def go(self, selector: str = "main form button[type=submit]") -> None:
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.taps += 1
        if self.old:
            look(self.page)


def look(page: Page) -> None:
    """Sizes, words and width of the page as the old engine draws it."""
    page.wait_for_load_state()
    page.evaluate(FLAT)
    faults = page.evaluate(ASSERTS)
    assert not faults, "\n".join([page.url, *faults])


def begin_alone(thumb: Thumb) -> None:
    """From the button to the page of the card's number and photo."""
    thumb.page.goto("/cases/mine")
    thumb.go('form[action="/cases/start"] button')
    thumb.tick("wants", "accident")
    thumb.go()
    thumb.page.locator("#size").fill("1")
    thumb.page.locator("#income_fen").fill("0")
    thumb.go()
    thumb.tick("ticks", "sudden")
    thumb.go()


def apply_alone(page: Page) -> int:
    """Everything from the button to the confirmation; the taps it took."""
    thumb = Thumb(page, old=True)
    begin_alone(thumb)
    page.locator("#id_number").fill(make_id_number("509900", date(1960, 3, 4), seq=7))
    thumb.go()
    thumb.tick("agree", "y")
    page.locator("#typed_name").fill("王小明")
    thumb.go()
    thumb.go()
    return thumb.taps


def refuse(street: Street) -> str:
    """The street office says no to fast aid."""
    with street.database.transaction() as session:
        item = session.exec(select(CaseItem)).one()
        outcome.decide(session, item.id, granted=False, reason="not_true", actor=WORKER, now=datetime.now(UTC))
        return item.case_id


@pytest.mark.parametrize("language", one_of(1, "zh_Hans", "en"))
def test_alone_in_few_taps_then_refused_watched_and_appealed(tmp_path: Path, chromium: Browser, language: str) -> None:
    with open_street(tmp_path, chromium, scripts=False, width=360, language=language) as street:
        page = street.household()
        draw_as_old(page)
        taps = apply_alone(page)
        assert taps <= MOST_TAPS, taps
        expect(page.locator("svg.qr")).to_be_visible()
        case_id = refuse(street)
        page.goto("/cases/mine")
        thumb = Thumb(page, old=True)
        thumb.go('form[action$="/object"] button')
        expect(page.locator('form[action$="/object"]')).to_have_count(0)
        page.goto(f"/cases/{case_id}")
        thumb = Thumb(page, old=True)
        thumb.go('a[href*="/appeals/about-item/"]')
        thumb.tick("kind", "appeal")
        page.locator("#words").fill("我没有说错")
        thumb.go()
        assert thumb.taps <= 4
        with street.database.reading() as session:
            assert session.exec(select(Appeal.object_ref)).one().startswith("item:")
        page.goto(f"/cases/{case_id}")
        with page.expect_navigation():
            page.locator('a[href$="/papers/decision"]').click()
        look(page)
        for path in ("/home", f"/cases/{case_id}", "/my-consents", "/messages", "/helpers/invite", "/who-saw"):
            page.goto(path)
            look(page)
