"""The pages of givers in the browser: posting by the wizard, a table brought in, demand, ledger and organisations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.offers import drafts
from marketplace.offers.demand import publish_demand
from marketplace.offers.models import Offer, OfferState
from marketplace.organisations.models import OrganisationState
from marketplace.reference.organisation_number import make_uscc
from marketplace.wiring import open_database
from tests.factories import a_household, a_need, an_offer, an_organisation
from tests.marketplace.offer_terms import some_terms
from tests.marketplace.test_ledger_imports import HEAD as AID_HEAD
from tests.marketplace.test_ledger_imports import a_known_household, a_known_need
from tests.marketplace.test_offers_imports import HEAD, ROW_TODAY
from tests.pages.checker import check_here, check_page, watch
from tests.pages.fixtures import Windows, served
from tests.pages.people import sign_in

pytestmark = pytest.mark.browser
STATES = (OfferState.OPEN, OfferState.HELD, OfferState.PAUSED, OfferState.CLOSED)
STEPS = ("kind", "amount", "limits", "where", "who", "when", "answer", "promise", "check", "drop")


@dataclass(frozen=True, slots=True)
class House:
    """A served house and the draft that lies in it."""

    address: str
    database: Database
    draft_id: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One giver with an offer in each state, a draft, counted needs, and a suspended organisation with a long name."""
    settings = demo_settings(tmp_path_factory.mktemp("givers"), seed=7)
    database = open_database(settings)
    now = datetime.now(UTC)
    with database.transaction() as session:
        giver = an_organisation(session, id="giver", credit_code=make_uscc(1))
        for state in STATES:
            soon = {"valid_to": now.date()} if state is OfferState.PAUSED else {"valid_to": date(2099, 1, 1)}
            an_offer(session, giver, id=f"offer-{state.value}", state=state, **soon)
        an_organisation(session, id="stopped", name="山城" * 20 + "慈善会", state=OrganisationState.SUSPENDED)
        for _household in range(13):
            a_need(session, a_household(session))
            a_need(session, a_household(session), category="CHILD.WISH", unit="FEN")
        a_known_need(session, a_known_household(session))
        publish_demand(session, actor=SYSTEM, now=now)
        actor = Actor(id="m", role=Role.CHARITY_MANAGER, org_id="giver")
        draft = drafts.start_draft(session, org_id="giver", actor=actor, now=now)
        terms = some_terms(valid_to=date(2099, 1, 1), tags_any=("elder",), districts=("500103", "500106"))
        drafts.save_answers(session, draft, answers=drafts.answers_of(terms), now=now)
    with served(create_app(settings, database=database)) as address:
        yield House(address, database, draft.id)
    database.close()


@contextmanager
def page_of(windows: Windows, house: House, role: Role, *, org_id: str | None = None) -> Iterator[Page]:
    """A window of somebody with this role."""
    with windows.lent(house.address) as page:
        sign_in(page, house.database, role, address=house.address, org_id=org_id)
        yield page


@pytest.fixture
def giver(windows: Windows, house: House) -> Iterator[Page]:
    with page_of(windows, house, Role.CHARITY_MANAGER, org_id="giver") as page:
        yield page


@pytest.fixture
def approver(windows: Windows, house: House) -> Iterator[Page]:
    with page_of(windows, house, Role.APPROVER) as page:
        yield page


@pytest.fixture
def verifier(windows: Windows, house: House) -> Iterator[Page]:
    with page_of(windows, house, Role.VERIFIER) as page:
        yield page


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_the_wizard_is_accessible(giver: Page, house: House, step: str) -> None:
    check_page(giver, f"/offers/drafts/{house.draft_id}/{step}")


@pytest.mark.parametrize(
    "path",
    [
        "/offers/mine",
        "/offers/mine?state=closed",
        *[f"/offers/offer-{state.value}" for state in STATES],
        "/offers/offer-open/close",
        "/offers/offer-held/posted",
        "/offers/demand",
        "/offers/demand?category=LIVING.FOOD_PACK",
        "/offers/demand?category=CHILD.WISH",
        "/offers/import",
    ],
)
def test_every_page_of_a_giver_is_accessible(giver: Page, path: str) -> None:
    check_page(giver, path)


