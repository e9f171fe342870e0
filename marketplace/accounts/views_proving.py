"""The page that asks for the second factor: after a sign-in, and before an act that needs a fresh one.

Enters: the cookie of a session, pending or not, and digits or a passkey's answer. Leaves: the same session under a new
cookie, back on the page it came from. The tries are counted even when the answer is no.
"""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from marketplace.accounts import limits, passkeys, proving
from marketplace.accounts.blueprint import bp
from marketplace.accounts.cookies import after_sign_in, cookie_name, safe_next
from marketplace.accounts.models import Account, AccountSession
from marketplace.accounts.trying import TOO_MANY
from marketplace.calendar import utc_now
from marketplace.errors import NotAllowed
from marketplace.guards import guard
from marketplace.web import Form, TextField, _, _l, current_database, current_session, render, writes

PROVING_SENTENCES: dict[str, Any] = {
    "step_up": _l("Show your second factor first, then do this again."),
    "clock_set_back": _l("The clock of this house is wrong. Nothing can be changed until it is right again."),
    "files_used_up": _l("You have taken as many files and prints as one account may in a day. Ask again tomorrow."),
    "proof_failed": _l("This did not fit. Take the newest code, or try your passkey again."),
    "identity_unknown": _l("Signing in did not work. Ask those who look after accounts."),
}


class ProofForm(Form):
    """Six digits of the code app, or what the passkey answered."""

    next = HiddenField()
    answer = HiddenField()
    digits = TextField(_l("Code from your app"), required=False, longest=8)


def token_of_request() -> str:
    """The cookie as it came."""
    return request.cookies.get(cookie_name(), "")


def asked_session() -> AccountSession:
    """The session of this request, pending or not."""
    return proving.held_by(current_session(), token_of_request(), now=utc_now())


@bp.get("/prove")
@guard("account:prove")
def prove() -> ResponseReturnValue:
    """Ask; somebody who has enrolled nothing yet is led to enrol first."""
    asked_session()
    return _page(ProofForm(data={"next": request.args.get("next", "")}))


@bp.post("/prove/passkey")
@guard("account:prove")
@writes
def prove_passkey() -> ResponseReturnValue:
    """Make a challenge for this session and show it to the browser."""
    session, held = current_session(), asked_session()
    options = passkeys.sign_options(session, held.account_id or "", held.id_hash, now=utc_now())
    return _page(ProofForm(), options=options)


@bp.post("/prove")
@guard("account:prove")
def prove_submit() -> ResponseReturnValue:
    """Check; a right proof moves the session under a new cookie."""
    form, now, token = ProofForm(), utc_now(), ""
    asked_session()
    if not form.validate_on_submit():
        return _page(form)
    given = {"digits": (form.digits.data or "").replace(" ", ""), "answer": form.answer.data or ""}
    with current_database().transaction() as session:
        try:
            token = proving.prove(session, token_of_request(), **given, now=now)
        except NotAllowed as error:
            form.digits.errors = [PROVING_SENTENCES.get(error.code, TOO_MANY)]
            who = proving.held_by(session, token_of_request(), now=now).account_id or ""
            limits.note_refused(session, "second factor", who, code=error.code, request_id=g.request_id)
        else:
            held = proving.held_by(session, token, now=now)
            role = session.get_one(Account, held.account_id).role
    return after_sign_in(token, role, to=form.next.data, pending=False) if token else _page(form)


def _page(form: ProofForm, *, options: str = "") -> ResponseReturnValue:
    session, held = current_session(), asked_session()
    account = session.get_one(Account, held.account_id)
    factors = proving.factors_of(session, account.id)
    goal = safe_next(form.next.data, account.role)
    return render(
        "accounts/prove.html",
        title=_("Show your second factor") if factors else _("Set up a second factor"),
        form=form,
        factors=factors,
        goal=goal,
        options=options,
        enrol=url_for(".factor_totp"),
    )
