"""Organisations: only a right and new credit code comes in, and only staff with the right to it suspend."""

from dataclasses import replace

import pytest
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.audit import AuditRow, verify
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.organisations import agreements, service
from marketplace.organisations.models import OrganisationKind, OrganisationState
from marketplace.reference.organisation_number import make_uscc

SECOND = Actor(id="approver-2", role=Role.APPROVER)
NEW = service.NewOrganisation(name="山城慈善会", kind=OrganisationKind.CHARITY, credit_code=make_uscc(1))


def test_a_giver_with_a_right_credit_code_is_registered_and_recorded(session: Session, approver, now):
    spaced = replace(NEW, credit_code=NEW.credit_code[:8].lower() + " " + NEW.credit_code[8:])
    made = service.register_organisation(session, spaced, actor=approver, now=now)
    assert made.credit_code == NEW.credit_code
    assert made.state is OrganisationState.APPLIED
    assert session.exec(select(AuditRow.action)).all() == ["organisation:register"]
    assert verify(session).bad_seq == 0


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (NEW.credit_code[:-1], "credit_code_length"),
        (NEW.credit_code[:-1] + ("0" if NEW.credit_code[-1] != "0" else "1"), "credit_code_check_digit"),
        (NEW.credit_code[:9] + "I" + NEW.credit_code[10:], "credit_code_characters"),
    ],
)
def test_a_wrong_credit_code_is_refused_and_the_error_does_not_repeat_it(session, approver, now, wrong, code):
    with pytest.raises(BadInput) as caught:
        service.register_organisation(session, replace(NEW, credit_code=wrong), actor=approver, now=now)
    assert caught.value.code == code
    assert wrong not in str(caught.value)


def test_the_same_credit_code_is_not_registered_twice(session, approver, now):
    service.register_organisation(session, NEW, actor=approver, now=now)
    with pytest.raises(Conflict, match="credit_code_taken"):
        service.register_organisation(session, replace(NEW, name="另一家"), actor=approver, now=now)


@pytest.mark.parametrize("role", [Role.CHARITY_MANAGER, Role.VERIFIER, Role.HOUSEHOLD, Role.PUBLIC])
def test_nobody_but_an_approver_registers(session, now, role):
    with pytest.raises(NotAllowed):
        service.register_organisation(session, NEW, actor=Actor(id="x", role=role), now=now)


def test_a_suspended_organisation_may_not_act_until_it_is_taken_back(session, approver, now):
    made = service.register_organisation(session, NEW, actor=approver, now=now)
    agreements.approve_organisation(session, made.id, actor=SECOND, now=now)
    service.suspend_organisation(session, made.id, reason="complaint", actor=approver, now=now)
    with pytest.raises(WrongState, match="organisation_suspended"):
        service.require_active(session, made.id)
    with pytest.raises(WrongState, match="organisation_state"):
        service.suspend_organisation(session, made.id, reason="complaint", actor=approver, now=now)
    service.reinstate_organisation(session, made.id, actor=approver, now=now)
    assert service.require_active(session, made.id).id == made.id


def test_a_suspension_needs_one_of_the_known_reasons(session, approver, now):
    made = service.register_organisation(session, NEW, actor=approver, now=now)
    with pytest.raises(BadInput, match="suspension_reason"):
        service.suspend_organisation(session, made.id, reason="Mr Li said so", actor=approver, now=now)


def test_the_list_is_found_by_a_piece_of_the_name_or_the_start_of_the_code(session, approver, verifier, now):
    for number, name in enumerate(("江风基金会", "山城慈善会", "100%公益"), start=2):
        new = replace(NEW, name=name, credit_code=make_uscc(number))
        service.register_organisation(session, new, actor=approver, now=now)
    found, total = service.list_organisations(session, actor=verifier, text="慈善")
    assert ([row.name for row in found], total) == (["山城慈善会"], 1)
    assert service.list_organisations(session, actor=verifier, text=make_uscc(2)[:18])[1] == 1
    assert service.list_organisations(session, actor=verifier, text="%")[1] == 1
    page, total = service.list_organisations(session, actor=verifier, offset=2, size=2)
    assert (len(page), total) == (1, 3)


def test_an_unknown_organisation_is_not_found(session, verifier):
    with pytest.raises(NotFound):
        service.get_organisation(session, "nothing", actor=verifier)
