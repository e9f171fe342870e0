"""Every page of the product, found by following links: the roles that `test_every_page.py` leaves to another worker."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.browser.walked import LOGINS, Claim, an_untouched_demo, check_all, claims
from tests.pages.fixtures import Walk

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """A demonstration of this file's own, and its address."""
    with an_untouched_demo(tmp_path_factory) as opened:
        yield opened


@pytest.fixture(scope="module")
def claim(tmp_path_factory: pytest.TempPathFactory) -> Claim:
    """Tells which pages no other role and worker has checked yet."""
    return claims(tmp_path_factory)


@pytest.mark.parametrize("login", LOGINS[1::2])
def test_every_page_within_reach_is_sound(
    chromium: Browser, walk: Walk, demo: tuple[Flask, str], claim: Claim, login: str
) -> None:
    check_all(chromium, demo[1], pages=walk(login), claim=claim, login=login)
