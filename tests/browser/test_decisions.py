"""Decisions pressed through on the busy demonstration house: once only, with a reason, in bulk, and identity kept.

Runs on the demonstration house, where a run has proposed lines and many matches are under way. Each test takes lines
and matches of its own.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.calendar import utc_now
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import queues
from marketplace.decisions.models import Match, MatchState
from marketplace.needs.models import Need
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.reference.needs import CASE_KINDS
from marketplace.reference.services import find_service
from tests.pages.checker import HOUSEHOLD_BYTES, REQUESTS, check_here, one_of, weight
from tests.pages.fixtures import new_page
from tests.pages.people import sign_in, sign_in_household

pytestmark = pytest.mark.browser
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def database(demo_app: Flask) -> Database:
    held: Database = demo_app.extensions["database"]
    return held


@pytest.fixture
def opened(chromium: Browser, demo_server: str, database: Database) -> Iterator[Opener]:
    """Opens a browser window for a role of an organisation, or for a household."""
    pages = []

    def open_as(role: Role = Role.HOUSEHOLD, *, org_id: str | None = None, household_id: str = "") -> Page:
        page = new_page(chromium, demo_server)
        if household_id:
            sign_in_household(page, database, household_id, address=demo_server)
        else:
            sign_in(page, database, role, address=demo_server, org_id=org_id)
        page.goto("/?lang=en")
        pages.append(page)
        return page

    yield open_as
    for page in pages:
        page.context.close()


def lines_to_approve(session: Session, count: int) -> list[ProposedLine]:
    """Undecided lines that an approver may approve now, one a household; none that comes by visits or cases."""
    wanted = select(ProposedLine, Need.category).where(
        col(ProposedLine.need_id) == col(Need.id),
        col(ProposedLine.state) == LineState.PROPOSED,
        col(ProposedLine.value_fen) < 100_000,
        col(Need.category).not_in(CASE_KINDS),
    )
    found = session.exec(wanted.order_by(col(ProposedLine.id)).limit(80))
    lines = {line.household_id: line for line, category in found if find_service(category) is None}
    approver = Actor(id="approver-of-a-test", role=Role.APPROVER)
    ids = [line.id for line in lines.values()]
    held = approval.preview(session, ids, actor=approver, now=datetime.now(UTC)).approved
    return [line for line in lines.values() if line.id in held][:count]


def queue_of(session: Session, line: ProposedLine) -> str:
    """The queue narrowed to where this line stands."""
    need = session.get(Need, line.need_id)
    assert need is not None
    return f"/matches/?size=100&district={need.district_code}&category={need.category}&urgency={need.urgency}"


def state_of(database: Database, match_id: str) -> MatchState:
    with database.reading() as session:
        match = session.get(Match, match_id)
        assert match is not None
        return match.state


def approve(page: Page, queue: str, line_id: str) -> None:
    page.goto(queue)
    page.check(f"[value='{line_id}']")
    page.click("text=Approve what is ticked")
    check_here(page)
    page.click("main [name=confirmed]")


def test_a_verified_need_becomes_help_that_arrived(opened: Opener, database: Database) -> None:
    with database.reading() as session:
        line = lines_to_approve(session, 1)[0]
        queue = queue_of(session, line)
    approver = opened(Role.APPROVER)
    approve(approver, queue, line.id)
    expect(approver.locator("main")).to_contain_text("1 line approved.", use_inner_text=True)
    with database.reading() as session:
        match = session.exec(select(Match).where(col(Match.line_id) == line.id)).one()

    giver = opened(Role.CHARITY_MANAGER, org_id=match.org_id)
    giver.goto(f"/our-matches/{match.id}")
    if match.state is MatchState.AWAITING_GIVER:
        giver.click("text=Accept this match")
        giver.goto(f"/our-matches/{match.id}")
    assert giver.locator("text=Show what we may see").count() == 0, "nothing is shown before the household's consent"

    household = opened(household_id=match.household_id)
    household.goto(f"/offers-to-me/{match.id}")
    household.click("text=Accept …")
    household.click("main [type=submit]")
    check_here(household)
    assert state_of(database, match.id) is MatchState.AWAITING_HOUSEHOLD, "no tick, no consent"
    household.check("[name=agrees_to_terms]")
    household.check("[name=agrees_to_share]")
    household.check("[name=data_fields][value=name]")
    household.click("main [type=submit]")
    assert state_of(database, match.id) is MatchState.IN_DELIVERY

    giver.reload()
    giver.click("text=Show what we may see")
    shown = giver.locator("main dt").all_inner_texts()
    assert "Name" in shown
    assert "Telephone" not in shown
    check_here(giver)
    giver.click("text=Record the delivery")
    giver.click("main [name=confirmed]")
    assert state_of(database, match.id) is MatchState.DELIVERED

    household.goto(f"/offers-to-me/{match.id}")
    household.click("text=Yes, it has arrived")
    assert state_of(database, match.id) is MatchState.CONFIRMED
    household.goto("/my-consents")
    assert "Nobody has looked yet." not in household.locator("section", has_text="Who saw what").first.inner_text()


def test_two_approvers_at_once_approve_a_line_once(opened: Opener, database: Database) -> None:
    with database.reading() as session:
        line = lines_to_approve(session, 1)[0]
        queue = queue_of(session, line)
    first, second = opened(Role.APPROVER), opened(Role.APPROVER)
    for page in (first, second):
        page.goto(queue)
        page.check(f"[value='{line.id}']")
        page.click("text=Approve what is ticked")
    first.click("main [name=confirmed]")
    second.click("main [name=confirmed]")
    expect(first.locator("main")).to_contain_text("1 line approved.", use_inner_text=True)
    expect(second.locator("main")).to_contain_text("1 left out", use_inner_text=True)
    with database.reading() as session:
        assert len(session.exec(select(Match).where(col(Match.line_id) == line.id)).all()) == 1


def test_a_line_is_rejected_only_with_a_reason(opened: Opener, database: Database) -> None:
    with database.reading() as session:
        line = lines_to_approve(session, 1)[0]
        queue = queue_of(session, line)
    page = opened(Role.APPROVER)
    page.goto(queue)
    page.check(f"[value='{line.id}']")
    page.click("text=Reject what is ticked")
    page.click("main [name=confirmed]")
    check_here(page)
    page.locator("main [name=reason_code]").first.check()
    page.click("main [name=confirmed]")
    expect(page.locator("main")).to_contain_text("1 line rejected.", use_inner_text=True)
    with database.reading() as session:
        kept = session.get(ProposedLine, line.id)
        assert kept is not None
        assert kept.state is LineState.REJECTED


def fifty_that_hold(database: Database) -> None:
    """Take lines that cannot be approved today off the head of the list, until the first fifty all can."""
    approver = Actor(id="approver-of-fifty", role=Role.APPROVER)
    for _round in range(50):
        with database.transaction() as session:
            rows = queues.list_lines(session, queues.LineFilter(), actor=approver, offset=0, limit=50)
            ids = [row.line.id for row in rows]
            outcome = approval.preview(session, ids, actor=approver, now=utc_now())
            for left_out in outcome.excluded:
                session.get_one(ProposedLine, left_out.line_id).state = LineState.STALE
        if not outcome.excluded:
            return
    raise AssertionError("the city has no fifty lines that can be approved")


FIFTY = {"en": "50 lines approved", "zh_Hans": "已批准 50 条"}
ONE_MORE = {"en": "1 line approved", "zh_Hans": "已批准 1 条"}


@pytest.mark.parametrize(("wide", "narrow"), one_of(1, ("en", "zh_Hans"), ("zh_Hans", "en")))
def test_fifty_lines_are_approved_in_six_clicks(opened: Opener, database: Database, wide: str, narrow: str) -> None:
    """Fifty on a wide screen in one language, and one more on a telephone in the other."""
    fifty_that_hold(database)
    page = opened(Role.APPROVER)
    page.add_init_script(
        "addEventListener('click', () => { sessionStorage.clicks = 1 + Number(sessionStorage.clicks || 0); }, true)"
    )
    page.goto(f"/matches/?lang={wide}")
    page.evaluate("sessionStorage.clicks = 1")  # opening the list of sizes, which a driven browser does not send
    page.select_option("#size", "50")
    page.click("main form.filters [type=submit]")
    page.check(".pick-all input")
    ticked = page.locator("[data-pick]:checked").evaluate_all("boxes => boxes.map((box) => box.value)")
    assert len(ticked) == 50
    check_here(page)
    page.click('form[action="/matches/confirm"] button[type=submit]')
    page.click("main [name=confirmed]")
    expect(page.locator("main")).to_contain_text(FIFTY[wide], use_inner_text=True)
    clicks = int(page.evaluate("sessionStorage.clicks"))
    assert 5 <= clicks <= 6, clicks
    with database.reading() as session:
        done = session.exec(select(Match).where(col(Match.line_id).in_(ticked))).all()
    assert len(done) == 50, "all fifty, not some of them"
    page.set_viewport_size({"width": 360, "height": 740})
    with database.reading() as session:
        line = lines_to_approve(session, 1)[0]
        queue = queue_of(session, line)
    page.goto(f"{queue}&lang={narrow}")
    page.check(f"[value='{line.id}']")
    check_here(page)
    page.click('form[action="/matches/confirm"] button[type=submit]')
    check_here(page)
    page.click("main [name=confirmed]")
    expect(page.locator("main")).to_contain_text(ONE_MORE[narrow], use_inner_text=True)


def test_a_household_s_first_visit_is_light(chromium: Browser, demo_server: str, database: Database) -> None:
    with database.reading() as session:
        wanted = select(Match.household_id).where(col(Match.state) == MatchState.AWAITING_HOUSEHOLD)
        household_id = session.exec(wanted.order_by(col(Match.id))).first()
        assert household_id is not None
    for path in ("/home", "/offers-to-me", "/my-consents"):
        page = new_page(chromium, demo_server)
        sign_in_household(page, database, household_id, address=demo_server)
        transferred, requests = weight(page, path)
        page.context.close()
        assert transferred <= HOUSEHOLD_BYTES, f"{path}: {transferred}"
        assert requests <= REQUESTS
