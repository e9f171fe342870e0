"""Longer words break nothing: every sentence grows by two fifths and the parts still fit a telephone."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from playwright.sync_api import Browser, expect

from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.web import catalogues
from tests.pages import checker, gallery
from tests.pages.fixtures import served

pytestmark = pytest.mark.browser
KEPT = ("Shanqiao", "Error: ")


def grown(sentence: str) -> str:
    """The sentence with two fifths more letters in the same words."""
    return " ".join(word if "%" in word else word + "ø" * (len(word) * 2 // 5 + 1) for word in sentence.split(" "))


def pseudo_catalogue(path: Path) -> None:
    catalog = Catalog(locale="en")
    for file in catalogues.room_files(catalogues.DEFAULT):
        for message in catalogues.read_room(file):
            if isinstance(message.id, str) and message.id not in ("", *KEPT):
                catalog.add(message.id, grown(message.id), context=message.context)
    path.parent.mkdir(parents=True)
    with path.open("wb") as stream:
        write_mo(stream, catalog)


def test_words_two_fifths_longer_fit_a_telephone(chromium: Browser, tmp_path: Path) -> None:
    pseudo_catalogue(tmp_path / "i18n" / "en" / "LC_MESSAGES" / "messages.mo")
    app = gallery.install(create_app(demo_settings(tmp_path, seed=1)))
    with served(app) as address:
        page = chromium.new_context(base_url=address, viewport={"width": 360, "height": 800}).new_page()
        checker.watch(page, host=address)
        for path in ("/parts/household", "/progress", "/sure", "/nowhere"):
            for text in ("standard", "large"):
                page.goto(f"{path}?lang=en&text={text}")
                expect(page.locator("header")).to_contain_text("ø", use_inner_text=True)
                checker.check_here(page)
        page.context.close()
