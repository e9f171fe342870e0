"""The page on which an account's holder changes the password.

Enters: the old and the new one. Leaves: the change, and the end of every other sign-in of this account. A wrong old
password is counted although the change is refused.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from wtforms import PasswordField
from wtforms.validators import InputRequired

from marketplace.accounts import passwords, proving
from marketplace.accounts.blueprint import bp
from marketplace.accounts.service import hash_of
from marketplace.accounts.views_proving import token_of_request
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, WrongState
from marketplace.guards import current_actor, guard
from marketplace.web import Form, _, _l, current_session, done, render, writes

WRONG = {
    "password_wrong": _l("This is not your password."),
    "password_short": _l("A password has 12 to 128 characters."),
    "password_weak": _l("Take one that is not the old one, does not hold your login, and is not one sign repeated."),
}


class PasswordForm(Form):
    """The old one, and the new one once: what is typed can be pasted from a password manager."""

    old = PasswordField(_l("Your password now"), validators=[InputRequired(message=_l("Please fill this in"))])
    new = PasswordField(_l("The new one"), validators=[InputRequired(message=_l("Please fill this in"))])


@bp.route("/security/password", methods=["GET", "POST"])
@guard("account:password")
@writes
def security_password() -> ResponseReturnValue:
    """Change it; a fresh second factor is asked first."""
    session, actor, form, now = current_session(), current_actor(), PasswordForm(), utc_now()
    if form.validate_on_submit():
        given = {"old": form.old.data or "", "new": form.new.data or ""}
        try:
            passwords.change_password(session, **given, actor=actor, now=now)
        except BadInput as error:
            field = form.old if error.facts.get("field") == "old" else form.new
            field.errors = [WRONG[error.code]]
        except WrongState:
            form.old.errors = [_l("This account has no password here: it signs in elsewhere.")]
        else:
            proving.end_sessions(session, actor, but=hash_of(token_of_request()), now=now)
            return done(_("Changed. Your other sign-ins have ended."), to=url_for(".security"))
    layout = f"layout/{'charity' if actor.org_id else 'staff'}.html"
    return render("accounts/password.html", layout=layout, form=form)
