"""Desks at 360 px, with and without JavaScript, one in each language: an insurer's worklist, a meeting's sheet, an
urgent night case whose first giver stays silent, and a head who is away and then leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import HERE
from marketplace.claims.models import CaseState, InsuranceCase
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.households.service import contact_of
from marketplace.meetings import night
from marketplace.meetings.models import Duty, Meeting, UrgentApproval
from marketplace.wiring import open_database
from tests import factories as make
from tests.marketplace import claim_scene
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run
from tests.marketplace.test_urgent import Night
from tests.pages import checker
from tests.pages.fixtures import served

pytestmark = pytest.mark.browser
WAYS = [
    pytest.mark.parametrize(("language", "scripts"), checker.one_of(turn, ("zh_Hans", True), ("en", False)))
    for turn in (0, 1)
]
"""In Chinese with scripts, or in English without: every second desk begins with the other."""


@dataclass
class House:
    """A served house, and its windows on a narrow screen."""

    address: str
    database: Database
    browser: Browser
    language: str
    scripts: bool
    width: int = 360
    _pages: list[Page] = field(default_factory=list)

    def turn(self, language: str, width: int) -> None:
        """Windows that are opened from here on are in this language and of this width."""
        self.language, self.width = language, width

    def window(self, token: str) -> Page:
        """A window in which somebody is signed in."""
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": self.width, "height": 800}, java_script_enabled=self.scripts
        )
        context.add_cookies([{"name": "sid", "value": token, "url": self.address}])
        page = context.new_page()
        checker.watch(page, host=self.address)
        page.goto(f"/?lang={self.language}")
        self._pages.append(page)
        return page

    def account(self, account_id: str) -> Page:
        """Somebody with an account."""
        now = datetime.now(UTC)
        with self.database.transaction() as session:
            token = accounts.open_for_account(session, session.get_one(Account, account_id), now=now)
        return self.window(token)

    def as_role(self, role: Role, *, org_id: str | None = None) -> Page:
        """A new account of this role."""
        with self.database.transaction() as session:
            name = f"{role.value}-{len(self._pages)}"
            made = accounts.create_account(
                session, name, display_name=name, role=role, org_id=org_id, now=datetime.now(UTC)
            )
        return self.account(made.id)

    def household(self, household_id: str) -> Page:
        """The person whom the household's messages reach."""
        with self.database.transaction() as session:
            person = contact_of(session, household_id)
            assert person is not None
            token = accounts.open_for_person(session, person.id, household_id, now=datetime.now(UTC))
        return self.window(token)

    def look(self, page: Page) -> None:
        """Everything that is asked of a page, where a script may look at it."""
        if self.scripts:
            checker.check_here(page)


@contextmanager
def house_of(folder: Path, browser: Browser, language: str, scripts: bool) -> Iterator[House]:
    """An empty house, served."""
    settings = demo_settings(folder, seed=3)
    database = open_database(settings)
    try:
        with served(create_app(settings, database=database)) as address:
            house = House(address, database, browser, language, scripts)
            yield house
            faults = [fault for page in house._pages for fault in checker.FAULTS.get(page, [])]
            for page in house._pages:
                page.context.close()
            assert not faults, faults
    finally:
        database.close()


