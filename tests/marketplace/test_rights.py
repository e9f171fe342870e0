"""Each right from request to letter; a correction and a death bring matches back; a person instead of a program."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey
from sqlmodel import Session, select

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.calendar import after_working_days
from marketplace.clocks import service as clocks
from marketplace.credentials import service as credentials
from marketplace.credentials import status
from marketplace.credentials.models import IssuedCredential
from marketplace.credentials.status_list import REVOKED, SUSPENDED, VALID
from marketplace.db import Database
from marketplace.decisions import holding
from marketplace.decisions import service as decisions
from marketplace.decisions.models import MatchState
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.households import by_hand, members, register
from marketplace.households.models import Household, Person
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.service import contact_of, list_people, mask, masked_name, opened_by, reachable
from marketplace.liveness import service as checks
from marketplace.liveness.dead import is_told_dead
from marketplace.liveness.models import CheckCause, Way
from marketplace.needs.models import NeedState
from marketplace.notices import Notice
from marketplace.payments import payees
from marketplace.payments.models import AccountKind, PayeeState
from marketplace.proposals import overrides
from marketplace.proposals.models import OverrideKind
from marketplace.proposals.problem import Scope, build_problem, policy_of
from marketplace.proxies import service as proxies
from marketplace.rights import copying, corrections, deaths, erasing, reviews, service
from marketplace.rights.explaining import explain
from marketplace.rights.models import DisputeState, RequestState, ReviewState, RightKind
from marketplace.sealed import vault_of
from marketplace.sharing import clients
from marketplace.signals import declaring
from marketplace.signals.models import Declared, Fact
from matching import allocate
from matching.overlap_rules import Verdict
from tests import factories as make
from tests.marketplace.locks import HEAD, LOCKED, watched
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import let_in
from tests.marketplace.payment_scene import card
from tests.marketplace.test_proxies import come_in

STAFF = Actor(id="verifier-1", role=Role.VERIFIER)
APPROVER = Actor(id="approver-1", role=Role.APPROVER)
OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)
ANSWERED = (RightKind.SEE, RightKind.COPY, RightKind.MOVE, RightKind.EXPLAIN, RightKind.COMPLAIN, RightKind.BY_HAND)


def ask(session: Session, scene: Scene, kind: RightKind, now, **over):
    words = over.pop("words", "请帮我看看")
    return service.ask(session, scene.person, kind, words=words, actor=scene.household_actor, now=now, **over)


@pytest.mark.parametrize("kind", ANSWERED)
def test_a_right_goes_from_the_request_over_a_task_and_an_answer_to_a_letter(session, now, kind):
    scene = a_scene(session)
    request = ask(session, scene, kind, now)
    assert request.due_at == after_working_days(now, 15)
    assert [clock.step for clock in clocks.running_of(session, request.id)] == ["right_answer"]
    assert request in service.waiting(session, actor=STAFF)
    service.answer(session, request.id, text="已经办好", actor=STAFF, now=now)
    assert request.state is RequestState.DONE
    assert clocks.running_of(session, request.id) == []
    letters = session.exec(select(Notice.letter).where(Notice.key == f"right:{request.id}")).all()
    assert letters == ["right_answered"]
    assert service.read(session, request, "answer") == "已经办好"


def test_the_same_request_waits_once_and_a_foreign_one_looks_missing(session, now):
    scene = a_scene(session)
    request = ask(session, scene, RightKind.COMPLAIN, now)
    with pytest.raises(Conflict, match="right_asked_already"):
        ask(session, scene, RightKind.COMPLAIN, now)
    stranger = make.as_household(make.a_household(session))
    for act in (service.get_request, service.take_back):
        with pytest.raises(NotFound):
            act(session, request.id, actor=stranger, now=now)
    elsewhere = Actor(id="v", role=Role.VERIFIER, districts=frozenset({"500106"}))
    with pytest.raises(NotFound):
        service.answer(session, request.id, text="x", actor=elsewhere, now=now)


def test_a_refusal_needs_words_and_a_reason_from_the_list(session, now):
    request = ask(session, a_scene(session), RightKind.ERASE, now)
    with pytest.raises(BadInput):
        service.answer(session, request.id, text=" ", refused="law_keeps", actor=STAFF, now=now)
    with pytest.raises(BadInput):
        service.answer(session, request.id, text="不行", refused="because", actor=STAFF, now=now)
    with pytest.raises(WrongState, match="right_needs_act"):
        service.answer(session, request.id, text="好", actor=STAFF, now=now)
    service.answer(session, request.id, text="记录须依法保存", refused="law_keeps", actor=STAFF, now=now)
    assert request.state is RequestState.REFUSED


@pytest.mark.threat("T42")
def test_what_was_written_is_sealed_and_no_word_of_it_is_in_the_chain(session, now):
    scene = a_scene(session)
    request = ask(session, scene, RightKind.COMPLAIN, now, words="金丝雀一号")
    assert "金丝雀".encode() not in request.words.envelope
    bodies = session.exec(select(audit.AuditBody.body)).all()
    assert not any("金丝雀" in body for body in bodies)


def test_a_copy_holds_everything_and_another_installation_reads_it_in(session, sqlite_database: Database, now):
    scene = a_scene(session)
    scene.in_delivery(session, now)
    copying.write_look(session, scene.person, purpose="copy", actor=scene.household_actor, now=now)
    text = copying.as_json(copying.copy_of(session, scene.person, actor=scene.household_actor, now=now))
    told = json.loads(text)
    assert told["person"]["name"] == "王小明"
    assert [one["purpose"] for one in told["consents"]]
    assert (len(told["needs"]), len(told["matches"])) == (1, 1)
    facts = copying.facts_of(text)
    with sqlite_database.transaction() as other:
        home = register_many(other, [facts], actor=STAFF, now=now)[facts.key]
        [person] = other.exec(select(type(scene.person)).where(type(scene.person).household_id == home)).all()
        opened = vault_of(other).open(other, person.id, column="person.name", sealed=person.name)
    assert opened == "王小明"
    for broken in ("", "[]", "{}", text.replace("shanqiao-household-copy/1", "other/1")):
        with pytest.raises(BadInput):
            copying.facts_of(broken)


def test_nobody_copies_the_data_of_another_household(session, now):
    scene = a_scene(session)
    stranger = make.as_household(make.a_household(session))
    with pytest.raises(NotFound):
        copying.copy_of(session, scene.person, actor=stranger, now=now)


def test_an_explanation_names_the_newest_run_and_what_it_found(session, now):
    scene = a_scene(session)
    [why] = explain(session, scene.household.id)
    assert (why.units, why.code) == (scene.line.units, "")


def test_a_correction_changes_the_fact_lists_every_match_on_it_and_holds_the_open_ones(session, now, monkeypatch):
    # Two packs of food in one year: the rules against helping twice would refuse the second.
    monkeypatch.setattr("marketplace.decisions.approve.refuse_overlap", lambda *_, **__: Verdict(10**9))
    scene = a_scene(session)
    done = make_delivered(session, scene, now)
    match = scene.in_delivery(session, now)
    decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    request = ask(session, scene, RightKind.CORRECT, now, field="name", new_value="王晓明")
    touched = corrections.correct(session, request.id, text="已更正", actor=STAFF, now=now)
    by_match = {one.match_id: one for one in touched}
    assert by_match[match.id].state is ReviewState.WAITING
    assert by_match[match.id].finding == reviews.SOUND
    assert by_match[done.id].state is ReviewState.LISTED
    assert match.held_for == "correction"
    assert [clock.step for clock in clocks.running_of(session, match.id)] == ["match_review"]
    opened = vault_of(session).open(session, scene.person.id, column="person.name", sealed=scene.person.name)
    assert opened == "王晓明"
    assert request.state is RequestState.DONE


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("act", ["correct", "die", "hold", "cancel", "retire"])
def test_the_heads_of_consents_are_locked_before_credentials_and_the_log(database, now, act):
    with database.transaction() as session:
        scene = a_scene(session, now=now)
        match, machine = scene.in_delivery(session, now), let_in(session, scene.organisation)
        jwk = machine.key.as_dict(private=False)
        credentials.issue(session, scene.giver, match.consent_chain_id, fields=["name"], now=now, holder_jwk=jwk)
        request = ask(session, scene, RightKind.CORRECT, now, field="name", new_value="王晓明")
    acts = {
        "correct": lambda: corrections.correct(session, request.id, text="已更正", actor=STAFF, now=now),
        "die": lambda: deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明", **by),
        "hold": lambda: holding.hold(session, match.id, cause="correction", **by),
        "cancel": lambda: decisions.giver_gives_up(session, match.id, reason_code="no_capacity", **by),
        "retire": lambda: clients.retire_key(session, machine.key.thumbprint(), **by),
    }
    by = {"actor": {"cancel": scene.giver, "retire": APPROVER}.get(act, STAFF), "now": now}
    with database.transaction() as session, watched(session) as order:
        acts[act]()
    assert (order[0], sorted(order)) == (HEAD, sorted(LOCKED))


def test_a_credential_with_the_old_value_ends_and_every_other_rests_while_its_match_is_held(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    jwk, chain = ECKey.generate_key("P-256").as_dict(private=False), match.consent_chain_id

    def issued(*fields: str) -> IssuedCredential:
        credentials.issue(session, scene.giver, chain, fields=fields, now=now, holder_jwk=jwk)
        return credentials.living_of(session, chain)

    def correct(field: str, value: str) -> None:
        request = ask(session, scene, RightKind.CORRECT, now, field=field, new_value=value)
        corrections.correct(session, request.id, text="已更正", actor=STAFF, now=now)

    named = issued("name", "need_code")
    assert status.state_of(session, named, now=now) == VALID
    correct("phone", "10000000055")
    assert status.state_of(session, named, now=now) == VALID, "it does not say the telephone"
    correct("name", "王晓明")
    assert (status.state_of(session, named, now=now), named.reason_code) == (REVOKED, "corrected")
    reviews.keep(session, match.id, actor=STAFF, now=now)
    bare = issued("need_code")
    deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明", actor=STAFF, now=now)
    assert status.state_of(session, bare, now=now) == SUSPENDED
    credentials.suspend(session, bare.id, actor=STAFF, now=now, reason="looked_into")
    credentials.resume(session, bare.id, actor=STAFF, now=now)
    assert status.state_of(session, bare, now=now) == SUSPENDED, "a person has not looked yet"
    reviews.keep(session, match.id, actor=STAFF, now=now)
    assert status.state_of(session, bare, now=now) == VALID


def _of_register(session, now):
    """A household as a register told it, and the consent under which a giver sees it."""
    person = PersonFacts(name="王小明", phone="10000000001", address="解放碑街道测试路1号")
    facts = HouseholdFacts("test", "home-7", "500103", people=(person,))
    (home_id,) = register_many(session, [facts], actor=STAFF, now=now).values()
    home, giver = session.get_one(Household, home_id), make.an_organisation(session)
    need, offer, [head] = make.a_need(session, home), make.an_offer(session, giver), list_people(session, home_id)
    make.auto_match(session, home, now=now)
    scene = Scene(home, head, need, giver, offer, make.a_line(session, need, offer))
    match = scene.taken_on(session, now)
    given = {"data_fields": ["name", "phone"], "agrees_to_share": True, "agrees_to_terms": True}
    by = {"person_id": scene.person.id, "actor": scene.household_actor, "now": now}
    return facts, scene, decisions.household_accepts(session, match.id, **given, **by).consent_chain_id


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_register_s_delivery_locks_heads_and_credentials_before_the_log_however_long_it_is(
    database, now, monkeypatch
):
    monkeypatch.setattr(register, "CHUNK", 1)
    with database.transaction() as session:
        facts, scene, chain = _of_register(session, now)
        jwk = ECKey.generate_key("P-256").as_dict(private=False)
        credentials.issue(session, scene.giver, chain, fields=["phone"], now=now, holder_jwk=jwk)
    new = [replace(facts, source_ref=ref) for ref in ("home-6", "home-8")]
    changed = replace(facts, people=(replace(facts.people[0], phone="10000000055"),))
    with database.transaction() as session, watched(session) as order:
        register_many(session, [new[0], changed, new[1]], actor=STAFF, now=now)
    assert tuple(order) == LOCKED


@pytest.mark.parametrize(
    ("told", "of_all", "ends"),
    [
        ({}, {}, ""),
        ({"phone": "10000000055"}, {}, "phone"),
        ({"name": "王晓明"}, {}, "name"),
        ({"name": "王晓明", "ref": "somebody else"}, {}, "household_size_band"),
        ({}, {"size": 4}, "household_size_band"),
        ({}, {"district_code": "500106"}, "county"),
    ],
    ids=["the same again", "another telephone", "another name", "one person more", "another size", "another county"],
)
def test_what_a_register_tells_otherwise_ends_the_credentials_that_say_the_old_value(session, now, told, of_all, ends):
    facts, scene, chain = _of_register(session, now)
    [known] = facts.people
    jwk = ECKey.generate_key("P-256").as_dict(private=False)
    for field in ("name", "phone", "household_size_band", "county"):
        credentials.issue(session, scene.giver, chain, fields=[field], now=now, holder_jwk=jwk)
        issued = credentials.living_of(session, chain)
        people = (known, replace(known, **told)) if "ref" in told else (replace(known, **told),)
        with session.begin_nested() as savepoint:
            register_many(session, [replace(facts, people=people, **of_all)], actor=STAFF, now=now)
            assert (status.state_of(session, issued, now=now) == REVOKED) == (field == ends), field
            assert audit.verify(session).bad_seq == 0
            savepoint.rollback()
        session.expire_all()


def make_delivered(session, scene, now):
    """A second match of the same household, delivered and confirmed before."""
    need = make.a_need(session, scene.household)
    line = make.a_line(session, need, scene.offer)
    older = Scene(scene.household, scene.person, need, scene.organisation, scene.offer, line)
    match = older.in_delivery(session, now)
    decisions.deliver(session, match.id, actor=scene.giver, now=now)
    return decisions.confirm(session, match.id, actor=scene.household_actor, now=now)


def test_a_held_match_moves_for_nobody_until_a_person_keeps_or_ends_it(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明 1", actor=STAFF, now=now)
    for act in (decisions.deliver, decisions.see_recipient):
        with pytest.raises(WrongState, match="match_held"):
            act(session, match.id, actor=scene.giver, now=now)
    reviews.keep(session, match.id, actor=STAFF, now=now)
    assert decisions.deliver(session, match.id, actor=scene.giver, now=now).state is MatchState.DELIVERED


def test_a_match_that_is_ended_after_a_review_frees_its_stock(session, now):
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明 1", actor=STAFF, now=now)
    reviews.end(session, match.id, actor=APPROVER, now=now)
    session.refresh(scene.offer)
    assert (match.state, match.held_for, scene.offer.committed_units) == (MatchState.CANCELLED, "", 0)
    assert [one.state for one in reviews.of_match(session, match.id)] == [ReviewState.ENDED]


def test_a_field_that_no_giver_saw_touches_no_match_and_an_age_touches_all(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    assert reviews.built_on(session, scene.household.id, "address") == []
    assert reviews.built_on(session, scene.household.id, "birth_date") == [match]
    assert reviews.built_on(session, scene.household.id, "name") == [match]


def test_a_fact_of_a_department_is_disputed_at_its_source_with_a_clock(session, now):
    scene = a_scene(session)
    request = ask(session, scene, RightKind.CORRECT, now, field="household_size", new_value="3")
    corrections.correct(session, request.id, text="已更正", actor=STAFF, now=now)
    row = corrections.find_dispute(session, request.id)
    assert (row.source, row.field, row.due_at) == ("test", "household_size", after_working_days(now, 10))
    corrections.settle(session, row.id, corrected=True, actor=STAFF, now=now)
    assert row.state is DisputeState.CORRECTED
    assert clocks.running_of(session, row.id) == []
    with pytest.raises(WrongState):
        corrections.settle(session, row.id, corrected=False, actor=STAFF, now=now)


def test_a_correction_refuses_what_cannot_be_and_a_number_that_belongs_to_somebody_else(session, now):
    scene = a_scene(session)
    for field, value in (("phone", "123"), ("birth_date", "gestern"), ("household_size", "0"), ("id_number", "5099")):
        with pytest.raises(BadInput):
            ask(session, scene, RightKind.CORRECT, now, field=field, new_value=value)
    with pytest.raises(BadInput):
        ask(session, scene, RightKind.CORRECT, now, field="payee_account", new_value="1")


def test_a_death_freezes_open_matches_takes_needs_out_of_runs_and_lets_kin_ask(session, now):
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    with pytest.raises(WrongState, match="no_death_on_record"):
        service.ask(session, scene.person, RightKind.COPY, words="子女", evidence="户口簿", actor=STAFF, now=now)
    [review] = deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明", actor=STAFF, now=now)
    assert (review.match_id, review.finding) == (match.id, "need_not_verified")
    assert scene.need.state is NeedState.HELD
    told = select(Fact.day).where(Fact.kind == "DEATH", Fact.person_id == scene.person.id)
    assert session.exec(told).all() == [now.date().toordinal()], "the watch knows of it, too"
    with pytest.raises(BadInput):
        service.ask(session, scene.person, RightKind.COPY, words="子女", actor=STAFF, now=now)
    kin = service.ask(session, scene.person, RightKind.COPY, words="子女", evidence="户口簿", actor=STAFF, now=now)
    assert kin.capacity == "kin"
    with pytest.raises(Conflict):
        deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明", actor=STAFF, now=now)


def test_a_death_that_was_none_is_taken_back_and_the_person_is_found_and_served_again(session, now):
    scene = a_scene(session)
    scene.taken_on(session, now)
    before = scene.person.phone_index
    by = {"actor": STAFF, "now": now}
    deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明", **by)
    kin = service.ask(session, scene.person, RightKind.ERASE, words="子女", evidence="户口簿", **by)
    assert (scene.person.phone_index, is_told_dead(session, scene.person.id)) == (None, True)
    found = deaths.get_death(session, scene.household.id, scene.person.id)
    with pytest.raises(BadInput, match="reason_missing"):
        deaths.take_back(session, found, why="", **by)
    deaths.take_back(session, found, why="wrong_person", **by)
    assert (scene.person.phone_index, is_told_dead(session, scene.person.id)) == (before, False)
    assert (kin.state, scene.need.state) == (RequestState.TAKEN_BACK, NeedState.HELD), "a person looks at what was held"
    with pytest.raises(WrongState, match="no_death_on_record"):
        service.ask(session, scene.person, RightKind.COPY, words="子女", evidence="户口簿", **by)
    later = {"actor": STAFF, "now": now + timedelta(hours=1)}
    deaths.record_death(session, scene.person.id, died_on=now.date(), evidence="证明 2", **later)
    assert is_told_dead(session, scene.person.id)


def test_nobody_comes_in_as_the_dead_and_letters_reach_who_lives(session, now):
    told = [PersonFacts("head", name="王小明", phone="10000000001"), PersonFacts("m2", "SPOUSE", False, name="李四")]
    told[1] = replace(told[1], phone="10000000002")
    facts = HouseholdFacts("list", "H1", "500103", size=2, people=tuple(told))
    home = register_many(session, [facts], actor=STAFF, now=now)[facts.key]
    he, she = list_people(session, home)
    index, himself = he.phone_index, Actor(id=he.id, role=Role.HOUSEHOLD, household_id=home)
    power, code = proxies.invite(session, he.id, helper_kind="relative", acts=("see",), actor=himself, now=now)
    tokens = [accounts.open_for_person(session, one.id, home, now=now) for one in (he, she)]
    tokens.append(come_in(session, code, phone="10000000003", now=now))
    assert contact_of(session, home) == opened_by(session, index, now=now) == he
    letters = len(session.exec(select(Notice.id)).all())
    deaths.record_death(session, he.id, died_on=now.date(), evidence="证明", actor=STAFF, now=now)
    roles = [accounts.actor_of(session, token, now=now).role for token in tokens]
    assert roles == [Role.PUBLIC, Role.HOUSEHOLD, Role.PUBLIC]
    assert (power.end_reason, len(session.exec(select(Notice.id)).all())) == ("died", letters)
    assert (opened_by(session, index, now=now), he.contact, she.contact) == (None, False, True)
    assert contact_of(session, home) == reachable(session, home) == she
    assert reachable(session, home, asked_by=he.id) is None, "nor what he himself had asked for"
    again = replace(facts, people=(replace(told[0], phone="10000000004"), told[1]))
    register_many(session, [again], actor=STAFF, now=now)
    assert he.phone_index is None, "a list makes no dead person's telephone ring"
    checks.open_check(session, he.id, CheckCause.DEATH, due_on=now.date(), evidence="", actor=STAFF, now=now)
    checks.mark_seen(session, checks.find_waiting(session, he.id), Way.HOME, actor=STAFF, now=now)
    assert opened_by(session, he.phone_index, now=now) == he, "staff have seen him: the record was wrong"


@pytest.mark.threat("T31")
def test_a_household_that_refuses_programs_loses_nothing_and_gets_what_a_person_pins(session, now):
    scene = a_scene(session)
    meals = make.an_offer(session, scene.organisation, category="CARE.MEAL", unit="MEAL")
    other = make.a_need(session, make.a_household(session), category="CARE.MEAL", unit="MEAL")
    make.auto_match(session, session.get(type(scene.household), other.household_id))
    running = scene.in_delivery(session, now)
    need = make.a_need(session, scene.household, category="CARE.MEAL", unit="MEAL")
    before = allocate(build_problem(session, Scope(), policy=policy_of({}, now.date()), now=now))
    assert {line.need_id for line in before.lines} == {need.id, other.id}
    ask(session, scene, RightKind.BY_HAND, now)
    problem = build_problem(session, Scope(), policy=policy_of({}, now.date()), now=now)
    plan = allocate(problem)
    assert {line.need_id for line in plan.lines} == {other.id}
    assert {(ban.need_id, ban.code) for ban in problem.bans} >= {(need.id, "by_hand")}
    assert running.state is MatchState.IN_DELIVERY
    assert need.state is NeedState.VERIFIED
    wish = overrides.Wish(OverrideKind.PIN, need.id, meals.id, 4)
    overrides.keep(session, wish, reason="人工匹配", actor=APPROVER, now=now)
    again = allocate(build_problem(session, Scope(), policy=policy_of({}, now.date()), now=now))
    assert {line.need_id: line.units for line in again.lines}[need.id] >= 4
    by_hand.allow_programs(session, scene.household.id, actor=scene.household_actor, now=now)
    assert by_hand.by_hand(session) == frozenset()


def test_an_erasure_takes_two_people_ends_consents_and_leaves_the_chain_whole(session, now):
    scene = a_scene(session)
    typed = payees.Typed("赵一", "SELF", "示例银行渝中支行", AccountKind.CARD, card(1))
    payee = payees.save_account(session, scene.household.id, typed, actor=scene.household_actor, now=now)
    request = ask(session, scene, RightKind.ERASE, now)
    erasing.agree(session, request.id, actor=APPROVER, now=now)
    with pytest.raises(NotAllowed, match="second_person_needed"):
        erasing.carry_out(session, request.id, text="好", actor=APPROVER, now=now)
    with pytest.raises(NotAllowed):
        erasing.carry_out(session, request.id, text="好", actor=STAFF, now=now)
    complaint = ask(session, scene, RightKind.COMPLAIN, now)
    with pytest.raises(WrongState, match="right_others_open"):
        erasing.carry_out(session, request.id, text="好", actor=OFFICER, now=now)
    service.answer(session, complaint.id, text="已道歉", actor=STAFF, now=now)
    for_the_first = replace(OFFICER, on_behalf_of=APPROVER.id)
    with pytest.raises(NotAllowed, match="second_person_needed"):
        erasing.carry_out(session, request.id, text="好", actor=for_the_first, now=now)
    erasing.carry_out(session, request.id, text="已删除", actor=OFFICER, now=now)
    session.flush()
    assert (scene.person.name, scene.person.phone_index, service.read(session, request, "words")) == (None, None, "")
    assert scene.need.state is NeedState.CLOSED
    assert (payee.account_index, payee.holder_index, payee.last_four, payee.account) == ("", "", "", None)
    assert payee.state is PayeeState.REPLACED
    assert audit.verify(session).bad_seq == 0


def test_who_was_erased_is_signed_in_no_more_and_has_no_helper(session, now):
    scene = a_scene(session)
    himself = Actor(id=scene.person.id, role=Role.HOUSEHOLD, household_id=scene.household.id)
    told = {"helper_kind": "relative", "acts": ("see",), "actor": himself, "now": now}
    power, code = proxies.invite(session, scene.person.id, **told)
    tokens = [accounts.open_for_person(session, scene.person.id, scene.household.id, now=now)]
    tokens.append(come_in(session, code, phone="10000000003", now=now))
    request = ask(session, scene, RightKind.ERASE, now)
    erasing.agree(session, request.id, actor=APPROVER, now=now)
    assert accounts.actor_of(session, tokens[0], now=now).role is Role.HOUSEHOLD
    erasing.carry_out(session, request.id, text="已删除", actor=OFFICER, now=now)
    assert [accounts.actor_of(session, token, now=now).role for token in tokens] == [Role.PUBLIC, Role.PUBLIC]
    assert power.end_reason == "erased"


def test_an_erasure_leaves_those_who_stay_their_home_and_counts_nobody_who_left_or_died(session, now):
    told = [PersonFacts(str(n), contact=n == 0, name=name) for n, name in enumerate(("赵一", "李四", "王三", "周老"))]
    facts = HouseholdFacts("list", "H1", "500103", "500103001", size=4, people=tuple(told))
    home = session.get_one(Household, register_many(session, [facts], actor=STAFF, now=now)[facts.key])
    people = {masked_name(session, one): one for one in list_people(session, home.id)}
    he, she, brother, father = (people[mask(one.name)] for one in told)
    need = make.a_need(session, home)
    declaring.declare(session, home.id, "INCOME", amount=5, on=now.date(), actor=STAFF, now=now)
    said = select(Declared.amount).where(Declared.household_id == home.id)
    erased(session, she, now)
    assert (home.street_code, session.exec(said).all()) == ("500103001", [5]), "he lives there still"
    members.end(session, brother.id, on=now.date(), reason="MOVED_OUT", actor=STAFF, now=now)
    deaths.record_death(session, father.id, died_on=now.date(), evidence="证明", actor=STAFF, now=now)
    erased(session, he, now)
    assert (home.street_code, session.exec(said).all(), need.state) == ("", [], NeedState.CLOSED)


def erased(session: Session, person: Person, now) -> None:
    """The person asks for its erasure and two people carry it out."""
    himself = Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)
    request = service.ask(session, person, RightKind.ERASE, words="请删除", actor=himself, now=now)
    erasing.agree(session, request.id, actor=APPROVER, now=now)
    erasing.carry_out(session, request.id, text="已删除", actor=OFFICER, now=now)


def test_help_under_way_comes_before_an_erasure(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    decisions.deliver(session, match.id, actor=scene.giver, now=now)
    request = ask(session, scene, RightKind.ERASE, now)
    erasing.agree(session, request.id, actor=APPROVER, now=now)
    with pytest.raises(WrongState, match="right_open_matches"):
        erasing.carry_out(session, request.id, text="已删除", actor=OFFICER, now=now + timedelta(days=1))
