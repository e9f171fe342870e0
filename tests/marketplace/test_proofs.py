"""Evidence of deliveries: sealed, seen by few, each look logged; codes that cannot be forged or used by others."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from adapters.tabular_writer import write_csv
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.appeals.models import Appeal, AppealKind, AppealState
from marketplace.audit import AuditRow
from marketplace.consent import notice
from marketplace.consent.models import Consent, ConsentHead
from marketplace.db import new_id
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.drawing import svg_of
from marketplace.errors import BadInput, Conflict, ConsentMissing, DomainError, NotAllowed, NotFound, WrongState
from marketplace.proofs import archive, evidence, papers, publicity, slips, table
from marketplace.proofs.evidence import Piece
from marketplace.proofs.models import Paper, PaperKind, Proof, ProofKind
from marketplace.proofs.papers import PaperFacts
from marketplace.reports import standing_looks
from marketplace.rights import emptying
from marketplace.sealed import Unreadable, vault_of
from marketplace.sharing import deletions
from marketplace.sharing.looks import looks_of
from marketplace.sharing.models import DeletionOrder
from tests import factories as make
from tests.marketplace.match_scene import a_scene

DRAWN = "10,20 14,25 30,60;300,40 310,44 320,48"
TYPED = Piece(ProofKind.TYPED, text=" 王 小明 ")


def staff(role: Role, *districts: str) -> Actor:
    return Actor(id=f"{role.value}-1", role=role, districts=frozenset(districts))


def looks(session) -> list[AuditRow]:
    return list(session.exec(select(AuditRow).where(AuditRow.action == "proof:look")))


def test_a_delivery_and_its_proof_are_one_act(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    evidence.hand_over(session, match.id, pieces=[TYPED], units=6, actor=scene.giver, now=now)
    (proof,) = evidence.list_proofs(session, match.id)
    assert (match.state, match.units, match.short_units) == (MatchState.DELIVERED, 6, 4)
    assert proof.kind is ProofKind.TYPED
    assert "王".encode() not in proof.body.envelope


def test_only_the_giver_the_household_and_its_district_may_look_and_every_look_is_logged(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    evidence.hand_over(session, match.id, pieces=[TYPED], actor=scene.giver, now=now)
    (proof,) = evidence.list_proofs(session, match.id)
    stranger, other_giver = a_scene(session, phone="10000000002").household_actor, a_scene(session, phone="3").giver
    for actor in (stranger, other_giver, staff(Role.WORKER, "500101")):
        with pytest.raises(NotFound):
            evidence.look(session, proof.id, reason="VERIFY", actor=actor, now=now)
    for role in (Role.AUDITOR, Role.OPERATOR, Role.SECURITY_ADMIN):
        with pytest.raises(NotAllowed):
            evidence.look(session, proof.id, reason="VERIFY", actor=staff(role), now=now)
    with pytest.raises(BadInput):
        evidence.look(session, proof.id, actor=staff(Role.WORKER, "500103"), now=now)
    assert looks(session) == []
    for actor in (scene.giver, scene.household_actor, staff(Role.WORKER, "500103")):
        assert evidence.look(session, proof.id, reason="VERIFY", actor=actor, now=now)[1] == "王 小明"
    rows = looks(session)
    assert [row.object_ref for row in rows] == [proof.id] * 3
    assert rows[-1].rule_id == "VERIFY"
    seen = looks_of(session, scene.household.id)
    assert [(look.organisation, look.fields) for look in seen] == [(scene.organisation.name, ("name",))]
    assert not [fault for finding in standing_looks.FINDINGS for _seq, fault in finding(session)]
    assert not audit.verify(session).bad_seq


def test_erasing_the_person_erases_the_evidence(session, now):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    evidence.hand_over(session, match.id, pieces=[TYPED], actor=scene.giver, now=now)
    (proof,) = evidence.list_proofs(session, match.id)
    session.flush()
    vault_of(session).erase(session, scene.person.id)
    session.flush()
    with pytest.raises(Unreadable):
        evidence.look(session, proof.id, actor=scene.giver, now=now)


def ended_by_withdrawal(session, scene, match, now) -> datetime:
    decisions.withdraw_consent(session, match.consent_chain_id, actor=scene.household_actor, now=now)
    (order,) = session.exec(select(DeletionOrder)).all()
    assert order.disclosures == 2, "the two pieces of evidence; nothing else was opened"
    deletions.attest(session, order.id, actor=scene.giver, now=now)
    return now


def ended_by_time(session, scene, match, now) -> datetime:
    return now + timedelta(days=400)


def paused_by_an_unseen_log(session, scene, match, now) -> datetime:
    session.info["audit_fresh"] = lambda _session, _now: False
    return now


@pytest.mark.parametrize("end", [ended_by_withdrawal, ended_by_time, paused_by_an_unseen_log])
def test_a_giver_opens_its_own_proof_only_as_long_as_it_may_look_at_the_household(session, now, end):
    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    pieces = [TYPED, Piece(ProofKind.PHOTO, data=make.a_picture())]
    evidence.hand_over(session, match.id, pieces=pieces, actor=scene.giver, now=now)
    later = end(session, scene, match, now)
    for proof in evidence.list_proofs(session, match.id):
        with pytest.raises(DomainError) as refused:
            evidence.look(session, proof.id, actor=scene.giver, now=later)
        entry, _actor = refused.value.denied
        assert (entry.action, entry.subject) == ("share:deny", scene.household.id)
        assert evidence.look(session, proof.id, actor=scene.household_actor, now=later)[1]
    assert [row.actor_role for row in looks(session)] == ["household"] * 2
    assert looks_of(session, scene.household.id) == []
    session.info.pop("audit_fresh", None)


def test_evidence_is_emptied_on_the_day_until_which_its_giver_may_keep_something(session, now):
    scene = a_scene(session)
    match = scene.confirmed(session, now)
    proof = evidence.add(session, match.id, TYPED, actor=scene.giver, now=now)
    head = session.get_one(ConsentHead, match.consent_chain_id)
    day = session.get_one(Consent, (head.chain_id, head.version)).erase_at
    kept = proof.envelope_sha256
    match.state = MatchState.CLOSED
    complaint = Appeal(
        id="a1",
        kind=AppealKind.COMPLAINT,
        object_ref=f"match:{match.id}",
        household_id=scene.household.id,
        raised_by="x",
        raised_at=now,
        due_at=now,
    )
    session.add_all([match, complaint])
    session.flush()
    assert emptying.empty_due(session, keep_days=9_999, now=day - timedelta(seconds=1)) == 0
    assert emptying.empty_due(session, keep_days=9_999, now=day) == 0, "somebody still argues about it"
    complaint.state, complaint.answered_at = AppealState.ANSWERED, now
    session.flush()
    assert emptying.empty_due(session, keep_days=9_999, now=day) == 1
    assert (proof.body, proof.envelope_sha256) == (None, kept)
    (row,) = session.exec(select(AuditRow).where(AuditRow.action == "paper:empty")).all()
    assert (row.object_ref, row.rule_id) == (proof.id, "proof")
    with pytest.raises(NotFound):
        evidence.look(session, proof.id, reason="VERIFY", actor=staff(Role.WORKER, "500103"), now=day)


def test_a_photo_is_kept_without_place_or_time(session, now):
    pytest.importorskip("PIL.Image")
    from tests.adapters.test_pictures import SECRET, a_photo

    scene = a_scene(session)
    match = scene.in_delivery(session, now)
    evidence.hand_over(session, match.id, pieces=[Piece(ProofKind.PHOTO, data=a_photo())], actor=scene.giver, now=now)
    (proof,) = evidence.list_proofs(session, match.id)
    kept = base64.b64decode(evidence.look(session, proof.id, actor=scene.giver, now=now)[1])
    assert kept.startswith(b"\xff\xd8")
    assert SECRET not in kept
    assert b"Exif" not in kept
    with pytest.raises(BadInput):
        evidence.add(session, match.id, Piece(ProofKind.PHOTO, data=b"GIF89a"), actor=scene.giver, now=now)


def test_many_are_delivered_in_one_press_or_none(session, now):
    first = a_scene(session)
    second = a_scene(session, phone="10000000002", organisation=first.organisation, offer=first.offer)
    ids = [first.in_delivery(session, now).id, second.in_delivery(session, now).id]
    foreign = a_scene(session, phone="10000000003").in_delivery(session, now).id
    with pytest.raises(NotFound):
        evidence.hand_over_many(session, [foreign], actor=first.giver, now=now)
    with pytest.raises(BadInput):
        evidence.hand_over_many(session, [], actor=first.giver, now=now)
    assert evidence.hand_over_many(session, [*ids, ids[0]], actor=first.giver, now=now) == 2
    kinds = [proof.kind for proof in session.exec(select(Proof).where(Proof.org_id == first.organisation.id))]
    assert kinds == [ProofKind.BATCH] * 2


def test_proof_can_be_added_later_but_not_before_and_not_without_end(session, now):
    scene = a_scene(session)
    waiting = scene.taken_on(session, now)
    with pytest.raises(WrongState):
        evidence.add(session, waiting.id, TYPED, actor=scene.giver, now=now)
    match = scene.accepts(session, waiting, now)
    decisions.deliver(session, match.id, actor=scene.giver, now=now)
    for _ in range(evidence.MOST_OF_A_MATCH):
        evidence.add(session, match.id, Piece(ProofKind.SLIP, text="SLIP-1"), actor=scene.giver, now=now)
    with pytest.raises(BadInput):
        evidence.add(session, match.id, TYPED, actor=scene.giver, now=now)


@pytest.mark.parametrize("strokes", ["", "1,2", "1,2 3,4 5,6 7,8", "1,2 3,4 5,6 7,8 601,9", "a,b 1,2 3,4 5,6 7,8 9,9"])
def test_a_drawing_is_numbers_inside_the_canvas_or_nothing(strokes):
    with pytest.raises(BadInput):
        svg_of(strokes)


def test_a_drawing_becomes_lines_and_nothing_else():
    assert svg_of(DRAWN).count("<polyline") == 2
    with pytest.raises(BadInput):
        svg_of('1,2 3,4 5,6 7,8 9,9"/><script>')


def test_a_code_opens_one_match_for_its_giver_once(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    match = scene.in_delivery(session, now)
    foreign = other.in_delivery(session, now)
    code = slips.code_of(session, match)
    assert slips.match_of_code(session, slips.shown(code).lower(), actor=scene.giver).id == match.id
    for forged in (slips.code_of(session, foreign), code[:-1] + ("A" if code[-1] != "A" else "B"), match.id, ""):
        with pytest.raises(NotFound):
            slips.match_of_code(session, forged, actor=scene.giver)
    with pytest.raises(NotAllowed):
        slips.match_of_code(session, code, actor=scene.household_actor)
    evidence.hand_over(session, match.id, pieces=[Piece(ProofKind.SCAN)], actor=scene.giver, now=now)
    with pytest.raises(WrongState):
        slips.match_of_code(session, code, actor=scene.giver)
    for part in (match.id, match.household_id, scene.person.id):
        assert part not in code


def a_table(session, *scenes_and_units, now) -> bytes:
    rows = [(slips.code_of(session, match), units, slip) for match, units, slip in scenes_and_units]
    return write_csv(["发放编号", "实发数量", "纸质回执号"], rows)


def test_a_table_delivers_by_our_reference_and_the_same_file_again_changes_nothing(session, now):
    first = a_scene(session)
    second = a_scene(session, phone="10000000002", organisation=first.organisation, offer=first.offer)
    one, two = first.in_delivery(session, now), second.in_delivery(session, now)
    data = a_table(session, (one, "", "NO-7"), (two, 4, ""), now=now)
    batch, checked = table.check_file(session, data, file_name="a.csv", actor=first.giver, now=now)
    assert checked.faults == []
    assert one.state is MatchState.IN_DELIVERY
    counts = table.confirm_import(session, batch.id, actor=first.giver, now=now)
    assert counts == {"new": 2, "fewer": 1, "slips": 0, "same": 0}
    assert (one.state, one.units, two.units, two.short_units) == (MatchState.DELIVERED, 10, 4, 6)
    kinds = {proof.match_id: proof.kind for proof in session.exec(select(Proof))}
    assert (kinds[one.id], kinds[two.id]) == (ProofKind.SLIP, ProofKind.BATCH)
    again, checked = table.check_file(session, data, file_name="a.csv", actor=first.giver, now=now)
    assert table.confirm_import(session, again.id, actor=first.giver, now=now) == {
        "new": 0,
        "fewer": 0,
        "slips": 0,
        "same": 2,
    }


def test_a_table_names_the_row_of_a_foreign_reference_and_of_too_much(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    match, foreign = scene.in_delivery(session, now), other.in_delivery(session, now)
    data = a_table(session, (foreign, "", ""), (match, 11, ""), now=now)
    batch, checked = table.check_file(session, data, file_name="a.csv", actor=scene.giver, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(2, "unknown_delivery"), (3, "more_than_matched")]
    with pytest.raises(WrongState):
        table.confirm_import(session, batch.id, actor=scene.giver, now=now)


def test_a_number_that_was_mistyped_is_struck_with_a_reason_and_kept_anew(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    wrong = PaperFacts(PaperKind.DONATION_RECEIPT, "CQ2026-0001", 1_200_000, now.date())
    kept = papers.store(session, wrong, actor=scene.giver, now=now)
    with pytest.raises(BadInput):
        papers.strike(session, kept.id, reason_code="because", actor=scene.giver, now=now)
    with pytest.raises(NotFound):
        papers.strike(session, kept.id, reason_code="mistyped", actor=other.giver, now=now)
    papers.strike(session, kept.id, reason_code="mistyped", actor=scene.giver, now=now)
    right = papers.store(session, replace(wrong, amount_fen=120_000), actor=scene.giver, now=now)
    found, total = papers.list_papers(session, actor=scene.giver)
    assert ({paper.id for paper in found}, total) == ({kept.id, right.id}, 2), "both are shown, one as struck"
    assert papers.find(session, kept.org_id, kind=kept.kind, number=kept.number) == right
    with pytest.raises(NotFound):
        papers.strike(session, kept.id, reason_code="mistyped", actor=scene.giver, now=now)


def test_a_number_is_kept_once_for_each_giver_and_the_second_time_says_where_it_stands(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    facts = PaperFacts(PaperKind.DONATION_RECEIPT, "cq 2026-0001", 120_000, now.date(), scene.offer.id)
    kept = papers.store(session, facts, actor=scene.giver, now=now)
    assert kept.number == "CQ2026-0001"
    night = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    of_today = PaperFacts(PaperKind.DONATION_RECEIPT, "CQ-NIGHT", 1, date(2026, 11, 24))
    assert papers.store(session, of_today, actor=other.giver, now=night).issued_on == of_today.issued_on
    with pytest.raises(Conflict) as known:
        papers.store(session, facts, actor=scene.manager, now=now)
    assert known.value.facts == {"day": "2026-11-23", "fen": 120_000}
    invoice = PaperFacts(PaperKind.INVOICE, "CQ2026-0001", 1, now.date())
    assert papers.store(session, invoice, actor=scene.giver, now=now).kind is PaperKind.INVOICE
    assert papers.store(session, invoice, actor=other.giver, now=now).org_id == other.organisation.id
    with pytest.raises(NotFound):
        papers.store(
            session, PaperFacts(PaperKind.INVOICE, "CQ-2", 1, now.date(), scene.offer.id), actor=other.giver, now=now
        )
    assert [paper.number for paper in papers.list_papers(session, actor=other.giver)[0]] == ["CQ-NIGHT", "CQ2026-0001"]
    assert papers.list_papers(session, actor=scene.giver)[1] == 2


def test_the_database_refuses_the_same_number_twice(session, now):
    scene = a_scene(session)
    for _ in range(2):
        session.add(
            Paper(
                id=new_id(),
                org_id=scene.organisation.id,
                kind=PaperKind.INVOICE,
                number="A-0001",
                amount_fen=1,
                issued_on=now.date(),
                recorded_by="x",
                recorded_at=now,
            )
        )
    from marketplace.db import flush

    with pytest.raises(Conflict):
        flush(session)


def test_the_file_of_a_grant_holds_its_stations_and_no_name(session, now):
    scene = a_scene(session)
    match = scene.confirmed(session, now)
    evidence.add(session, match.id, TYPED, actor=scene.giver, now=now)
    for actor in (scene.giver, scene.household_actor, staff(Role.VERIFIER, "500103")):
        found = archive.grant_file(session, match.id, actor=actor)
        assert found.consent_ref == f"{match.consent_chain_id}@{match.consent_version}"
        assert found.consent_state == "expired"
        assert [proof.kind for proof in found.proofs] == [ProofKind.TYPED]
    with pytest.raises(NotFound):
        archive.grant_file(session, match.id, actor=a_scene(session, phone="10000000002").giver)


def a_photo_of(session, scene, now) -> Proof:
    match = scene.delivered(session, now)
    proof = Proof(
        id=new_id(),
        match_id=match.id,
        org_id=match.org_id,
        kind=ProofKind.PHOTO,
        person_id=scene.person.id,
        recorded_by="x",
        recorded_at=now,
    )
    session.add(proof)
    session.flush()
    return proof


def test_a_photo_is_shown_in_public_only_while_its_own_consent_lives(session, now):
    scene = a_scene(session)
    proof = a_photo_of(session, scene, now)
    with pytest.raises(ConsentMissing):
        publicity.mark(session, proof.id, wanted=True, actor=scene.manager, now=now)
    given = publicity.allow(session, proof.match_id, data_fields=["first_name"], actor=scene.household_actor, now=now)
    assert given.data_fields == ["first_name"]
    assert "no_publicity" not in given.modifiers
    assert given.notice_id == notice.PUBLICITY
    with pytest.raises(ConsentMissing):
        publicity.mark(session, proof.id, wanted=True, actor=scene.manager, now=now)
    given = publicity.allow(session, proof.match_id, data_fields=["photo"], actor=scene.household_actor, now=now)
    publicity.mark(session, proof.id, wanted=True, actor=scene.manager, now=now)
    assert publicity.shown_photos(session, [proof.match_id], now=now) == [proof]
    with pytest.raises(NotAllowed):
        publicity.mark(session, proof.id, wanted=False, actor=scene.giver, now=now)
    decisions.withdraw_consent(session, given.chain_id, actor=scene.household_actor, now=now)
    assert publicity.shown_photos(session, [proof.match_id], now=now) == []
    assert session.get_one(Match, proof.match_id).state is MatchState.DELIVERED


def test_nobody_but_the_household_allows_publicity_and_never_before_it_has_accepted(session, now):
    scene = a_scene(session)
    match = scene.taken_on(session, now)
    with pytest.raises(WrongState):
        publicity.allow(session, match.id, data_fields=["photo"], actor=scene.household_actor, now=now)
    match = scene.accepts(session, match, now)
    with pytest.raises(NotAllowed):
        publicity.allow(session, match.id, data_fields=["photo"], actor=scene.manager, now=now)
    with pytest.raises(BadInput):
        publicity.allow(session, match.id, data_fields=[], actor=scene.household_actor, now=now)
    assert publicity.living(session, match, now=now) is None
