"""A giver's pages of what it gave elsewhere, and staff's pile of reports that nobody could place.

Enters: people of charities and insurers, verifiers. Leaves: the giver's own list, in which every report reads alike
whether or not its household is known here; a form for one piece of aid; for staff what waits, without personal data.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, func, select

from adapters.ports import Cell
from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, own_org
from marketplace.intake import CheckedRow
from marketplace.intake.sentences import sentence
from marketplace.ledger import handing_in, reporting, strangers
from marketplace.ledger.doors import SENTENCES, bp
from marketplace.ledger.given_desk import given
from marketplace.ledger.models_reports import AidReport, FeedStranger, ReportDoor, ReportState
from marketplace.needs.forms import EventForm
from marketplace.organisations.models import Organisation
from marketplace.organisations.programmes import programmes
from marketplace.reference.needs import list_need_kinds, need_kind
from marketplace.web import (
    DayField,
    Form,
    OneField,
    Page,
    TextField,
    TickField,
    _,
    _l,
    confirm,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.codes import amount, word
from marketplace.web.display import language

FIELDS = {
    "source_id": "reference",
    "head_id_number": "id_number",
    "need_source_id": "need_ref",
    "household_ref": "id_number",
    "person_id_number": "person_id_number",
    "project": "project",
    "category": "category",
    "units": "units",
    "given_on": "given_on",
    "cause": "event_reference",
}
"""Column of the table ► field of the form."""


class GivenForm(EventForm):
    """One piece of aid; the ID number of the person or the reference of the need says for whom."""

    reference = TextField(
        _l("Your reference"), longest=64, description=_l("The same reference again changes this aid.")
    )
    id_number = TextField(_l("ID number of somebody of the household"), longest=18, required=False)
    person_id_number = TextField(
        _l("ID number of the one person it was for"),
        longest=18,
        required=False,
        description=_l("Only if it was for one person: then it holds up nobody else of the household."),
    )
    need_ref = TextField(_l("Or the reference of the need"), longest=64, required=False)
    category = OneField(_l("Kind of help"), select=True)
    units = TextField(_l("How much"), longest=16, description=_l("Money in yuan, all else in the unit of its kind."))
    given_on = DayField(_l("Day it was given"))
    project = TextField(_l("Your programme, if it belongs to one"), longest=80, required=False)
    other_project = TickField(_l("It is another programme than one with a name near to this"))


@given.get("/")
@guard("aid:report")
def reports() -> ResponseReturnValue:
    """What the organisation has reported, the newest first."""
    session = current_session()
    own = select(AidReport).where(col(AidReport.org_id) == own_org())
    page = Page(page_number(), session.exec(select(func.count()).select_from(own.subquery())).one())
    newest = own.order_by(col(AidReport.created_at).desc(), col(AidReport.id))
    found = session.exec(newest.offset(page.offset).limit(page.size)).all()
    return render("ledger/given.html", rows=[(row, need_kind(row.category).unit) for row in found], page=page)


@given.route("/new", methods=["GET", "POST"])
@guard("aid:report")
@writes
def report_one() -> ResponseReturnValue:
    """One piece of aid by hand, checked like a row of the table."""
    form = GivenForm()
    form.category.choices = [(kind.code, word(kind.code, "need")) for kind in list_need_kinds()]
    form.offer_events()
    form.project.among = programmes(current_session(), own_org()).names()
    if form.validate_on_submit() and _handed_in(current_session(), form):
        return done(_("Taken in. Where something does not fit, a person looks."), to=url_for(".reports"))
    return confirm(
        layout="charity",
        title=_("Report aid you gave elsewhere"),
        intro=_("So that nobody is helped twice and nobody is forgotten. You are not told what others gave."),
        button=_("Report it"),
        back=url_for(".reports"),
        form=form,
    )


def _handed_in(session: Session, form: GivenForm) -> bool:
    try:
        cause = form.cause()
    except BadInput as error:
        form.event_reference.errors = [SENTENCES[error.code]]
        return False
    values = {"source_id": form.reference.data, "head_id_number": form.id_number.data, "cause": cause}
    values |= {"need_source_id": form.need_ref.data, "category": form.category.data, "units": form.units.data}
    values |= {"person_id_number": form.person_id_number.data, "project": form.project.data}
    values |= {"other_project": "yes" if form.other_project.data else ""}
    record: dict[str, Cell] = {name: value for name, value in values.items() if value}
    record["given_on"] = form.given_on.data
    told = handing_in.hand_in(session, [record], door=ReportDoor.PAGE, actor=current_actor(), now=utc_now())
    for fault in told.faults:
        form[FIELDS.get(fault.column, "reference")].errors = [
            " ".join(sentence(fault.code, fault.params, lang=language()))
        ]
    return bool(told.taken)


@bp.get("/unplaced")
@guard("aid:place")
def unplaced() -> ResponseReturnValue:
    """Reports of givers that fit no household or need, the oldest first."""
    session = current_session()
    waiting = select(AidReport, col(Organisation.name)).join(Organisation)
    waiting = waiting.where(col(AidReport.state) == ReportState.LOOK)
    if districts := current_actor().districts:
        waiting = waiting.where(col(AidReport.district_code).in_(("", *sorted(districts))))
    page = Page(page_number(), session.exec(select(func.count()).select_from(waiting.subquery())).one())
    oldest = waiting.order_by(col(AidReport.created_at), col(AidReport.id))
    found = session.exec(oldest.offset(page.offset).limit(page.size)).all()
    shown = [(row, name, need_kind(row.category).unit) for row, name in found]
    return render(
        "ledger/unplaced.html",
        rows=shown,
        page=page,
        days=handing_in.KEPT.days,
        nobody=handing_in.NOBODY,
        feeds=strangers.waiting(session),
        feed_days=strangers.KEPT.days,
        contrary=[_shown(one, row) for one, row in strangers.list_contrary(session, actor=current_actor())],
    )


def _shown(one: FeedStranger, row: CheckedRow) -> tuple[FeedStranger, str, str, date]:
    """What staff see of a payment: its kind, amount and day, and nothing of whose it is."""
    kind, day = need_kind(str(row.values["category"])), date.fromisoformat(str(row.values["given_on"]))
    return one, kind.code, amount(int(str(row.values["units"])), kind.unit), day


@bp.post("/unplaced/payments/<int:number>/count")
@guard("aid:place")
@writes
def count_payment(number: int) -> ResponseReturnValue:
    """The payment is the household's past aid, whatever need the feed names."""
    reporting.count_payment(current_session(), number, actor=current_actor(), now=utc_now())
    return done(_("It stands in the ledger now."), to=url_for("ledger.unplaced"))


