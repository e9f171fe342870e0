"""A payout is put right: the insurer, or an approver, says what is true, and another approver agrees or not.

Enters: a person of the insurer, or staff of the district. Leaves: pages that name nobody, and the acts of
`corrections`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.claims import corrections, service
from marketplace.claims.corrections import MISTYPED
from marketplace.claims.doors import SENTENCES, bp
from marketplace.claims.forms import AgreeForm, CorrectForm
from marketplace.claims.models import InsuranceCase, PayoutChange
from marketplace.claims.service import Paid
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.ledger.payouts import payable_kinds
from marketplace.organisations.models import Organisation
from marketplace.reference.words import choices
from marketplace.web import _, confirm, current_session, done, writes
from marketplace.web.codes import word
from marketplace.web.display import language
from marketplace.web.formats import day, yuan

AGREE, STANDS = "agree", "stands"


@bp.route("/cases/<case_id>/correct", methods=["GET", "POST"])
@guard("claim:answer")
@writes
def correct(case_id: str) -> ResponseReturnValue:
    """The insurer says what it paid in truth, or that nothing was paid."""
    case = service.get_case(current_session(), case_id, actor=current_actor())
    return _ask(case.match_id, layout="charity", back=url_for(".one", case_id=case.id))


@bp.route("/matches/<match_id>/correct", methods=["GET", "POST"])
@guard("payout:settle")
@writes
def correct_for(match_id: str) -> ResponseReturnValue:
    """An approver writes down what the insurer has said."""
    return _ask(match_id, layout="staff", back=url_for("decisions.deadlines"))


def _ask(match_id: str, *, layout: str, back: str) -> ResponseReturnValue:
    session, form, lang = current_session(), CorrectForm(), language()
    case = corrections.paid_case(session, match_id, actor=current_actor())
    form.reason_code.choices = choices("payout_change", lang=lang)
    form.category.choices = [(kind.code, kind.name(lang=lang)) for kind in payable_kinds()]
    if form.validate_on_submit():
        try:
            _keep(form, match_id)
        except BadInput as error:
            form[str(error.facts["field"])].errors = [SENTENCES[error.code]]
        else:
            return done(_("Noted. It counts once a second person at civil affairs agrees."), to=back)
    return confirm(
        layout=layout,
        title=_("The payout is wrong, or never came"),
        intro=_(
            "Write what was paid in truth, or choose that nothing was. Until a second person at civil affairs agrees, "
            "the payout counts as it was told."
        ),
        facts=_facts(case),
        button=_("Ask for the correction"),
        back=back,
        form=form,
    )


def _keep(form: CorrectForm, match_id: str) -> None:
    category, amount, paid_on = form.category.data, form.amount.data, form.paid_on.data
    payout = Paid(category, amount, paid_on) if category and amount and paid_on else None
    if payout is None and (category or amount or paid_on):
        raise BadInput("payout_missing", field="amount")
    reason = form.reason_code.data or ""
    corrections.ask(current_session(), match_id, payout, reason_code=reason, actor=current_actor(), now=utc_now())


def _facts(case: InsuranceCase) -> list[dict[str, str]]:
    told = f"{word(case.category, 'need')} · {yuan(case.payout_fen)} · {day(case.paid_on)}"
    return [
        {"label": _("Case"), "value": case.reference},
        {"label": _("Insurer"), "value": current_session().get_one(Organisation, case.org_id).name},
        {"label": _("As it was told"), "value": told},
    ]


@bp.route("/changes/<change_id>", methods=["GET", "POST"])
@guard("payout:settle")
@writes
def change(change_id: str) -> ResponseReturnValue:
    """The second person: it is so, or the payout stands as it was told."""
    session, form, back = current_session(), AgreeForm(), url_for("decisions.deadlines")
    found = corrections.get_open(session, change_id, actor=current_actor())
    form.answer.choices = [(AGREE, _("It is so: correct the payout")), (STANDS, _("The payout stands as it was told"))]
    if form.validate_on_submit():
        agrees = form.answer.data == AGREE
        corrections.decide(session, change_id, agrees=agrees, actor=current_actor(), now=utc_now())
        return done(_("Written down."), to=back)
    case = session.get_one(InsuranceCase, found.case_id)
    return confirm(
        layout="staff",
        title=_("Correct a payout"),
        intro=_(
            "Ask the insurer for the proof of its bank. If you agree, the old payout is taken out of the household's "
            "needs and the corrected one is counted; where nothing was paid, the match ends and the need is open again."
        ),
        facts=[*_facts(case), *_wanted(found)],
        button=_("Write it down"),
        back=back,
        form=form,
    )


def _wanted(found: PayoutChange) -> list[dict[str, str]]:
    wanted = _("nothing was paid")
    if found.reason_code == MISTYPED:
        wanted = f"{word(found.category, 'need')} · {yuan(found.fen)} · {day(found.paid_on)}"
    return [
        {"label": _("What is wrong with it"), "value": word(found.reason_code, "payout_change")},
        {"label": _("Instead"), "value": wanted},
    ]
