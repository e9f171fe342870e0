"""What a donor may hear: only under the household's own consent, without name and place, while that consent lives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from marketplace.consent import notice
from marketplace.decisions import results, service
from marketplace.decisions.results import Told
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.organisations.models import OrganisationKind
from marketplace.proofs import donors
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_decisions_closing import GOOD


def test_a_donor_hears_of_a_help_only_while_its_household_allows_it(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.confirmed(session, now)
    results.report(session, match.id, Told("reached", 9), actor=scene.giver, now=now)
    service.follow_up(session, match.id, GOOD, actor=scene.household_actor, now=now)
    assert donors.for_donor(session, scene.offer.id, actor=scene.giver, now=now)[1] == []
    given = donors.allow(session, match.id, actor=scene.household_actor, now=now)
    assert (given.notice_id, given.data_fields) == (notice.DONOR, [])
    _offer, (line,) = donors.for_donor(session, scene.offer.id, actor=scene.giver, now=now)
    assert line == donors.Line("LIVING.FOOD_PACK", "PACK", 10, f"{now:%Y-%m}", "reached", "nothing")
    match.delivered_at = datetime(2026, 10, 31, 17, tzinfo=UTC)
    session.add(match)
    session.flush()
    assert donors.for_donor(session, scene.offer.id, actor=scene.giver, now=now)[1][0].month == "2026-11", "here"
    service.withdraw_consent(session, given.chain_id, actor=scene.household_actor, now=now)
    assert donors.for_donor(session, scene.offer.id, actor=scene.giver, now=now)[1] == []


def test_nobody_is_asked_before_it_has_accepted_and_only_the_household_says_yes(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    with pytest.raises(WrongState):
        donors.allow(session, match.id, actor=scene.household_actor, now=now)
    scene.accepts(session, match, now)
    with pytest.raises(NotAllowed):
        donors.allow(session, match.id, actor=scene.giver, now=now)
    with pytest.raises(NotFound):
        donors.for_donor(session, scene.offer.id, actor=a_scene(session).giver, now=now)


def test_an_insurer_has_no_donor_to_tell(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    scene.organisation.kind = OrganisationKind.INSURER
    session.add(scene.organisation)
    session.flush()
    with pytest.raises(WrongState):
        donors.allow(session, match.id, actor=scene.household_actor, now=now)
