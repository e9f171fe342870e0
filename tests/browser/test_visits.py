"""Visits in the browser: the pages of givers, households and staff are sound, and a whole visit is pressed through on a
phone without JavaScript, in both languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session, col, select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.appointments import outcomes
from marketplace.appointments.models import Appointment, AppointmentState, ServiceRecord
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.wiring import open_database
from tests.marketplace import visiting
from tests.pages.checker import check_here, check_page, one_of
from tests.pages.fixtures import Windows, served
from tests.pages.people import sign_in, sign_in_household

pytestmark = pytest.mark.browser


@dataclass(frozen=True, slots=True)
class House:
    """A served house in which one service has a visit in each state, and another has none yet."""

    address: str
    database: Database
    org_id: str
    household_id: str
    match_id: str
    fresh_match: str
    fresh_home: str
    volunteer_id: str
    visits: dict[str, str]


def _each_state(session: Session, scene: visiting.Scene, now: datetime) -> dict[str, str]:
    before = now - timedelta(days=6)
    past = [visiting.window(base=visiting.nine(now, days=-day), hours=1) for day in (1, 2, 3, 4, 5)]
    begun, served, missed, away, away_too = visiting.agreed(session, scene, *past, now=before)
    outcomes.record_done(session, served.id, minutes=60, content="HOMEWORK", actor=scene.manager, now=now)
    outcomes.volunteer_missed(session, missed.id, actor=scene.home, now=now)
    for one in (away, away_too):
        outcomes.household_missed(session, one.id, actor=scene.manager, now=now)
    ahead = [visiting.window(base=visiting.nine(now, days=day), hours=1) for day in (2, 3)]
    proposed, _other = visiting.proposed(session, scene, *ahead, choose_one=True, now=now)
    later = visiting.window(base=visiting.nine(now, days=5), hours=1)
    agreed = visiting.agreed(session, scene, later, now=now)[0]
    found = {"begun": begun, "done": served, "missed": missed, "proposed": proposed, "agreed": agreed}
    return {name: one.id for name, one in found.items()}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = demo_settings(tmp_path_factory.mktemp("visits"), seed=7)
    database, now = open_database(settings), datetime.now(UTC)
    with database.transaction() as session:
        scene = visiting.a_scene(session, units=20, now=now - timedelta(days=7))
        visits = _each_state(session, scene, now)
        fresh = visiting.a_scene(session, units=2, people=0, organisation=scene.organisation, now=now)
    with served(create_app(settings, database=database)) as address:
        yield House(
            address,
            database,
            scene.organisation.id,
            scene.household.id,
            scene.match.id,
            fresh.match.id,
            fresh.household.id,
            scene.people[0].id,
            visits,
        )
    database.close()


@pytest.fixture
def page(windows: Windows, house: House) -> Iterator[Page]:
    with windows.lent(house.address) as opened:
        yield opened


ALL = os.environ.get("PAGES") == "all"
"""The demonstration's walk sees most of these pages: here are those that it does not reach, or all if asked."""


def test_the_givers_pages_are_sound(page: Page, house: House) -> None:
    sign_in(page, house.database, Role.CHARITY_MANAGER, address=house.address, org_id=house.org_id)
    service, visits = f"/visits/services/{house.match_id}", [f"/visits/{one}" for one in house.visits.values()]
    volunteer = f"/visits/volunteers/{house.volunteer_id}"
    paths = [f"/visits/{house.visits['begun']}/missed", f"/visits/services/{house.fresh_match}"]
    if ALL:
        paths += ["/visits/", "/visits/?from=2020-01-01", "/visits/services", service, f"{service}/propose", *visits]
        paths += [
            f"{service}/finish",
            "/visits/volunteers/",
            "/visits/volunteers/?state=ended",
            "/visits/volunteers/new",
        ]
        paths += [volunteer, f"{volunteer}/edit", f"{volunteer}/stop/ended", f"{volunteer}/certificate"]
        paths += ["/visits/import", f"/visits/{house.visits['begun']}/done", f"/visits/{house.visits['begun']}/cancel"]
    for path in paths:
        check_page(page, path)
    page.goto(f"{service}/propose?lang=en&text=standard")
    page.click("main [type=submit]")
    check_here(page, name="a proposal with errors")


