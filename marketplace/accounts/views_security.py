"""What an account's holder keeps: second factors and sign-ins; a household sees and ends its sign-ins too.

Enters: the holder's requests. Leaves: pages. A factor is added or removed only with a fresh proof, the first one right
after signing in; then the holder's other sessions end.
"""

from __future__ import annotations

from datetime import datetime

import segno
from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField

from marketplace.accounts import passkeys, proving, ties, totp
from marketplace.accounts.blueprint import bp
from marketplace.accounts.cookies import with_cookie
from marketplace.accounts.models import Account, AccountSession
from marketplace.accounts.service import hash_of
from marketplace.accounts.views_proving import asked_session, token_of_request
from marketplace.actors import Role
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotAllowed
from marketplace.guards import current_actor, guard
from marketplace.web import Form, TextField, _, _l, current_session, done, render, writes


class DigitsForm(Form):
    """The first code of a new app."""

    digits = TextField(_l("Code from your app"), longest=8)


class KeyForm(Form):
    """A name for the key, and what the browser answered."""

    answer = HiddenField()
    label = TextField(_l("A name for this passkey, such as your phone"), longest=64)


@bp.get("/security/")
@guard("account:factors")
def security() -> ResponseReturnValue:
    """Second factors of mine, and where I am signed in."""
    session, actor, now = current_session(), current_actor(), utc_now()
    return render(
        "accounts/security.html",
        layout=f"layout/{'charity' if actor.org_id else 'staff'}.html",
        factors=proving.factors_of(session, actor.id),
        sessions=proving.sessions_of(session, actor, now=now),
        here=hash_of(token_of_request()),
    )


@bp.get("/sessions/")
@guard("account:sessions")
def sessions() -> ResponseReturnValue:
    """Where I am signed in."""
    actor = current_actor()
    kind = "household" if actor.role in (Role.HOUSEHOLD, Role.HELPER) else "charity" if actor.org_id else "staff"
    rows = proving.sessions_of(current_session(), actor, now=utc_now())
    return render(
        "accounts/sessions.html", layout=f"layout/{kind}.html", sessions=rows, here=hash_of(token_of_request())
    )


@bp.post("/sessions/end")
@guard("account:sessions")
@writes
def end_sessions() -> ResponseReturnValue:
    """End one, or all but this one."""
    only = request.form.get("which", "")[:16]
    here = hash_of(token_of_request())
    proving.end_sessions(current_session(), current_actor(), only=only, but=here, now=utc_now())
    return done(_("Ended."), to=url_for(".sessions"))


@bp.post("/security/app")
@guard("account:prove")
@writes
def factor_totp() -> ResponseReturnValue:
    """A new secret for a code app, shown once as a picture and as text."""
    held = _changing()
    account = current_session().get_one(Account, held.account_id)
    return _totp_page(totp.begin(current_session(), account), DigitsForm(formdata=None))


@bp.post("/security/app/confirm")
@guard("account:prove")
@writes
def factor_totp_confirm() -> ResponseReturnValue:
    """The first right code makes it count."""
    held, form, now = _changing(), DigitsForm(), utc_now()
    session, account_id = current_session(), held.account_id or ""
    digits = (form.digits.data or "").replace(" ", "")
    if not (form.validate_on_submit() and totp.confirm(session, account_id, digits, now=now)):
        form.digits.errors = [_l("This did not fit. Begin again with a new picture, or take the newest code.")]
        return _totp_page("", form)
    return _added(held, rule="totp", now=now)


@bp.post("/security/passkey")
@guard("account:prove")
@writes
def factor_passkey() -> ResponseReturnValue:
    """A challenge for a new passkey."""
    session, held = current_session(), _changing()
    account = session.get_one(Account, held.account_id)
    options = passkeys.enrol_options(session, account, held.id_hash, now=utc_now())
    return render("accounts/passkey.html", form=KeyForm(formdata=None), options=options)


@bp.post("/security/passkey/confirm")
@guard("account:prove")
@writes
def factor_passkey_confirm() -> ResponseReturnValue:
    """Keep the key if all is as asked."""
    held, form, now = _changing(), KeyForm(), utc_now()
    given = {"answer": form.answer.data or "", "label": form.label.data or _("Passkey")}
    key = passkeys.enrol(current_session(), held.account_id or "", held.id_hash, **given, now=now)
    if key is None:
        raise NotAllowed("proof_failed")
    return _added(held, rule="passkey", now=now)


@bp.post("/security/remove")
@guard("account:factors")
@writes
def factor_remove() -> ResponseReturnValue:
    """One factor less."""
    session, held, now = current_session(), _changing(), utc_now()
    account_id, key_id = held.account_id or "", request.form.get("passkey", "")
    if key_id:
        proving.remove_passkey(session, account_id, key_id, now=now)
    else:
        proving.remove_totp(session, account_id, now=now)
    proving.end_sessions(session, current_actor(), but=held.id_hash, now=now)
    return done(_("Removed. Your other sign-ins have ended."), to=url_for(".security"))


class TieForm(Form):
    """Somebody close, or an organisation one belongs to."""

    value = TextField(
        _l("ID number, telephone or bank account of somebody close to you, or an organisation's credit code"),
        longest=24,
    )
    reference = TextField(_l("A word by which you know it again"), longest=32)


@bp.route("/security/ties", methods=["GET", "POST"])
@guard("account:factors")
@writes
def security_ties() -> ResponseReturnValue:
    """Whom I am close to: I do not approve for them."""
    session, actor, form = current_session(), current_actor(), TieForm()
    if form.validate_on_submit():
        given = {"reference": form.reference.data or ""}
        try:
            ties.declare(session, form.value.data or "", **given, actor=actor, now=utc_now())
        except BadInput:
            form.value.errors = [
                _l("Write an ID number, a telephone of 11 digits, a bank account, or a credit code of 18 characters.")
            ]
        else:
            return done(_("Written down."), to=url_for(".security_ties"))
    layout = f"layout/{'charity' if actor.org_id else 'staff'}.html"
    held, last = ties.list_ties(session, actor=actor), ties.COUNTS_ON
    return render("accounts/ties.html", layout=layout, form=form, ties=held, counts_on=last)


@bp.post("/security/ties/remove")
@guard("account:factors")
@writes
def security_untie() -> ResponseReturnValue:
    """Take one back; for a year it counts on."""
    ties.untie(current_session(), request.form.get("tie", ""), actor=current_actor(), now=utc_now())
    return done(_("Taken back. It counts for one more year."), to=url_for(".security_ties"))


def _changing() -> AccountSession:
    """The session that may change factors now; else it must prove itself again."""
    held = asked_session()
    if not proving.may_change_factors(current_session(), held, now=utc_now()):
        raise NotAllowed("step_up")
    return held


def _added(held: AccountSession, *, rule: str, now: datetime) -> ResponseReturnValue:
    session = current_session()
    proving.note(session, held.account_id or "", "account:factor_add", rule=rule, now=now)
    token = proving.rotate(session, held, now=now)
    return with_cookie(make_response(done(_("Your second factor is set up."), to=url_for(".security"))), token)


def _totp_page(address: str, form: DigitsForm) -> ResponseReturnValue:
    picture = segno.make(address, error="m").svg_data_uri(scale=4, border=2) if address else ""
    secret = address.partition("secret=")[2].partition("&")[0]
    return render("accounts/totp.html", form=form, picture=picture, secret=secret)
