"""Papers as PDF: with the extra Chinese text in a font of its own, without it one clear sentence."""

from __future__ import annotations

import os
import sys

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.web import pdf
from tests.marketplace.test_cases_pages import app, apply, home
from tests.pages.fixtures import CHROMIUM

__all__ = ["app", "home"]
A4 = b"/MediaBox [0 0 59"
HAN_FONTS = (b"WenQuanYi", b"NotoSansCJK", b"NotoSerifCJK")


def test_a_receipt_is_a_pdf_on_a4_with_chinese_letters(app: Flask, home: FlaskClient) -> None:
    if CHROMIUM is None:
        sentence = "Chromium is missing: scripts/browser.sh installs it"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    case = apply(home)[0].removesuffix("/sent")
    page = home.get(case + "/papers/receipt")
    assert 'href="?as=pdf"' in page.text
    drawn = home.get(case + "/papers/receipt?as=pdf")
    assert (drawn.status_code, drawn.mimetype) == (200, "application/pdf")
    data = drawn.get_data()
    assert data.startswith(b"%PDF-")
    assert A4 in data
    assert any(name in data for name in HAN_FONTS), "letters of a Chinese font are in the file"
    assert home.get(case + "/papers/other?as=pdf").status_code == 404


def test_a_house_without_the_extra_says_so(app: Flask, home: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    case = apply(home)[0].removesuffix("/sent")
    for take_away in ("library", "browser"):
        with monkeypatch.context() as patch:
            if take_away == "library":
                patch.setitem(sys.modules, "playwright.sync_api", None)
            else:
                patch.setattr(pdf, "which", lambda _name: None)
            told = home.get(case + "/print?as=pdf")
            assert (told.status_code, told.headers["Location"]) == (303, case + "/print")
        assert "不生成 PDF" in home.get(case + "/print").text
