"""Deliveries proven on a telephone, each way in one language by turns: the code of a slip with a name drawn with a
finger, and a photo with the number of the paper slip; the file of the grant, no sideways scroll at 360 pixels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlmodel import Session, col, select

from marketplace.actors import Role
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.proofs import slips
from marketplace.proofs.models import Proof, ProofKind
from marketplace.reference.services import find_service
from tests import factories as make
from tests.pages.checker import check_here, one_of
from tests.pages.finger import draw
from tests.pages.fixtures import new_page
from tests.pages.people import sign_in

pytestmark = pytest.mark.browser
WORDS = {
    "en": ("Code on the slip", "Open the delivery", "It was delivered", "Recorded with its proof."),
    "zh_Hans": ("单据上的送达码", "打开这次发放", "已送达", "已登记，凭证已保存。"),
}
OTHER = {"en": "zh_Hans", "zh_Hans": "en"}


def on_the_way(session: Session) -> Match:
    """A delivery that no visit, no insurer and no bank brings."""
    wanted = select(Match, Need).join(Need, col(Need.id) == col(Match.need_id))
    wanted = wanted.where(col(Match.state) == MatchState.IN_DELIVERY, col(Match.held_for) == "").order_by(col(Match.id))
    return next(
        match
        for match, need in session.exec(wanted)
        if find_service(need.category) is None and not need.category.startswith("INSURANCE") and need.unit != "FEN"
    )


@pytest.fixture
def phone(chromium: Browser, demo_server: str) -> Iterator[Page]:
    """A window of a telephone's width."""
    page = new_page(chromium, demo_server)
    page.set_viewport_size({"width": 360, "height": 740})
    yield page
    page.context.close()


def recorded(page: Page, language: str, database: Database, match: Match) -> set[ProofKind]:
    """Press, open what proves it on the file of the grant, and read the file on a wide screen in the other language;
    what was kept."""
    _code, _open, delivered, kept = WORDS[language]
    page.get_by_role("button", name=delivered, exact=True).click()
    page.get_by_text(kept).wait_for()
    check_here(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    with database.reading() as session:
        kinds = dict(session.exec(select(Proof.kind, Proof.id).where(col(Proof.match_id) == match.id)).all())
    drawn = kinds.get(ProofKind.PHOTO) or kinds[ProofKind.DRAWN]
    page.click(f'form[action*="look/{drawn}"] button')
    assert page.locator("img.proof-picture").evaluate("image => image.naturalWidth") > 0
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{page.url.partition('?')[0]}?lang={OTHER[language]}")
    check_here(page)
    return set(kinds)


@pytest.mark.parametrize("language", one_of(0, "en", "zh_Hans"))
def test_a_volunteer_types_the_code_and_the_receiver_signs_with_a_finger(
    phone: Page, demo_app: Flask, demo_server: str, language: str
) -> None:
    database: Database = demo_app.extensions["database"]
    with database.reading() as session:
        match = on_the_way(session)
        code = slips.shown(slips.code_of(session, match))
    sign_in(phone, database, Role.CHARITY_WORKER, address=demo_server, org_id=match.org_id)
    phone.goto(f"/proofs/code?lang={language}")
    phone.get_by_label(WORDS[language][0]).fill(code.lower())
    phone.get_by_role("button", name=WORDS[language][1]).click()
    check_here(phone)
    draw(phone)
    assert recorded(phone, language, database, match) == {ProofKind.DRAWN, ProofKind.SCAN}


@pytest.mark.parametrize("language", one_of(1, "en", "zh_Hans"))
def test_a_photo_and_the_number_of_a_paper_slip_prove_a_delivery_found_in_the_list(
    phone: Page, demo_app: Flask, demo_server: str, language: str
) -> None:
    database: Database = demo_app.extensions["database"]
    with database.reading() as session:
        match = on_the_way(session)
    sign_in(phone, database, Role.CHARITY_WORKER, address=demo_server, org_id=match.org_id)
    phone.goto(f"/proofs/?lang={language}")
    phone.fill("#text", match.id[:12])
    phone.click("main form.filters [type=submit]")
    check_here(phone)
    phone.click(f'td a[href$="/proofs/grants/{match.id}/hand-over"]')
    phone.locator("#photo").set_input_files({"name": "p.png", "mimeType": "image/png", "buffer": make.a_picture()})
    phone.fill("#slip_number", "HZ-0001")
    assert recorded(phone, language, database, match) == {ProofKind.PHOTO, ProofKind.SLIP}
