"""The main job in the browser, as each of its people sees it; and every way in which it ends before."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from marketplace.decisions.models import MatchState
from marketplace.offers.models import Acceptance
from tests.browser.street import Street, open_street
from tests.pages.checker import check_here, one_of

pytestmark = pytest.mark.browser


def start_a_run(street: Street) -> None:
    """The verifier previews and starts a run, and waits for its result."""
    page = street.staff("demo-verifier")
    page.goto("/runs/new")
    press(page, "main form button[type=submit]")
    street.look(page, "preview of a run")
    press(page, 'form[action="/runs/start"] button[type=submit]')
    for _ in range(100):
        page.goto(page.url)
        if page.locator('a[href*="/unserved"]').count():
            break
        page.wait_for_timeout(100)
    expect(page.locator('a[href*="/unserved"]').first).to_be_visible()
    street.look(page, "result of a run")


def press(page: Page, selector: str) -> None:
    """Press and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(selector).first.click()


def approve_all(street: Street) -> None:
    """The approver ticks every line, reads the confirm page and approves."""
    page = street.staff("demo-approver")
    page.goto("/matches/")
    street.look(page, "lines to decide")
    for box in page.locator('input[name="line"]').all():
        box.check()
    press(page, 'form[action="/matches/confirm"] button[type=submit]')
    street.look(page, "confirm page")
    press(page, 'button[name="confirmed"]')
    expect(page.locator(".banner-done")).to_be_visible()


def giver_says_yes(street: Street, login: str = "demo-charity") -> None:
    page = street.staff(login)
    page.goto("/our-matches/")
    press(page, "td a")
    assert "王小明" not in page.content()
    assert street.need_id not in page.content()
    street.look(page, "a match to answer")
    press(page, 'form[action$="/accept"] button')


def giver_delivers(street: Street) -> Page:
    giver = street.staff("demo-charity")
    giver.goto("/deliveries/")
    press(giver, "td a")
    press(giver, 'a[href$="/deliver"]')
    press(giver, 'button[name="confirmed"]')
    return giver


def household_says_yes(street: Street) -> Page:
    page = street.household()
    street.look(page, "progress")
    page.goto("/offers-to-me")
    press(page, "a.cell")
    assert page.locator(".reasons li").count() == 3
    street.look(page, "an offer")
    press(page, 'a[href$="/accept"]')
    assert page.locator("input[type=checkbox]:checked").count() == 0
    press(page, "main form button[type=submit]")
    street.look(page, "accepting without ticks")
    page.locator("#agrees_to_terms").check()
    page.locator("#agrees_to_share").check()
    page.locator('input[name="data_fields"][value="name"]').check()
    press(page, "main form button[type=submit]")
    expect(page.locator(".banner-done")).to_be_visible()
    return page


def withdraw_first(street: Street, page: Page) -> None:
    """From any signed-in page in three taps: the tab, the button, the confirmation."""
    page.goto("/home")
    press(page, 'nav a[href="/my-consents"]')
    street.look(page, "my consents")
    press(page, 'a[href$="/withdraw"]')
    press(page, 'button[name="confirmed"]')
    expect(page.locator(".banner-done")).to_be_visible()


@pytest.mark.parametrize(("language", "width"), [("zh_Hans", 360), ("en", 1280)])
def test_a_need_becomes_confirmed_aid(tmp_path: Path, chromium: Browser, language: str, width: int) -> None:
    with open_street(tmp_path, chromium, language=language, width=width, checks=True) as street:
        start_a_run(street)
        approve_all(street)
        giver_says_yes(street)
        household = household_says_yes(street)
        giver = street.staff("demo-charity")
        giver.goto("/deliveries/")
        street.look(giver, "deliveries")
        press(giver, "td a")
        press(giver, 'form[action$="/recipient"] button')
        assert "王小明" in giver.content()
        assert "10000000001" not in giver.content()
        street.look(giver, "what the giver may see")
        press(giver, 'a[href$="/deliver"]')
        press(giver, 'button[name="confirmed"]')
        household.goto("/home")
        street.look(household, "progress after delivery")
        press(household, 'a[href*="/offers-to-me/"]')
        press(household, 'form[action$="/received"] button')
        household.goto("/my-consents")
        assert household.locator(".card-block").count() == 2
        street.look(household, "who saw what")
        household.goto("/messages")
        street.look(household, "messages")
        assert street.matches()[street.offer_ids[0]] is MatchState.CONFIRMED
        assert street.covered() == 10


@pytest.mark.parametrize(
    ("wide", "narrow"), one_of(0, (("en", 1280), ("zh_Hans", 360)), (("zh_Hans", 1280), ("en", 360)))
)
def test_the_whole_journey_without_javascript(
    tmp_path: Path, chromium: Browser, wide: tuple[str, int], narrow: tuple[str, int]
) -> None:
    with open_street(tmp_path, chromium, scripts=False, acceptance=Acceptance.STANDING) as street:
        street.language, street.width = narrow
        page = street.staff("demo-verifier")
        page.goto("/runs/new")
        press(page, "main form button[type=submit]")
        press(page, 'form[action="/runs/start"] button[type=submit]')
        expect(page.locator('a[href*="/unserved"]').first).to_be_visible(timeout=20_000)
        street.language, street.width = wide
        approver = street.staff("demo-approver")
        approver.goto("/matches/")
        approver.locator('input[name="line"]').first.check()
        press(approver, 'form[action="/matches/confirm"] button[type=submit]')
        press(approver, 'button[name="confirmed"]')
        street.language, street.width = narrow
        household = street.household()
        household.goto("/offers-to-me")
        press(household, "a.cell")
        press(household, 'a[href$="/accept"]')
        household.locator("#agrees_to_terms").check()
        household.locator("#agrees_to_share").check()
        press(household, "main form button[type=submit]")
        giver_delivers(street)
        household.goto("/offers-to-me")
        press(household, "a.cell")
        press(household, 'form[action$="/received"] button')
        assert street.matches()[street.offer_ids[0]] is MatchState.CONFIRMED


