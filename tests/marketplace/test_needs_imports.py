"""Needs come in by file: shown first, stored once, never doubled, and what cannot be right waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from adapters.tabular_writer import write_csv, write_xlsx
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.decisions import approve as approval
from marketplace.errors import BadInput, Conflict, NotAllowed, WrongState
from marketplace.households import facts, register
from marketplace.households import service as households
from marketplace.households.models import Household, Person
from marketplace.intake import Checked, ImportBatch, ImportState
from marketplace.needs import imports, planning
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.needs.table import need_schema
from marketplace.needs.uploads import desk
from marketplace.reference.identity_number import make_id_number
from tests.factories import a_household, a_ledger_entry, a_line, a_need, an_offer, an_organisation, auto_match

BIRTH = date(1958, 3, 9)
GOOD_ID = make_id_number("509900", BIRTH, seq=101)
OTHER_ID = make_id_number("509900", BIRTH, seq=202)


def a_row(**over: Any) -> dict[str, Any]:
    """A sound row of a verified need for twelve food parcels."""
    row: dict[str, Any] = {
        "source_id": "N1",
        "household_ref": "H1",
        "head_name": "王小明",
        "head_id_number": GOOD_ID,
        "phone": "10000000001",
        "address": "测试路1号",
        "district_code": "渝中区",
        "members": f"配偶/李四/{OTHER_ID}；子女/王小小/",
        "category": "LIVING.FOOD_PACK",
        "unit": "份",
        "gap": 12,
        "urgency": "紧急",
        "valid_from": "2026-11-01",
        "valid_to": "2027-04-30",
        "verification_level": 3,
        "evidence": "入户核实记录",
        "verifier": "staff-7",
        "verified_on": "2026-11-20",
        "referral_reason": "政府救助后仍有困难",
        "government_decision": "低保在册",
    }
    return {**row, **over}


def a_file(*rows: Mapping[str, Any]) -> bytes:
    """The rows as CSV under our own column names."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return write_csv(names, [[row.get(name) for name in names] for row in rows])


def check(session: Session, data: bytes, *, actor: Actor, now: datetime, **over: Any) -> tuple[ImportBatch, Checked]:
    """The dry run."""
    values: dict[str, Any] = {"file_name": "needs.csv", "source": "yuzhong", "actor": actor, "now": now}
    return imports.check_file(session, data, **{**values, **over})


def bring_in(session: Session, *rows: Mapping[str, Any], actor: Actor, now: datetime, **over: Any) -> Mapping[str, int]:
    """Check and confirm."""
    batch, checked = check(session, a_file(*rows), actor=actor, now=now, **over)
    assert checked.faults == []
    return imports.confirm_import(session, batch.id, actor=actor, now=now)


def needs(session: Session) -> list[Need]:
    """All needs by source number."""
    return list(session.exec(select(Need).order_by(col(Need.source), col(Need.source_id))).all())


def test_a_verified_need_comes_in_with_household_members_and_proof(
    session: Session, verifier: Actor, now: datetime
) -> None:
    counts = bring_in(session, a_row(), actor=verifier, now=now)
    assert counts == {"new": 1, "changed": 0, "same": 0, "double": 0, "erased": 0, "held": 0, "unverified": 0}
    [need] = needs(session)
    assert (need.state, need.gap_units, need.unit, need.urgency) == (NeedState.VERIFIED, 12, "PACK", 2)
    assert (need.verification_level, need.verifier_id, need.verified_on) == (3, "staff-7", date(2026, 11, 20))
    assert (need.referral_reason, need.government_decision) == (ReferralReason.STILL_IN_NEED, "低保在册")
    assert (need.period, need.district_code, need.committed_units) == ("2026", "500103", 0)
    assert (need.valid_from, need.valid_to) == (date(2026, 11, 1), date(2027, 5, 1)), "the last day counts"
    people = households.list_people(session, need.household_id)
    assert people[0].contact
    births = {person.relation: person.birth_year for person in people}
    assert births == {"HEAD": 1958, "SPOUSE": 1958, "CHILD": None}
    assert audit.verify(session).bad_seq == 0


