"""The compliance report is built from the rows, names no person, and says what is late or without a basis."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlmodel import col, delete

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.assessments.models import Assessment
from marketplace.decisions import service as decisions
from marketplace.reports.compliance import as_text, compliance
from marketplace.rights import service
from marketplace.rights.models import RightKind
from tests.marketplace.match_scene import a_scene

STAFF = Actor(id="verifier-1", role=Role.VERIFIER)
YEAR = timedelta(days=365)


def test_the_report_counts_what_happened_and_names_nobody(session, now):
    scene = a_scene(session)
    facts = {"decision": scene.need.state.value, "body": {"gap_units": scene.need.gap_units}}
    entry = audit.Entry("need:create", object_ref=scene.need.id, **facts)
    audit.record(session, entry, actor=STAFF, now=now)
    match = scene.in_delivery(session, now)
    decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    for kind in (RightKind.COMPLAIN, RightKind.EXPLAIN):
        request = service.ask(session, scene.person, kind, words="请看", actor=scene.household_actor, now=now)
    service.answer(session, request.id, text="已答复", actor=STAFF, now=now)
    later = now + timedelta(days=60)
    told = compliance(session, since=now - YEAR, until=later, now=later)
    assert told["chain"]["unbroken"] is True
    assert told["disclosures"] == {"charity/GOODS": 1, "without basis": 0}
    assert told["requests"] == {
        "complain": {"asked": 1, "in_time": 0, "late": 0, "open_late": 1},
        "explain": {"asked": 1, "in_time": 1, "late": 0, "open_late": 0},
    }
    assert told["acts"]["share:disclose"] == 1
    assert told["assessments"]["used_without"] == []
    text = as_text(told) + json.dumps(told)
    for secret in ("王小明", "10000000001", scene.household.id, scene.person.id):
        assert secret not in text


def test_a_recipient_that_was_shown_data_without_a_standing_assessment_is_named(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    session.execute(delete(Assessment).where(col(Assessment.purpose) == "GOODS"))
    told = compliance(session, since=now - YEAR, until=now + YEAR, now=now)
    assert told["assessments"]["used_without"] == ["charity/GOODS"]