def test_consent_withdrawn_before_approval_leaves_nothing_to_approve(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.proposed()
        withdraw_first(street, street.household())
        approver = street.staff("demo-approver")
        approver.goto("/matches/")
        expect(approver.locator(".empty")).to_be_visible()


@pytest.mark.parametrize("stage", ["approved", "answered"])
def test_consent_withdrawn_while_a_match_waits_ends_it_at_once(tmp_path: Path, chromium: Browser, stage: str) -> None:
    with open_street(tmp_path, chromium) as street:
        street.taken_on() if stage == "answered" else street.approved()
        withdraw_first(street, street.household())
        assert street.matches()[street.offer_ids[0]] is MatchState.CANCELLED
        assert street.covered() == 0


def test_consent_withdrawn_during_delivery_closes_identity_at_once(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.in_delivery()
        giver = street.staff("demo-charity")
        giver.goto("/deliveries/")
        press(giver, "td a")
        withdraw_first(street, street.household())
        press(giver, 'form[action$="/recipient"] button')
        assert "王小明" not in giver.content()
        assert street.matches()[street.offer_ids[0]] is MatchState.CANCELLED
        assert street.covered() == 0


def test_consent_withdrawn_after_delivery_takes_nothing_back(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.in_delivery()
        giver_delivers(street)
        withdraw_first(street, street.household())
        assert street.matches()[street.offer_ids[0]] is MatchState.DELIVERED
        assert street.covered() == 10


def test_two_charities_share_one_need_and_never_exceed_it(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium, stocks=(6, 4)) as street:
        street.approved()
        giver_says_yes(street, "demo-charity")
        giver_says_yes(street, "demo-insurer")
        assert sorted(street.matches().values()) == [MatchState.AWAITING_HOUSEHOLD] * 2
        assert street.covered() == 10


def test_a_rejected_line_is_not_proposed_again(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.proposed()
        page = street.staff("demo-approver")
        page.goto("/matches/")
        page.locator('input[name="line"]').first.check()
        press(page, 'button[formaction="/matches/reject"]')
        check_here(page, name="reject with a reason")
        press(page, 'button[name="confirmed"]')
        check_here(page, name="reject without a reason")
        page.locator('input[name="reason_code"][value="doubt"]').check()
        press(page, 'button[name="confirmed"]')
        expect(page.locator(".banner-done")).to_be_visible()
        street.proposed()
        page.goto("/matches/")
        expect(page.locator(".empty")).to_be_visible()


def test_a_household_declines_and_loses_nothing(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.taken_on()
        page = street.household()
        page.goto("/offers-to-me")
        press(page, "a.cell")
        press(page, 'a[href$="/decline"]')
        check_here(page, name="decline")
        page.locator('input[name="reason_code"][value="not_needed"]').check()
        press(page, 'button[name="confirmed"]')
        assert street.matches()[street.offer_ids[0]] is MatchState.DECLINED_HOUSEHOLD
        assert street.covered() == 0
        page.goto("/my-consents")
        assert page.locator('a[href$="/withdraw"]').count() == 1


def test_what_cannot_be_delivered_ends_with_a_reason_from_either_side(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.approved()
        approver = street.staff("demo-approver-2")
        approver.goto("/matches/running")
        check_here(approver, name="matches under way")
        press(approver, 'td a[href$="/cancel"]')
        check_here(approver, name="end a match")
        approver.locator('input[name="reason_code"][value="helped_elsewhere"]').check()
        press(approver, 'button[name="confirmed"]')
        assert street.matches()[street.offer_ids[0]] is MatchState.CANCELLED
        street.in_delivery()
        giver = street.staff("demo-charity")
        giver.goto("/deliveries/")
        press(giver, "td a")
        press(giver, 'a[href$="/give-up"]')
        check_here(giver, name="cannot deliver")
        press(giver, 'button[name="confirmed"]')
        check_here(giver, name="cannot deliver without a reason")
        giver.locator('input[name="reason_code"][value="no_capacity"]').check()
        press(giver, 'button[name="confirmed"]')
        assert street.covered() == 0


def test_what_did_not_arrive_stands_in_the_staff_s_list(tmp_path: Path, chromium: Browser) -> None:
    with open_street(tmp_path, chromium) as street:
        street.in_delivery()
        household, giver = street.household(), giver_delivers(street)
        household.goto("/offers-to-me")
        press(household, "a.cell")
        press(household, 'a[href$="/not-received"]')
        press(household, 'button[name="confirmed"]')
        approver = street.staff("demo-approver")
        approver.goto("/matches/not-received")
        check_here(approver, name="did not arrive")
        assert approver.locator("tbody tr").count() == 1
        giver.goto("/deliveries/")
        expect(giver.locator(".empty")).to_be_visible()
