"""The browser tests' fixtures."""

from tests.pages.fixtures import browser_page, chromium, live_server, make_app

__all__ = ["browser_page", "chromium", "live_server", "make_app"]
