"""The browser tests' fixtures."""

from tests.pages.fixtures import (
    browser_page,
    chromium,
    demo_app,
    demo_server,
    live_server,
    make_app,
    walk,
    walked,
    windows,
)

__all__ = [
    "browser_page",
    "chromium",
    "demo_app",
    "demo_server",
    "live_server",
    "make_app",
    "walk",
    "walked",
    "windows",
]
