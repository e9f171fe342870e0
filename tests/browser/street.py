"""A small house for journeys: two charities, households with needs and consents, one account a role, served with its
worker. Tests act in it as people would, each in a browser window of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

from playwright.sync_api import Browser, Page
from sqlmodel import select

from marketplace import jobs
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.calendar import local_day
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.accounts import ACCOUNTS, TOUR
from marketplace.households.service import contact_of
from marketplace.needs.models import Need
from marketplace.offers.models import Acceptance
from marketplace.proposals import service as proposals
from marketplace.proposals.models import LineState, ProposedLine, Run, RunState
from marketplace.proposals.problem import Scope
from marketplace.wiring import open_database, readers_doors, worker_of
from tests import factories as make
from tests.pages import checker
from tests.pages.fixtures import served

PHONE = "10000000001"
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER)
APPROVER = Actor(id="approver-1", role=Role.APPROVER)


@dataclass
class Street:
    """The served house; `need` is 10 food packs of the household that signs in with `PHONE`."""

    address: str
    database: Database
    browser: Browser
    need_id: str
    offer_ids: tuple[str, str]
    language: str = "zh_Hans"
    width: int = 1280
    scripts: bool = True
    checks: bool = False
    _pages: list[Page] = field(default_factory=list)

    def window(self, token: str = "") -> Page:
        """A fresh browser window with the journey's language, width and scripts; with a session's token signed in."""
        context = self.browser.new_context(
            base_url=self.address,
            viewport={"width": self.width, "height": 800},
            java_script_enabled=self.scripts,
        )
        for name, value in (("lang", self.language), ("sid", token)):
            if value:
                context.add_cookies([{"name": name, "value": value, "url": self.address}])
        page = context.new_page()
        checker.watch(page, host=self.address)
        self._pages.append(page)
        return page

    def by_pages(self) -> bool:
        """Do people sign in through the pages? In the journeys that are looked at, and in those without scripts."""
        return self.checks or not self.scripts

    def staff(self, login: str) -> Page:
        """Somebody of civil affairs or of a giver, signed in by the demonstration's button or by what stands behind."""
        if not self.by_pages():
            with self.database.transaction() as session:
                account = session.exec(select(Account).where(Account.login == login)).one()
                token = accounts.open_for_account(session, account, now=datetime.now(UTC))
            return self.window(token)
        page = self.window()
        page.goto("/")
        with page.expect_navigation():
            page.locator(f'form[action="/demo/sign-in/{login}"] button').click()
        return page

    def household(self) -> Page:
        """The household, signed in with its phone and the code or by what stands behind."""
        if not self.by_pages():
            return self._household_by_service()
        page = self.window()
        page.goto("/enter")
        page.locator("#phone").fill(PHONE)
        with page.expect_navigation():
            page.locator("main form button[type=submit]").click()
        shown = re.search(r"\d{6}", page.locator(".banner").inner_text())
        assert shown is not None
        page.locator("#code").fill(shown.group())
        with page.expect_navigation():
            page.locator("main form button[type=submit]").click()
        return page

    def _household_by_service(self) -> Page:
        now = datetime.now(UTC)
        with self.database.transaction() as session:
            household_id = session.get_one(Need, self.need_id).household_id
            person = contact_of(session, household_id)
            assert person is not None
            token = accounts.open_for_person(session, person.id, household_id, now=now)
        return self.window(token)

    def look(self, page: Page, name: str) -> None:
        """Check everything on this page, in the journeys that are walked to be looked at."""
        if self.checks:
            checker.check_here(page, name=name)

    def proposed(self) -> None:
        """A run has ended. The pages that lead there, and those below, are gone through in the first two journeys."""
        now = datetime.now(UTC)
        with self.database.transaction() as session:
            values: dict[str, Any] = {"policy": {}, "as_of": local_day(now), "actor": VERIFIER, "now": now}
            run = proposals.start_run(session, Scope(), **values)
        handlers = {proposals.JOB: lambda ref: proposals.work(self.database, ref, clock=lambda: now, actor=SYSTEM)}
        while self._state(run.id) in proposals.UNDER_WAY:  # the house's own worker may have taken it
            if not jobs.work_once(self.database, handlers, clock=lambda: now):
                sleep(0.02)
        assert self._state(run.id) is RunState.DONE

    def _state(self, run_id: str) -> RunState:
        with self.database.reading() as session:
            return session.get_one(Run, run_id).state

    def approved(self) -> None:
        """Every line of a run stands approved."""
        self.proposed()
        with self.database.transaction() as session:
            waiting = select(ProposedLine.id).where(ProposedLine.state == LineState.PROPOSED)
            lines = list(session.exec(waiting))
            done = approval.approve(session, lines, actor=APPROVER, now=datetime.now(UTC))
            assert lines
            assert len(done.approved) == len(lines)

    def taken_on(self) -> None:
        """The givers said yes."""
        self.approved()
        with self.database.transaction() as session:
            for match in session.exec(select(Match).where(Match.state == MatchState.AWAITING_GIVER)).all():
                giver = Actor(id="giver-1", role=Role.CHARITY_WORKER, org_id=match.org_id)
                decisions.giver_accepts(session, match.id, actor=giver, now=datetime.now(UTC))

    def in_delivery(self) -> None:
        """The household said yes too, and shares its name."""
        self.taken_on()
        with self.database.transaction() as session:
            match = session.exec(select(Match).where(Match.state == MatchState.AWAITING_HOUSEHOLD)).one()
            person = contact_of(session, match.household_id)
            assert person is not None
            said: dict[str, Any] = {"data_fields": ["name"], "agrees_to_share": True, "agrees_to_terms": True}
            actor = make.as_household_of(match.household_id)
            decisions.household_accepts(
                session, match.id, **said, person_id=person.id, actor=actor, now=datetime.now(UTC)
            )

    def matches(self) -> dict[str, MatchState]:
        """Offer ► state of its match with the need."""
        with self.database.reading() as session:
            rows = session.exec(select(Match).where(Match.need_id == self.need_id))
            return {match.offer_id: match.state for match in rows}

    def covered(self) -> int:
        """How many units of the need are committed."""
        with self.database.reading() as session:
            return session.get_one(Need, self.need_id).committed_units

    def close(self) -> None:
        """Every window must have stayed free of faults."""
        faults = [fault for page in self._pages for fault in checker.FAULTS.get(page, [])]
        for page in self._pages:
            page.context.close()
        assert not faults, faults