def press(page: Page, selector: str) -> None:
    """Press and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(selector).first.click()


def done(page: Page) -> None:
    """The page says that it was done."""
    expect(page.locator(".banner-done").first).to_be_visible()


def send(page: Page) -> None:
    """The button of the form in the middle of the page."""
    press(page, "main form[method=post] button[type=submit]")


@WAYS[0]
def test_an_insurer_enrols_finds_cover_asks_for_papers_and_answers(
    tmp_path: Path, chromium: Browser, language: str, scripts: bool
) -> None:
    with house_of(tmp_path, chromium, language, scripts) as house:
        now = datetime.now(UTC)
        with house.database.transaction() as session:
            claim = claim_scene.a_case(session, now)
            home = claim_scene.a_home(session, name="李小红", phone="10000000002")
            place = claim_scene.a_case(session, now, category=claim_scene.PREMIUM, home=home, insurer=claim.insurer)
            org_id, claim_id, place_id = claim.insurer.id, claim.case.id, place.case.id
            household_id, match_id = claim.household.id, claim.match.id
        clerk = house.as_role(Role.INSURER, org_id=org_id)
        clerk.goto("/insurance/")
        house.look(clerk)
        press(clerk, f'a[href="/insurance/cases/{place_id}"]')
        press(clerk, 'a[href$="/enrolled"]')
        clerk.locator('[name=scheme][value="YKB"]').check()
        clerk.locator("[name=policy_number]").fill("YKB-1")
        house.look(clerk)
        send(clerk)
        done(clerk)
        clerk.goto("/insurance/find")
        press(clerk, f'a[href="/insurance/cases/{claim_id}"]')
        press(clerk, 'a[href$="/cover"]')
        clerk.locator('[name=scheme][value="HMJK"]').check()
        clerk.locator("[name=policy_number]").fill("H-9")
        send(clerk)
        press(clerk, 'a[href$="/papers"]')
        clerk.locator('[name=papers][value="invoice"]').check()
        house.look(clerk)
        send(clerk)
        done(clerk)
        family = house.household(household_id)
        family.goto(f"/offers-to-me/{match_id}")
        house.look(family)
        press(family, f'form[action="/insurance/papers/{claim_id}"] button')
        done(family)
        clerk.goto("/insurance/answer")
        press(clerk, f'a[href="/insurance/cases/{claim_id}"]')
        press(clerk, 'a[href$="/paid"]')
        kind = clerk.locator("[name=category]").first
        if kind.evaluate("one => one.tagName") == "SELECT":
            kind.select_option("MEDICAL.MAJOR")
        else:
            clerk.locator('[name=category][value="MEDICAL.MAJOR"]').check()
        clerk.locator("[name=amount]").fill("1200.50")
        clerk.locator("[name=paid_on]").fill(now.astimezone(HERE).date().isoformat())
        house.look(clerk)
        send(clerk)
        done(clerk)
        with house.database.reading() as session:
            states = {case.id: case.state for case in session.exec(select(InsuranceCase)).all()}
        assert states == {place_id: CaseState.ENROLLED, claim_id: CaseState.PAID}


@WAYS[1]
def test_a_meeting_calls_its_sheet_decides_a_row_gives_a_duty_and_closes(
    tmp_path: Path, chromium: Browser, language: str, scripts: bool
) -> None:
    with house_of(tmp_path, chromium, language, scripts) as house:
        now = datetime.now(UTC)
        with house.database.transaction() as session:
            a_shortage(session)
            officer = accounts.create_account(session, "officer", display_name="田霞", role=Role.WORKER, now=now).id
        a_run(house.database, Actor(id="approver-1", role=Role.APPROVER), now)
        chair = house.as_role(Role.APPROVER)
        chair.goto("/meetings/")
        press(chair, 'a[href="/meetings/call"]')
        house.look(chair)
        send(chair)
        done(chair)
        house.look(chair)
        press(chair, 'td a[href*="/rows/1"]')
        house.look(chair)
        chair.locator('[name=verdict][value="duty"]').check()
        chair.locator("#officer").select_option(officer)
        chair.locator("#reason").fill("联系救助站")
        press(chair, 'form[action$="/rows/1"] button[type=submit]')
        done(chair)
        with house.database.reading() as session:
            duty, meeting = session.exec(select(Duty)).one(), session.exec(select(Meeting)).one()
            assert duty.officer_id == officer
            assert meeting.closed_at is None
        worker = house.account(officer)
        worker.goto("/deadlines/")
        press(worker, f'a[href="/meetings/duties/{duty.id}"]')
        house.look(worker)
        worker.locator("[name=outcome]").fill("救助站已接收")
        send(worker)
        done(worker)
        chair.goto(f"/meetings/{meeting.id}/close")
        house.look(chair)
        press(chair, 'button[name="confirmed"]')
        chair.goto(f"/meetings/{meeting.id}/check")
        house.look(chair)
        with house.database.reading() as session:
            assert session.get_one(Meeting, meeting.id).closed_at is not None
            assert session.get_one(Duty, duty.id).done_at is not None


@WAYS[0]
def test_an_urgent_night_case_goes_past_a_silent_giver_to_the_next_and_is_reviewed(
    tmp_path: Path, chromium: Browser, language: str, scripts: bool
) -> None:
    with house_of(tmp_path, chromium, language, scripts) as house:
        now = datetime.now(UTC)
        with house.database.transaction() as session:
            spare = make.an_organisation(session)
            make.an_offer(session, spare, id="spare-offer", unit_cost_fen=12_000)
        case = Night(house.database, at=now)
        with house.database.transaction() as session:
            case.verify(session)
        approver = house.account(case.approver.id)
        approver.goto("/meetings/urgent/")
        house.look(approver)
        press(approver, f'a[href="/meetings/urgent/needs/{case.need_id}"]')
        assert ("四小时" in approver.content()) or ("four hours" in approver.content())
        house.look(approver)
        approver.locator("[name=reason]").fill("夜间来电，家中断粮")
        send(approver)
        done(approver)
        night.sweep(house.database, clock=lambda: now + timedelta(hours=6))
        with house.database.reading() as session:
            rows = session.exec(select(UrgentApproval).order_by(UrgentApproval.approved_at)).all()
            first, second = rows
            assert session.get_one(Match, first.match_id).state is MatchState.EXPIRED_GIVER
            org_id, match_id = session.get_one(Match, second.match_id).org_id, second.match_id
        approver.goto(f"/meetings/urgent/{first.id}")
        house.look(approver)
        press(approver, f'main a[href="/meetings/urgent/{second.id}"]')
        giver = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        giver.goto(f"/our-matches/{match_id}")
        house.look(giver)
        press(giver, 'form[action$="/accept"] button')
        reviewer = house.account(case.reviewer.id)
        reviewer.goto("/deadlines/?step=urgent_review")
        house.look(reviewer)
        press(reviewer, f'a[href="/meetings/urgent/{second.id}"]')
        reviewer.locator('[name=verdict][value="confirmed"]').check()
        reviewer.locator("[name=reason]").fill("材料齐全")
        house.look(reviewer)
        send(reviewer)
        done(reviewer)
        with house.database.reading() as session:
            assert session.get_one(UrgentApproval, second.id).reviewed_by == case.reviewer.id
            assert session.get_one(Match, match_id).state is MatchState.AWAITING_HOUSEHOLD


@WAYS[1]
def test_a_head_names_a_stand_in_and_an_account_is_handed_over_and_closed(
    tmp_path: Path, chromium: Browser, language: str, scripts: bool
) -> None:
    with house_of(tmp_path, chromium, language, scripts) as house:
        now = datetime.now(UTC)
        with house.database.transaction() as session:
            names = {"head": Role.APPROVER, "deputy": Role.VERIFIER, "heir": Role.APPROVER}
            ids = {
                name: accounts.create_account(session, name, display_name=name, role=role, now=now).id
                for name, role in names.items()
            }
            clocks.start(session, "unclaimed", "a-need", holder=clocks.Holder(account_id=ids["head"]), now=now)
            org_id = make.an_organisation(session).id
        today = now.astimezone(HERE).date()
        head = house.account(ids["head"])
        press(head, 'footer a[href="/stand-in/"]')
        head.locator("#deputy").select_option(ids["deputy"])
        head.locator("#first_on").fill(today.isoformat())
        head.locator("#last_on").fill((today + timedelta(days=1)).isoformat())
        house.look(head)
        press(head, "main .card-form button[type=submit]")
        done(head)
        house.look(head)
        deputy = house.account(ids["deputy"])
        deputy.goto("/stand-in/")
        house.look(deputy)
        press(deputy, 'form[action$="/step-in"] button')
        done(deputy)
        deputy.goto("/deadlines/?mine=y")
        house.look(deputy)
        expect(deputy.locator("main td", has_text="deputy").first).to_be_visible()
        deputy.goto("/stand-in/")
        house.look(deputy)
        press(deputy, 'form[action="/stand-in/step-back"] button')
        keeper = house.as_role(Role.SECURITY_ADMIN)
        keeper.goto("/accounts/")
        house.look(keeper)
        press(keeper, f'a[href="/accounts/{ids["head"]}/close"]')
        keeper.locator("#heir").select_option(ids["heir"])
        house.look(keeper)
        press(keeper, 'button[name="confirmed"]')
        done(keeper)
        with house.database.reading() as session:
            assert session.exec(select(Clock.account_id)).one() == ids["heir"]
        manager = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        manager.goto("/organisations/ours/on-call")
        manager.locator("#on_call_contact").fill("13900000000")
        house.look(manager)
        send(manager)
        done(manager)
