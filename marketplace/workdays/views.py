"""The page of the city's own holidays and workdays: what holds, what waits for a second person, a new day.

Enters: staff. Leaves: pages; the rules are in `service`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.policy import decide as decide_by
from marketplace.policy import may
from marketplace.reference.districts import current
from marketplace.reference.words import choices
from marketplace.web import DayField, Form, OneField, TextField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.display import language
from marketplace.workdays import service
from marketplace.workdays.models import DayState, OwnDay

bp = Blueprint("workdays", __name__, url_prefix="/workdays")
CITY = "*"
SENTENCES: dict[str, Any] = {
    "workday_same_person": _l("You wrote this day down yourself. Another person decides."),
    "workday_source": _l("Name the document that says so, and its number."),
    "workday_far": _l("A day of the last month, or of the next year."),
    "workday_same": _l("So it is already in the calendar."),
    "workday_waits": _l("This day waits for a second person already."),
}


class OwnDayForm(Form):
    """A day, where, and who says so."""

    day = DayField(_l("Which day?"))
    district = OneField(_l("Where"), select=True)
    works = OneField(_l("Do the offices work?"))
    cause = OneField(_l("Why"))
    source = TextField(_l("Source"), longest=200, description=_l("The document that says so, and its number."))


@bp.get("/")
@guard("workday:list")
def index() -> ResponseReturnValue:
    """All days, with their two people."""
    session, actor = current_session(), current_actor()
    rows = service.list_days(session)
    people = {row.drafted_by for row in rows} | {row.decided_by for row in rows}
    return render(
        "workdays/index.html",
        rows=rows,
        names=names_of(session, people),
        decides={row.id for row in rows if _decides(row)},
        drafts_it=may(actor, "workday:draft").allow,
    )


def _decides(row: OwnDay) -> bool:
    actor = current_actor()
    allowed = decide_by(actor, "workday:approve", district=row.district_code).allow
    return row.state is DayState.DRAFT and allowed and row.drafted_by not in actor.people


@bp.route("/new", methods=["GET", "POST"])
@guard("workday:draft")
@writes
def new() -> ResponseReturnValue:
    """Write a day down; another person puts it in force."""
    form = _form()
    if form.validate_on_submit() and form.day.data is not None:
        wanted = service.Draft(
            day=form.day.data,
            works=form.works.data == "yes",
            cause=str(form.cause.data),
            source=form.source.data or "",
            district_code="" if form.district.data == CITY else str(form.district.data),
        )
        try:
            service.draft(current_session(), wanted, actor=current_actor(), now=utc_now())
            return done(_("The day waits for a second person."), to=url_for(".index"))
        except BadInput as error:
            form[str(error.facts["field"])].errors = [SENTENCES.get(error.code, _("Choose from the list"))]
    return confirm(
        layout="staff",
        title=_("A day that is not as in the calendar"),
        intro=_("A decree of the city, or a disaster. When another person has agreed, limits are counted by it."),
        button=_("Hand in the day"),
        back=url_for(".index"),
        form=form,
    )


def _form() -> OwnDayForm:
    form, actor = OwnDayForm(), current_actor()
    places = [(one.code, one.name(lang=language())) for one in current(local_day(utc_now())) if actor.serves(one.code)]
    form.district.choices = places if actor.districts else [(CITY, _("The whole city")), *places]
    form.works.choices = [("no", _("They are closed")), ("yes", _("They work"))]
    form.cause.choices = choices("workday_cause", lang=language())
    return form


@bp.post("/<day_id>/<any(approve, refuse):act>")
@guard("workday:approve")
@writes
def decide(day_id: str, act: str) -> ResponseReturnValue:
    """A second person puts a day in force, or not."""
    approved = act == "approve"
    row = service.decide(current_session(), day_id, approved=approved, actor=current_actor(), now=utc_now())
    told = _("The day is in force. Limits that end later by it: %(n)s.", n=row.moved)
    return done(told if approved else _("The day was refused."), to=url_for(".index"))