def test_a_need_of_a_home_in_which_everybody_was_erased_is_left_out_and_the_others_come_in(
    session: Session, verifier: Actor, now: datetime
) -> None:
    rows = [a_row(members=""), a_row(source_id="N2", household_ref="H2", head_id_number=OTHER_ID, phone="10000000002")]
    bring_in(session, rows[0], actor=verifier, now=now)
    [need] = needs(session)
    [person] = households.list_people(session, need.household_id)
    facts.erase(session, person, actor=verifier, now=now)
    again = [{**rows[0], "gap": 9}, {**rows[1], "members": ""}]
    counts = bring_in(session, *again, actor=verifier, now=now)
    assert (counts["new"], counts["changed"], counts["erased"]) == (1, 0, 1)
    assert [(one.source_id, one.gap_units) for one in needs(session)] == [("N1", 12), ("N2", 12)]
    assert (person.name, person.id_number_index) == (None, None)
    everybody = {**rows[1], "head_name": "新名", "members": ""}
    told = a_row(source_id="N9", household_ref="H1", members="", gap=3)
    homes = [planning.household_facts(planned, source="yuzhong") for planned in (told, everybody)]
    assert len(register.register_many(session, homes, actor=verifier, now=now)) == 2, "nor does any other way in fail"


def test_who_brings_a_need_in_as_verified_does_not_approve_it_in_anybodys_seat(
    session: Session, verifier: Actor, now: datetime
) -> None:
    bring_in(session, a_row(verifier="任意某人"), actor=replace(verifier, on_behalf_of="head-1"), now=now)
    [need] = needs(session)
    auto_match(session, session.get_one(Household, need.household_id), now=now)
    offer = an_offer(session, an_organisation(session), category=need.category, unit=need.unit, stock_units=100)
    line = a_line(session, need, offer, units=3)
    deputy = Actor(id=verifier.id, role=Role.APPROVER, on_behalf_of="head")
    for same in (deputy, Actor(id="head-1", role=Role.APPROVER)):
        outcome = approval.approve(session, [line.id], actor=same, now=now)
        assert [one.code for one in outcome.excluded] == ["verifier_is_approver"]
    assert need.vouched_by == {verifier.id, "head-1", "任意某人"}
    other = Actor(id="approver-1", role=Role.APPROVER)
    assert approval.approve(session, [line.id], actor=other, now=now).excluded == ()


def test_the_dry_run_stores_nothing_but_the_sealed_batch(session: Session, verifier: Actor, now: datetime) -> None:
    batch, _ = check(session, a_file(a_row()), actor=verifier, now=now)
    assert needs(session) == []
    assert session.exec(select(Person)).all() == []
    assert batch.counts == {
        "rows": 1, "faults": 0, "new": 1, "changed": 0, "same": 0, "double": 0, "erased": 0, "held": 0, "unverified": 0
    }  # fmt: skip
    assert GOOD_ID.encode() not in (batch.payload or b"")


def test_the_same_file_again_changes_nothing(session: Session, verifier: Actor, now: datetime) -> None:
    rows = [a_row(), a_row(source_id="N2", category="CARE.MEAL", unit=None, gap=30)]
    bring_in(session, *rows, actor=verifier, now=now)
    before = [need.model_dump() for need in needs(session)]
    acts = audit.verify(session).rows
    counts = bring_in(session, *rows, actor=verifier, now=now)
    assert (counts["same"], counts["new"], counts["changed"]) == (2, 0, 0)
    assert [need.model_dump() for need in needs(session)] == before
    assert audit.verify(session).rows == acts + 2, "only the check and the confirmation"


def test_a_changed_row_changes_its_need_and_its_people(session: Session, verifier: Actor, now: datetime) -> None:
    bring_in(session, a_row(), actor=verifier, now=now)
    counts = bring_in(session, a_row(gap=9, phone="10000000009"), actor=verifier, now=now)
    assert (counts["changed"], counts["new"]) == (1, 0)
    [need] = needs(session)
    assert need.gap_units == 9
    assert households.find_person_by_phone(session, "10000000009") is not None


def test_a_gap_is_not_lowered_under_aid_that_is_on_its_way(session: Session, verifier: Actor, now: datetime) -> None:
    bring_in(session, a_row(), actor=verifier, now=now)
    [need] = needs(session)
    offer = an_offer(session, an_organisation(session))
    a_ledger_entry(session, need, offer, units=8)
    _, checked = check(session, a_file(a_row(gap=7)), actor=verifier, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(2, "below_committed")]
    counts = bring_in(session, a_row(gap=8), actor=verifier, now=now)
    assert counts["changed"] == 1


def test_an_implausible_amount_is_held_and_not_refused(session: Session, verifier: Actor, now: datetime) -> None:
    counts = bring_in(session, a_row(gap=25), a_row(source_id="N2", category="CARE.MEAL", unit=None, gap=30),
                      actor=verifier, now=now)  # fmt: skip
    assert (counts["new"], counts["held"]) == (2, 1)
    held, fine = needs(session)
    assert (held.state, held.state_reason) == (NeedState.HELD, "implausible_amount")
    assert fine.state is NeedState.VERIFIED


