"""The register of volunteers: sealed, unique in a giver, brought in by file, changed, and stopped with a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import Session, select

from adapters.tabular import read_table
from adapters.tabular_writer import write_csv
from marketplace.actors import Actor, Role
from marketplace.appointments import imports, records, volunteers
from marketplace.appointments.models import HealthFit, Volunteer, VolunteerState
from marketplace.errors import BadInput, Conflict, NotAllowed, WrongState
from marketplace.intake import faults_of
from tests import factories as make
from tests.marketplace import visiting
from tests.marketplace.visiting import NOW, as_manager

HEADS = ("志愿者编号", "姓名", "身份证号", "手机号", "服务技能", "身体状况", "保险单号", "保险起", "保险止")


def test_the_register_holds_no_readable_name_number_or_telephone(session: Session) -> None:
    organisation = make.an_organisation(session)
    told = visiting.facts()
    volunteer = volunteers.register(session, told, actor=as_manager(organisation), now=NOW)
    session.flush()
    row = session.connection().exec_driver_sql("SELECT * FROM volunteer").mappings().one()
    for secret in (told.name, told.id_number, told.phone, told.insurance_no):
        assert not any(secret in str(value) or secret.encode() in bytes(str(value), "utf-8") for value in row.values())
        assert not any(
            isinstance(value, bytes | memoryview) and secret.encode() in bytes(value) for value in row.values()
        )
    assert volunteers.plain(session, volunteer, "phone") == told.phone
    assert volunteer.birth_year == 1990


def test_the_same_person_or_number_is_not_registered_twice_with_one_giver(session: Session) -> None:
    organisation = make.an_organisation(session)
    actor, told = as_manager(organisation), visiting.facts()
    volunteers.register(session, told, actor=actor, now=NOW)
    with pytest.raises(Conflict, match="volunteer_known"):
        volunteers.register(session, replace(told, registration_no="V-other"), actor=actor, now=NOW)
    other = visiting.facts(number=told.registration_no)
    with pytest.raises(Conflict, match="registration_taken"):
        volunteers.register(session, other, actor=actor, now=NOW)
    elsewhere = as_manager(make.an_organisation(session))
    assert volunteers.register(session, told, actor=elsewhere, now=NOW).org_id == elsewhere.org_id


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"id_number": "509900199003071232"}, "id_check_digit"),
        ({"skills": ("FLYING",)}, "skill_unknown"),
        ({"insurance_no": ""}, "insurance_incomplete"),
        ({"insured_to": date(2025, 1, 1)}, "insured_backwards"),
    ],
)
def test_wrong_facts_name_their_field(session: Session, wrong: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput, match=code):
        volunteers.register(session, visiting.facts(**wrong), actor=as_manager(make.an_organisation(session)), now=NOW)


def test_a_case_worker_plans_but_does_not_keep_the_register(session: Session) -> None:
    organisation = make.an_organisation(session)
    with pytest.raises(NotAllowed):
        volunteers.register(session, visiting.facts(), actor=make.as_giver(organisation), now=NOW)


def test_a_change_keeps_the_person_and_a_suspension_needs_a_reason(session: Session) -> None:
    organisation = make.an_organisation(session)
    actor, told = as_manager(organisation), visiting.facts()
    volunteer = volunteers.register(session, told, actor=actor, now=NOW)
    volunteers.change(session, volunteer.id, replace(told, health=HealthFit.LIGHT), actor=actor, now=NOW)
    assert volunteer.health is HealthFit.LIGHT
    other = visiting.facts(number=told.registration_no)
    with pytest.raises(BadInput, match="volunteer_is_another"):
        volunteers.change(session, volunteer.id, other, actor=actor, now=NOW)
    with pytest.raises(BadInput, match="reason_missing"):
        volunteers.set_state(session, volunteer.id, to=VolunteerState.SUSPENDED, actor=actor, now=NOW)
    stop = VolunteerState.SUSPENDED
    volunteers.set_state(session, volunteer.id, to=stop, reason="insurance", actor=actor, now=NOW)
    with pytest.raises(WrongState):
        volunteers.set_state(session, volunteer.id, to=stop, reason="insurance", actor=actor, now=NOW)
    volunteers.set_state(session, volunteer.id, to=VolunteerState.ACTIVE, actor=actor, now=NOW)
    assert volunteer.state is VolunteerState.ACTIVE


def test_who_has_ended_comes_back_as_the_same_person_with_insurance_entered_anew(session: Session) -> None:
    organisation = make.an_organisation(session)
    actor, told = as_manager(organisation), visiting.facts()
    volunteer = volunteers.register(session, told, actor=actor, now=NOW)
    ended = VolunteerState.ENDED
    volunteers.set_state(session, volunteer.id, to=ended, reason="own_wish", actor=actor, now=NOW)
    for number in (told.registration_no, "V-other"):
        with pytest.raises(Conflict, match="volunteer_was_here"):
            volunteers.register(session, replace(told, registration_no=number), actor=actor, now=NOW)
    data = write_csv(HEADS, [_row(told)])
    _batch, checked = imports.check_file(session, data, file_name="v.csv", actor=actor, now=NOW)
    assert [fault.code for fault in checked.faults] == ["volunteer_has_ended"]
    with pytest.raises(WrongState):
        volunteers.set_state(session, volunteer.id, to=VolunteerState.SUSPENDED, reason="health", actor=actor, now=NOW)
    volunteers.set_state(session, volunteer.id, to=VolunteerState.ACTIVE, actor=actor, now=NOW)
    assert (volunteer.state, volunteer.insured_to) == (VolunteerState.ACTIVE, None)
    batch, checked = imports.check_file(session, data, file_name="v.csv", actor=actor, now=NOW)
    assert (checked.faults, batch.counts["changed"]) == ([], 1)
    imports.confirm_import(session, batch.id, actor=actor, now=NOW)
    assert volunteer.insured_to == date(2026, 12, 31)


def test_the_register_leaves_as_a_table_without_id_numbers_and_comes_back_changed(session: Session) -> None:
    organisation = make.an_organisation(session)
    actor, told = as_manager(organisation), visiting.facts()
    volunteer = volunteers.register(session, told, actor=actor, now=NOW)
    for lang in ("zh-Hans", "en"):
        data = records.register_file(session, organisation.id, lang=lang)
        assert told.id_number not in str(read_table(data))
        batch, checked = imports.check_file(session, data, file_name="v.xlsx", actor=actor, now=NOW)
        assert (checked.faults, batch.counts["same"]) == ([], 1)
    heads = [head for head in HEADS if head != "身份证号"]
    changed = dict(zip(HEADS, _row(told, insured_to="2027-12-31"), strict=True))
    data = write_csv(heads, [[changed[head] for head in heads]])
    batch, checked = imports.check_file(session, data, file_name="v.csv", actor=actor, now=NOW)
    assert (checked.faults, batch.counts["changed"]) == ([], 1)
    imports.confirm_import(session, batch.id, actor=actor, now=NOW)
    assert volunteer.insured_to == date(2027, 12, 31)
    stranger = changed | {"志愿者编号": "V-new"}
    data = write_csv(heads, [[stranger[head] for head in heads]])
    _batch, checked = imports.check_file(session, data, file_name="v.csv", actor=actor, now=NOW)
    assert [(fault.column, fault.code) for fault in checked.faults] == [("id_number", "empty")]


def _row(told: volunteers.VolunteerFacts, **over: str) -> list[str]:
    values = {
        "registration_no": told.registration_no,
        "name": told.name,
        "id_number": told.id_number,
        "phone": told.phone,
        "skills": "陪伴交流；课业辅导",
        "health": "一般体力",
        "insurance_no": told.insurance_no,
        "insured_from": "2026-01-01",
        "insured_to": "2026-12-31",
    }
    return list({**values, **over}.values())


def _brought(session: Session, rows: list[list[str]], actor: Actor) -> dict[str, int]:
    batch, _checked = imports.check_file(session, write_csv(HEADS, rows), file_name="a.csv", actor=actor, now=NOW)
    return dict(imports.confirm_import(session, batch.id, actor=actor, now=NOW))


def test_a_file_comes_in_once_and_a_changed_row_changes_one(session: Session) -> None:
    actor = as_manager(make.an_organisation(session))
    told = [visiting.facts() for _ in range(3)]
    rows = [_row(one) for one in told]
    assert _brought(session, rows, actor) == {"new": 3, "changed": 0, "same": 0}
    assert _brought(session, rows, actor) == {"new": 0, "changed": 0, "same": 3}
    rows[1] = _row(told[1], health="仅限轻便活动")
    assert _brought(session, rows, actor) == {"new": 0, "changed": 1, "same": 2}
    found = session.exec(select(Volunteer).where(Volunteer.registration_no == told[1].registration_no)).one()
    assert (found.health, found.skills) == (HealthFit.LIGHT, ["COMPANY", "TUTOR"])


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"health": "力大无穷"}, "not_in_list"),
        ({"insured_to": "2025-12-31"}, "insured_backwards"),
        ({"insurance_no": ""}, "insurance_incomplete"),
        ({"registration_no": "V-twice"}, "volunteer_known"),
    ],
)
def test_a_faulty_file_stores_nothing_and_hides_the_number(session: Session, over: dict[str, str], code: str) -> None:
    actor, told = as_manager(make.an_organisation(session)), visiting.facts()
    rows = [_row(told), _row(told if code == "volunteer_known" else visiting.facts(), **over)]
    batch, checked = imports.check_file(session, write_csv(HEADS, rows), file_name="a.csv", actor=actor, now=NOW)
    assert [(fault.row, fault.code) for fault in faults_of(session, batch)] == [(3, code)]
    assert checked.rows == []
    with pytest.raises(WrongState):
        imports.confirm_import(session, batch.id, actor=actor, now=NOW)
    assert session.exec(select(Volunteer)).all() == []


def test_an_import_is_a_managers(session: Session) -> None:
    organisation = make.an_organisation(session)
    stranger = Actor(id="worker", role=Role.CHARITY_WORKER, org_id=organisation.id)
    with pytest.raises(NotAllowed):
        imports.check_file(session, b"", file_name="a.csv", actor=stranger, now=NOW)
