"""Overrides, quotes and the fairness report pressed through in the browser, in both languages, on a phone and a desk.

Runs on the demonstration house. Pages that only a sent form shows (the preview of an override, its errors, a run whose
pins contradict) are reached by no link, so the sweep of every page misses them: they are checked here.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.db import Database, new_id
from marketplace.needs.models import Need, NeedState
from marketplace.proposals import overrides, quotes
from marketplace.proposals.models import (
    LineState,
    Override,
    OverrideKind,
    OverrideState,
    ProposedLine,
    Run,
    RunState,
    UnservedReason,
)
from marketplace.proposals.overrides import Wish
from tests.pages.checker import check_here, one_of
from tests.pages.fixtures import new_page
from tests.pages.people import sign_in

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 360, "height": 800}, {"width": 1280, "height": 800}
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def database(demo_app: Flask) -> Database:
    held: Database = demo_app.extensions["database"]
    return held


@pytest.fixture
def opened(chromium: Browser, demo_server: str, database: Database) -> Iterator[Opener]:
    """Opens a window for a role in a language."""
    pages = []

    def open_as(role: Role, lang: str = "en") -> Page:
        page = new_page(chromium, demo_server)
        sign_in(page, database, role, address=demo_server)
        page.goto(f"/?lang={lang}")
        pages.append(page)
        return page

    yield open_as
    for page in pages:
        page.context.close()


def check_both(page: Page) -> None:
    """What every page must fulfil, on a phone and on a desk."""
    for size in (PHONE, DESK):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        check_here(page)


def outbid(session: Session) -> UnservedReason:
    """A need that went without because the resource went to more urgent ones."""
    wanted = select(UnservedReason).where(UnservedReason.code == "priced_out", UnservedReason.offer_id != "")
    wanted = wanted.where(UnservedReason.covered_units == 0)
    row = session.exec(wanted.order_by(col(UnservedReason.need_id))).first()
    assert row is not None
    return row


@pytest.mark.parametrize("lang", one_of(1, "zh_Hans", "en"))
def test_an_override_is_tried_kept_and_withdrawn(opened: Opener, database: Database, lang: str) -> None:
    with database.reading() as session:
        row = outbid(session)
    page = opened(Role.APPROVER, lang)
    page.goto(f"/overrides/try?need={row.need_id}")
    page.click("main [type=submit]")
    check_here(page)
    assert page.locator(".error-summary").count() == 1, "a pin needs a resource and an amount"
    page.select_option("#offer", row.offer_id)
    page.fill("#units", "1")
    page.click("main [type=submit]")
    check_both(page)
    assert page.locator("main table").count() >= 2, "who would lose, and who would gain"
    page.click(".card-form [type=submit]")
    check_here(page)
    page.fill("[name=reason]", "street office")
    page.click(".card-form [type=submit]")
    check_both(page)
    assert "street office" in page.inner_text("main table")
    page.click("main table [type=submit]")
    check_both(page)
    with database.reading() as session:
        kept = session.exec(select(Override).where(Override.need_id == row.need_id)).all()
        assert {one.state for one in kept} == {OverrideState.WITHDRAWN}


def test_a_change_of_language_on_a_preview_leads_back_to_the_form(opened: Opener, database: Database) -> None:
    with database.reading() as session:
        row = outbid(session)
    page = opened(Role.APPROVER)
    page.goto(f"/overrides/try?need={row.need_id}")
    page.click("main [type=submit]")
    page.click("header [hreflang=zh-Hans]")
    assert page.locator("h1").inner_text() == "试算人工干预"
    assert row.need_id in page.url


def test_a_quote_shows_free_stock_and_its_lines_wait_in_the_queue(opened: Opener, database: Database) -> None:
    verifier = Actor("verifier-of-a-test", Role.VERIFIER)
    with database.reading() as session:
        ids = session.exec(select(Need.id).where(Need.state == NeedState.VERIFIED).order_by(col(Need.id)))
        told = (quotes.tell(session, one, actor=verifier, now=datetime.now(UTC)) for one in ids)
        need_id = next(one.need.id for one in told if one.quote is not None and one.quote.free)
    page = opened(Role.VERIFIER)
    page.goto(f"/needs/{need_id}")
    page.click("text=What could help now")
    check_both(page)
    page.click("text=Propose the free stock")
    check_both(page)
    expect(page.locator("main")).to_contain_text("waits for an approver", use_inner_text=True)
    with database.reading() as session:
        lines = session.exec(select(ProposedLine).where(ProposedLine.need_id == need_id)).all()
        assert "free_stock" in {line.reasons[0]["code"] for line in lines if line.state is LineState.PROPOSED}


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR])
def test_the_fairness_report_is_read_from_the_run(opened: Opener, database: Database, role: Role) -> None:
    with database.reading() as session:
        run = session.exec(select(Run).where(Run.number == 1)).one()
    page = opened(role)
    page.goto(f"/runs/{run.id}")
    page.click("text=Fairness report")
    for place in page.locator("main details > summary").all()[:3]:
        place.click()
    check_both(page)
    for heading in ("By urgency", "By district", "Beside simpler ways", "What each policy order costs"):
        assert page.locator("h2", has_text=heading).count() == 1


def contradiction(session: Session, actor: Actor, now: datetime) -> tuple[str, str]:
    """A run that ended on two pins, one of them withdrawn since: (run, the pin that stands)."""
    row, gone = outbid(session), session.exec(select(Need.id).order_by(col(Need.id))).first()
    wish = Wish(OverrideKind.PIN, row.need_id, row.offer_id, 1)
    pin = overrides.keep(session, wish, reason="street office", actor=actor, now=now)
    run = Run(
        id=new_id(),
        number=1 + max(session.exec(select(Run.number))),
        state=RunState.INFEASIBLE,
        as_of=now.date(),
        certificate={"conflict": [f"{row.need_id}>{row.offer_id}", f"{gone}>{row.offer_id}"], "gap": 0},
        created_by=actor.id,
        created_at=now,
    )
    session.add(run)
    return run.id, pin.id


def test_a_run_whose_pins_contradict_has_a_sound_page(opened: Opener, database: Database) -> None:
    approver, now = Actor("approver-of-a-test", Role.APPROVER), datetime.now(UTC)
    with database.transaction() as session:
        run_id, pin_id = contradiction(session, approver, now)
    for role, lang in ((Role.APPROVER, "en"), (Role.AUDITOR, "zh_Hans")):
        page = opened(role, lang)
        page.goto(f"/runs/{run_id}")
        check_both(page)
        assert page.locator("main table tbody tr").count() == 2
        assert page.locator("main table [type=submit]").count() == (1 if role is Role.APPROVER else 0)
    with database.transaction() as session:
        overrides.withdraw(session, pin_id, actor=approver, now=now)
