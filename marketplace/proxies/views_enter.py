"""A helper comes in with the code of one day and digits to its telephone; a standing agent by `views_agent`.

Enters: anybody. Leaves: a cookie of a session under one power. Tries are counted even when the answer is no.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import make_response, redirect, request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue

from marketplace.accounts import codes
from marketplace.accounts import service as accounts
from marketplace.accounts.cookies import cookie_name, settings, with_cookie
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotAllowed
from marketplace.guards import guard
from marketplace.proxies import service
from marketplace.proxies.doors import SENTENCES, bp, say
from marketplace.reference.words import choices
from marketplace.web import CodeField, Form, TextField, _, _l, current_database, current_session, render
from marketplace.web.display import language


class HelperForm(Form):
    """The code, and who the helper is."""

    code = TextField(_l("The code that the person gave you"), longest=12)
    name = TextField(_l("Your name"), longest=60)
    phone = TextField(_l("Your mobile number"), longest=20)


class DigitsForm(Form):
    """The six digits."""

    code = CodeField(_l("The 6 digits we sent you"))


@bp.get("/enter")
@guard("power:enter")
def enter() -> ResponseReturnValue:
    """Ask for the code of the day."""
    return render("proxies/enter.html", form=HelperForm())


@bp.get("/paper")
@guard("power:enter")
def blank() -> ResponseReturnValue:
    """An empty power on one sheet, to be filled in and signed by hand before anybody writes it down."""
    lang = language()
    asked: dict[str, Any] = {"kinds": choices("helper_kind", lang=lang), "matters": choices("power_matter", lang=lang)}
    return render("proxies/blank_paper.html", **asked, acts=choices("power_act", lang=lang))


@bp.post("/enter")
@guard("power:enter")
def enter_submit() -> ResponseReturnValue:
    """Compare; digits go to the helper's telephone."""
    form = HelperForm()
    if not form.validate_on_submit():
        return render("proxies/enter.html", form=form)
    given = {"name": form.name.data or "", "phone": form.phone.data or "", "network": request.remote_addr or ""}
    with current_database().transaction() as session:
        try:
            power, digits = service.knock(session, form.code.data or "", **given, now=utc_now())
        except NotAllowed as error:
            form.code.errors = [SENTENCES.get(error.code) or _("Too many tries. Wait a quarter of an hour.")]
        except BadInput as error:
            say(form, error)
        else:
            form_session["helper"] = [power.id, digits.id]
    if any(field.errors for field in form):
        return render("proxies/enter.html", form=form)
    return redirect(url_for(".enter_code"), code=303)


@bp.get("/enter/code")
@guard("power:enter")
def enter_code() -> ResponseReturnValue:
    """Ask for the digits."""
    return render("proxies/agent_code.html", form=DigitsForm(), shown_code=shown_digits("helper"), way="enter")


@bp.post("/enter/code")
@guard("power:enter")
def enter_code_submit() -> ResponseReturnValue:
    """Compare; the household is told who came in."""
    form, token = DigitsForm(), ""
    if not form.validate_on_submit():
        return render("proxies/agent_code.html", form=form, shown_code="", way="enter")
    power_id, code_id = form_session.get("helper", ["", ""])
    with current_database().transaction() as session, suppress(NotAllowed):
        token = service.accept(session, power_id, form.code.data or "", code_id=code_id, now=utc_now())
        if token:
            accounts.sign_out(session, request.cookies.get(cookie_name(), ""))
    if token:
        form_session.pop("helper", None)
        return inside(token)
    form.code.errors = [_("This code does not fit, or it is too old. Ask for a new one.")]
    return render("proxies/agent_code.html", form=form, shown_code="", way="enter")


def shown_digits(whose: str, /) -> str:
    """In a demonstration the page shows the digits; `whose` names the place in the browser's own cookie."""
    if settings().demo and whose in form_session:
        return codes.code_text(current_session(), form_session[whose][1])
    return ""


def inside(token: str, /) -> ResponseReturnValue:
    """On to the household's first page, with the session's cookie."""
    return with_cookie(make_response(redirect(url_for("portal.household_home"), code=303)), token)
