"""Every part of the page kit, in the browser: accessible, large enough, on its own host."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.checker import check_here, check_page, combinations
from tests.pages.fixtures import new_page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("path", ["/parts/staff", "/parts/charity", "/start", "/progress", "/sure", "/live"])
def test_every_part_is_accessible(browser_page: Page, path: str) -> None:
    check_page(browser_page, path)


def test_a_missing_page_is_a_page_too(browser_page: Page) -> None:
    check_page(browser_page, "/nowhere", status=404)


def test_a_wrong_form_says_so_and_leads_to_each_field(browser_page: Page) -> None:
    for language, text, width in combinations("/parts/staff wrong"):
        browser_page.set_viewport_size({"width": width, "height": 800})
        browser_page.goto(f"/parts/staff?lang={language}&text={text}")
        browser_page.fill("[name=amount]", "twelve")
        browser_page.click("main form:not(.post-button) [type=submit]")
        check_here(browser_page)
        assert browser_page.input_value("[name=amount]") == "twelve"
        links = browser_page.locator(".error-summary a")
        for number in range(links.count()):
            links.nth(number).click()
            target = (links.nth(number).get_attribute("href") or "")[1:]
            assert browser_page.evaluate(
                "id => !!document.activeElement.closest('#' + id) || document.activeElement.id === id", target
            )


def test_the_large_text_edition_stays_on_until_it_is_switched_off(browser_page: Page) -> None:
    browser_page.goto("/progress?lang=zh_Hans")
    browser_page.click("text=大字版")
    browser_page.goto("/start")
    assert browser_page.locator("html.large").count() == 1
    browser_page.click("text=标准版")
    assert browser_page.locator("html.large").count() == 0


def test_a_chosen_file_is_named_beside_our_own_button(browser_page: Page) -> None:
    browser_page.goto("/parts/staff")
    browser_page.set_input_files("#file", {"name": "needs.csv", "mimeType": "text/csv", "buffer": b"a"})
    assert browser_page.inner_text(".upload-name") == "needs.csv"


def test_pages_work_without_scripts(chromium: Browser, live_server: str) -> None:
    page = chromium.new_context(java_script_enabled=False, base_url=live_server).new_page()
    page.goto("/parts/staff")
    page.click("main form:not(.post-button) [type=submit]")
    assert page.locator(".error-summary").is_visible()
    page.context.close()


def test_progress_arrives_by_events_under_the_strict_policy(browser_page: Page) -> None:
    browser_page.goto("/live")
    expect(browser_page.locator(".live")).to_have_text("3", timeout=30_000)
    check_here(browser_page)


def test_a_page_without_scripts_reloads_itself_to_show_progress(chromium: Browser, live_server: str) -> None:
    page = chromium.new_context(java_script_enabled=False, base_url=live_server).new_page()
    page.goto("/live")
    assert 'http-equiv="refresh"' in page.content()
    page.context.close()


def test_a_page_that_gets_no_stream_looks_again_later(chromium: Browser, live_server: str) -> None:
    page = new_page(chromium, live_server)
    page.route("**/ticks", lambda route: route.fulfill(status=204))
    page.add_init_script(
        "addEventListener('htmx:sseError', () => document.documentElement.setAttribute('data-refused', ''))"
    )
    page.clock.install()
    page.goto("/live")
    with page.expect_navigation():
        page.wait_for_selector("html[data-refused]", state="attached")
        page.clock.run_for(6000)
    page.context.close()
