"""Pairs of people and of organisations, who pays what, and prevented duplicates, each with data, in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlmodel import Session, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.config import demo_settings
from marketplace.decisions import approve as approval
from marketplace.households import comparing, service
from marketplace.households.models import Suspicion
from marketplace.ledger import bills, late
from marketplace.ledger.models import LayerState, OverlapHit
from marketplace.organisations.models import OrganisationPair
from marketplace.wiring import open_database
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.marketplace.test_organisations_alike import HOSPITAL, enters
from tests.marketplace.test_overlap_runs import past
from tests.marketplace.test_suspicions import PAIR
from tests.pages.checker import check_here, check_page
from tests.pages.fixtures import new_page, served
from tests.pages.people import sign_in, sign_in_household

pytestmark = pytest.mark.browser
WORKER = Actor(id="worker-1", role=Role.WORKER)
House = tuple[Flask, str, dict[str, str]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A served house in which everything that these pages show has happened once."""
    settings = demo_settings(tmp_path_factory.mktemp("twice"), seed=7)
    database = open_database(settings)
    with database.transaction() as session:
        ids = _furnished(session)
    with served(create_app(settings, database=database)) as address:
        yield create_app(settings, database=database), address, ids
    database.close()


def _furnished(session: Session) -> dict[str, str]:
    now = utc_now() - timedelta(minutes=5)
    service.register_many(session, PAIR, actor=SYSTEM, now=now)
    comparing.compare_waiting(session, actor=SYSTEM, now=now)
    whole = enters(session, HOSPITAL, now, seq=1)
    enters(session, HOSPITAL + "金山院区", now, seq=2)
    scene = a_scene(session, now=now)
    past(session, scene.household, "LIVING.FOOD_PACK", 2, local_day(now) - timedelta(days=3))
    second = past(session, scene.household, "LIVING.FOOD_PACK", 2, local_day(now) - timedelta(days=2))
    approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    late.look_again(session, [second.id], actor=SYSTEM, now=now)
    need = make.a_need(session, scene.household, category="MEDICAL.MAJOR", unit="FEN", gap_units=3_000_000)
    bare = make.a_need(session, scene.household, category="MEDICAL.CHILD_CHD", unit="FEN", gap_units=2_000_000)
    bill = bills.record(session, need.id, cost_fen=8_000_000, paper="结算单", actor=WORKER, now=now)
    promised = {"state": LayerState.EXPECTED, "fen": 1_200_000, "actor": WORKER, "now": now}
    bills.answer(session, bill.id, "COMMERCIAL_SUPPLEMENT", **promised)  # type: ignore[arg-type]
    return {
        "person_pair": session.exec(select(Suspicion.id)).one(),
        "pair": session.exec(select(OrganisationPair.id)).one(),
        "org": whole.id,
        "need": need.id,
        "bare": bare.id,
        "hit": session.exec(select(OverlapHit.id).where(OverlapHit.place == "report")).first() or "",
        "home": scene.household.id,
    }


PAGES = (
    "/people/pairs",
    "/people/pairs/{person_pair}",
    "/organisations/pairs",
    "/organisations/pairs/{pair}",
    "/organisations/{org}/names",
    "/aid/rules/D14",
    "/aid/bills/{need}",
    "/aid/bills/{bare}",
    "/aid/duplicates",
    "/aid/duplicates/rows",
    "/aid/duplicates/{hit}",
)


def test_the_staffs_pages_are_sound_with_data(chromium: Browser, house: House) -> None:
    app, address, ids = house
    page = new_page(chromium, address)
    sign_in(page, app.extensions["database"], Role.APPROVER, address=address)
    for path in PAGES:
        check_page(page, path.format(**ids))
    page.context.close()


def test_a_pair_of_organisations_is_decided_and_the_household_sees_what_it_can_claim(
    chromium: Browser, house: House
) -> None:
    app, address, ids = house
    page = new_page(chromium, address)
    sign_in(page, app.extensions["database"], Role.APPROVER, address=address)
    page.goto(f"/organisations/pairs/{ids['pair']}?lang=en")
    page.get_by_label("One organisation", exact=True).check()
    page.get_by_label("How do you know?").select_option("CODES")
    page.get_by_label("Minutes it took you").fill("4")
    page.get_by_role("button", name="Keep this decision").click()
    page.goto(f"/organisations/pairs/{ids['pair']}?lang=en")
    page.get_by_role("button", name="Take it back").wait_for()
    check_here(page)
    page.context.close()
    page = new_page(chromium, address)
    sign_in_household(page, app.extensions["database"], ids["home"], address=address)
    check_page(page, "/home")
    page.goto("/home?lang=zh_Hans")
    assert page.get_by_text("医保结算单").count() == 1
    page.context.close()
