"""Two journeys, each in both languages, on a telephone and at a desk: volunteers one of whom does not come, and a
charity that stops answering. What lies between the presses, days or a night of the worker, is moved or swept; the rest
is pressed on the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlmodel import Session, col, select

from marketplace.actors import Role
from marketplace.appointments import outcomes
from marketplace.appointments.models import Appointment, AppointmentState
from marketplace.decisions.models import Match, MatchState
from marketplace.offers.models import Offer, OfferState
from tests.browser.test_desks import House, done, house_of, press, send
from tests.marketplace import visiting
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_waiting import pass_days, reach, state_of
from tests.pages.checker import one_of

pytestmark = pytest.mark.browser
LONG_AGO = timedelta(days=9)
HOURS, EACH = 60, 2
BEFORE = HOURS // EACH - 1
"""Visits that were served, one a day, before the walk begins: only the last is left of the sixty hours."""
WINDOWS = [(("zh_Hans", 360), ("en", 1280)), (("en", 1280), ("zh_Hans", 360))]
"""Who goes first, in which language and width, and who goes then."""


def propose(giver: Page, house: House, match_id: str, day: str) -> None:
    """The group proposes one visit of two hours at home."""
    giver.goto(f"/visits/services/{match_id}/propose")
    giver.locator("#days").fill(day)
    giver.locator("#begins").select_option("09:00")
    giver.locator("#ends").select_option("11:00")
    giver.locator("[name=choice]").first.check()
    giver.locator('[name=place][value="home"]').check()
    giver.locator("[name=volunteers]").first.check()
    send(giver)
    done(giver)


def only(house: House, state: AppointmentState) -> Appointment:
    """The one appointment in this state."""
    with house.database.reading() as session:
        return session.exec(select(Appointment).where(Appointment.state == state)).one()


def days_pass(house: House) -> None:
    """What was agreed lies behind us now."""
    with house.database.transaction() as session:
        for one in session.exec(select(Appointment).where(Appointment.state == AppointmentState.AGREED)):
            one.starts_at, one.ends_at = one.starts_at - LONG_AGO, one.ends_at - LONG_AGO
            session.add(one)


def all_but_the_last(session: Session, now: datetime) -> visiting.Scene:
    """A group that owes sixty hours and has served fifty-eight of them."""
    begun = now - LONG_AGO - timedelta(days=BEFORE)
    scene = visiting.a_scene(session, units=HOURS, now=begun)
    days = [visiting.window(base=visiting.nine(begun, days=day), hours=EACH) for day in range(1, BEFORE + 1)]
    for one in visiting.agreed(session, scene, *days, now=begun):
        outcomes.record_done(session, one.id, minutes=120, content="HOMEWORK", actor=scene.manager, now=one.ends_at)
    return scene


@pytest.mark.parametrize(("first", "then"), one_of(0, *WINDOWS))
def test_of_sixty_hours_the_last_are_missed_once_and_served_another_day(
    tmp_path: Path, chromium: Browser, first: tuple[str, int], then: tuple[str, int]
) -> None:
    with house_of(tmp_path, chromium, first[0], True) as house:
        house.turn(*first)
        now = datetime.now(UTC)
        with house.database.transaction() as session:
            scene = all_but_the_last(session, now)
            org_id, home_id, match_id = scene.organisation.id, scene.household.id, scene.match.id
            volunteer_id = scene.people[0].id
        family = house.household(home_id)
        house.turn(*then)
        giver = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        for number, day in enumerate(f"{now + timedelta(days=days):%Y-%m-%d}" for days in (3, 5)):
            propose(giver, house, match_id, day)
            visit = only(house, AppointmentState.PROPOSED).id
            family.goto("/visits/mine")
            press(family, f'main a[href="/visits/mine/{visit}"]')
            press(family, 'form[action$="/agree"] button')
            done(family)
            days_pass(house)
            if number == 0:
                family.goto(f"/visits/mine/{visit}")
                press(family, 'a[href$="/nobody-came"]')
                house.look(family)
                send(family)
                done(family)
        giver.goto("/visits/")
        house.look(giver)
        giver.goto(f"/visits/{visit}/done")
        giver.locator("[name=minutes]").fill("126")
        giver.locator("[name=content]").first.check()
        send(giver)
        done(giver)
        house.look(giver)
        family.goto(f"/visits/mine/{visit}")
        family.locator('[name=rating][value="5"]').check()
        send(family)
        done(family)
        giver.goto(f"/visits/volunteers/{volunteer_id}/certificate")
        assert f"{(BEFORE * 120 + 126) / 60:.1f}" in giver.inner_text("main")
        with house.database.reading() as session:
            states = sorted(session.exec(select(col(Appointment.state))))
            assert states == [*[AppointmentState.DONE] * (BEFORE + 1), AppointmentState.NO_SHOW_VOLUNTEER]
            match = session.get_one(Match, match_id)
            assert (match.state, match.units) == (MatchState.DELIVERED, HOURS)


@pytest.mark.parametrize(("first", "then"), one_of(1, *WINDOWS))
def test_a_charity_that_stops_answering_loses_its_matches_and_comes_back_by_one_press(
    tmp_path: Path, chromium: Browser, first: tuple[str, int], then: tuple[str, int]
) -> None:
    with house_of(tmp_path, chromium, first[0], True) as house:
        house.turn(*first)
        begun = datetime.now(UTC)
        with house.database.transaction() as session:
            scene = a_scene(session)
            same = {"organisation": scene.organisation, "offer": scene.offer}
            scenes = [scene, *(a_scene(session, phone=f"1000000001{n}", **same) for n in range(2))]
        org_id, offer_id = scene.organisation.id, scene.offer.id
        ended = [reach(house.database, scene, "approved", now=begun) for scene in scenes]
        giver = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        pass_days(house.database, begun, 9)
        assert {state_of(house.database, match_id)[0] for match_id in ended} == {MatchState.EXPIRED_GIVER}
        giver.goto("/our-matches/over")
        house.look(giver)
        house.turn(*then)
        giver = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        giver.goto("/offers/mine")
        press(giver, f'a[href="/offers/{offer_id}"]')
        house.look(giver)
        press(giver, 'form[action$="/reopen"] button')
        done(giver)
        with house.database.reading() as session:
            assert session.get_one(Offer, offer_id).state is OfferState.OPEN
