"""Each adult of a household signs in with its own phone: a number, then the code that was sent to it.

Enters: a phone number. Leaves: the cookie of a household session. A number that nobody registered gets the same answer
in the same words, so that this page tells nobody who is poor.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import g, make_response, redirect, request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, select

from marketplace import notices
from marketplace.accounts import codes, limits
from marketplace.accounts import service as accounts
from marketplace.accounts.cookies import cookie_name, settings, with_cookie
from marketplace.accounts.models import SignInCode
from marketplace.errors import NotAllowed
from marketplace.guards import current_actor, guard
from marketplace.households import newcomers
from marketplace.households.doors import bp
from marketplace.households.service import opened_by
from marketplace.households.views_wechat import after_code
from marketplace.sealed import vault_of
from marketplace.web import pages
from marketplace.web.fields import CodeField, Form, TextField
from marketplace.web.transactions import current_database

PHONE = re.compile(r"^1\d{10}$")


class PhoneForm(Form):
    """A mobile number."""

    phone = TextField(_l("Your mobile number"), longest=20)


class CodeForm(Form):
    """The six digits."""

    code = CodeField(_l("The 6 digits we sent you"))


@bp.route("/enter", methods=["GET"])
@guard("account:sign_in")
def enter() -> ResponseReturnValue:
    """Ask for the number."""
    return pages.render("households/enter.html", form=PhoneForm())


@bp.route("/enter", methods=["POST"])
@guard("account:sign_in")
def send_code() -> ResponseReturnValue:
    """Send a code if the number belongs to somebody or this browser applies by it; say the same either way."""
    form = PhoneForm()
    if not form.validate_on_submit():
        return pages.render("households/enter.html", form=form)
    phone = re.sub(r"[\s-]|^\+86", "", form.phone.data)
    if not PHONE.match(phone):
        form.phone.errors = [_l("Write an 11-digit mobile number, such as 138 0000 0000")]
        return pages.render("households/enter.html", form=form)
    now = datetime.now(UTC)
    refused = False
    with current_database().transaction() as session:
        index = vault_of(session).index("phone", phone)
        form_session["phone_index"] = index
        try:
            code = codes.new_code(session, index, network=request.remote_addr or "", now=now)
        except NotAllowed:
            refused = True
        else:
            form_session["code_id"] = code.id
            _post(session, code, now=now)
    if refused:
        form.phone.errors = [_l("Too many tries. Wait a quarter of an hour and try again.")]
        return pages.render("households/enter.html", form=form)
    return redirect(url_for("households.code"), code=303)


def _post(session: Session, code: SignInCode, *, now: datetime) -> None:
    """The letter with the digits, to whom the telephone belongs or to whom this browser applies for; else none."""
    params: dict[str, str] = {"code_id": code.id}
    person = opened_by(session, code.phone_index, now=now)
    if person is not None:
        params["person_id"] = person.id
    elif phone := newcomers.number_of(session, _newcomer(), code.phone_index, now=now):
        codes.goes_to(session, code, phone)
        params["newcomer"] = code.id
    else:
        return
    home_id = person.household_id if person is not None else None
    notices.post(session, "sign_in_code", key=f"code:{code.id}", household_id=home_id, params=params, now=now)


def _newcomer() -> str:
    return str(form_session.get(newcomers.KEPT, ""))


@bp.route("/enter/code", methods=["GET"])
@guard("account:sign_in")
def code() -> ResponseReturnValue:
    """Ask for the digits."""
    return pages.render("households/code.html", form=CodeForm(), shown_code=_demo_code())


@bp.route("/enter/code", methods=["POST"])
@guard("account:sign_in")
def check_code() -> ResponseReturnValue:
    """Compare; the tries are counted even when the answer is no."""
    form = CodeForm()
    if not form.validate_on_submit():
        return pages.render("households/code.html", form=form, shown_code="")
    now = datetime.now(UTC)
    token = ""
    with current_database().transaction() as session:
        token = _token_for(session, form.code.data or "", now=now)
        if not token:
            who = str(form_session.get("phone_index", ""))
            limits.note_refused(session, "code", who, code="code_wrong", request_id=g.request_id)
    if not token:
        form.code.errors = [_l("This code does not fit, or it is too old. Ask for a new one.")]
        return pages.render("households/code.html", form=form, shown_code="")
    form_session.pop("phone_index", None)
    form_session.pop("code_id", None)
    form_session.pop(newcomers.KEPT, None)
    return with_cookie(make_response(redirect(after_code(), code=303)), token)


def _token_for(session: Session, typed: str, *, now: datetime) -> str:
    """A session for the phone's holder if these are the digits that this browser asked for; else nothing."""
    index, code_id = (str(form_session.get(name, "")) for name in ("phone_index", "code_id"))
    try:
        fits = codes.code_fits(session, index, typed, code_id=code_id, now=now)
    except NotAllowed:
        return ""
    person = opened_by(session, index, now=now) if fits else None
    if fits and person is None:
        person = newcomers.come_in(session, _newcomer(), index, actor=current_actor(), now=now)
    if person is None:
        return ""
    accounts.sign_out(session, request.cookies.get(cookie_name(), ""))
    return accounts.open_for_person(session, person.id, person.household_id, now=now)


def _demo_code() -> str:
    """In demonstration mode no message leaves the machine, so the page shows the code that would have been sent."""
    if not settings().demo or "phone_index" not in form_session:
        return ""
    with current_database().reading() as session:
        statement = select(SignInCode).where(SignInCode.phone_index == form_session["phone_index"])
        held = session.exec(statement).first()
        if held is None:
            return ""
        if held.reaches is None and opened_by(session, held.phone_index, now=datetime.now(UTC)) is None:
            return ""
        return codes.code_text(session, held.id)
