"""The emergency pages: staff ask, agree and judge; the organisation looks within its half hour.

Enters: two members of staff, a person of the organisation, the protection officer. Leaves: what `sharing.emergency`
writes; a household's data is shown on no other page without its consent.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace.calendar import utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, need_fresh_proof, own_org
from marketplace.households.models import Household
from marketplace.households.service import contact_of, masked_name
from marketplace.organisations.models import Organisation, OrganisationState
from marketplace.policy import require
from marketplace.reference import purposes
from marketplace.reference.words import choices
from marketplace.sharing import emergency
from marketplace.sharing.doors import bp
from marketplace.sharing.models import Emergency
from marketplace.web import Form, ManyField, OneField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.display import language


class AskForm(Form):
    """To whom, what, and why; nothing is ticked beforehand."""

    org_id = OneField(_l("Who has to know it?"), select=True)
    data_fields = ManyField(_l("What?"), required=_l("Choose at least one"))
    reason_code = OneField(_l("What is in danger?"))


class ReviewForm(Form):
    """What the protection officer finds."""

    verdict = OneField(_l("What do you find?"))


@bp.get("/emergencies/")
@guard("emergency:list")
def emergencies() -> ResponseReturnValue:
    """What was asked, opened and judged in the actor's area."""
    session = current_session()
    rows = emergency.list_emergencies(session, actor=current_actor())
    return render("sharing/emergencies.html", rows=rows, names=_names(session, rows), layout="layout/staff.html")


@bp.route("/households/<household_id>/emergency", methods=["GET", "POST"])
@guard("emergency:ask")
@writes
def ask(household_id: str) -> ResponseReturnValue:
    """Ask that an organisation may see something without consent."""
    session, actor = current_session(), current_actor()
    household = session.get(Household, household_id)
    person = contact_of(session, household_id)
    if household is None or person is None:
        raise NotFound("household")
    require(actor, "emergency:ask", district=household.district_code)
    form, zh = AskForm(), not language().startswith("en")
    active = select(Organisation.id, Organisation.name).where(col(Organisation.state) == OrganisationState.ACTIVE)
    form.org_id.choices = [(key, name) for key, name in session.exec(active.order_by(col(Organisation.name)))]
    kinds = [purposes.field_kind(code) for code in emergency.fields_for(person)]
    form.data_fields.choices = [(kind.code, kind.zh if zh else kind.en) for kind in kinds]
    form.reason_code.choices = choices("emergency_reason", lang=language())
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Show data in an emergency"),
            intro=_(
                "For %(name)s. Only where a life or health is in danger and nobody can be asked. A colleague has to "
                "agree; then it is open for half an hour, the household is told, and the protection officer judges.",
                name=masked_name(session, person),
            ),
            button=_("Ask a colleague to agree"),
            back=url_for(".emergencies"),
            form=form,
        )
    emergency.ask(
        session,
        person.id,
        org_id=form.org_id.data or "",
        data_fields=form.data_fields.data or [],
        reason_code=form.reason_code.data or "",
        actor=actor,
        now=utc_now(),
    )
    return done(_("Asked. A colleague has to agree now."), to=url_for(".emergencies"))


@bp.post("/emergencies/<emergency_id>/open")
@guard("emergency:open")
@writes
def open_up(emergency_id: str) -> ResponseReturnValue:
    """Agree: half an hour begins."""
    emergency.open_up(current_session(), emergency_id, actor=current_actor(), now=utc_now())
    return done(_("Open for half an hour. The household is told."), to=url_for(".emergencies"))


@bp.route("/emergencies/<emergency_id>/review", methods=["GET", "POST"])
@guard("emergency:review")
@writes
def review(emergency_id: str) -> ResponseReturnValue:
    """Judge what two others did."""
    session, form = current_session(), ReviewForm()
    if session.get(Emergency, emergency_id) is None:
        raise NotFound("emergency")
    form.verdict.choices = choices("emergency_verdict", lang=language())
    if not form.validate_on_submit():
        page = {"title": _("Judge this emergency"), "button": _("Keep"), "back": url_for(".emergencies")}
        return confirm(layout="staff", form=form, **page)
    emergency.review(session, emergency_id, verdict=form.verdict.data or "", actor=current_actor(), now=utc_now())
    return done(_("Kept."), to=url_for(".emergencies"))


@bp.get("/our-emergencies/")
@guard("emergency:look")
def own_emergencies() -> ResponseReturnValue:
    """What was opened for this organisation."""
    session = current_session()
    rows = emergency.list_emergencies(session, actor=current_actor(), org_id=own_org())
    return render("sharing/own_emergencies.html", rows=rows, now=utc_now(), known=None)


@bp.post("/our-emergencies/<emergency_id>")
@guard("emergency:look")
@writes
def look(emergency_id: str) -> ResponseReturnValue:
    """Look once; it is written down."""
    need_fresh_proof()
    session = current_session()
    known = emergency.look(session, emergency_id, actor=current_actor(), now=utc_now())
    rows = emergency.list_emergencies(session, actor=current_actor(), org_id=own_org())
    return render("sharing/own_emergencies.html", rows=rows, now=utc_now(), known=known)


def _names(session: Session, rows: list[Emergency]) -> dict[str, str]:
    wanted = select(Organisation.id, Organisation.name).where(col(Organisation.id).in_({row.org_id for row in rows}))
    return dict(session.exec(wanted).all())
