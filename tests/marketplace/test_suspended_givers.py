"""A giver that is suspended, or whose agreement has ended, is shown nothing of any household by any door."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.consent.models import Mode
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import MatchState
from marketplace.errors import NotAllowed, WrongState
from marketplace.organisations import service as organisations
from marketplace.sharing import emergency, lists
from marketplace.sharing.models import Disclosure
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.pages.people import client_as

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))


def _suspend(session: Session, scene: Scene) -> None:
    reason = sorted(organisations.SUSPENSIONS)[0]
    organisations.suspend_organisation(session, scene.organisation.id, reason=reason, actor=APPROVER, now=utc_now())


@pytest.mark.threat("T04")
@pytest.mark.parametrize(("lang", "sentence"), [("zh_Hans", "已被暂停"), ("en", "is suspended")])
def test_its_people_open_no_name_on_their_page_and_read_why(
    sqlite_database: Database, settings: Settings, lang: str, sentence: str
) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=utc_now())
        match_id = scene.in_delivery(session, utc_now()).id
    giver = client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)
    giver.set_cookie("lang", lang)
    with sqlite_database.transaction() as session:
        _suspend(session, scene)
    answer = giver.post(f"/our-matches/{match_id}/recipient")
    assert (answer.status_code, "王小明" in answer.text) == (403, False)
    assert sentence in answer.text
    with sqlite_database.reading() as session:
        assert not session.exec(select(Disclosure)).all()
        assert session.exec(select(AuditRow).where(AuditRow.rule_id == "CLIENT_SUSPENDED")).one()


def test_no_household_says_yes_to_it_until_it_acts_again(session: Session) -> None:
    now = utc_now()
    scene = a_scene(session, now=now)
    match = scene.taken_on(session, now)
    _suspend(session, scene)
    with pytest.raises(WrongState, match="giver_suspended"):
        scene.accepts(session, match, now)
    organisations.reinstate_organisation(session, scene.organisation.id, actor=APPROVER, now=now)
    assert scene.accepts(session, match, now).state is MatchState.IN_DELIVERY


@pytest.mark.threat("T04")
def test_no_door_is_open_to_it_whether_it_is_suspended_or_its_agreement_has_ended(session: Session) -> None:
    now = utc_now()
    for number, ended in enumerate((False, True)):
        scene = a_scene(session, phone=f"1000000002{number}", now=now)
        match = scene.in_delivery(session, now)
        row = emergency.ask(
            session,
            scene.person.id,
            org_id=scene.organisation.id,
            data_fields=["name"],
            reason_code="life_in_danger",
            actor=WORKER,
            now=now,
        )
        emergency.open_up(session, row.id, actor=APPROVER, now=now)
        if ended:
            scene.organisation.contract_to = local_day(now)
            session.add(scene.organisation)
        else:
            _suspend(session, scene)
        listed: dict[str, Any] = {"purpose": "GOODS", "data_fields": ["name"], "object_ref": "x", "mode": Mode.VIEW}
        as_giver: dict[str, Any] = {"actor": scene.giver, "now": now + timedelta(minutes=1)}
        for look in (
            partial(decisions.see_recipient, session, match.id, **as_giver),
            partial(lists.disclose_list, session, [match.consent_chain_id], **as_giver, **listed),
            partial(emergency.look, session, row.id, **as_giver),
        ):
            with pytest.raises(NotAllowed, match="client_suspended"):
                look()
        if not ended:
            organisations.reinstate_organisation(session, scene.organisation.id, actor=APPROVER, now=now)
            assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
