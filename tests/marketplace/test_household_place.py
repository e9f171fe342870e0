"""Staff put the street of a household right: with a reason, written down, and what waits goes along."""

from __future__ import annotations

from functools import partial

import pytest
from sqlmodel import select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.cases import service as cases
from marketplace.cases.models import Case
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound
from marketplace.households import place
from marketplace.households.models import Household
from marketplace.households.moved import WHEN_MOVED
from marketplace.households.register import HouseholdFacts, register_many
from marketplace.rights import moving
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit
from tests import factories as make
from tests.marketplace.test_visits import NOW
from tests.pages.people import client_as

CLERK = Actor(id="clerk", role=Role.VERIFIER, districts=frozenset({"500112"}))
TOWN, STREET = "500105100", "500105001"


def test_a_street_that_was_never_told_is_put_right_and_what_waits_goes_along(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        home = make.a_household(session, district_code="500105")
        visit = visits.ask(session, home.id, "QUOTA", ref="q", actor=CLERK, now=NOW)
        clerk = Actor(id="clerk", role=Role.VERIFIER, districts=frozenset({"500105"}))
        case = cases.start(session, home.id, actor=make.as_household(home), now=NOW)
        assert case.office == "500105"
        correct = partial(place.correct, session, home.id, reason="never_told", actor=clerk, now=NOW)
        for street, village, reason, code in (
            ("500103001", "", "never_told", "street_not_here"),
            (TOWN, f"{STREET}001", "never_told", "village_not_here"),
            (TOWN, "", "because", "reason_missing"),
        ):
            with pytest.raises(BadInput, match=code):
                correct(street_code=street, village_code=village, reason=reason)
        assert moving.follow in WHEN_MOVED
        correct(street_code=TOWN, village_code=f"{TOWN}201")
        assert (home.street_code, home.village_code, home.urban) == (TOWN, f"{TOWN}201", False)
        assert session.get_one(HomeVisit, visit.id, populate_existing=True).street_code == TOWN
        assert session.get_one(Case, case.id, populate_existing=True).office == TOWN, "its notice hangs out there"
        row = session.exec(select(AuditRow).where(AuditRow.action == "household:place")).one()
        assert (row.rule_id, TOWN in repr(row)) == ("never_told", False)
        with pytest.raises(BadInput, match="place_same"):
            correct(street_code=TOWN, village_code=f"{TOWN}201")
        with pytest.raises(NotFound):
            correct(street_code=STREET, actor=CLERK)
        assert audit.verify(session).bad_seq == 0


def test_a_list_that_still_tells_the_street_that_staff_overruled_is_no_news(sqlite_database: Database) -> None:
    clerk = Actor(id="clerk", role=Role.VERIFIER, districts=frozenset({"500105"}))
    other = "500105002"
    with sqlite_database.transaction() as session:

        def tell(street: str, village: str = "") -> str:
            facts = HouseholdFacts("civil", "H1", "500105", street, village)
            ids = register_many(session, [facts], actor=clerk, now=NOW)
            return session.get_one(Household, ids[facts.key]).street_code

        def put_right(street: str) -> str:
            home = session.exec(select(Household)).one()
            place.correct(session, home.id, street_code=street, reason="never_told", actor=clerk, now=NOW)
            return home.street_code

        tell(STREET, f"{STREET}001")
        assert [put_right(TOWN), tell(STREET, f"{STREET}001"), tell(""), tell(STREET)] == [TOWN] * 4
        home = session.exec(select(Household)).one()
        assert (home.village_code, home.urban) == ("", False)
        assert (put_right(other), tell(STREET)) == (other, other), "the list told one street, whatever staff said since"
        assert (tell(TOWN), tell(STREET)) == (TOWN, STREET), "another street is news and ends the memory"
        assert [put_right(TOWN), tell(TOWN), tell(STREET)] == [TOWN, TOWN, STREET]
        assert audit.verify(session).bad_seq == 0


def test_the_page_offers_the_district_s_streets_and_writes_down_the_choice(
    settings: Settings, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        home_id = make.a_household(session, district_code="500105").id
    app = create_app(settings, database=sqlite_database)
    staff, where = client_as(app, Role.VERIFIER), f"/register/households/{home_id}/place"
    assert where in staff.get(f"/register/households/{home_id}/people").text
    page = staff.get(where).text
    assert ("鱼嘴镇" in page, "七星岗" in page) == (True, False)
    wrong = staff.post(where, data={"street": TOWN, "village": "12", "reason": "never_told"})
    assert (wrong.status_code, 'aria-invalid="true"' in wrong.text) == (422, True)
    assert staff.post(where, data={"street": TOWN, "reason": "never_told"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Household, home_id).street_code == TOWN
    village = {"street": TOWN, "village": f"{TOWN}201", "reason": "never_told"}
    assert staff.post(where, data=village).status_code == 303
    assert f'value="{TOWN}201"' in staff.get(where).text
    assert staff.post(where, data=village | {"street": STREET, "village": f"{TOWN}202"}).status_code == 422
    assert staff.post(where, data=village | {"street": STREET}).status_code == 303, "what stood there is no mistake"
    with sqlite_database.reading() as session:
        home = session.get_one(Household, home_id)
        assert (home.street_code, home.village_code) == (STREET, "")
    assert client_as(app, Role.WORKER).get(where).status_code == 403
