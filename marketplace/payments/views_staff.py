"""The staff's side: what givers paid in a month, read only, and the accounts that wait for a person.

Enters: staff of civil affairs. Leaves: figures by giver without any account; a holder's name and number only to the one
who settles a doubt, one look at a time, each written down.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Household
from marketplace.organisations.models import Organisation
from marketplace.payments import payees
from marketplace.payments.batches import month_of
from marketplace.payments.books import books_of, months_of, months_with_payments, totals_of_givers
from marketplace.payments.doors import bp
from marketplace.payments.forms import DecideForm
from marketplace.payments.models import Payee, PayeeState
from marketplace.payments.months import find_month
from marketplace.policy import require
from marketplace.reference.words import choices
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.transactions import current_session, writes

VERDICTS = (("accept", _l("It can be paid to")), ("refuse", _l("It is not accepted")))


@bp.get("/overview")
@guard("payment:oversee")
def overview() -> ResponseReturnValue:
    """What each giver ordered and paid in a month."""
    session = current_session()
    months = months_with_payments(session)
    asked = request.args.get("month", "")[:7]
    month = asked if asked in months else next(iter(months), month_of(utc_now()))
    rows = [(session.get_one(Organisation, row[0]), *row[1:]) for row in totals_of_givers(session, month)]
    waiting = len(payees.list_to_check(session, actor=current_actor())) if _may_check() else 0
    return pages.render("payments/overview.html", rows=rows, month=month, months=months, waiting=waiting)


def _may_check() -> bool:
    return current_actor().role.value in ("verifier", "approver")


@bp.get("/overview/<org_id>/<month>")
@guard("payment:oversee")
def giver_books(org_id: str, month: str) -> ResponseReturnValue:
    """The books of one giver and month."""
    session = current_session()
    organisation = session.get(Organisation, org_id)
    if organisation is None or month not in months_of(session, org_id):
        raise NotFound("month")
    books, row = books_of(session, org_id, month), find_month(session, org_id, month)
    return pages.render("payments/books.html", books=books, row=row, layout="staff", organisation=organisation)


@bp.get("/accounts")
@guard("payee:list")
def accounts() -> ResponseReturnValue:
    """Accounts that wait for a person, the oldest first."""
    rows = payees.list_to_check(current_session(), actor=current_actor())
    return pages.render("payments/accounts.html", rows=rows)


@bp.get("/accounts/<payee_id>")
@guard("payee:decide")
def account(payee_id: str) -> ResponseReturnValue:
    """One account and the doubt about it."""
    return _account(payee_id, DecideForm(formdata=None))


@bp.post("/accounts/<payee_id>/show")
@guard("payee:decide")
@writes
def show_account(payee_id: str) -> ResponseReturnValue:
    """Holder, bank and number for this one look."""
    opened = payees.show(current_session(), payee_id, actor=current_actor(), now=utc_now())
    return _account(payee_id, DecideForm(formdata=None), opened=opened)


@bp.post("/accounts/<payee_id>/decide")
@guard("payee:decide")
@writes
def decide_account(payee_id: str) -> ResponseReturnValue:
    """Accept it, or refuse it with a reason that the household reads."""
    form = _filled(DecideForm())
    if not form.validate_on_submit():
        return _account(payee_id, form)
    try:
        payees.decide(
            current_session(),
            payee_id,
            accept=form.verdict.data == "accept",
            reason_code=form.reason_code.data or "",
            actor=current_actor(),
            now=utc_now(),
        )
    except BadInput:
        form.reason_code.errors = [_("Choose a reason: the household reads it.")]
        return _account(payee_id, form)
    return pages.done(_("Settled."), to=url_for(".accounts"))


def _filled(form: DecideForm) -> DecideForm:
    form.verdict.choices = list(VERDICTS)
    form.reason_code.choices = choices("payee_refusal", lang=language())
    return form


def _account(payee_id: str, form: DecideForm, *, opened: Any = None) -> ResponseReturnValue:
    session = current_session()
    payee = _payee(session, payee_id)
    own = payee.typed_by == current_actor().id
    return pages.render("payments/account.html", payee=payee, form=_filled(form), opened=opened, own=own)


def _payee(session: Session, payee_id: str) -> Payee:
    payee = session.get(Payee, payee_id)
    home = session.get(Household, payee.household_id) if payee is not None else None
    require(current_actor(), "payee:decide", district=home.district_code if home is not None else None)
    if payee is None or payee.state is not PayeeState.TO_CHECK:
        raise NotFound("payee")
    return payee
