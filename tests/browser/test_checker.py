"""The checker itself: each fault planted into a good page is found, so a green check means something.

The good page is checked first: what was seen once is not asked again, and must be asked again when a fault changes it.
"""

import pytest
from playwright.sync_api import Page

from tests.pages.checker import check_here
from tests.pages.fixtures import Windows

pytestmark = pytest.mark.browser

PLANTED = {
    "not one h1": "document.querySelector('main').insertAdjacentHTML('beforeend', '<h1>Again</h1>')",
    "poor title": "document.title = ' · 善桥'",
    "sideways scroll": "document.querySelector('.lead').innerHTML = "
    "'<span class=text-nowrap>' + 'x'.repeat(900) + '</span>'",
    "invalid without a visible error": "document.querySelector('#amount').setAttribute('aria-invalid', 'true')",
    "group without fieldset": "const group = document.querySelector('#answer');"
    "group.replaceWith(...group.querySelectorAll('.choice'))",
    "target": "document.querySelector('.post-button button').className = ''",
    "text 1": "document.querySelector('main p.lead').className = 'stage-small'; "
    "document.querySelector('main p.stage-small').setAttribute('class', 'site-foot')",
    "chart without a table": "document.querySelector('figure table').remove()",
    "status without a word": "document.querySelector('.tag').textContent = ''",
    "stage without a word": "document.querySelector('.stage .tag').remove()",
    "form without its token": "document.querySelector('[name=csrf_token]').remove()",
    "picture without words": "document.querySelector('main svg').removeAttribute('aria-hidden')",
    "id twice": "document.querySelector('main p').id = 'amount'",
    "elsewhere.invalid": "fetch('http://elsewhere.invalid/').catch(() => 0)",
    "axe label": "document.querySelector('label[for=amount]').remove()",
    "axe color-contrast": "document.querySelector('.lead').className = 'text-light'",
    "axe color-contrast.*reasons > ul > li": "document.querySelector('main').className = 'bg-dark'",
    "axe html-has-lang": "document.documentElement.removeAttribute('lang')",
    "axe button-name": "document.querySelector('main').insertAdjacentHTML('beforeend', '<ul>' + "
    "'<li><button class=btn>a</button></li>'.repeat(11) + '<li><button class=btn></button></li></ul>')",
    "focus does not show": "document.querySelector('link[href*=app]').remove()",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(browser_page: Page, fault: str) -> None:
    browser_page.set_viewport_size({"width": 1280, "height": 800})
    browser_page.goto("/parts/staff?lang=en")
    check_here(browser_page)
    browser_page.evaluate(f"() => {{ {PLANTED[fault]} }}")
    with pytest.raises(AssertionError, match=fault):
        check_here(browser_page)


def test_of_what_a_window_kept_nothing_is_there_when_it_is_taken_again(windows: Windows, live_server: str) -> None:
    kept = """async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length,
        (await indexedDB.databases()).length]"""
    with windows.lent(live_server) as page:
        page.goto("/")
        page.evaluate(
            """async () => {
            localStorage.setItem("a", "1"); sessionStorage.setItem("a", "1"); await caches.open("a");
            await new Promise((done) => { indexedDB.open("a").onsuccess = (e) => {
                e.target.result.close(); done(); }; });
            }"""
        )
        assert page.evaluate(kept) == [1, 1, 1, 1]
    again = windows.take(live_server)
    assert again is page
    assert again.evaluate(kept) == [0, 0, 0, 0]
    windows.give_back(again, live_server)
