"""A helper comes in with the code of one day; a standing agent by `views_agent`.

Enters: anybody. Leaves: a cookie of a session under one power. Tries are counted even when the answer is no.
"""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.cookies import with_cookie
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotAllowed
from marketplace.guards import guard
from marketplace.proxies import service
from marketplace.proxies.doors import SENTENCES, bp, say
from marketplace.reference.words import choices
from marketplace.web import Form, TextField, _, _l, current_database, render
from marketplace.web.display import language


class HelperForm(Form):
    """The code, and who the helper is."""

    code = TextField(_l("The code that the person gave you"), longest=12)
    name = TextField(_l("Your name"), longest=60)
    phone = TextField(_l("Your mobile number"), longest=20)


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
    asked = {"kinds": choices("helper_kind", lang=lang), "matters": choices("power_matter", lang=lang)}
    return render("proxies/blank_paper.html", **asked, acts=choices("power_act", lang=lang))


@bp.post("/enter")
@guard("power:enter")
def enter_submit() -> ResponseReturnValue:
    """Compare; the household is told who came in."""
    form, token = HelperForm(), ""
    if not form.validate_on_submit():
        return render("proxies/enter.html", form=form)
    given = {"name": form.name.data or "", "phone": form.phone.data or "", "network": request.remote_addr or ""}
    with current_database().transaction() as session:
        try:
            token = service.accept(session, form.code.data or "", **given, now=utc_now())
        except NotAllowed as error:
            form.code.errors = [SENTENCES.get(error.code) or _("Too many tries. Wait a quarter of an hour.")]
        except BadInput as error:
            say(form, error)
    return inside(token) if token else render("proxies/enter.html", form=form)


def inside(token: str, /) -> ResponseReturnValue:
    """On to the household's first page, with the session's cookie."""
    return with_cookie(make_response(redirect(url_for("portal.household_home"), code=303)), token)
