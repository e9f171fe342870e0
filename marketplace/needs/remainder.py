"""What government aid did not cover of an application becomes a verified need, if the household said yes to that.

Enters: a closed case and one of its wishes. Leaves: a verified need for each, with its reason: not eligible, or still
in need after aid; asked twice it is the same need; a bill that somebody looked at and found to fit raises the level of
an illness. Each closed case with that yes and something uncovered has a clock, so that none is forgotten; it ends with
the needs or with a reason why there is none. Called by staff, on the page of the application.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day, utc_now
from marketplace.cases import service as cases
from marketplace.cases import uncovered
from marketplace.cases.evaluate import WANTS
from marketplace.cases.looking import count_fitting
from marketplace.cases.models import Case, ItemState
from marketplace.clocks import service as clocks
from marketplace.errors import BadInput, Conflict, ConsentMissing, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.service import get_household
from marketplace.needs import forms, service
from marketplace.needs.blueprint import bp
from marketplace.needs.forms_left import left_form
from marketplace.needs.models import Need, ReferralReason
from marketplace.policy import require
from marketplace.reference.needs import need_kind
from marketplace.reference.words import list_codes
from marketplace.web import _, current_session, done, render, writes

SOURCE, APART = "case", "recorded_apart"
WITH_BILLS, AS_TOLD = 3, 2
"""How well the cost is known: from bills that somebody looked at and found to fit, or from what the family told."""


def need_of_case(
    session: Session, case_id: str, /, *, want: str = "illness", units: int = 0, actor: Actor, now: datetime
) -> Need:
    """One wish of a closed case that stayed uncovered, as a verified need; without the household's yes it is refused.
    `units` are asked of the family where the application names none."""
    case = cases.get_case(session, case_id, actor=actor)
    if not case.hand_on:
        raise ConsentMissing("hand_on_missing")
    if (known := _known(session, case).get(want)) is not None:
        return known
    left = {one.want: one for one in uncovered.uncovered(session, case)}.get(want)
    if left is None:
        raise BadInput("nothing_left", field="units")
    granted = any(item.state is ItemState.GRANTED for item in cases.list_items(session, case.id))
    reason = ReferralReason.STILL_IN_NEED if granted else ReferralReason.NOT_ELIGIBLE
    facts = service.NeedFacts(
        left.category, units or left.units, period=str(local_day(now).year), cause=left.event, referral_reason=reason
    )
    home, ref = get_household(session, case.household_id), _ref(case, want)
    need = service.add_need(session, facts, home=home, source=SOURCE, source_id=ref, actor=actor, now=now)
    level = WITH_BILLS if want == "illness" and count_fitting(session, case) else AS_TOLD
    told: Any = {"level": level, "evidence": case.number, "government_decision": case.number}
    need = service.verify_need(session, need.id, referral_reason=reason, actor=actor, now=now, **told)
    if {one.want for one in uncovered.uncovered(session, case)} <= set(_known(session, case)):
        clocks.end(session, uncovered.ref_of(case.id), outcome="recorded", now=now)
    return need


def _ref(case: Case, want: str) -> str:
    return f"{case.id}-{want}"


def _known(session: Session, case: Case) -> dict[str, Need]:
    """Wish ► the need that was written down of it."""
    refs = {_ref(case, want): want for want in WANTS}
    asked = select(Need).where(Need.source == SOURCE, col(Need.source_id).in_(refs))
    return {refs[need.source_id]: need for need in session.exec(asked)}


@bp.route("/of-case/<case_id>/<want>", methods=["GET", "POST"])
@guard("need:verify")
@writes
def of_case(case_id: str, want: str) -> ResponseReturnValue:
    """Write down what stayed uncovered of one wish; how much is asked where the application does not say."""
    session, actor = current_session(), current_actor()
    case = cases.get_case(session, case_id, actor=actor)
    left = {one.want: one for one in uncovered.uncovered(session, case)}.get(want)
    if left is None:
        raise NotFound("need")
    kind = need_kind(left.category)
    form = left_form(kind, named=left.units)
    if form.validate_on_submit():
        told: Any = {"want": want, "units": form.units.data or 0}
        try:
            need = need_of_case(session, case_id, actor=actor, now=utc_now(), **told)
        except (BadInput, Conflict) as error:
            forms.say(form, error, otherwise="units")
        else:
            return done(_("Written down as a verified need."), to=url_for(".one", need_id=need.id))
    return render("needs/of_case.html", form=form, case=case, left=left, kind=kind)


def let_go(session: Session, case_id: str, reason: str, /, *, actor: Actor, now: datetime) -> None:
    """Somebody looked, spoke with the family, and there is nothing to hand on: why is written down."""
    case = cases.get_case(session, case_id, actor=actor)
    require(actor, "need:verify", district=case.district_code)
    if reason not in list_codes("remainder_reason"):
        raise BadInput("bad_input", field="reason")
    if reason == APART and not _written_since(session, case):
        raise BadInput("no_need_apart", field="reason")
    clocks.end(session, uncovered.ref_of(case.id), outcome=reason, now=now)
    entry = audit.Entry("need:none", object_ref=case.id, subject=case.household_id, decision=reason)
    audit.record(session, entry, actor=actor, now=now)


def _written_since(session: Session, case: Case) -> bool:
    """Whether a need of this family was written down since the case was closed; or sent, where it was taken back."""
    since = case.decided_at or case.submitted_at
    asked = select(Need.id).where(Need.household_id == case.household_id, col(Need.created_at) >= since)
    return session.exec(asked.limit(1)).first() is not None


@bp.post("/of-case/<case_id>/none")
@guard("need:verify")
@writes
def none_of_case(case_id: str) -> ResponseReturnValue:
    """Nothing is handed on, and why."""
    try:
        let_go(current_session(), case_id, request.form.get("reason", ""), actor=current_actor(), now=utc_now())
    except BadInput as error:
        if error.code != "no_need_apart":
            raise
        return done(forms.SENTENCES[error.code], to=url_for("cases.one", case_id=case_id))
    return done(_("Written down."), to=url_for("cases.one", case_id=case_id))
