"""What a telephone brings in, at 360 px: a photo over a broken network and a finger; WeChat."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from sqlmodel import select

from marketplace.cases.models import CasePaper
from marketplace.reference.identity_number import make_id_number
from tests.browser.street import PHONE, Street, open_street
from tests.browser.test_household_way import Thumb, begin_alone
from tests.pages.checker import FAULTS
from tests.pages.finger import draw

pytestmark = pytest.mark.browser


def fits(page: Page) -> None:
    """Nothing scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def photo() -> bytes:
    """A picture of several pieces."""
    out = io.BytesIO()
    Image.effect_noise((500, 400), 90).save(out, "JPEG", quality=95)
    return out.getvalue()


def test_a_photo_goes_on_where_the_network_broke_and_a_finger_signs(tmp_path: Path, chromium: Browser) -> None:
    data, tries = photo(), list[int]()

    def break_off(route: Route) -> None:
        tries.append(int(route.request.url.rpartition("/")[2]))
        route.abort() if len(tries) == 2 else route.continue_()

    with open_street(tmp_path, chromium, width=360, checks=True) as street:
        page = street.household()
        thumb = Thumb(page)
        begin_alone(thumb)
        page.route("**/cases/uploads/*/pieces/*", break_off)
        page.locator("#photo").set_input_files({"name": "card.jpg", "mimeType": "image/jpeg", "buffer": data})
        expect(page.locator(".upload-name")).to_contain_text("已送达", timeout=20_000)
        assert tries[1] == tries[2] == 64 * 1024
        assert tries[-1] < len(data)
        page.locator("#id_number").fill(make_id_number("509900", date(1960, 3, 4), seq=7))
        thumb.go()
        thumb.tick("agree", "y")
        draw(page)
        fits(page)
        street.look(page, "sign")
        thumb.go()
        thumb.go()
        page.goto(page.url.replace("/sent", "/papers/authorisation"))
        expect(page.locator(".signature polyline")).to_have_count(1)
        fits(page)
        street.look(page, "authorisation")
        with street.database.reading() as session:
            kinds = set(session.exec(select(CasePaper.kind)))
            assert kinds == {"id_photo", "drawn_name"}
        FAULTS[page] = [fault for fault in FAULTS.get(page, []) if "pieces" not in fault and "ERR_FAILED" not in fault]


def come_in(page: Page, street: Street) -> None:
    """By WeChat, the first time: the telephone is proved and the question answered with yes."""
    page.goto("/wechat")
    thumb = Thumb(page)
    thumb.go()
    page.locator("#phone").fill(PHONE)
    thumb.go()
    shown = re.search(r"\d{6}", page.locator(".banner").last.inner_text())
    assert shown is not None
    page.locator("#code").fill(shown.group())
    thumb.go()
    expect(page).to_have_url(f"{street.address}/wechat/tie")
    fits(page)
    thumb.go('form[action="/wechat/tie"] button')
    assert thumb.taps <= 4


def test_wechat_opens_the_page_after_the_telephone_was_proved_once(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium, scripts=False, width=360, language="en") as street:
        first, again = street.window(), street.window()
        come_in(first, street)
        again.goto("/wechat")
        fits(again)
        Thumb(again).go()
        expect(again).to_have_url(re.compile("/home|/my"))
        first.goto("/wechat/tie")
        Thumb(first).go('form[action="/wechat/untie"] button')
        again.goto("/cases/mine")
        expect(again).to_have_url(re.compile("sign-in|enter"))
