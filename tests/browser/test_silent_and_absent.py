"""Two journeys, each in both languages, on a telephone and at a desk: volunteers one of whom does not come, and a
charity that stops answering. What lies between the presses, days or a night of the worker, is moved or swept; the rest
is pressed on the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlmodel import col, select

from marketplace.actors import Role
from marketplace.appointments.models import Appointment, AppointmentState
from marketplace.decisions.models import Match, MatchState
from marketplace.offers.models import Offer, OfferState
from tests.browser.test_desks import House, done, house_of, press, send
from tests.marketplace import visiting
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_waiting import pass_days, reach, state_of

pytestmark = pytest.mark.browser
LONG_AGO = timedelta(days=9)


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


def test_a_volunteer_does_not_come_and_the_hours_are_served_another_day(tmp_path: Path, chromium: Browser) -> None:
    with house_of(tmp_path, chromium, "zh_Hans", True) as house:
        now = datetime.now(UTC)
        with house.database.transaction() as session:
            scene = visiting.a_scene(session, units=2, now=now - LONG_AGO)
            org_id, home_id, match_id = scene.organisation.id, scene.household.id, scene.match.id
        family = house.household(home_id)
        house.turn("en", 1280)
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
        giver.locator("[name=minutes]").fill("125")
        giver.locator("[name=content]").first.check()
        send(giver)
        done(giver)
        house.look(giver)
        family.goto(f"/visits/mine/{visit}")
        family.locator('[name=rating][value="5"]').check()
        send(family)
        done(family)
        with house.database.reading() as session:
            states = sorted(session.exec(select(col(Appointment.state))))
            assert states == [AppointmentState.DONE, AppointmentState.NO_SHOW_VOLUNTEER]
            assert session.get_one(Match, match_id).state is MatchState.DELIVERED


def test_a_charity_that_stops_answering_loses_its_matches_and_comes_back_by_one_press(
    tmp_path: Path, chromium: Browser
) -> None:
    with house_of(tmp_path, chromium, "en", True) as house:
        begun = datetime.now(UTC)
        with house.database.transaction() as session:
            first = a_scene(session)
            same = {"organisation": first.organisation, "offer": first.offer}
            scenes = [first, *(a_scene(session, phone=f"1000000001{n}", **same) for n in range(2))]
        org_id, offer_id = first.organisation.id, first.offer.id
        ended = [reach(house.database, scene, "approved", now=begun) for scene in scenes]
        giver = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        pass_days(house.database, begun, 9)
        assert {state_of(house.database, match_id)[0] for match_id in ended} == {MatchState.EXPIRED_GIVER}
        giver.goto("/our-matches/over")
        house.look(giver)
        house.turn("zh_Hans", 1280)
        giver = house.as_role(Role.CHARITY_MANAGER, org_id=org_id)
        giver.goto("/offers/mine")
        press(giver, f'a[href="/offers/{offer_id}"]')
        house.look(giver)
        press(giver, 'form[action$="/reopen"] button')
        done(giver)
        with house.database.reading() as session:
            assert session.get_one(Offer, offer_id).state is OfferState.OPEN
