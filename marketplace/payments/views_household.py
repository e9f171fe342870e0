"""The household's side: my bank account, who may see it, and what became of each payment, in plain words.

Enters: the signed-in household, or a worker who types an account with it. Leaves: pages that show the last four digits
and never the number, and the acts of `payees`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from marketplace.calendar import utc_now
from marketplace.consent import notice
from marketplace.consent.service import Capture
from marketplace.decisions.models import Match
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.service import contact_of, masked_name
from marketplace.households.service import get_household as household_of
from marketplace.organisations.models import Organisation
from marketplace.payments import payees
from marketplace.payments.doors import SENTENCES, bp
from marketplace.payments.forms import AccountForm, PermitForm
from marketplace.payments.models import AccountKind, LineState, Payee, PayeeState, PaymentLine
from marketplace.payments.open_matches import (
    LIVE_LINE,
    accounts_at_fault,
    bears_staff_name,
    is_permitted,
    open_of_household,
    permits_begun,
)
from marketplace.payments.twice import unsettled
from marketplace.policy import require
from marketplace.reference.words import choices
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.formats import yuan
from marketplace.web.transactions import current_session, writes

TONES = {PayeeState.OK: "done", PayeeState.TO_CHECK: "wait", PayeeState.REFUSED: "late"}


@dataclass(frozen=True, slots=True)
class Payment:
    """One money match as the household sees it: `step` says in one word what it waits for; `twice` that it
    has come beside that, from the bank again or from the giver's hand, and that a person still finds out."""

    match: Match
    giver: str
    permitted: bool
    line: PaymentLine | None
    step: str
    twice: bool


def _payments(session: Session, household_id: str, payee: Payee | None) -> list[Payment]:
    """Open money matches and everything that was ever sent to a bank, the newest first."""
    lines = select(PaymentLine).where(
        col(PaymentLine.household_id) == household_id, col(PaymentLine.state) != LineState.DROPPED
    )
    found_lines = session.exec(lines.order_by(col(PaymentLine.changed_at))).all()
    last = {line.match_id: line for line in sorted(found_lines, key=lambda line: line.state in LIVE_LINE)}
    still = unsettled(session, found_lines)
    second = {line.match_id for line in found_lines if line.id in still}
    matches = {match.id: match for match in open_of_household(session, household_id)}
    for match_id in last:
        matches.setdefault(match_id, session.get_one(Match, match_id))
    found = [
        _payment(session, match, payee, last.get(match.id), twice=match.id in second) for match in matches.values()
    ]
    return sorted(found, key=lambda payment: payment.match.created_at, reverse=True)


def _payment(
    session: Session, match: Match, payee: Payee | None, line: PaymentLine | None, *, twice: bool = False
) -> Payment:
    permitted = is_permitted(session, match, now=utc_now())
    at_fault = payee is not None and payee.id in accounts_at_fault(session, match.household_id)
    doubtful = payee is not None and bears_staff_name(session, payee, match.org_id)
    begun = bool(permits_begun(session, [match.id], now=utc_now()))
    step = _step(payee, line, permitted=permitted, begun=begun, at_fault=at_fault, doubtful=doubtful)
    return Payment(match, session.get_one(Organisation, match.org_id).name, permitted, line, step, twice)


def _step(
    payee: Payee | None, line: PaymentLine | None, *, permitted: bool, begun: bool, at_fault: bool, doubtful: bool
) -> str:
    if line is not None and line.state is not LineState.FAILED:
        return line.state.value
    if payee is None:
        return "no_account"
    if at_fault:
        return "account_to_correct"
    if not permitted:
        return "permit_to_check" if begun else "no_permit"
    return "account_to_check" if doubtful or payee.state is PayeeState.TO_CHECK else "ready"


@bp.app_template_global()
def money_step_of(match: Match) -> str:
    """What a grant of money that was shown to this household already waits for, in one word."""
    session = current_session()
    lines = select(PaymentLine).where(PaymentLine.match_id == match.id, PaymentLine.state != LineState.DROPPED)
    found = sorted(session.exec(lines.order_by(col(PaymentLine.changed_at))), key=lambda line: line.state in LIVE_LINE)
    payee = payees.find_payee(session, match.household_id)
    return _payment(session, match, payee, found[-1] if found else None).step


