"""A delivery proven on a telephone: the code of a slip, a name drawn with a finger, the file of the grant, no sideways
scroll at 360 pixels."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlmodel import col, select

from marketplace.actors import Role
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.proofs import slips
from marketplace.proofs.models import Proof, ProofKind
from marketplace.reference.services import find_service
from tests.pages.checker import check_here
from tests.pages.finger import draw
from tests.pages.fixtures import new_page
from tests.pages.people import sign_in

pytestmark = pytest.mark.browser


def test_a_volunteer_types_the_code_and_the_receiver_signs_with_a_finger(
    chromium: Browser, demo_app: Flask, demo_server: str
) -> None:
    database: Database = demo_app.extensions["database"]
    with database.reading() as session:
        delivered_now = select(Match, Need).join(Need, col(Need.id) == col(Match.need_id))
        delivered_now = delivered_now.where(col(Match.state) == MatchState.IN_DELIVERY).order_by(col(Match.id))
        match = next(
            match
            for match, need in session.exec(delivered_now)
            if find_service(need.category) is None and not need.category.startswith("INSURANCE")
        )
        code = slips.shown(slips.code_of(session, match))
    page = new_page(chromium, demo_server)
    sign_in(page, database, Role.CHARITY_WORKER, address=demo_server, org_id=match.org_id)
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/proofs/code?lang=en")
    page.get_by_label("Code on the slip").fill(code.lower())
    page.get_by_role("button", name="Open the delivery").click()
    check_here(page)
    draw(page)
    page.get_by_role("button", name="It was delivered").click()
    page.get_by_text("Recorded with its proof.").wait_for()
    check_here(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Show", exact=True).click()
    assert page.locator("img.proof-picture").evaluate("image => image.naturalWidth") > 0
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{page.url.partition('?')[0]}?lang=zh_Hans")
    check_here(page)
    page.context.close()
    with database.reading() as session:
        kinds = session.exec(select(Proof.kind).where(col(Proof.match_id) == match.id)).all()
        assert sorted(kinds) == [ProofKind.DRAWN, ProofKind.SCAN]