@bp.route("/unplaced/payments/<int:number>/aside", methods=["GET", "POST"])
@guard("aid:place")
@writes
def payment_aside(number: int) -> ResponseReturnValue:
    """The payment is no aid of the household: its personal data goes."""
    session, form = current_session(), Form()
    one = strangers.get_contrary(session, number, actor=current_actor())
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Set this payment aside"),
            intro=_("It will count for nobody, and what the feed told of it is destroyed."),
            facts=[
                {"label": _("Source"), "value": word(one.source, "aid_source")},
                {"label": _("Number"), "value": str(one.number)},
            ],
            button=_("Set it aside"),
            back=url_for("ledger.unplaced"),
            form=form,
        )
    strangers.set_aside(session, number, actor=current_actor(), now=utc_now())
    return done(_("The payment is set aside."), to=url_for("ledger.unplaced"))


@bp.post("/unplaced/<report_id>/again")
@guard("aid:place")
@writes
def place_again(report_id: str) -> ResponseReturnValue:
    """Try once more, now that the household or the need may have come in."""
    report = handing_in.place_again(current_session(), report_id, actor=current_actor(), now=utc_now())
    placed = report.state is ReportState.PLACED
    words = _("It stands in the ledger now.") if placed else _("It still fits nobody here.")
    return done(words, to=url_for("ledger.unplaced"))


@bp.post("/unplaced/<report_id>/count")
@guard("aid:place")
@writes
def count_report(report_id: str) -> ResponseReturnValue:
    """The aid is the household's past aid, whatever need its giver names."""
    handing_in.count(current_session(), report_id, actor=current_actor(), now=utc_now())
    return done(_("It stands in the ledger now."), to=url_for("ledger.unplaced"))


@bp.route("/unplaced/<report_id>/aside", methods=["GET", "POST"])
@guard("aid:place")
@writes
def set_aside(report_id: str) -> ResponseReturnValue:
    """It cannot be placed: its personal data goes."""
    session, form = current_session(), Form()
    report = handing_in.get_waiting(session, report_id, actor=current_actor())
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Set this report aside"),
            intro=_("The ID number that came with it is destroyed. The giver may report it again."),
            facts=_facts(session, report),
            button=_("Set it aside"),
            back=url_for("ledger.unplaced"),
            form=form,
        )
    handing_in.set_aside(session, report_id, actor=current_actor(), now=utc_now())
    return done(_("The report is set aside."), to=url_for("ledger.unplaced"))


def _facts(session: Session, report: AidReport) -> list[dict[str, Any]]:
    return [
        {"label": _("Given by"), "value": session.get_one(Organisation, report.org_id).name},
        {"label": _("Reference"), "value": report.reference},
        {"label": _("Kind"), "value": word(report.category, "need")},
        {"label": _("Amount"), "value": amount(report.units, need_kind(report.category).unit)},
    ]