@bp.get("/my-account")
@guard("payee:view")
def my_account() -> ResponseReturnValue:
    """The account in four digits, each payment's state, and what to do now."""
    session, household_id = current_session(), own_household()
    payee = payees.find_payee(session, household_id)
    payments = _payments(session, household_id, payee)
    return pages.render(
        "payments/my_account.html",
        payee=payee,
        refused=None if payee else payees.last_refused(session, household_id),
        payments=payments,
        asks=[p for p in payments if p.step == "no_permit"],
        tones=TONES,
        may_type=current_actor().role.value == "household",
    )


def _account_form(asks: Sequence[Payment]) -> AccountForm:
    form, lang = AccountForm(), language()
    form.relation.choices = choices("payee_relation", lang=lang)
    form.kind.choices = choices("account_kind", lang=lang)
    form.matches.choices = _givers(asks)
    return form


def _givers(asks: Sequence[Payment]) -> list[tuple[str, Any]]:
    return [(payment.match.id, f"{payment.giver} · {yuan(payment.match.units)}") for payment in asks]


def _unpermitted(session: Session, household_id: str) -> list[Payment]:
    payments = (_payment(session, match, None, None) for match in open_of_household(session, household_id))
    return [payment for payment in payments if not payment.permitted]


@bp.route("/my-account/edit", methods=["GET", "POST"])
@guard("payee:type")
@writes
def edit_account() -> ResponseReturnValue:
    """Type or correct the account, and say who may see it: one screen."""
    household_id = own_household()
    form = _account_form(_unpermitted(current_session(), household_id))
    if not (form.validate_on_submit() and _save(form, household_id, capture=Capture(lang=language()))):
        return pages.render(
            "payments/account_form.html",
            form=form,
            layout="household",
            back=url_for(".my_account"),
            name="",
            notice=notice.paragraphs(notice.PAYMENT, lang=language()),
        )
    return pages.done(_("Your account is kept. Only its last four digits are shown."), to=url_for(".my_account"))


def _save(form: AccountForm, household_id: str, *, capture: Capture) -> bool:
    """Keep what was typed and the ticks; a wrong number stays on its page with the mend."""
    session, actor, now = current_session(), current_actor(), utc_now()
    if "".join(form.account.data.split()) != "".join(form.again.data.split()):
        form.again.errors = [_("The two numbers are not the same. Type the second one from the card again.")]
        return False
    typed = payees.Typed(
        form.holder.data,
        form.relation.data or "",
        form.bank.data,
        AccountKind(form.kind.data or ""),
        form.account.data,
    )
    try:
        payees.save_account(session, household_id, typed, actor=actor, now=now)
    except BadInput as error:
        field = str(error.facts.get("field", "account"))
        form[field if field in form else "account"].errors = [SENTENCES.get(error.code, error.code)]
        return False
    payees.permit(session, household_id, form.matches.data or [], actor=actor, now=now, capture=capture)
    return True


@bp.route("/my-account/allow", methods=["GET", "POST"])
@guard("payee:type")
@writes
def allow() -> ResponseReturnValue:
    """Let givers see the account that is on record, each by its own tick."""
    session, household_id = current_session(), own_household()
    payee = payees.find_payee(session, household_id)
    form = PermitForm()
    form.matches.choices = _givers(_unpermitted(session, household_id))
    if payee is None or not form.validate_on_submit():
        return pages.render(
            "payments/allow.html", form=form, payee=payee, notice=notice.paragraphs(notice.PAYMENT, lang=language())
        )
    chosen = form.matches.data or []
    payees.permit(session, household_id, chosen, actor=current_actor(), now=utc_now(), capture=Capture(lang=language()))
    return pages.done(_("They may see your account now, for this payment only."), to=url_for(".my_account"))


@bp.route("/households/<household_id>/account", methods=["GET", "POST"])
@guard("payee:assist")
@writes
def assist_account(household_id: str) -> ResponseReturnValue:
    """A worker types the account with the household; another person checks it before anything is paid to it."""
    session = current_session()
    household = household_of(session, household_id)
    require(current_actor(), "payee:assist", district=household.district_code)
    form = _account_form(_unpermitted(session, household_id))
    helper = current_actor().id
    capture = Capture("counter", language(), authenticated_by="helper", signature_kind="paper", helper_id=helper)
    if not (form.validate_on_submit() and _save(form, household_id, capture=capture)):
        return pages.render(
            "payments/account_form.html",
            form=form,
            layout="staff",
            back=url_for("needs.index"),
            name=masked_name(session, contact_of(session, household_id)),
            notice=notice.paragraphs(notice.PAYMENT, lang=language()),
        )
    return pages.done(_("Kept. A colleague checks it before anything is paid to it."), to=url_for("needs.index"))
