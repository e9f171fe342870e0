"""An impact assessment takes two people, and without one that stands nothing is disclosed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, delete, select

from marketplace.actors import Actor, Role
from marketplace.assessments import service
from marketplace.assessments.models import Assessment, AssessmentState
from marketplace.decisions import service as decisions
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.reference import purposes
from marketplace.sharing.models import Disclosure
from tests.marketplace.match_scene import a_scene

ONE, TWO = (Actor(id=f"officer-{n}", role=Role.PROTECTION_OFFICER) for n in (1, 2))


def a_draft(session, now, **over):
    values = {"data_fields": ["name", "phone"], "necessity": "送达", "risks": "泄露", "measures": "留痕"}
    return service.write(session, "GOODS", "charity", **{"actor": ONE, **values, **over}, now=now)


def test_nobody_approves_what_it_wrote_and_a_draft_permits_nothing(session, now):
    draft = a_draft(session, now)
    assert not service.impact_assessed(session, "GOODS", "charity")
    for same in (ONE, replace(TWO, on_behalf_of=ONE.id)):
        with pytest.raises(NotAllowed, match="second_person_needed"):
            service.approve(session, draft.id, actor=same, now=now)
    service.approve(session, draft.id, actor=TWO, now=now)
    assert service.impact_assessed(session, "GOODS", "charity", data_fields=["name"], now=now)
    assert not service.impact_assessed(session, "GOODS", "insurer")
    assert not service.impact_assessed(session, "GOODS", "charity", data_fields=["name", "diet"])
    assert not service.impact_assessed(session, "GOODS", "charity", now=now + service.VALID)


def test_nobody_approves_what_a_stand_in_wrote_for_it(session, now):
    draft = a_draft(session, now, actor=replace(ONE, on_behalf_of=TWO.id))
    with pytest.raises(NotAllowed, match="second_person_needed"):
        service.approve(session, draft.id, actor=TWO, now=now)
    assert service.approve(session, draft.id, actor=replace(TWO, id="officer-3"), now=now).approved_by == "officer-3"


def test_the_one_that_stood_is_replaced_and_a_withdrawn_one_permits_nothing(session, now):
    first, second = a_draft(session, now), a_draft(session, now, data_fields=["name"])
    for draft in (first, second):
        service.approve(session, draft.id, actor=TWO, now=now)
    assert first.state is AssessmentState.REPLACED
    service.withdraw(session, second.id, actor=TWO, now=now)
    assert not service.impact_assessed(session, "GOODS", "charity")
    with pytest.raises(WrongState):
        service.approve(session, second.id, actor=TWO, now=now)


def test_no_assessment_lifts_a_ceiling_or_lacks_an_answer(session, now):
    with pytest.raises(BadInput, match="field_above_ceiling"):
        a_draft(session, now, data_fields=["id_number"])
    with pytest.raises(BadInput):
        a_draft(session, now, risks="  ")


@pytest.mark.threat("T05")
def test_a_disclosure_without_an_assessment_is_refused_and_leaves_no_row(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    session.execute(delete(Assessment).where(col(Assessment.purpose) == decisions.purpose_of(session, match)))
    with pytest.raises(NotAllowed, match="NO_PIA"):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    assert session.exec(select(Disclosure)).all() == []


def test_a_new_field_needs_a_new_assessment(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    purpose = decisions.purpose_of(session, match)
    standing = session.exec(select(Assessment).where(Assessment.purpose == purpose)).one()
    standing.data_fields = [code for code in purposes.purpose(purpose).fields if code != "name"]
    session.add(standing)
    session.flush()
    with pytest.raises(NotAllowed, match="NO_PIA"):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now + timedelta(minutes=1))
