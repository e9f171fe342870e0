"""Every page of the product, found by following links, checked in the browser by a role that may see it."""

import pytest
from flask import Flask
from playwright.sync_api import Browser

from marketplace.demo.accounts import ACCOUNTS
from tests.pages.checker import check_page
from tests.pages.fixtures import new_page
from tests.pages.reach import reach

pytestmark = pytest.mark.browser
LOGINS = ["", *(account.login for account in ACCOUNTS)]


@pytest.fixture(scope="module")
def seen() -> set[str]:
    """Pages that an earlier role has shown already."""
    return set()


@pytest.mark.parametrize("login", LOGINS)
def test_every_page_within_reach_is_sound(
    chromium: Browser, demo_app: Flask, demo_server: str, seen: set[str], login: str
) -> None:
    page = new_page(chromium, demo_server, login=login)
    faults = []
    for endpoint, path in reach(demo_app, login).items():
        if endpoint in seen:
            continue
        seen.add(endpoint)
        try:
            check_page(page, path)
        except AssertionError as fault:
            faults.append(f"{endpoint} {fault}")
    page.context.close()
    assert not faults, "\n".join(faults)