@contextmanager
def open_street(
    folder: Path,
    browser: Browser,
    *,
    language: str = "zh_Hans",
    width: int = 1280,
    scripts: bool = True,
    checks: bool = False,
    stocks: tuple[int, int] = (10, 0),
    acceptance: Acceptance = Acceptance.EACH,
) -> Iterator[Street]:
    """Build, serve and afterwards close one street; `stocks` are the packs of the first and the second charity."""
    settings = demo_settings(folder, seed=3)
    database = open_database(settings)
    need_id, offer_ids = _furnish(database, stocks=stocks, acceptance=acceptance)
    app = create_app(settings, database=database, **readers_doors(settings))
    app.extensions["demo"] = {"accounts": ACCOUNTS, "tour": TOUR}
    worker = worker_of(database, settings)
    worker.start()
    try:
        with served(app) as address:
            street = Street(
                address,
                database,
                browser,
                need_id,
                offer_ids,
                language=language,
                width=width,
                scripts=scripts,
                checks=checks,
            )
            yield street
            street.close()
    finally:
        worker.stop()
        database.close()


def _furnish(database: Database, *, stocks: tuple[int, int], acceptance: Acceptance) -> tuple[str, tuple[str, str]]:
    now = datetime.now(UTC)
    with database.transaction() as session:
        household = make.a_household(session, phone=PHONE, created_at=now)
        make.auto_match(session, household, now=now)
        need = make.a_need(session, household, created_at=now, updated_at=now, verifier_id="somebody-else")
        givers = [make.an_organisation(session) for _ in stocks]
        offers = tuple(
            make.an_offer(session, giver, stock_units=stock, acceptance=acceptance, title=f"食品包{n}")
            for n, (giver, stock) in enumerate(zip(givers, stocks, strict=True))
        )
        charity, insurer = givers[0].id, givers[1].id
        owners = {"demo-charity": charity, "demo-charity-accounts": charity, "demo-insurer": insurer}
        for account in ACCOUNTS:
            if account.role != Role.HOUSEHOLD:
                accounts.create_account(
                    session,
                    account.login,
                    display_name=account.zh,
                    role=Role(account.role),
                    org_id=owners.get(account.login),
                    now=now,
                )
        return need.id, (offers[0].id, offers[1].id)
