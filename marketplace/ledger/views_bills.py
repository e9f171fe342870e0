"""The waterfall of one need: what papers show, what each payer before charity pays, what charity may still cover.

Enters: staff of the need's district. Leaves: a page that shows each step in words with its source, and the answers of
payers as a worker records them; insurers that are connected answer by themselves.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.apart import people_of
from marketplace.households.models import Person
from marketplace.households.service import list_people, masked_name
from marketplace.ledger import bills, claiming, overlap
from marketplace.ledger.doors import bp
from marketplace.ledger.models import CostBill, LayerState
from marketplace.ledger.sentences import WATERFALL, standing
from marketplace.ledger.views_rules import rule_sentence
from marketplace.needs.models import Need
from marketplace.policy import may
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, TextField, YuanField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language
from matching.overlap_rules import PAYERS

SOURCES = {
    "THIRD_PARTY_COMPENSATION": _l("An order of the house; temporary-aid rules take compensation off first"),
    "BASIC_INSURANCE": _l("Social assistance rules and medical security ordinances: basic insurance first"),
    "SERIOUS_ILLNESS_INSURANCE": _l("The same: second"),
    "COMMERCIAL_SUPPLEMENT": _l("The same: other supplementary insurance third"),
    "MEDICAL_ASSISTANCE": _l("The same: medical assistance for what is left"),
    "TEMPORARY_AID": _l("An order of the house, because charity is taken off temporary aid in Chongqing"),
    "CHARITY": _l("A supplement, last"),
}
"""Payer ► where its place in the order comes from."""


class CostForm(Form):
    """What papers show."""

    person = OneField(_l("Who was treated?"))
    cost = YuanField(_l("Documented cost"), most=10_000_000_000)
    paper = TextField(_l("Papers seen"), longest=200, description=_l("Such as the settlement sheet and its date."))


class LayerForm(Form):
    """What one payer said."""

    state = OneField(_l("Answer"))
    amount = YuanField(_l("Amount"), most=10_000_000_000, required=False)


@bp.app_template_global()
def cover_to_claim() -> list[claiming.Claim]:
    """What the household that looks can claim, for its own home page."""
    household_id = current_actor().household_id
    return claiming.claims_of(current_session(), household_id) if household_id else []


@bp.get("/bills/<need_id>")
@guard("bill:view")
def bill(need_id: str) -> ResponseReturnValue:
    """Each step in words with its source, what is left after it, and the warning about temporary aid."""
    session, actor = current_session(), current_actor()
    need = _need(session, need_id)
    homes = overlap.homes_of(session, need.household_id)
    row, known = bills.find(session, need_id), overlap.bill_of(session, need, homes)
    people = people_of(session, homes.ids)
    past = overlap.aid_of(session, homes, household_id=need.household_id, people=people)
    order = standing(session, WATERFALL, on=local_day(utc_now()), district=need.district_code).order
    units = max(1, need.gap_units - need.committed_units)
    said = overlap.verdict(session, need, org_id="", units=units, on=local_day(utc_now()))
    return render(
        "ledger/bill.html",
        need=need,
        row=row,
        treated=masked_name(session, session.get(Person, row.person_id)) if row else "",
        steps=bills.steps(known, past, need=need, others=people.others(need.person_id), order=order) if known else [],
        sources=SOURCES,
        said=said,
        sentences={f.code: rule_sentence(f.code, need) for f in (*said.findings, *said.warnings)},
        records=may(actor, "bill:record").allow,
        can_have=bills.can_have_bill(need),
        claims=[one for one in claiming.claims_of(session, need.household_id) if one.need_id == need_id],
    )


@bp.route("/bills/<need_id>/cost", methods=["GET", "POST"])
@guard("bill:record")
@writes
def record_cost(need_id: str) -> ResponseReturnValue:
    """Write the documented cost down, or correct it."""
    session, form = current_session(), CostForm()
    need, row = _need(session, need_id), bills.find(session, need_id)
    people = list_people(session, need.household_id)
    form.person.choices = [(one.id, masked_name(session, one)) for one in people]
    if not form.is_submitted() and row is not None:
        form.person.data, form.cost.data, form.paper.data = row.person_id, row.cost_fen, row.paper
    elif not form.is_submitted() and len(people) == 1:
        form.person.data = people[0].id
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Documented cost"),
            intro=_("Charity then waits until every payer before it has answered."),
            facts=[{"label": _("Need"), "value": word(need.category, "need")}],
            button=_("Keep"),
            back=url_for(".bill", need_id=need_id),
            form=form,
        )
    told: Any = {"paper": form.paper.data or "", "person_id": form.person.data or ""}
    bills.record(session, need_id, cost_fen=form.cost.data or 0, **told, actor=current_actor(), now=utc_now())
    return done(_("The cost is recorded. Now ask those who pay first."), to=url_for(".bill", need_id=need_id))


@bp.route("/bills/<need_id>/<payer>", methods=["GET", "POST"])
@guard("bill:record")
@writes
def record_answer(need_id: str, payer: str) -> ResponseReturnValue:
    """What one payer said: nothing to come, so much to come, so much paid."""
    session, form = current_session(), LayerForm()
    _need(session, need_id)
    row = _bill(session, need_id)
    if payer not in PAYERS[:-1]:
        raise NotFound("cost_layer")
    form.state.choices = choices("layer_state", lang=language())
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=word(payer, "payer"),
            intro=_("An amount goes with a payment made or promised, and with nothing else."),
            button=_("Keep"),
            back=url_for(".bill", need_id=need_id),
            form=form,
        )
    state = LayerState(form.state.data or "")
    bills.answer(session, row.id, payer, state=state, fen=form.amount.data or 0, actor=current_actor(), now=utc_now())
    return done(_("The answer is recorded."), to=url_for(".bill", need_id=need_id))


def _bill(session: Session, need_id: str) -> CostBill:
    row = bills.find(session, need_id)
    if row is None:
        raise NotFound("cost_bill")
    return row


def _need(session: Session, need_id: str) -> Need:
    need = session.get(Need, need_id)
    if need is None or not current_actor().serves(need.district_code):
        raise NotFound("need")
    return need
