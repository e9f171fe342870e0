"""The walk through every page: what the two files of its logins share, so that two workers can share the work.

Enters: a login and the pages within its reach. Leaves: an assertion error that names each page with a fault. A page
that many roles see is checked by the first that comes to it, in whichever worker that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from flask import Flask
from playwright.sync_api import Browser

from marketplace.demo.accounts import ACCOUNTS
from tests.pages.checker import check_page, combinations
from tests.pages.fixtures import a_demo, new_page, of_the_run, served

LOGINS = ["", *(account.login for account in ACCOUNTS)]
Claim = Callable[[str], bool]


@contextmanager
def an_untouched_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str]]:
    """A demonstration that no other test has touched, and its address: the walk's addresses hold in it."""
    with a_demo(tmp_path_factory) as app, served(app) as address:
        yield app, address


def claims(tmp_path_factory: pytest.TempPathFactory) -> Claim:
    """Endpoint ► is it ours to check? Only the first who asks in this run is told yes."""
    folder = of_the_run(tmp_path_factory) / "pages"
    folder.mkdir(exist_ok=True)

    def claim(endpoint: str) -> bool:
        try:
            (folder / endpoint).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    return claim


def check_all(browser: Browser, address: str, *, pages: Mapping[str, str], claim: Claim, login: str) -> None:
    """Check every page of this login that is still unchecked, the narrow ones first."""
    page = new_page(browser, address, login=login)
    faults = []
    for endpoint, path in sorted(pages.items(), key=lambda item: combinations(item[1])[0][2]):
        if not claim(endpoint):
            continue
        try:
            check_page(page, path)
        except AssertionError as fault:
            faults.append(f"{endpoint} {fault}")
    page.context.close()
    assert not faults, "\n".join(faults)
