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
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.guards import current_actor, guard
from marketplace.web import Form, _, _l, current_database, done, render

WEAK = _l("Take one that nobody would guess: not the old one, not your login, no row of keys, no word like password.")
WRONG = {
    "password_wrong": _l("This is not your password."),
    "too_many_tries": _l("Too many tries. Wait a quarter of an hour and try again."),
    "no_password": _l("This account has no password here: it signs in elsewhere."),
    "password_short": _l("A password has 12 to 128 characters."),
    "password_weak": WEAK,
}


class PasswordForm(Form):
    """The old one, and the new one once: what is typed can be pasted from a password manager."""

    old = PasswordField(_l("Your password now"), validators=[InputRequired(message=_l("Please fill this in"))])
    new = PasswordField(_l("The new one"), validators=[InputRequired(message=_l("Please fill this in"))])


@bp.route("/security/password", methods=["GET", "POST"])
@guard("account:password")
def security_password() -> ResponseReturnValue:
    """Change it; a fresh second factor is asked first. The count of wrong tries is kept even when the answer is no."""
    actor, form = current_actor(), PasswordForm()
    if form.validate_on_submit() and _changed(form):
        return done(_("Changed. Your other sign-ins have ended."), to=url_for(".security"))
    layout = f"layout/{'charity' if actor.org_id else 'staff'}.html"
    return render("accounts/password.html", layout=layout, form=form)


def _changed(form: PasswordForm) -> bool:
    """In a transaction of its own, so that a refusal keeps its count; what was refused has changed nothing."""
    actor, now = current_actor(), utc_now()
    given = {"old": form.old.data or "", "new": form.new.data or ""}
    with current_database().transaction() as session:
        try:
            passwords.change_password(session, **given, actor=actor, now=now)
            proving.end_sessions(session, actor, but=hash_of(token_of_request()), now=now)
        except (BadInput, WrongState, NotAllowed) as error:
            field = form.new if error.facts.get("field") == "new" else form.old
            field.errors = [WRONG[error.code]]
            return False
    return True