def test_the_households_pages_are_sound(page: Page, house: House) -> None:
    sign_in_household(page, house.database, house.household_id, address=house.address)
    names = list(house.visits) if ALL else ["proposed", "agreed"]
    acts = [f"{house.visits['proposed']}/other-time", f"{house.visits['begun']}/nobody-came"]
    for path in ["", *(f"/{house.visits[name]}" for name in names), *(f"/{act}" for act in acts if ALL)]:
        check_page(page, f"/visits/mine{path}")
    page.goto(f"/visits/mine/{house.visits['done']}?lang=en&text=standard")
    page.click("main form[action$=rate] [type=submit]")
    check_here(page, name="a rating without an answer")


def test_the_pages_of_staff_are_sound(page: Page, house: House) -> None:
    sign_in(page, house.database, Role.WORKER, address=house.address)
    paths = [f"/visits/city/calls/{house.match_id}"]
    if ALL:
        paths += ["/visits/city", "/visits/city?state=agreed", f"/visits/city/{house.visits['proposed']}/other-time"]
        paths += [f"/visits/city/{one}" for one in house.visits.values()]
    for path in paths:
        check_page(page, path)


def _phone(chromium: Browser, house: House) -> Page:
    screen = {"width": 360, "height": 780}
    context = chromium.new_context(base_url=house.address, java_script_enabled=False, viewport=screen)  # type: ignore[arg-type]
    return context.new_page()


@pytest.mark.parametrize(
    ("language", "suits", "who"),
    one_of(0, ("zh_Hans", "这个时间合适", "谁来"), ("en", "This time suits me", "Who comes")),
)
def test_a_visit_is_planned_chosen_missed_planned_again_and_served_on_a_phone_without_javascript(
    chromium: Browser, house: House, language: str, suits: str, who: str
) -> None:
    now = datetime.now(UTC)
    with house.database.transaction() as session:
        scene = visiting.a_scene(session, units=2, now=now)
    giver, home = _phone(chromium, house), _phone(chromium, house)
    sign_in(giver, house.database, Role.CHARITY_MANAGER, address=house.address, org_id=scene.organisation.id)
    sign_in_household(home, house.database, scene.household.id, address=house.address)
    for turn in (1, 2):
        one = _chosen(giver, home, house, scene, language=language, suits=suits, who=who, day=turn + 1)
        _let_it_begin(house.database, one)
        if turn == 1:
            home.goto(f"/visits/mine/{one}/nobody-came")
            home.click("main [name=confirmed]")
        else:
            giver.goto(f"/visits/{one}/done")
            giver.fill("[name=minutes]", "120")
            giver.check("[name=content][value=HOMEWORK]")
            giver.click("main [type=submit]")
    home.goto(f"/visits/mine/{one}")
    home.check("[name=rating][value='5']")
    home.click("main form[action$=rate] [type=submit]")
    for page in (giver, home):
        page.context.close()
    with house.database.reading() as session:
        states = session.exec(
            select(Appointment.state)
            .where(col(Appointment.match_id) == scene.match.id)
            .order_by(col(Appointment.created_at))
        ).all()
        assert states == [AppointmentState.NO_SHOW_VOLUNTEER, AppointmentState.DONE]
        record = session.exec(select(ServiceRecord).where(col(ServiceRecord.appointment_id) == one)).one()
        assert (record.minutes, record.rating) == (120, 5)


def _chosen(
    giver: Page, home: Page, house: House, scene: visiting.Scene, *, language: str, suits: str, who: str, day: int
) -> str:
    """The giver proposes two hours, the household takes them; the visit's id."""
    giver.goto(f"/visits/services/{scene.match.id}/propose?lang={language}&text=standard")
    giver.fill("[name=days]", visiting.nine(datetime.now(UTC), days=day).date().isoformat())
    giver.select_option("[name=begins]", "09:00")
    giver.select_option("[name=ends]", "11:00")
    for name, value in (("choice", "each"), ("place", "home"), ("volunteers", scene.people[0].id)):
        giver.check(f"[name={name}][value='{value}']")
    giver.click("main [type=submit]")
    home.goto(f"/visits/mine?lang={language}&text=standard")
    home.click("main .cell >> nth=0")
    assert suits == home.inner_text("main form[action$=agree] button")
    home.click("main form[action$=agree] button")
    expect(home.locator("main")).to_contain_text(who, use_inner_text=True)
    expect(home.locator("main")).to_contain_text("小明", use_inner_text=True)
    return home.url.rsplit("/", 1)[-1].partition("?")[0]


def _let_it_begin(database: Database, appointment_id: str) -> None:
    """Time passes: the visit was this morning, three hours ago."""
    with database.transaction() as session:
        one = session.get_one(Appointment, appointment_id)
        begun = datetime.now(UTC) - timedelta(hours=3)
        one.starts_at, one.ends_at = begun, begun + timedelta(hours=2)
        session.add(one)
