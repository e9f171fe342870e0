"""Papers as PDF: with the extra Chinese text in a font of its own, without it one clear sentence."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import audit
from marketplace.cases.evaluate import WANTS
from marketplace.cases.models import CaseItem, CaseStep, ItemState, Unit
from marketplace.reference.words import list_codes
from marketplace.web import pdf
from tests.marketplace.test_cases import WORKER, send
from tests.marketplace.test_cases_pages import app, apply, home
from tests.pages.fixtures import CHROMIUM
from tests.pages.people import household_client

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


def decided(item: CaseItem, now: datetime) -> CaseStep:
    """The step by which it was."""
    at: Any = {"started_at": now, "ran_from": now, "due_at": now, "ended_at": now, "limit_days": 1, "no": 9}
    ids: Any = {"id": f"step-{item.code}", "item_id": item.id, "case_id": item.case_id, "unit": Unit.WORKING}
    return CaseStep(code="confirm", holder="COUNTY", outcome=item.state.value, **at, **ids)


def test_the_fullest_application_stands_on_one_sheet(app: Flask) -> None:
    """In English, whose sentences are the longer ones."""
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: scripts/browser.sh installs it")
    now, long = datetime.now(UTC), "家庭人均月收入高于本市标准，经入户核查和部门核对属实，" * 12
    with app.extensions["database"].transaction() as session:
        full = {"wants": list(WANTS), "ticks": list_codes("case_ticks"), "schooling_fen": 900_000}
        case, items = send(session, now, **full)
        for n, item in enumerate(items.values()):
            item.office, item.decided_at, item.decided_by, item.note = "500103003", now, "approver-1", long[:400]
            item.state, item.amount_fen = (ItemState.GRANTED, 104_000) if n % 2 else (ItemState.REFUSED, 0)
            item.reason, item.letter = "" if n % 2 else "income_over", f"渝中医保函〔2026〕{n}号"
            session.add(decided(item, now))
        for n in range(9):
            entry = audit.Entry("case:paper_look", subject=case.household_id, fields=("name", "id_number"))
            audit.record(session, entry, actor=WORKER, now=now + timedelta(minutes=n))
        home, path = case.household_id, f"/cases/{case.id}/print?as=pdf&lang=en"
        assert len(items) > 10
    data = household_client(app, home).get(path).get_data()
    assert data.count(b"/Type /Page\n") == 1


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
