"""The pages of needs in the browser: every page and state accessible, a table brought in, verified, revealed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.needs.models import NeedState
from marketplace.wiring import open_database
from tests.factories import a_household, a_need, an_organisation
from tests.marketplace.test_needs_imports import a_file, a_row
from tests.pages.checker import check_here, check_page
from tests.pages.fixtures import Windows, served
from tests.pages.people import sign_in

pytestmark = pytest.mark.browser
STATES = (NeedState.UNVERIFIED, NeedState.HELD, NeedState.VERIFIED, NeedState.REFUSED)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Database]]:
    """A served house with one need in each state, of a household with a long name."""
    settings = demo_settings(tmp_path_factory.mktemp("needs"), seed=7)
    database = open_database(settings)
    with database.transaction() as session:
        home = a_household(session, name="阿卜杜热合曼·买买提")
        for state in STATES:
            reason = {NeedState.HELD: "implausible_amount", NeedState.REFUSED: "NOT_TRUE"}.get(state, "")
            a_need(session, home, id=f"need-{state.value}", state=state, state_reason=reason, verification_level=0)
        an_organisation(session, id="giver")
    with served(create_app(settings, database=database)) as address:
        yield address, database
    database.close()


@pytest.fixture
def staff(windows: Windows, house: tuple[str, Database]) -> Iterator[Page]:
    """A verifier's page."""
    address, database = house
    with windows.lent(address) as page:
        sign_in(page, database, Role.VERIFIER, address=address)
        yield page


def choose(page: Page, name: str, data: bytes) -> None:
    """Upload a table and go to what the check found."""
    page.goto("/needs/import?lang=zh_Hans&text=standard")
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": data})
    page.fill("#source", "yuzhong")
    page.click("main form [type=submit]")


@pytest.mark.parametrize(
    "path",
    [
        "/needs/",
        "/needs/?state=held",
        "/needs/?state=closed",
        "/needs/?category=LEGAL.AID",
        *[f"/needs/need-{state.value}" for state in STATES],
        "/needs/need-verified/hold",
        "/needs/need-verified/refuse",
        "/needs/new",
        "/needs/import",
    ],
)
def test_every_staff_page_is_accessible(staff: Page, path: str) -> None:
    check_page(staff, path)


def test_wrong_forms_lead_to_their_fields(staff: Page) -> None:
    for path, button in (
        ("/needs/new", "main form [type=submit]"),
        ("/needs/import", "main form [type=submit]"),
        ("/needs/need-unverified", "form[action$=verify] [type=submit]"),
        ("/needs/need-verified/refuse", "main form [type=submit]"),
    ):
        staff.goto(path)
        staff.click(button)
        staff.wait_for_selector(".error-summary")
        check_here(staff, name=f"{path} wrong")


def test_a_table_is_checked_mended_stored_and_its_held_need_released(staff: Page) -> None:
    rows = [a_row(source_id=f"N{n}", household_ref=f"H{n}", head_id_number="5.099E+17") for n in range(20)]
    choose(staff, "三月.csv", a_file(*rows))
    assert staff.locator("tbody tr").count() == 15
    check_page(staff, staff.url.split("?")[0].removeprefix(staff.url.split("/needs")[0]))
    choose(staff, "三月改.csv", a_file(a_row(), a_row(source_id="N2", category="CARE.MEAL", unit=None, gap=900)))
    check_here(staff, name="counts")
    staff.click("text=就这样保存")
    expect(staff.locator("main")).to_contain_text("已保存", use_inner_text=True)
    check_here(staff, name="receipt")
    staff.click("text=查看暂缓的需求")
    staff.click("table a:has-text('助餐')")
    staff.fill("form[action$=release] [name=gap]", "30")
    staff.click("form[action$=release] [type=submit]")
    expect(staff.locator("main")).to_contain_text("已放行", use_inner_text=True)


def test_a_need_is_verified_and_a_detail_shown_once(staff: Page) -> None:
    staff.goto("/needs/need-unverified?lang=zh_Hans")
    staff.check("[name=level][value='3']")
    staff.fill("#evidence", "入户核实记录")
    staff.check("[name=referral_reason][value=STILL_IN_NEED]")
    staff.click("form[action$=verify] [type=submit]")
    expect(staff.locator("main")).to_contain_text("已核实", use_inner_text=True)
    staff.click("summary")
    staff.select_option("#field", "phone")
    staff.select_option("#reason", "CONTACT")
    staff.click("form[action$=reveal] [type=submit]")
    expect(staff.locator("main")).to_contain_text("10000000001", use_inner_text=True)
    check_here(staff, name="revealed")
    staff.goto("/needs/need-unverified")
    assert "10000000001" not in staff.inner_text("main")


def test_a_charity_refers_a_person_without_scripts(chromium: Browser, house: tuple[str, Database]) -> None:
    address, database = house
    page = chromium.new_context(base_url=address, java_script_enabled=False).new_page()
    sign_in(page, database, Role.CHARITY_MANAGER, address=address, org_id="giver")
    page.goto("/needs/refer?lang=zh_Hans")
    page.check("[name=how][value=WRITTEN]")
    page.fill("#given_on", "2026-11-20")
    page.check("#told")
    page.fill("#name", "赵小花")
    page.fill("#phone", "10000000077")
    page.select_option("#district", "500103")
    page.select_option("#category", "CARE.MEAL")
    page.fill("#amount", "30")
    page.fill("#evidence", "社工走访")
    page.click("main form [type=submit]")
    expect(page.locator("main")).to_contain_text("已转介", use_inner_text=True)
    page.context.close()


def test_the_referral_form_is_accessible(windows: Windows, house: tuple[str, Database]) -> None:
    address, database = house
    with windows.lent(address) as page:
        sign_in(page, database, Role.CHARITY_MANAGER, address=address, org_id="giver")
        check_page(page, "/needs/refer")
