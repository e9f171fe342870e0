"""What government aid did not cover of an application becomes a verified need, if the household said yes to that.

Enters: a closed case. Leaves: one verified need with its reason: not eligible, or still in need after aid; asked twice
it is the same need; a bill that somebody looked at and found to fit raises its level. Each closed case with that yes
and something refused or uncovered has a clock, so that none is forgotten; it ends with the need or with a reason why
there is none. Called by staff, on the page of the application.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import utc_now
from marketplace.cases import outcome
from marketplace.cases import service as cases
from marketplace.cases.looking import count_fitting
from marketplace.cases.models import CaseDecision
from marketplace.clocks import service as clocks
from marketplace.errors import BadInput, ConsentMissing
from marketplace.guards import current_actor, guard
from marketplace.households.service import get_household
from marketplace.needs import service
from marketplace.needs.blueprint import bp
from marketplace.needs.models import Need, ReferralReason
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.web import _, current_session, done, writes

SOURCE = "case"
CATEGORY = "MEDICAL.MAJOR"
WITH_BILLS, AS_TOLD = 3, 2
"""How well the cost is known: from bills that somebody looked at and found to fit, or from what the family told."""


def need_of_case(session: Session, case_id: str, /, *, actor: Actor, now: datetime) -> Need:
    """The remainder of a closed case as a verified need; without the household's yes it is refused."""
    case = cases.get_case(session, case_id, actor=actor)
    if not case.hand_on:
        raise ConsentMissing("hand_on_missing")
    known = session.exec(select(Need).where(Need.source_index == f"{SOURCE}:{case.id}")).one_or_none()
    if known is not None:
        return known
    left = outcome.remainder(session, case)
    if not left:
        raise BadInput("nothing_left", field="gap_units")
    refused = case.decision is CaseDecision.REFUSED
    reason = ReferralReason.NOT_ELIGIBLE if refused else ReferralReason.STILL_IN_NEED
    facts = service.NeedFacts(CATEGORY, left, period=f"{now:%Y}", cause="ILLNESS", referral_reason=reason)
    home = get_household(session, case.household_id)
    need = service.add_need(session, facts, home=home, source=SOURCE, source_id=case.id, actor=actor, now=now)
    level = WITH_BILLS if count_fitting(session, case) else AS_TOLD
    clocks.end(session, outcome.remainder_ref(case.id), outcome="recorded", now=now)
    told: Any = {"level": level, "evidence": case.number, "government_decision": case.number}
    return service.verify_need(session, need.id, referral_reason=reason, actor=actor, now=now, **told)


@bp.post("/of-case/<case_id>")
@guard("need:verify")
@writes
def of_case(case_id: str) -> ResponseReturnValue:
    """Write down what stayed uncovered."""
    need = need_of_case(current_session(), case_id, actor=current_actor(), now=utc_now())
    return done(_("Written down as a verified need."), to=url_for(".one", need_id=need.id))


def let_go(session: Session, case_id: str, reason: str, /, *, actor: Actor, now: datetime) -> None:
    """Somebody looked, spoke with the family, and there is nothing to hand on: why is written down."""
    case = cases.get_case(session, case_id, actor=actor)
    require(actor, "need:verify", district=case.district_code)
    if reason not in list_codes("remainder_reason"):
        raise BadInput("bad_input", field="reason")
    clocks.end(session, outcome.remainder_ref(case.id), outcome=reason, now=now)
    entry = audit.Entry("need:none", object_ref=case.id, subject=case.household_id, decision=reason)
    audit.record(session, entry, actor=actor, now=now)


@bp.post("/of-case/<case_id>/none")
@guard("need:verify")
@writes
def none_of_case(case_id: str) -> ResponseReturnValue:
    """Nothing is handed on, and why."""
    let_go(current_session(), case_id, request.form.get("reason", ""), actor=current_actor(), now=utc_now())
    return done(_("Written down."), to=url_for("cases.one", case_id=case_id))
