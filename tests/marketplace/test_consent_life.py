"""A consent's whole life: checked, paused, replaced, run out; children and adults; emergencies; and no override."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

import marketplace
from marketplace import policy
from marketplace.actors import Actor, Role
from marketplace.consent import changes
from marketplace.consent import evidence as evidence_of
from marketplace.consent import service as consent
from marketplace.consent.ask import all_auto_match, find_head, kept_out, lock_head, locked_word
from marketplace.consent.capacity import verify_guardian
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.errors import BadInput, ConsentMissing, NotFound, WrongState
from marketplace.notices import Notice
from marketplace.sharing import emergency
from marketplace.sharing.models import Disclosure
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.source import nodes_of

HOUSE = Path(marketplace.__file__).parent
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
COLLEAGUE = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500103"}))
VERIFIER = Actor(id="verifier-9", role=Role.VERIFIER, districts=frozenset({"500103"}))
APPROVER = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({"500103"}))
OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)


@pytest.mark.threat("T26")
@pytest.mark.parametrize("evidence", ["", "paper 7"], ids=["nothing", "a text is no document"])
def test_an_assisted_yes_needs_evidence_another_person_and_a_call_back(
    session: Session, now: datetime, evidence: str
) -> None:
    household = make.a_household(session)
    capture = consent.Capture(channel="phone", evidence=evidence, helper_id=WORKER.id)
    given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    assert given.state is ConsentState.PENDING_CHECK
    with pytest.raises(WrongState, match="evidence_missing"):
        consent.confirm_assisted(session, given.chain_id, actor=COLLEAGUE, now=now)
    make.proven(session, given, actor=WORKER, now=now, opened_by=COLLEAGUE)
    with pytest.raises(BadInput, match="helper_cannot_check"):
        changes.reject_assisted(session, given.chain_id, actor=WORKER, now=now)
    with pytest.raises(BadInput, match="helper_cannot_check"):
        consent.confirm_assisted(session, given.chain_id, actor=WORKER, now=now)
    active = consent.confirm_assisted(session, given.chain_id, actor=COLLEAGUE, now=now)
    assert (active.callback_by, active.callback_at, active.helper_id) == (COLLEAGUE.id, now, WORKER.id)
    assert active.signature_kind == "recorded_call"


@pytest.mark.threat("T26")
def test_who_brings_the_document_cannot_confirm_the_yes_and_who_confirms_it_has_opened_that_very_document(
    session: Session, now: datetime
) -> None:
    household = make.a_household(session)
    capture = consent.Capture(channel="counter", helper_id=WORKER.id)
    given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    make.proven(session, given, actor=COLLEAGUE, now=now, opened_by=COLLEAGUE)
    stand_in = replace(VERIFIER, on_behalf_of=COLLEAGUE.id)
    for checker in (COLLEAGUE, stand_in):
        with pytest.raises(BadInput, match="helper_cannot_check"):
            consent.confirm_assisted(session, given.chain_id, actor=checker, now=now)
    with pytest.raises(WrongState, match="document_not_opened"):
        consent.confirm_assisted(session, given.chain_id, actor=VERIFIER, now=now)
    evidence_of.look(session, given.chain_id, actor=VERIFIER, now=now)
    later = now + timedelta(minutes=1)
    make.proven(session, given, actor=WORKER, now=later)
    with pytest.raises(WrongState, match="document_not_opened"):
        consent.confirm_assisted(session, given.chain_id, actor=VERIFIER, now=later)
    evidence_of.look(session, given.chain_id, actor=VERIFIER, now=later)
    checked = consent.confirm_assisted(session, given.chain_id, actor=VERIFIER, now=later)
    assert checked.state is ConsentState.ACTIVE


def test_a_call_back_neither_revives_nor_lengthens_a_yes(session: Session, now: datetime) -> None:
    capture = consent.Capture(channel="counter", helper_id=WORKER.id)
    given = {}
    for days, phone in ((2, "10000000021"), (1, "10000000022")):
        household = make.a_household(session, phone=phone)
        yes = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture, days=days)
        given[days] = make.proven(session, yes, actor=WORKER, now=now, opened_by=COLLEAGUE)
    for days, at in ((1, now), (2, now + timedelta(days=1)), (2, now + timedelta(days=40))):
        with pytest.raises(WrongState, match="consent_not_living"):
            consent.confirm_assisted(session, given[days].chain_id, actor=COLLEAGUE, now=at)
    at = now + timedelta(hours=23)
    checked = consent.confirm_assisted(session, given[2].chain_id, actor=COLLEAGUE, now=at)
    assert (checked.valid_from, checked.valid_to) == (now + timedelta(hours=47), given[2].valid_to)


def test_a_yes_that_the_call_back_does_not_confirm_never_comes_into_force(session: Session, now: datetime) -> None:
    household = make.a_household(session)
    capture = consent.Capture(channel="counter", evidence="paper 7", helper_id=WORKER.id)
    given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    assert changes.reject_assisted(session, given.chain_id, actor=COLLEAGUE, now=now).state is ConsentState.REJECTED
    with pytest.raises(WrongState):
        consent.confirm_assisted(session, given.chain_id, actor=COLLEAGUE, now=now)


@pytest.mark.threat("T26")
@pytest.mark.parametrize("ends", ["confirmed", "rejected", "run out", "asked again"])
def test_what_the_household_allowed_itself_holds_until_a_yes_taken_with_help_is_confirmed(
    session: Session, now: datetime, ends: str
) -> None:
    household = make.a_household(session)
    own = make.auto_match(session, household, now=now, days=365)
    capture = consent.Capture(channel="counter", helper_id=WORKER.id)
    again = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture, days=30)
    make.proven(session, again, actor=WORKER, now=now, opened_by=COLLEAGUE)
    assert household.id in all_auto_match(session, now=now)
    assert find_head(session, household.id, purpose="AUTO_MATCH", match_id=own.person_id).chain_id == own.chain_id
    if ends == "confirmed":
        consent.confirm_assisted(session, again.chain_id, actor=COLLEAGUE, now=now)
    elif ends == "rejected":
        changes.reject_assisted(session, again.chain_id, actor=COLLEAGUE, now=now)
    elif ends == "run out":
        changes._expire(session, again.chain_id, now=now + timedelta(days=31))
    else:
        consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
        assert session.get_one(ConsentHead, again.chain_id).state is ConsentState.SUPERSEDED
    after = ConsentState.SUPERSEDED if ends == "confirmed" else ConsentState.ACTIVE
    assert session.get_one(ConsentHead, own.chain_id).state is after
    assert (household.id in all_auto_match(session, now=now)) == (ends != "confirmed")


@pytest.mark.threat("T26")
def test_whom_the_household_left_out_stays_out_of_a_yes_taken_with_help(session: Session, now: datetime) -> None:
    household = make.a_household(session)
    own = make.auto_match(session, household, now=now, excluded_org_ids=["a"])
    capture = consent.Capture(channel="counter", helper_id=WORKER.id)
    again = consent.give_auto_match(
        session, household, actor=WORKER, now=now, capture=capture, excluded_org_ids=["helped"]
    )
    assert again.excluded_org_ids == ["a", "helped"]
    changed = ["a", "left out while it waits"]
    consent.exclude(session, own.chain_id, excluded_org_ids=changed, actor=make.as_household(household), now=now)
    make.proven(session, again, actor=WORKER, now=now, opened_by=COLLEAGUE)
    checked = consent.confirm_assisted(session, again.chain_id, actor=COLLEAGUE, now=now)
    out = ["a", "helped", "left out while it waits"]
    assert checked.excluded_org_ids == out
    assert session.get_one(ConsentHead, own.chain_id).state is ConsentState.SUPERSEDED
    decisions.withdraw_consent(session, again.chain_id, actor=make.as_household(household), now=now)
    once_more = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    assert once_more.excluded_org_ids == out, "its own yes has ended, its word has not"
    make.proven(session, once_more, actor=WORKER, now=now, opened_by=COLLEAGUE)
    assert consent.confirm_assisted(session, once_more.chain_id, actor=COLLEAGUE, now=now).excluded_org_ids == out
    decisions.withdraw_consent(session, once_more.chain_id, actor=make.as_household(household), now=now)
    last = make.auto_match(session, household, now=now, excluded_org_ids=["b"])
    decisions.withdraw_consent(session, last.chain_id, actor=make.as_household(household), now=now)
    assert kept_out(session, household.id, last.person_id) == {"b"}, "the last word, though the other began a day later"


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_call_back_waits_for_who_relies_on_the_words_of_the_household_and_neither_stops_the_other(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    chains = ["earlier", "later"]
    monkeypatch.setattr(consent, "new_id", iter(chains).__next__)
    capture = consent.Capture(channel="counter", helper_id=WORKER.id)
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household, now=now)
        given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
        make.proven(session, given, actor=WORKER, now=now, opened_by=COLLEAGUE)
        home = household.id

    def confirm() -> None:
        with database.transaction() as own:
            consent.confirm_assisted(own, "later", actor=COLLEAGUE, now=now)

    with database.session(writes=True) as approval:
        lock_head(approval, "earlier")
        thread = Thread(target=confirm)
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
        said = locked_word(approval, home, now=now)
        assert said is not None
        assert said[0] == "earlier"
        approval.commit()
    thread.join(timeout=30)
    with database.reading() as session:
        states = [session.get_one(ConsentHead, chain).state for chain in chains]
    assert states == [ConsentState.SUPERSEDED, ConsentState.ACTIVE]


def test_the_household_s_own_new_yes_ends_one_that_waits_for_its_call_back(session: Session, now: datetime) -> None:
    household = make.a_household(session)
    capture = consent.Capture(channel="counter", helper_id=WORKER.id)
    waits = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    make.auto_match(session, household, now=now)
    assert session.get_one(ConsentHead, waits.chain_id).state is ConsentState.SUPERSEDED
    with pytest.raises(WrongState, match="consent_not_pending"):
        make.proven(session, waits, actor=WORKER, now=now)


def test_a_paused_consent_shows_nothing_until_it_holds_again(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    changes.pause(session, match.consent_chain_id, actor=scene.household_actor, now=now)
    with pytest.raises(ConsentMissing):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    changes.resume(session, match.consent_chain_id, actor=scene.household_actor, now=now)
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now) == {"name": "王小明"}


def test_saying_yes_again_is_a_new_consent_and_the_old_one_is_replaced(session: Session, now: datetime) -> None:
    household = make.a_household(session)
    first, second = (make.auto_match(session, household, now=now) for _ in range(2))
    assert first.chain_id != second.chain_id
    assert session.get_one(ConsentHead, first.chain_id).state is ConsentState.SUPERSEDED
    assert household.id in all_auto_match(session, now=now)


def test_nothing_is_asked_with_help_within_90_days_of_a_no(session: Session, now: datetime) -> None:
    household = make.a_household(session)
    consent.refuse_auto_match(session, household, actor=make.as_household(household), now=now)
    capture = consent.Capture(channel="counter", evidence="paper 7", helper_id=WORKER.id)
    with pytest.raises(WrongState, match="refused_lately"):
        consent.give_auto_match(session, household, actor=WORKER, now=now + timedelta(days=89), capture=capture)
    consent.give_auto_match(session, household, actor=WORKER, now=now + timedelta(days=91), capture=capture)
    refused, other = make.an_organisation(session), make.an_organisation(session)
    said: dict[str, Any] = {"purpose": "GOODS", "match_id": "m", "now": now}
    own = make.as_household(household)
    consent.refuse_for_match(session, household, organisation=refused, actor=own, **said)
    asked: dict[str, Any] = {**said, "data_fields": ["name"], "actor": WORKER, "capture": capture}
    with pytest.raises(WrongState, match="refused_lately"):
        consent.give_for_match(session, household, organisation=refused, **asked)
    given = consent.give_for_match(session, household, organisation=other, **asked)
    assert given.state is ConsentState.PENDING_CHECK, "a no to one giver is none to another"


def test_a_consent_that_ran_out_permits_nothing_at_once_and_is_written_down_by_the_sweep(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        household = make.a_household(session)
        given = make.auto_match(session, household, now=now, days=10)
    later = now + timedelta(days=10)
    with sqlite_database.reading() as session:
        assert household.id in all_auto_match(session, now=later - timedelta(seconds=1))
        assert household.id not in all_auto_match(session, now=later)
    assert changes.sweep(sqlite_database, clock=lambda: later - timedelta(seconds=1)) == 0
    assert changes.sweep(sqlite_database, clock=lambda: later) == 1
    assert changes.sweep(sqlite_database, clock=lambda: later) == 0
    with sqlite_database.reading() as session:
        assert session.get_one(ConsentHead, given.chain_id).state is ConsentState.EXPIRED


@pytest.mark.threat("T28")
def test_for_a_child_only_its_verified_guardian_says_yes(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    child = make.a_person(session, scene.household, phone="10000000009")
    child.birth_year, child.contact = 2016, False
    match = scene.taken_on(session, now)
    parent = Actor(id=scene.person.id, role=Role.HOUSEHOLD, household_id=scene.household.id)
    said = {"data_fields": ["name"], "agrees_to_share": True, "agrees_to_terms": True, "person_id": child.id}
    with pytest.raises(WrongState, match="guardian_not_verified"):
        decisions.household_accepts(session, match.id, **said, actor=parent, now=now)  # type: ignore[arg-type]
    verify_guardian(
        session, child.id, guardian_id=scene.person.id, evidence="household register", actor=VERIFIER, now=now
    )
    done = decisions.household_accepts(session, match.id, **said, actor=parent, now=now)  # type: ignore[arg-type]
    given = session.exec(select(Consent).where(Consent.chain_id == done.consent_chain_id)).one()
    assert (given.capacity, given.capacity_evidence) == ("guardian", "household register")


@pytest.mark.threat("T27")
def test_each_adult_says_yes_for_its_own_data_only(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    other = make.a_person(session, scene.household, phone="10000000009")
    match = scene.taken_on(session, now)
    stranger = Actor(id=other.id, role=Role.HOUSEHOLD, household_id=scene.household.id)
    with pytest.raises(WrongState, match="own_data_only"):
        decisions.household_accepts(
            session,
            match.id,
            data_fields=["name"],
            agrees_to_share=True,
            agrees_to_terms=True,
            person_id=scene.person.id,
            actor=stranger,
            now=now,
        )


@pytest.mark.threat("T25")
def test_nothing_in_the_house_overrides_a_consent() -> None:
    assert [action for action in policy.matrix() if re.search("override.*consent|consent.*override", action)] == []
    makers = {
        path.name
        for path in sorted(HOUSE.rglob("*.py"))
        if re.search("Disclosure|write_down", path.read_text(encoding="utf-8"))
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        and "credentials" not in path.parts  # its Disclosure is a word of SD-JWT, not a look
        and getattr(node.func, "id", "") in ("Disclosure", "insert", "write_down")
        and re.search("Disclosure|write_down", ast.unparse(node))
    }
    assert makers == {"service.py", "lists.py", "emergency.py", "papers.py", "queries.py"}
    papers = (HOUSE / "sharing" / "papers.py").read_text(encoding="utf-8")
    assert papers.index("if not ruling.allow") < papers.index("credentials.issue(")
    source = (HOUSE / "sharing" / "service.py").read_text(encoding="utf-8")
    assert source.index("if not ruling.allow") < source.index("open_fields(session, consent, _safe(session, ")


@pytest.mark.both_engines
@pytest.mark.threat("T25")
def test_a_disclosure_without_consent_or_emergency_cannot_be_stored(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    row = Disclosure(
        id="d", at=now, household_id=scene.household.id, recipient_org_id=scene.organisation.id, actor_id="x",
        purpose="GOODS", audit_seq=1,
    )  # fmt: skip
    session.add(row)
    with pytest.raises(IntegrityError):
        session.flush()


@pytest.mark.threat("T03")
def test_no_function_that_reads_for_a_recipient_can_be_called_without_a_purpose() -> None:
    from inspect import Parameter, signature

    from marketplace.sharing import lists, service

    for reads in (service.disclose, service.facts_of, lists.disclose_list):
        assert signature(reads).parameters["purpose"].default is Parameter.empty, reads.__name__


@pytest.mark.threat("T25")
def test_two_people_open_named_data_for_half_an_hour_and_the_officer_judges(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    asked = emergency.ask(
        session, scene.person.id, org_id=scene.organisation.id, data_fields=["name", "phone"],
        reason_code="life_in_danger", actor=WORKER, now=now,
    )  # fmt: skip
    with pytest.raises(WrongState, match="emergency_closed"):
        emergency.look(session, asked.id, actor=scene.giver, now=now)
    same = Actor(id=WORKER.id, role=Role.VERIFIER, districts=WORKER.districts)
    with pytest.raises(WrongState, match="same_person_twice"):
        emergency.open_up(session, asked.id, actor=same, now=now)
    emergency.open_up(session, asked.id, actor=APPROVER, now=now)
    told = session.exec(select(Notice).where(Notice.letter == "emergency_seen")).one()
    assert (told.household_id, told.created_at - now <= timedelta(hours=24)) == (scene.household.id, True)
    last = now + timedelta(minutes=30)
    seen = emergency.look(session, asked.id, actor=scene.giver, now=last - timedelta(seconds=1))
    assert seen == {"name": "王小明", "phone": "10000000001"}
    with pytest.raises(WrongState, match="emergency_closed"):
        emergency.look(session, asked.id, actor=scene.giver, now=last)
    stranger = make.as_giver(make.an_organisation(session))
    with pytest.raises(NotFound):
        emergency.look(session, asked.id, actor=stranger, now=now)
    row = session.exec(select(Disclosure)).one()
    assert (row.emergency_id, row.consent_chain_id) == (asked.id, None)
    emergency.review(session, asked.id, verdict="justified", actor=OFFICER, now=last)


def test_an_emergency_opens_nothing_above_its_purpose(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    with pytest.raises(BadInput, match="field_above_ceiling"):
        emergency.ask(
            session, scene.person.id, org_id=scene.organisation.id, data_fields=["id_number"],
            reason_code="life_in_danger", actor=WORKER, now=now,
        )  # fmt: skip