@pytest.mark.parametrize(
    "path",
    [
        "/offers/",
        "/offers/?category=LEGAL.AID",
        "/offers/offer-held",
        "/organisations/",
        "/organisations/?text=nobody",
        "/organisations/giver",
        "/organisations/stopped",
        "/organisations/new",
        "/organisations/giver/suspend",
        "/organisations/stopped/reinstate",
        "/aid/",
        "/aid/?state=returned",
    ],
)
def test_every_staff_page_of_givers_is_accessible(approver: Page, path: str) -> None:
    check_page(approver, path)


def test_a_resource_is_posted_by_keyboard_and_mouse_without_scripts(chromium: Browser, house: House) -> None:
    context = chromium.new_context(base_url=house.address, java_script_enabled=False)
    page = context.new_page()
    watch(page, host=house.address)
    sign_in(page, house.database, Role.CHARITY_WORKER, address=house.address, org_id="giver")
    page.goto("/offers/mine?lang=zh_Hans")
    page.click("form[action='/offers/drafts'] button")
    for fields in (
        {"category": "LIVING.FOOD_PACK", "title": "暖冬食品包"},
        {"stock_units": "40", "lot": "2"},
        {"min_per_need": "2", "max_per_need": "10"},
        {},
        {},
        {"valid_to": "2099-01-01"},
        {},
        {"standard": "每户 2 至 10 份", "steps": "街道通知", "rules": "不收费"},
    ):
        for name, value in fields.items():
            if name == "category":
                page.select_option("#category", value)
            else:
                page.fill(f"#{name}", value)
        page.click("main form .btn-primary")
        assert page.locator(".error-summary").count() == 0
    expect(page.locator("main")).to_contain_text("约适合 15 户", use_inner_text=True)
    page.click("main form .btn-primary")
    expect(page.locator("h1")).to_contain_text("资源已发布", use_inner_text=True)
    with house.database.reading() as session:
        offer = session.exec(select(Offer).where(Offer.title == "暖冬食品包")).one()
    assert (offer.stock_units, offer.lot, offer.districts) == (40, 2, ["*"])
    context.close()


def test_a_wrong_step_leads_to_its_field(giver: Page, house: House) -> None:
    giver.goto(f"/offers/drafts/{house.draft_id}/amount")
    giver.fill("#stock_units", "3")
    giver.fill("#lot", "7")
    giver.click("main form .btn-primary")
    expect(giver.locator(".error-summary a[href='#lot']")).to_have_count(1)
    check_here(giver, name="amount wrong")


def test_an_unfinished_offer_says_what_is_missing(giver: Page) -> None:
    giver.goto("/offers/mine")
    giver.click("form[action='/offers/drafts'] button")
    giver.goto(giver.url.replace("/kind", "/check"))
    giver.click("main form .btn-primary")
    check_here(giver, name="check with gaps")


def test_a_table_of_resources_comes_in_and_its_faults_are_shown(giver: Page) -> None:
    for name, row in (("good.csv", ROW_TODAY), ("bad.csv", ROW_TODAY.replace("渝中区", "渝都区"))):
        giver.goto("/offers/import?lang=zh_Hans")
        giver.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": f"{HEAD}\n{row}".encode()})
        giver.click("main form [type=submit]")
        check_here(giver, name=name)
        if name == "good.csv":
            giver.click("form[action$=confirm] button")
            check_here(giver, name="receipt")
    expect(giver.locator("main")).to_contain_text("渝都区", use_inner_text=True)


def test_past_aid_comes_in_and_the_ledger_shows_it(verifier: Page) -> None:
    verifier.goto("/aid/import?lang=zh_Hans")
    verifier.click("main form [type=submit]")
    check_here(verifier, name="aid upload wrong")
    data = (AID_HEAD + "A1,,,N-1,LIVING.FOOD_PACK,12,2026-10-01,,红十字会\n").encode()
    verifier.set_input_files("#file", {"name": "aid.csv", "mimeType": "text/csv", "buffer": data})
    verifier.fill("#source", "redcross")
    verifier.fill("#seen_from", "2026-01-01")
    verifier.click("main form [type=submit]")
    check_here(verifier, name="aid checked")
    verifier.click("form[action$=confirm] button")
    check_page(verifier, "/aid/")
    expect(verifier.locator("main")).to_contain_text("redcross", use_inner_text=True)
