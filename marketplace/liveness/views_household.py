"""The household's side: what we ask, the equal ways to answer, the code with the end of the ID number.

Enters: a signed-in person or a helper. Leaves: pages in plain words, and the acts of `service`.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import NotAllowed
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.liveness import digits, duties, face, service
from marketplace.liveness.doors import bp, face_door
from marketplace.liveness.models import WAITING, CheckCause, SurvivalCheck
from marketplace.reference.words import label
from marketplace.web import (
    CodeField,
    Form,
    OneField,
    TextField,
    _,
    _l,
    confirm,
    current_database,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.display import language


class CodeForm(Form):
    """Six digits and the end of the ID number."""

    code = CodeField(_l("The 6 digits we sent to the telephone"))
    tail = TextField(_l("The last 4 characters of the ID number"), longest=4)


class WishForm(Form):
    """Which of the ways where somebody of the staff takes part."""

    way = OneField(_l("Which way suits you?"))


def _wish_form() -> WishForm:
    form = WishForm()
    form.way.choices = [(way, label("survival_way", way, lang=language())) for way in service.WISHES]
    return form


@bp.get("/mine")
@guard("survival:view")
def mine() -> ResponseReturnValue:
    """What we ask of this household, and when we ask again."""
    session, home = current_session(), own_household()
    found = service.of_household(session, home)
    return render(
        "liveness/mine.html",
        checks=found,
        duties=duties.duties_of_household(session, home),
        waiting=[one for one in found if one.state in WAITING],
        agreed=face.consent_of(session, current_actor().id),
        offered=face_door() is not None,
    )


def _page(check_id: str) -> str:
    return url_for(".my_check", check_id=check_id)


def _own(check_id: str) -> SurvivalCheck:
    return service.get_check(current_session(), check_id, "survival:view", actor=current_actor())


@bp.get("/mine/<check_id>")
@guard("survival:view")
def my_check(check_id: str) -> ResponseReturnValue:
    """One question and every way to answer it; none is better than another."""
    session, found = current_session(), _own(check_id)
    person = session.get_one(Person, found.person_id)
    return render(
        "liveness/my_check.html",
        one=found,
        name=masked_name(session, person),
        waits=found.state in WAITING,
        phone=found.cause is CheckCause.SCHEDULE
        and digits.has_phone(session, person, actor=current_actor(), now=utc_now()),
        agreed=face.consent_of(session, found.person_id),
        offered=face_door() is not None and found.cause is CheckCause.SCHEDULE,
    )


@bp.post("/mine/<check_id>/send-code")
@guard("survival:answer")
@writes
def send_code(check_id: str) -> ResponseReturnValue:
    """Send the digits to the person's own telephone."""
    network = request.remote_addr or ""
    digits.send_code(current_session(), check_id, network=network, actor=current_actor(), now=utc_now())
    return done(_("The code is on its way to the telephone."), to=url_for(".answer_code", check_id=check_id))


@bp.get("/mine/<check_id>/code")
@guard("survival:answer")
def answer_code(check_id: str) -> ResponseReturnValue:
    """Ask for both."""
    return render("liveness/code.html", one=_own(check_id), form=CodeForm())


@bp.post("/mine/<check_id>/code")
@guard("survival:answer")
def check_code(check_id: str) -> ResponseReturnValue:
    """Compare both; a wrong try counts even though the answer is no."""
    found, form = _own(check_id), CodeForm()
    if not form.validate_on_submit():
        return render("liveness/code.html", one=found, form=form)
    given = {"code": form.code.data or "", "tail": form.tail.data or ""}
    fits, fault = False, _("The code or the end of the ID number does not fit. Check both, or ask for a new code.")
    with current_database().transaction() as session:
        try:
            fits = digits.code_and_tail_fit(session, check_id, **given, actor=current_actor(), now=utc_now())
        except NotAllowed as error:
            if error.code != "too_many_tries":
                raise
            fault = _("Too many tries. Wait a quarter of an hour, or choose another way.")
    if not fits:
        form.code.errors = [fault]
        return render("liveness/code.html", one=found, form=form)
    return done(_("Thank you. We have heard from you."), to=_page(check_id))


@bp.route("/mine/<check_id>/other-way", methods=["GET", "POST"])
@guard("survival:answer")
@writes
def other_way(check_id: str) -> ResponseReturnValue:
    """Rather a call, a visit, or the counter."""
    _own(check_id)
    form = _wish_form()
    if form.validate_on_submit():
        service.wish(current_session(), check_id, way=form.way.data or "", actor=current_actor(), now=utc_now())
        return done(_("Noted. Your street office arranges it with you."), to=_page(check_id))
    return confirm(
        layout="household",
        title=_("Another way"),
        intro=_("All ways count the same. What you draw runs on meanwhile."),
        button=_("This way suits me"),
        back=_page(check_id),
        form=form,
    )