def test_a_row_without_proof_is_unverified_and_one_with_half_a_proof_is_refused(
    session: Session, verifier: Actor, now: datetime
) -> None:
    bare = a_row(verification_level=None, evidence=None, verifier=None, verified_on=None)
    _, checked = check(session, a_file(a_row(verifier=None)), actor=verifier, now=now)
    assert [(fault.column, fault.code) for fault in checked.faults] == [("verifier", "unproved")]
    counts = bring_in(session, bare, actor=verifier, now=now)
    assert counts["unverified"] == 1
    assert needs(session)[0].state is NeedState.UNVERIFIED


@pytest.mark.parametrize(
    ("over", "column", "code"),
    [
        ({"head_id_number": 5.09900195803091e17}, "head_id_number", "id_rounded"),
        ({"district_code": "成都"}, "district_code", "unknown_district"),
        ({"category": "GOLD"}, "category", "unknown_category"),
        ({"gap": 1.5}, "gap", "not_whole"),
        ({"gap": 0}, "gap", "not_positive"),
        ({"unit": "小时"}, "gap", "wrong_unit"),
        ({"valid_to": "2026-10-31"}, "valid_to", "dates_reversed"),
        ({"verified_on": "2026-12-01"}, "verified_on", "date_in_future"),
        ({"street_code": "500101001"}, "street_code", "street_elsewhere"),
        ({"evidence": f"身份证 {GOOD_ID}"}, "evidence", "personal_in_text"),
        ({"members": "somebody"}, "members", "members_unclear"),
        ({"urgency": "9"}, "urgency", "not_in_list"),
    ],
)
def test_each_wrong_cell_is_named_by_row_column_and_code(
    session: Session, verifier: Actor, now: datetime, over: dict[str, Any], column: str, code: str
) -> None:
    row = a_row(**over)
    data = write_xlsx(list(row), [[*row.values()]])
    batch, checked = check(session, data, actor=verifier, now=now)
    assert [(fault.row, fault.column, fault.code) for fault in checked.faults] == [(2, column, code)]
    with pytest.raises(WrongState):
        imports.confirm_import(session, batch.id, actor=verifier, now=now)


def test_ended_district_codes_lead_to_the_district_that_took_over(
    session: Session, verifier: Actor, now: datetime
) -> None:
    bring_in(session, a_row(district_code=500105), actor=verifier, now=now)
    assert needs(session)[0].district_code == "500157"


def test_rows_that_contradict_each_other_are_told(session: Session, verifier: Actor, now: datetime) -> None:
    rows = [
        a_row(),
        a_row(source_id="N2"),
        a_row(source_id="N3", category="CARE.MEAL", unit=None, head_id_number=OTHER_ID, members=None),
        a_row(source_id="N4", household_ref="H9"),
    ]
    _, checked = check(session, a_file(*rows), actor=verifier, now=now)
    found = [(fault.row, fault.code, fault.params["first"]) for fault in checked.faults]
    assert found == [(3, "same_need_twice", 2), (4, "household_differs", 2), (5, "same_need_twice", 2)]
    assert bring_in(session, a_row(), a_row(source_id="N2", cause="elder-2"), actor=verifier, now=now)["new"] == 2


def test_a_row_names_whom_of_the_household_it_is_for(session: Session, verifier: Actor, now: datetime) -> None:
    pupils = {"category": "EDU.TERM_SUPPORT", "unit": "元", "gap": 2000}
    first = a_row(**pupils, person_id_number=GOOD_ID)
    second = a_row(**pupils, source_id="N2", person_id_number=OTHER_ID)
    assert bring_in(session, first, second, actor=verifier, now=now)["new"] == 2
    people = {row.person_id for row in needs(session)}
    assert people == set(session.exec(select(Person.id).where(col(Person.id_number_index).is_not(None))))
    counts = bring_in(session, {**second, "source_id": "Z9"}, actor=verifier, now=now, source="registry")
    assert (counts["double"], counts["new"]) == (1, 0)
    bring_in(session, {**second, "person_id_number": None, "gap": 2100}, actor=verifier, now=now)
    assert {row.person_id for row in needs(session)} == people, "a table that says no more takes nothing away"
    bare = {**second, "person_id_number": None}
    counts = bring_in(session, {**bare, "source_id": "Z8"}, actor=verifier, now=now, source="registry")
    assert (counts["double"], counts["new"]) == (1, 0), "who names nobody may mean one of those that are open"


