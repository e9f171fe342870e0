"""Draw the pictures under docs/screens: the demonstration house as each role sees it.

Enters: nothing but this checkout and Chromium. Leaves: small PNG files, one a line of SCREENS. For `make screens`.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from marketplace.config import demo_settings
from marketplace.demo import command
from marketplace.wiring import open_database
from tests.pages.fixtures import ARGUMENTS, CHROMIUM, new_page, served
from tests.pages.reach import reach

OUT = Path(__file__).parent.parent / "docs" / "screens"
PHONE, DESK, TALLEST = 360, 1120, 900
# (file, login, endpoint, width, language, text size)
SCREENS = (
    ("start", "", "portal.start", DESK, "zh_Hans", "standard"),
    ("start-en", "", "portal.start", DESK, "en", "standard"),
    ("household-home", "demo-household", "portal.household_home", PHONE, "zh_Hans", "standard"),
    ("household-home-large", "demo-household", "portal.household_home", PHONE, "zh_Hans", "large"),
    ("household-offer", "demo-household", "decisions.household_offer", PHONE, "zh_Hans", "standard"),
    ("household-consents", "demo-household", "portal.my_consents", PHONE, "en", "standard"),
    ("staff-home", "demo-approver", "portal.staff_home", DESK, "zh_Hans", "standard"),
    ("needs", "demo-verifier", "needs.index", DESK, "zh_Hans", "standard"),
    ("run", "demo-approver", "proposals.show", DESK, "zh_Hans", "standard"),
    ("fairness", "demo-approver", "proposals.fairness", DESK, "en", "standard"),
    ("run-line", "demo-approver", "proposals.line", DESK, "en", "standard"),
    ("decisions", "demo-approver", "decisions.queue", DESK, "zh_Hans", "standard"),
    ("audit", "demo-auditor", "portal.audit", DESK, "en", "standard"),
    ("charity-home", "demo-charity", "portal.charity_home", DESK, "zh_Hans", "standard"),
    ("charity-resources", "demo-charity", "offers.mine", DESK, "zh_Hans", "standard"),
)


def main() -> int:
    """Draw every screen that exists; say which endpoint is out of reach."""
    OUT.mkdir(parents=True, exist_ok=True)
    missing = []
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = demo_settings(Path(folder), seed=7)
        command.play(settings, size="small", seed=7, now=datetime.now(UTC))
        database = open_database(settings)
        app = command.site(settings, database)
        pages = {login: reach(app, login) for login in {screen[1] for screen in SCREENS}}
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        with served(app) as address:
            for name, login, endpoint, width, language, text in SCREENS:
                path = pages[login].get(endpoint)
                if path is None:
                    missing.append(f"{login or 'nobody'} does not reach {endpoint}")
                    continue
                draw(browser, address, login=login, path=f"{path}?lang={language}&text={text}", width=width, name=name)
        browser.close()
        database.close()
    sys.stdout.write("".join(f"{line}\n" for line in missing))
    return 1 if missing else 0


def draw(browser: Browser, address: str, *, login: str, path: str, width: int, name: str) -> None:
    """One picture, cut off where a reader would stop scrolling."""
    page = new_page(browser, address, login=login)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    tall = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    page.screenshot(path=OUT / f"{name}.png", full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall})
    page.context.close()


if __name__ == "__main__":
    sys.exit(main())
