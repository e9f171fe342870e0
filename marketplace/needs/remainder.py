"""What government aid did not cover of an application becomes a verified need, if the household said yes to that.

Enters: a closed case. Leaves: one verified need with its reason: not eligible, or still in need after aid; asked twice
it is the same need. The papers were checked by civil affairs already and are not asked again. Called by staff, on the
page of the application.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from marketplace.actors import Actor
from marketplace.calendar import utc_now
from marketplace.cases import outcome
from marketplace.cases import service as cases
from marketplace.cases.models import CaseDecision
from marketplace.errors import BadInput, ConsentMissing
from marketplace.guards import current_actor, guard
from marketplace.households.service import get_household
from marketplace.needs import service
from marketplace.needs.blueprint import bp
from marketplace.needs.models import Need, ReferralReason
from marketplace.web import _, current_session, done, writes

SOURCE = "case"
CATEGORY = "MEDICAL.MAJOR"
LEVEL = 3


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
    told: Any = {"level": LEVEL, "evidence": case.number, "government_decision": case.number}
    return service.verify_need(session, need.id, referral_reason=reason, actor=actor, now=now, **told)


@bp.post("/of-case/<case_id>")
@guard("need:verify")
@writes
def of_case(case_id: str) -> ResponseReturnValue:
    """Write down what stayed uncovered."""
    need = need_of_case(current_session(), case_id, actor=current_actor(), now=utc_now())
    return done(_("Written down as a verified need."), to=url_for(".one", need_id=need.id))
