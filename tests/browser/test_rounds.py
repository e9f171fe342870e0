"""From an alert to a match on a telephone: a call, a visit without a network, sending, temporary aid, what is left of
the need, the papers of its cost, and the run that serves it; in both languages. Every page is reached by its links."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from marketplace.calendar import local_day
from marketplace.cases.models import CaseItem
from marketplace.decisions.models import Match
from marketplace.households.models import Household
from marketplace.households.service import list_people
from marketplace.ledger.bills import BEFORE_CHARITY
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.signals import sweeping
from marketplace.signals.taking import record_fact
from marketplace.visits.models import HomeVisit, VisitEntry, VisitState
from tests import factories as make
from tests.browser.street import Street, open_street
from tests.browser.test_journeys import approve_all, press, start_a_run
from tests.marketplace.signal_scene import CLERK, at_work
from tests.pages.checker import one_of

pytestmark = pytest.mark.browser


OTHERS = '{"author": "somebody", "path": "/home-visits/x", "ready": true, "changes": {"note": {"value": "水"}}}'
"""Words that a colleague wrote on the same telephone and could not send."""


def _alarm(street: Street) -> str:
    """A big hospital bill of the household reached the watch; a charity has money for treatment."""
    now = datetime.now(UTC)
    with street.database.transaction() as session:
        home = session.exec(select(Household)).one()
        person = list_people(session, home.id)[0]
        at_work(session, "W05", now=now)
        record_fact(session, person, "OWN_COST", ref="bill", amount=6_000_000, on=local_day(now), actor=CLERK, now=now)
        sweeping.sweep(session, actor=CLERK, now=now)
        giver = session.get_one(Organisation, session.get_one(Offer, street.offer_ids[0]).org_id)
        make.an_offer(session, giver, category="MEDICAL.MAJOR", unit="FEN", stock_units=10_000_000, title="大病资助")
        return home.id


def _to_the_alert(page: Page, home: str) -> None:
    press(page, 'a[href="/staff"]')
    press(page, 'main a[href="/alerts/"]')
    press(page, f'td a[href="/alerts/households/{home}"]')


def _call(page: Page, home: str) -> None:
    _to_the_alert(page, home)
    press(page, 'form[action$="/call"] button')
    page.locator('button[value="done"]').click()
    expect(page.locator("#outcome-fault")).to_be_visible()
    page.locator("#outcome").select_option("REACHED_NEEDS_HELP")
    page.locator("details", has=page.locator("#debt")).locator("summary").click()
    page.locator("#debt").fill("8万")
    page.locator('button[value="done"]').click()
    expect(page.locator("#debt-fault")).to_be_visible()
    expect(page.locator("#outcome-fault")).to_have_count(0)
    page.locator("#debt").fill("80,000")
    page.locator('button[value="done"]').click()
    expect(page.locator("[data-visit]")).to_have_count(0)


def _visit_without_a_network(page: Page, home: str) -> None:
    _to_the_alert(page, home)
    press(page, 'form[action$="/visit"] button')
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.locator("[data-take]").click()
    expect(page.locator('[data-say="taken"]')).to_be_visible()
    page.context.set_offline(True)
    page.reload()
    page.locator("#outcome").select_option("REACHED_NEEDS_HELP")
    page.locator("details", has=page.locator("#own_cost_12m")).locator("summary").click()
    page.locator("#own_cost_12m").select_option("agrees")
    page.locator("#note").press_sequentially("床")
    page.reload()
    assert page.locator("#note").input_value() == "床", "a word is kept as it is typed, before the field is left"
    page.evaluate(f"localStorage.setItem('visit:somebody:' + location.pathname, '{OTHERS}')")
    page.reload()
    expect(page.locator("[data-others]")).to_be_visible()
    assert page.locator("#note").input_value() == "床"
    page.locator('button[value="done"]').click()
    expect(page.locator('[data-say="later"]')).to_be_visible()
    page.reload()
    assert page.locator("#own_cost_12m").input_value() == "agrees"
    page.context.set_offline(False)
    expect(page.locator("[data-visit]")).to_have_count(0)
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('visit:'))")
    assert [key.split(":")[1] for key in kept] == ["somebody"]
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.locator("form[action$='/sign-out'] button").click()
    assert asked
    page.evaluate("localStorage.clear()")


def _temporary_aid(page: Page) -> None:
    """Written and read back where the household is."""
    press(page, 'form[action$="/temporary-aid"] button')
    page.locator('input[name="cause"][value="illness"]').check()
    page.locator("#medical_fen").fill("20000")
    press(page, "main form button[type=submit]")
    for name, value in (("channel", "home_visit"), ("signed", "own_hand")):
        page.locator(f'input[name="{name}"][value="{value}"]').check()
    page.locator("#dialect").select_option("chongqing")
    page.locator("#evidence").fill("3")
    page.locator("#read_aloud").check()
    page.locator("#hand_on").check()
    page.locator("#typed_name").fill("王小明")
    press(page, "main form button[type=submit]")


def _decided(page: Page) -> None:
    """Somebody else decides."""
    press(page, 'nav a[href="/cases/board"]')
    press(page, 'td a[href^="/cases/items/"]')
    page.locator('input[name="verdict"][value="granted"]').check()
    page.locator("#amount_fen").fill("500")
    press(page, 'form[action$="/fast"] button[type=submit]')


def _papers(page: Page) -> None:
    """From what is left of the need to its cost: the sheet was seen, and each who pays before charity has answered."""
    press(page, 'main a[href^="/aid/bills/"]')
    press(page, 'main a[href$="/cost"]')
    page.locator("#cost").fill("20000")
    page.locator("#paper").fill("结算单 2026-11")
    press(page, "main form button[type=submit]")
    for payer in BEFORE_CHARITY:
        press(page, f'td a[href$="/{payer}"]')
        state, amount = ("paid", "500") if payer == "TEMPORARY_AID" else ("none", "")
        page.locator(f'input[name="state"][value="{state}"]').check()
        page.locator("#amount").fill(amount)
        press(page, "main form button[type=submit]")


@pytest.mark.parametrize("language", one_of(0, "zh_Hans", "en"))
def test_an_alert_becomes_a_visit_without_a_network_temporary_aid_and_a_match(
    tmp_path: Path, chromium: Browser, language: str
) -> None:
    with open_street(tmp_path, chromium, language=language, width=360) as street:
        home = _alarm(street)
        page = street.staff("demo-worker")
        page.goto("/staff")
        _call(page, home)
        _visit_without_a_network(page, home)
        with street.database.reading() as session:
            visits = session.exec(select(HomeVisit)).all()
            assert [one.state for one in visits] == [VisitState.DONE, VisitState.DONE]
            found = session.exec(select(VisitEntry.value).where(VisitEntry.field == "own_cost_12m")).all()
            assert found == ["agrees"]
        _temporary_aid(page)
        verifier = street.staff("demo-verifier")
        verifier.goto("/staff")
        _decided(verifier)
        press(page, f'a[href="{urlsplit(page.url).path.removesuffix("/print")}"]')
        press(page, 'a[href*="/of-case/"]')
        press(page, "main form .actions button")
        _papers(page)
        start_a_run(street)
        approve_all(street)
        with street.database.reading() as session:
            item = session.exec(select(CaseItem).where(CaseItem.code == "LINSHI")).one()
            need = session.exec(select(Need).where(Need.category == "MEDICAL.MAJOR")).one()
            match = session.exec(select(Match).where(Match.need_id == need.id)).one()
        assert (item.amount_fen, need.gap_units, match.units) == (50_000, 1_950_000, 1_950_000)
