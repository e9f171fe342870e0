"""The pages of incidents: all of them, a new one, and one with its clocks, its list of households and its acts.

Enters: the protection officer, the security administrator or an approver. Leaves: pages; the rules are in `service`.
No page shows who the households are: only how many, and how many of them have been told.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace.calendar import HERE, end_of_day, local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.incidents import service
from marketplace.incidents.models import OperatorKind
from marketplace.organisations.models import Organisation
from marketplace.web import (
    DayField,
    Form,
    OneField,
    TextField,
    _,
    _l,
    confirm,
    current_session,
    done,
    render,
    writes,
)

bp = Blueprint("incidents", __name__, url_prefix="/incidents")
SENTENCES: dict[str, Any] = {
    "authority_told_already": _l("It is written down already that the authority was told."),
    "incident_untold": _l("First the authority and every household have to be told."),
}
ALL = "-"


class IncidentForm(Form):
    """What is known: whose looks, in which days, and who runs the house."""

    what = TextField(_l("What happened?"), longest=200, lines=3)
    org = OneField(_l("Whose looks are within reach?"), select=True)
    since = DayField(_l("From which day?"))
    until = DayField(_l("To which day?"))
    operator = OneField(_l("Who runs this house?"))


@bp.get("/")
@guard("incident:list")
def index() -> ResponseReturnValue:
    """All incidents with their clocks."""
    session, now = current_session(), utc_now()
    rows = [(row, service.lateness(session, row, now=now)) for row in service.list_incidents(session)]
    return render("incidents/index.html", rows=rows)


@bp.route("/new", methods=["GET", "POST"])
@guard("incident:open")
@writes
def new() -> ResponseReturnValue:
    """Write one down; the list of households is made at once."""
    session, form, now = current_session(), IncidentForm(), utc_now()
    form.org.choices = [(ALL, _("Everybody's")), *_organisations(session)]
    form.operator.choices = [
        (OperatorKind.CRITICAL.value, _("An operator of critical infrastructure: one hour")),
        (OperatorKind.STATE.value, _("A state organ: two hours")),
        (OperatorKind.OTHER.value, _("Anybody else: four hours")),
    ]
    if form.validate_on_submit() and form.since.data is not None and form.until.data is not None:
        begins = datetime.combine(form.since.data, time(0), HERE)
        org_id = "" if form.org.data == ALL else form.org.data or ""
        reach = service.Reach(begins, min(now, end_of_day(form.until.data)), org_id=org_id)
        try:
            row = service.open_incident(
                session,
                reach,
                what=form.what.data or "",
                operator=OperatorKind(form.operator.data or ""),
                found_at=now,
                actor=current_actor(),
                now=now,
            )
        except BadInput:
            form.until.errors = [_("The last day comes before the first.")]
        else:
            return done(_("Written down. The clocks run."), to=url_for(".one", incident_id=row.id))
    elif not form.is_submitted():
        form.since.data, form.until.data = local_day(now) - timedelta(days=30), local_day(now)
    return confirm(
        layout="staff",
        title=_("Write an incident down"),
        intro=_("The list of households behind these looks is made at once, from the record of looks."),
        button=_("Write down"),
        back=url_for(".index"),
        form=form,
    )


def _organisations(session: Session) -> list[tuple[str, str]]:
    rows = select(Organisation.id, Organisation.name).order_by(col(Organisation.name), col(Organisation.id))
    return [(key, name) for key, name in session.exec(rows)]


@bp.get("/<incident_id>")
@guard("incident:list")
def one(incident_id: str) -> ResponseReturnValue:
    """What is known, who has to be told by when, and what is still to do."""
    session, now = current_session(), utc_now()
    row = service.get_incident(session, incident_id)
    counts = service.count_affected(session, row.id), service.count_told(session, row.id)
    organisation = session.get(Organisation, row.recipient_org_id)
    late = service.lateness(session, row, now=now)
    return render("incidents/one.html", row=row, affected=counts[0], told=counts[1], late=late, giver=organisation)


@bp.post("/<incident_id>/letters")
@guard("incident:tell")
@writes
def letters(incident_id: str) -> ResponseReturnValue:
    """A neutral letter to each household that has none yet, at most a thousand at once."""
    told = service.write_letters(current_session(), incident_id, actor=current_actor(), now=utc_now())
    return done(_("Letters written: %(n)s.", n=told), to=url_for(".one", incident_id=incident_id))


@bp.post("/<incident_id>/authority")
@guard("incident:tell")
@writes
def authority(incident_id: str) -> ResponseReturnValue:
    """The report has gone to the authority."""
    service.authority_told(current_session(), incident_id, actor=current_actor(), now=utc_now())
    return done(_("Written down."), to=url_for(".one", incident_id=incident_id))


@bp.post("/<incident_id>/close")
@guard("incident:tell")
@writes
def close(incident_id: str) -> ResponseReturnValue:
    """Everybody has been told: it is over."""
    service.close_incident(current_session(), incident_id, actor=current_actor(), now=utc_now())
    return done(_("Closed."), to=url_for(".one", incident_id=incident_id))
