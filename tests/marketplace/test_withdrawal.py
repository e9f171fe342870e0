"""Withdrawing in the middle of a match, one test for each row of the table; deletion orders; held and finished help."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import after_working_days, utc_now
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions import showing, waiting
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.sheet import matches_file
from marketplace.decisions.withdrawing import Then, void_consent
from marketplace.errors import BadInput, ConsentMissing, DomainError, NotAllowed, NotFound, WrongState
from marketplace.incidents import service as incidents
from marketplace.incidents.models import Incident
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.notices import Notice
from marketplace.offers.models import Offer
from marketplace.proofs.archive import grant_file
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.sharing import deletions
from marketplace.sharing.models import DeletionOrder
from tests import factories as make
from tests.marketplace.locks import HEAD, watched
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.pages.people import household_client

OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
COLLEAGUE = Actor(id="worker-2", role=Role.WORKER, districts=frozenset({"500103"}))


def _auto(session: Session, scene: Scene) -> str:
    rows = select(ConsentHead.chain_id).where(
        ConsentHead.household_id == scene.household.id, ConsentHead.purpose == "AUTO_MATCH"
    )
    return session.exec(rows).one()


def _stock(session: Session, scene: Scene) -> int:
    session.expire_all()
    return session.get_one(Offer, scene.offer.id).committed_units


def test_while_the_solver_runs_nothing_is_left_to_approve(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    decisions.withdraw_consent(session, _auto(session, scene), actor=scene.household_actor, now=now)
    outcome = approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
    assert not outcome.approved


@pytest.mark.parametrize("far", ["approved", "taken_on"])
def test_a_match_that_waits_is_cancelled_and_its_stock_is_free(session: Session, now: datetime, far: str) -> None:
    scene = a_scene(session)
    match = getattr(scene, far)(session, now)
    assert _stock(session, scene) == 10
    decisions.withdraw_consent(session, _auto(session, scene), actor=scene.household_actor, now=now)
    assert (match.state, match.reason_code, _stock(session, scene)) == (MatchState.CANCELLED, "consent_withdrawn", 0)


@pytest.mark.parametrize("far", ["approved", "taken_on"])
def test_what_waits_with_a_giver_that_is_left_out_ends_and_nothing_else(
    session: Session, now: datetime, far: str
) -> None:
    scene = a_scene(session)
    match, chain, own = getattr(scene, far)(session, now), _auto(session, scene), scene.household_actor
    other = make.an_organisation(session)
    consent.exclude(session, chain, excluded_org_ids=[other.id], actor=own, now=now)
    assert (showing.hidden(session, [match], now=now), _stock(session, scene)) == (frozenset(), 10)
    consent.exclude(session, chain, excluded_org_ids=[scene.organisation.id], actor=own, now=now)
    assert (match.state, match.reason_code, _stock(session, scene)) == (MatchState.CANCELLED, "consent_withdrawn", 0)


@pytest.mark.parametrize("said", ["while it rests", "by another adult", "with help"])
def test_a_new_word_that_leaves_a_giver_out_ends_what_waits_with_it(session: Session, now: datetime, said: str) -> None:
    scene = a_scene(session)
    match, home, own = scene.taken_on(session, now), scene.household, scene.household_actor
    out = [scene.organisation.id]
    if said == "with help":
        capture = consent.Capture(channel="counter", helper_id=WORKER.id)
        helped = {"capture": capture, "excluded_org_ids": out}
        waits = consent.give_auto_match(session, home, actor=WORKER, now=now, **helped)  # type: ignore[arg-type]
        make.proven(session, waits, actor=WORKER, now=now, opened_by=COLLEAGUE)
        assert (match.state, _stock(session, scene)) == (MatchState.AWAITING_HOUSEHOLD, 10), "no call back yet"
        consent.confirm_assisted(session, waits.chain_id, actor=COLLEAGUE, now=now)
    elif said == "while it rests":
        changes.pause(session, _auto(session, scene), actor=own, now=now)
        consent.give_auto_match(session, home, actor=own, now=now, excluded_org_ids=out)
    else:
        other = make.a_person(session, home, phone="10000000009")
        she = Actor(id=other.id, role=Role.HOUSEHOLD, household_id=home.id)
        consent.give_auto_match(session, home, actor=she, now=now, excluded_org_ids=out)
    assert (match.state, match.reason_code, _stock(session, scene)) == (MatchState.CANCELLED, "consent_withdrawn", 0)


def test_the_base_card_is_shown_while_the_word_lives_or_an_own_consent_has_taken_its_place(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    match, chain, own = scene.approved(session, now), _auto(session, scene), scene.household_actor
    unseen = frozenset({match.id})
    assert showing.hidden(session, [match], now=now) == frozenset()
    assert showing.hidden(session, [match], now=now + timedelta(days=184)) == unseen
    changes.pause(session, chain, actor=own, now=now)
    assert showing.hidden(session, [match], now=now) == unseen
    _name, row = csv.reader(StringIO(matches_file(session, "csv", actor=scene.giver, lang="zh", now=now).decode()))
    assert (row[0], row[4], row[5]) == (match.id, "", "")
    changes.resume(session, chain, actor=own, now=now)
    decisions.giver_accepts(session, match.id, actor=scene.giver, now=now)
    scene.accepts(session, match, now)
    changes.pause(session, chain, actor=own, now=now)
    assert showing.hidden(session, [match], now=now) == frozenset()
    decisions.withdraw_consent(session, match.consent_chain_id, actor=own, now=now)
    assert showing.hidden(session, [match], now=now) == unseen
    with pytest.raises(NotFound):
        grant_file(session, match.id, actor=scene.giver)
    assert grant_file(session, match.id, actor=own).match.id == match.id


def test_a_match_that_awaits_a_second_approval_is_cancelled(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    scene.line.value_fen = 10**9
    match = scene.approved(session, now)
    assert match.state is MatchState.AWAITING_SECOND
    decisions.withdraw_consent(session, _auto(session, scene), actor=scene.household_actor, now=now)
    assert match.state is MatchState.CANCELLED


def test_help_on_its_way_is_stopped_and_the_identity_is_closed_at_once(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    decisions.withdraw_consent(session, match.consent_chain_id, actor=scene.household_actor, now=now)
    assert (match.state, _stock(session, scene)) == (MatchState.CANCELLED, 0)
    with pytest.raises(ConsentMissing):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)


def test_held_help_keeps_its_stock_shows_nothing_and_a_second_yes_lets_it_go_on(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    old = match.consent_chain_id
    decisions.withdraw_consent(session, old, actor=scene.household_actor, now=now, then=Then.HOLD)
    assert (match.state, _stock(session, scene)) == (MatchState.HELD, 10)
    with pytest.raises(WrongState):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    with pytest.raises(WrongState):
        decisions.deliver(session, match.id, actor=scene.giver, now=now)
    decisions.withdraw_consent(session, _auto(session, scene), actor=scene.household_actor, now=now)
    assert match.state is MatchState.HELD, "the word to be matched had done its work"
    ticks = {"data_fields": ["name"], "person_id": scene.person.id, "actor": scene.household_actor, "now": now}
    with pytest.raises(BadInput, match="tick_missing"):
        decisions.household_accepts(session, match.id, agrees_to_share=False, agrees_to_terms=True, **ticks)
    decisions.household_accepts(session, match.id, agrees_to_share=True, agrees_to_terms=False, **ticks)
    assert match.state is MatchState.IN_DELIVERY
    assert match.consent_chain_id != old
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now) == {"name": "王小明"}


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_who_lets_held_help_go_on_ticks_what_has_lapsed_and_nothing_else(
    sqlite_database: Database, settings: Settings, lang: str
) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.in_delivery(session, now)
        chain = match.consent_chain_id or ""
        decisions.withdraw_consent(session, chain, actor=scene.household_actor, now=now, then=Then.HOLD)
    client = household_client(create_app(settings, database=sqlite_database), scene.household.id)
    client.set_cookie("lang", lang)
    page = f"/offers-to-me/{match.id}/accept"
    form = client.get(page).text
    assert ('name="agrees_to_share"' in form, 'name="agrees_to_terms"' in form) == (True, False)
    refused = client.post(page, data={"data_fields": ["name"]}).text
    assert ("Tick the box to go on" if lang == "en" else "请勾选后继续") in refused
    assert client.post(page, data={"data_fields": ["name"], "agrees_to_share": "y"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match.id).state is MatchState.IN_DELIVERY


def test_held_help_is_cancelled_after_five_working_days(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        match = scene.in_delivery(session, now)
        decisions.withdraw_consent(
            session, match.consent_chain_id, actor=scene.household_actor, now=now, then=Then.HOLD
        )
    early, late = after_working_days(now, 5) - timedelta(hours=1), after_working_days(now, 6)
    for moment, state in ((early, MatchState.HELD), (late, MatchState.CANCELLED)):
        waiting.sweep(sqlite_database, clock=lambda moment=moment: moment)
        with sqlite_database.reading() as session:
            assert session.get_one(Match, match.id).state is state


@pytest.mark.parametrize("then", ["paused", "narrowed"])
def test_what_is_finished_asks_nobody_anew_at_its_end_whatever_was_said_since(
    sqlite_database: Database, now: datetime, then: str
) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        match, own = scene.in_delivery(session, now), {"actor": scene.household_actor, "now": now}
        chain = match.consent_chain_id or ""
        decisions.withdraw_consent(session, chain, then=Then.FINISH, **own)  # type: ignore[arg-type]
        if then == "paused":
            changes.pause(session, chain, **own)  # type: ignore[arg-type]
            changes.resume(session, chain, **own)  # type: ignore[arg-type]
        else:
            until = now + timedelta(days=3)
            changes.narrow(session, chain, keep=["name"], until=until, **own)  # type: ignore[arg-type]
    assert changes.sweep(sqlite_database, clock=lambda: now + timedelta(days=8)) == 1
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match.id).state is MatchState.IN_DELIVERY
        assert "match_held" not in set(session.exec(select(Notice.letter)))


def test_one_delivery_may_be_finished_with_name_and_code_for_seven_days(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    match = decisions.household_accepts(
        session,
        match.id,
        data_fields=["name", "phone", "pickup_code"],
        agrees_to_share=True,
        agrees_to_terms=True,
        person_id=scene.person.id,
        actor=scene.household_actor,
        now=now,
    )
    chain = match.consent_chain_id
    decisions.withdraw_consent(session, chain, actor=scene.household_actor, now=now, then=Then.FINISH)
    assert match.state is MatchState.IN_DELIVERY
    assert set(decisions.see_recipient(session, match.id, actor=scene.giver, now=now)) == {"name", "pickup_code"}
    with pytest.raises(ConsentMissing):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now + timedelta(days=7))


def test_delivered_help_is_never_taken_back_and_the_recipient_gets_its_order(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    decisions.deliver(session, match.id, actor=scene.giver, now=now)
    decisions.withdraw_consent(session, match.consent_chain_id, actor=scene.household_actor, now=now)
    assert match.state is MatchState.DELIVERED
    entry = session.get_one(LedgerEntry, match.ledger_entry_id)
    assert entry.state is AidState.DELIVERED
    order = session.exec(select(DeletionOrder).where(DeletionOrder.match_id == match.id)).one()
    assert (order.disclosures, order.attested_at) == (1, None)


@pytest.mark.threat("T41")
def test_a_recipient_that_does_not_attest_sees_nothing_new(session: Session, now: datetime) -> None:
    first = a_scene(session)
    match = first.in_delivery(session, now)
    decisions.see_recipient(session, match.id, actor=first.giver, now=now)
    decisions.withdraw_consent(session, match.consent_chain_id, actor=first.household_actor, now=now)
    other = a_scene(session, phone="10000000002", organisation=first.organisation)
    open_one = other.in_delivery(session, now)
    order = session.exec(select(DeletionOrder).where(DeletionOrder.org_id == first.organisation.id)).one()
    in_time, late = order.due_at, order.due_at + timedelta(minutes=1)
    assert decisions.see_recipient(session, open_one.id, actor=other.giver, now=in_time)
    with pytest.raises(NotAllowed, match="recipient_overdue"):
        decisions.see_recipient(session, open_one.id, actor=other.giver, now=late)
    deletions.attest(session, order.id, actor=first.giver, now=late)
    assert decisions.see_recipient(session, open_one.id, actor=other.giver, now=late)


def test_fields_taken_out_are_deleted_by_who_saw_them_and_the_rest_later(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    allowed: dict[str, Any] = {"data_fields": ["name", "phone", "household_size"], "agrees_to_share": True}
    me = scene.household_actor
    decisions.household_accepts(
        session, match.id, **allowed, agrees_to_terms=True, person_id=scene.person.id, actor=me, now=now
    )
    chain = match.consent_chain_id

    def narrow(*keep: str) -> list[tuple[str, int]]:
        head = session.get_one(ConsentHead, chain)
        changes.narrow(session, chain, keep=keep, until=head.valid_to, actor=me, now=now)
        rows = select(DeletionOrder).order_by(col(DeletionOrder.data_fields))
        return [(row.data_fields, row.disclosures) for row in session.exec(rows)]

    assert narrow("name", "phone") == [], "nobody has seen how many they are"
    for wanted in (["name"], ["name", "phone"]):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now, wanted=wanted)
    assert narrow("name") == [("phone", 1)]
    order = session.exec(select(DeletionOrder)).one()
    assert order.due_at == after_working_days(now, 5)
    assert session.exec(select(Notice.letter).where(Notice.key == f"deletion:{order.id}")).one() == "deletion_order"
    with pytest.raises(NotAllowed, match="recipient_overdue"):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=order.due_at + timedelta(days=1))
    deletions.attest(session, order.id, actor=scene.giver, now=now)
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now) == {"name": "王小明"}
    decisions.withdraw_consent(session, chain, actor=me, now=now)
    whole = deletions.of_consents(session, [chain])[chain]
    assert (whole.data_fields, whole.attested_at) == ("", None), "the order for the rest comes all the same"


def test_government_aid_is_never_touched(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    own = make.a_need(session, scene.household, category="LIVING.FOOD_PACK")
    aid = make.a_ledger_entry(
        session, own, scene.offer, source="civil-affairs", offer_id=None, org_id=None, state=AidState.DELIVERED
    )
    decisions.withdraw_consent(session, match.consent_chain_id, actor=scene.household_actor, now=now)
    decisions.withdraw_consent(session, _auto(session, scene), actor=scene.household_actor, now=now)
    session.refresh(aid)
    assert aid.state is AidState.DELIVERED


def test_a_consent_found_invalid_ends_like_a_withdrawn_one_and_only_the_officer_may_say_so(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    with pytest.raises(NotAllowed):
        void_consent(session, match.consent_chain_id, reason_code="pressed", actor=APPROVER, now=now)
    void_consent(session, match.consent_chain_id, reason_code="pressed", actor=OFFICER, now=now)
    assert match.state is MatchState.CANCELLED
    assert session.get_one(ConsentHead, match.consent_chain_id).state is ConsentState.VOID
    incident = session.exec(select(Incident)).one()
    assert (incident.found_at, incident.opened_by) == (now, OFFICER.id)
    assert [one.household_id for one in incidents.affected(session, incident.id)] == [scene.household.id]


def test_a_refusal_for_privacy_keeps_that_giver_away_for_90_days(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    decisions.household_declines(session, match.id, reason_code="privacy", actor=scene.household_actor, now=now)
    refused = session.exec(select(Consent).where(Consent.state == ConsentState.REFUSED)).one()
    assert refused.recipient_org_id == scene.organisation.id
    need = make.a_need(session, scene.household)
    for days, code in ((89, "refused_lately"), (91, None)):
        line = make.a_line(session, need, scene.offer)
        done = approval.preview(session, [line.id], actor=APPROVER, now=now + timedelta(days=days))
        assert [row.code for row in done.excluded] == ([code] if code else [])


def test_what_a_finished_delivery_showed_is_ordered_to_be_deleted_once_its_seven_days_are_over(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session)
        match = scene.in_delivery(session, now)
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
        finish: dict[str, Any] = {"actor": scene.household_actor, "now": now, "then": Then.FINISH}
        decisions.withdraw_consent(session, match.consent_chain_id, **finish)
        assert not session.exec(select(DeletionOrder)).all(), "it is still needed"
    later = now + timedelta(days=8)
    changes.sweep(sqlite_database, clock=lambda: later)
    assert (deletions.look(sqlite_database, now=later), deletions.look(sqlite_database, now=later)) == (1, 0)
    with sqlite_database.reading() as session:
        order = session.exec(select(DeletionOrder)).one()
        assert (order.match_id, order.disclosures, order.ordered_at) == (match.id, 1, later)


def _own_end(session: Session, scene: Scene, match: Match, now: datetime) -> None:
    decisions.withdraw_consent(session, match.consent_chain_id or "", actor=scene.household_actor, now=now)


def _word_end(session: Session, scene: Scene, _match: Match, now: datetime) -> None:
    decisions.withdraw_consent(session, _auto(session, scene), actor=scene.household_actor, now=now)


def _found_void(session: Session, scene: Scene, match: Match, now: datetime) -> None:
    void_consent(session, match.consent_chain_id or "", reason_code="forged", actor=OFFICER, now=now)


def _run_out(session: Session, _scene: Scene, match: Match, now: datetime) -> None:
    changes._expire(session, match.consent_chain_id or "", now=now + timedelta(days=366))


def _leave_out(session: Session, scene: Scene, _match: Match, now: datetime) -> None:
    out = [scene.organisation.id]
    consent.exclude(session, _auto(session, scene), excluded_org_ids=out, actor=scene.household_actor, now=now)


def _say_anew(session: Session, scene: Scene, _match: Match, now: datetime) -> None:
    make.auto_match(session, scene.household, now=now, excluded_org_ids=[scene.organisation.id])


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("ends", [_own_end, _word_end, _found_void, _run_out, _leave_out, _say_anew])
def test_who_moves_a_match_and_who_ends_a_consent_wait_for_each_other_in_one_order(
    database: Database, now: datetime, ends: Callable[[Session, Scene, Match, datetime], None]
) -> None:
    """Both lock the match first: the other order stands still on PostgreSQL until one of them is thrown out."""
    with database.transaction() as session:
        scene = a_scene(session)
        own = ends in (_own_end, _found_void, _run_out)
        match = scene.in_delivery(session, now) if own else scene.approved(session, now)
    failed: list[BaseException] = []

    def end() -> None:
        try:
            with database.transaction() as session:
                ends(session, scene, match, now)
        except DomainError:
            pass  # the other was first
        except Exception as error:  # noqa: BLE001  a thread's fault is the test's
            failed.append(error)

    with database.transaction() as giver:
        giver.get(Match, match.id, with_for_update=True)
        thread = Thread(target=end)
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive(), "it waits for the match"
        if own:
            decisions.giver_gives_up(giver, match.id, reason_code="gave_up", actor=scene.giver, now=now)
        else:
            decisions.giver_accepts(giver, match.id, actor=scene.giver, now=now)
    thread.join(timeout=20)
    assert not failed
    with database.reading() as session:
        assert session.get_one(Match, match.id).state is MatchState.CANCELLED


def _approves(session: Session, scene: Scene, now: datetime) -> None:
    assert approval.approve(session, [scene.line.id], actor=APPROVER, now=now).approved == (scene.line.id,)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize(("kind", "rival"), [("line", "withdraw"), ("offer", "withdraw"), ("line", "reject")])
def test_who_approves_and_who_withdraws_or_rejects_wait_for_each_other_in_one_order(
    database: Database, now: datetime, kind: str, rival: str
) -> None:
    """An approval holds its lines and offers before it asks for any word, and writes to the log last: so does whoever
    ends a consent, or rejects several lines, among them of another household."""
    with database.transaction() as session:
        scene = a_scene(session)
        other = a_scene(session, phone="10000000002", organisation=scene.organisation, offer=scene.offer)
        if kind == "offer":
            other.approved(session, now)
        chain = _auto(session, other if kind == "offer" else scene)
    by = {"now": now}
    failed: list[BaseException] = []

    def act() -> None:
        try:
            with database.transaction() as session:
                if rival == "reject":
                    both = [other.line.id, scene.line.id]
                    approval.reject(session, both, reason_code="no_longer_needed", actor=APPROVER, **by)
                else:
                    owner = other if kind == "offer" else scene
                    decisions.withdraw_consent(session, chain, actor=owner.household_actor, **by)
        except Exception as error:  # noqa: BLE001  a thread's fault is the test's
            failed.append(error)

    with database.transaction() as session:
        held: tuple[type[Any], str] = (Offer, scene.offer.id) if kind == "offer" else (ProposedLine, scene.line.id)
        session.get(*held, with_for_update=True)
        thread = Thread(target=act)
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive(), "it waits for what the approval holds"
        _approves(session, scene, now)
    thread.join(timeout=20)
    assert not failed
    with database.reading() as session:
        states = set(session.exec(select(Match.state)))
        line = session.get_one(ProposedLine, other.line.id)
    assert (MatchState.CANCELLED in states) == (rival == "withdraw"), "a withdrawal counts for what came before it"
    assert (line.state is LineState.REJECTED) == (rival == "reject")


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_an_approval_of_several_lines_locks_each_kind_of_row_once_and_the_log_last(
    database: Database, now: datetime
) -> None:
    """Words and households in turns would let two presses stand still against each other."""
    with database.transaction() as session:
        scene = a_scene(session)
        other = a_scene(session, phone="10000000002", organisation=scene.organisation, offer=scene.offer)
    kinds = ("proposed_line", "need", "offer", "organisation", HEAD, "household", "audit_head")
    with database.transaction() as session, watched(session, kinds, anew=True) as order:
        approval.approve(session, [scene.line.id, other.line.id], actor=APPROVER, now=now)
    assert tuple(order) == kinds
