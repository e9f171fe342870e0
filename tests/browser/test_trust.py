"""The pages of trust in the browser: a stranger checks a receipt; a household's receipt and an ended credential."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlmodel import select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import demo_settings
from marketplace.credentials import receipts
from marketplace.credentials.models import ConsentReceipt
from marketplace.trail.service import make_checkpoint
from marketplace.wiring import open_database
from tests.marketplace.trust_scene import Scene, a_scene, issued
from tests.pages.checker import check_here, check_page
from tests.pages.fixtures import new_page, served
from tests.pages.people import sign_in, sign_in_household

pytestmark = pytest.mark.browser
House = tuple[Flask, str, Scene]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A served house with one consent, its receipt and a credential under it."""
    settings = demo_settings(tmp_path_factory.mktemp("trust"), seed=7)
    database, now = open_database(settings), utc_now() - timedelta(minutes=2)
    with database.transaction() as session:
        scene = a_scene(session, now)
        issued(session, scene, now)
        make_checkpoint(session, now=now)
        receipts.give_due(session, now=now)
    app = create_app(settings, database=database)
    with served(app) as address:
        yield app, address, scene
    database.close()


def test_a_stranger_checks_a_receipt_and_reads_how_to_check_the_house(chromium: Browser, house: House) -> None:
    app, address, _ = house
    with app.extensions["database"].reading() as session:
        receipt = session.exec(select(ConsentReceipt)).one()
    page = new_page(chromium, address)
    for path in ("/trust/", "/verify", f"/verify/{receipt.sha256}"):
        check_page(page, path)
    page.goto("/verify?lang=en")
    page.get_by_label("Paste it here").fill(receipt.jws)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("holds", exact=True).wait_for()
    check_here(page)
    _draw(page, "verify")
    page.goto("/verify?lang=en")
    page.get_by_label("Paste it here").fill(receipt.jws[:-9] + "AAAAAAAAA")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("does not hold").first.wait_for()
    check_here(page)
    page.context.close()


def test_a_household_sees_its_receipt_and_ends_a_credential(chromium: Browser, house: House) -> None:
    app, address, scene = house
    page = new_page(chromium, address)
    sign_in_household(page, app.extensions["database"], scene.household.id, address=address)
    for path in ("/my-receipts/", f"/my-receipts/{scene.given.chain_id}/1", "/my-consents"):
        check_page(page, path)
    page.goto(f"/my-receipts/{scene.given.chain_id}/1?lang=en")
    _draw(page, "receipt")
    assert page.locator("main img").evaluate("image => image.naturalWidth") > 0
    page.goto("/my-receipts/?lang=en")
    _draw(page, "my-receipts")
    page.get_by_role("link", name="End it …").click()
    check_here(page)
    page.get_by_role("button", name="End it").click()
    page.get_by_text("It has ended.").wait_for()
    assert page.get_by_text("ended", exact=True).count() == 1
    page.context.close()


def test_the_auditor_reads_checkpoints(chromium: Browser, house: House) -> None:
    app, address, _ = house
    page = new_page(chromium, address)
    sign_in(page, app.extensions["database"], Role.AUDITOR, address=address)
    check_page(page, "/audit/checkpoints")
    _draw(page, "checkpoints")
    page.context.close()


def _draw(page: object, name: str) -> None:
    """Kept only while somebody looks at the pages."""
    folder = os.environ.get("DRAW")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)  # type: ignore[attr-defined]