def test_a_changed_row_that_names_nobody_keeps_its_person_and_meets_no_other_need(
    session: Session, verifier: Actor, now: datetime
) -> None:
    pupils = {"category": "EDU.TERM_SUPPORT", "unit": "元", "gap": 2000}
    bring_in(session, a_row(**pupils, person_id_number=GOOD_ID), actor=verifier, now=now)
    (need,) = needs(session)
    home = session.get_one(Household, need.household_id)
    alike = {"category": need.category, "unit": "FEN", "period": need.period, "cause": need.cause}
    a_need(session, home, source="else", **alike)
    assert bring_in(session, a_row(**pupils, urgency="特急"), actor=verifier, now=now)["changed"] == 1
    one = need.person_id
    offer = an_offer(session, an_organisation(session), category=need.category, unit="FEN", stock_units=10**7)
    a_ledger_entry(session, need, offer, units=8)
    bring_in(session, a_row(**pupils, person_id_number=OTHER_ID), actor=verifier, now=now)
    assert session.get_one(Need, need.id, populate_existing=True).person_id == one, "aid for somebody is under way"


def test_a_need_open_from_another_source_is_not_doubled(session: Session, verifier: Actor, now: datetime) -> None:
    bring_in(session, a_row(), actor=verifier, now=now)
    counts = bring_in(session, a_row(source_id="Z9", household_ref="Z"), actor=verifier, now=now, source="registry")
    assert (counts["double"], counts["new"]) == (1, 0)
    assert len(needs(session)) == 1
    assert len(session.exec(select(Household)).all()) == 1


def test_an_unverified_need_gives_way_to_a_verified_one_of_a_register(
    session: Session, verifier: Actor, now: datetime
) -> None:
    bare = a_row(verification_level=None, evidence=None, verifier=None, verified_on=None, household_ref="R")
    bring_in(session, bare, actor=verifier, now=now, source="referral")
    counts = bring_in(session, a_row(), actor=verifier, now=now)
    assert (counts["new"], counts["double"]) == (1, 0)
    old, new = needs(session)
    assert (old.state, old.state_reason) == (NeedState.CLOSED, "replaced")
    assert (new.state, new.household_id) == (NeedState.VERIFIED, old.household_id)


def test_what_is_confirmed_is_what_was_shown_or_nothing(session: Session, verifier: Actor, now: datetime) -> None:
    batch, _ = check(session, a_file(a_row()), actor=verifier, now=now)
    bring_in(session, a_row(), actor=verifier, now=now)
    with pytest.raises(Conflict):
        imports.confirm_import(session, batch.id, actor=verifier, now=now)
    assert session.get(ImportBatch, batch.id).state is ImportState.CHECKED  # type: ignore[union-attr]
    desk.drop(session, batch.id, actor=verifier, now=now)
    with pytest.raises(WrongState):
        imports.confirm_import(session, batch.id, actor=verifier, now=now)


def test_a_recipient_may_come_without_any_person(session: Session, verifier: Actor, now: datetime) -> None:
    names = ("source_id", "household_ref", "district_code", "category", "gap", "members")
    row = {**{name: a_row()[name] for name in names}, "members": 3}
    bring_in(session, row, actor=verifier, now=now)
    [need] = needs(session)
    assert households.list_people(session, need.household_id) == []
    assert households.get_household(session, need.household_id).size == 3


def test_two_needs_of_one_household_in_one_file_make_one_household(
    session: Session, verifier: Actor, now: datetime
) -> None:
    second = a_row(source_id="N2", category="MEDICAL.MAJOR", unit="元", gap="12000.50", phone=None, members=None)
    bring_in(session, a_row(), second, actor=verifier, now=now)
    first, money = needs(session)
    assert first.household_id == money.household_id
    assert (money.gap_units, money.unit) == (1_200_050, "FEN")
    assert len(households.list_people(session, first.household_id)) == 3


def test_only_a_verifier_brings_needs_in(session: Session, approver: Actor, now: datetime) -> None:
    charity = Actor(id="c", role=Role.CHARITY_MANAGER, org_id="o")
    for actor in (approver, charity):
        with pytest.raises(NotAllowed):
            check(session, a_file(a_row()), actor=actor, now=now)


def test_a_source_needs_a_plain_name(session: Session, verifier: Actor, now: datetime) -> None:
    with pytest.raises(BadInput):
        check(session, a_file(a_row()), actor=verifier, now=now, source="a b")


def test_the_schema_has_the_columns_of_the_registry_port(now: datetime) -> None:
    from adapters.ports import NEED_COLUMNS

    assert {column.name for column in need_schema(today=now.date()).columns} == set(NEED_COLUMNS)


def test_needs_made_elsewhere_are_left_alone(session: Session, verifier: Actor, now: datetime) -> None:
    need = a_need(session, a_household(session))
    bring_in(session, a_row(), actor=verifier, now=now)
    assert session.get(Need, need.id).state is NeedState.VERIFIED  # type: ignore[union-attr]
