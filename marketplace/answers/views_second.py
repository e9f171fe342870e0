"""Pages of staff who ask a second time: what is to be asked, the text as it was read out, the number, what was heard.

Enters: requests of staff of the district other than who read it first. Leaves: pages; each look is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.answers import service
from marketplace.answers.doors import SENTENCES, bp
from marketplace.calendar import utc_now
from marketplace.cases.models import Case
from marketplace.decisions.models import Match
from marketplace.errors import NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households import service as households
from marketplace.households.models import Person
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SecondCall
from marketplace.reference import purposes
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, Page, _, _l, current_session, done, page_number, render, writes
from marketplace.web.display import language


class SecondForm(Form):
    """What the second call heard."""

    heard = OneField(
        _l("What did the person say?"),
        [("yes", _l("The same: it is what I want")), ("no", _l("No: I did not say that"))],
    )


class SettleForm(Form):
    """How a denied answer was put right."""

    outcome = OneField(_l("How did it end?"))


def field_names(codes: Sequence[str]) -> list[tuple[str, str]]:
    """Each field with its name."""
    zh = not language().startswith("en")
    kinds = [(code, purposes.field_kind(code)) for code in codes]
    return [(code, kind.zh if zh else kind.en) for code, kind in kinds]


@bp.get("/second-calls")
@guard("reading:list")
def second_calls() -> ResponseReturnValue:
    """What somebody else asks again, the oldest first."""
    number = page_number()
    page = Page(number, 0)
    session, actor = current_session(), current_actor()
    found = readback.due(session, actor=actor, offset=page.offset, limit=page.size + 1)
    denied = service.denied(session, actor=actor)
    every = [*found, *denied]
    names = {row.id: households.masked_name(session, session.get(Person, row.person_id)) for row in every}
    return render(
        "answers/second_calls.html",
        rows=found[: page.size],
        denied=denied,
        names=names,
        number=number,
        more=len(found) > page.size,
    )


@bp.get("/second-calls/<reading_id>")
@guard("reading:list")
def second(reading_id: str) -> ResponseReturnValue:
    """One of them, with whom to call."""
    return _second_page(_reading(reading_id), SecondForm())


def _reading(reading_id: str) -> ReadBack:
    row = readback.get_reading(current_session(), reading_id, "reading:list", actor=current_actor())
    if row.second is not SecondCall.DUE:
        raise NotFound("reading")
    return row


@bp.post("/second-calls/<reading_id>/text")
@guard("reading:second")
@writes
def second_text(reading_id: str) -> ResponseReturnValue:
    """The text as it was read out; the look is written down, and without it nobody confirms."""
    row, form = _reading(reading_id), SecondForm()
    form.process(formdata=None)
    lines = readback.look(current_session(), row.id, actor=current_actor(), now=utc_now())
    return _second_page(row, form, lines=lines)


def _second_page(
    row: ReadBack, form: SecondForm, *, phone: str = "", lines: tuple[str, ...] = ()
) -> ResponseReturnValue:
    session = current_session()
    person = session.get_one(Person, row.person_id)
    return render(
        "answers/second.html",
        row=row,
        form=form,
        phone=phone,
        name=households.masked_name(session, person),
        reachable=person.phone is not None,
        ours=bool(row.readers & current_actor().people),
        lines=lines,
        agreed=[name for code, name in field_names(row.answer.get("data_fields", ()))],
        as_read=service.is_as_read(session, row),
    )


@bp.post("/second-calls/<reading_id>")
@guard("reading:second")
@writes
def second_submit(reading_id: str) -> ResponseReturnValue:
    """What was heard the second time."""
    row, form = _reading(reading_id), SecondForm()
    if not form.validate_on_submit():
        return _second_page(row, form)
    confirmed = form.heard.data == "yes"
    try:
        service.second(current_session(), row.id, confirmed=confirmed, actor=current_actor(), now=utc_now())
    except WrongState as error:
        form.heard.errors = [SENTENCES.get(error.code, _("Please check this"))]
        return _second_page(_reading(reading_id), form)
    if service.is_open(current_session(), row):
        told = _(
            "Kept: it was not said. What followed from it stands until a colleague has put it right: a task is open."
        )
        return done(told, to=url_for(".second_calls"))
    return done(
        _("Kept: both of you heard the same.") if confirmed else _("Kept: it does not count."),
        to=url_for(".second_calls"),
    )


@bp.route("/second-calls/<reading_id>/denied", methods=["GET", "POST"])
@guard("reading:settle")
@writes
def denied(reading_id: str) -> ResponseReturnValue:
    """What a second call denied after it had counted: what stands, and how it was put right."""
    session, actor, form = current_session(), current_actor(), SettleForm()
    row = readback.get_reading(session, reading_id, "reading:settle", actor=actor)
    if not service.is_open(session, row):
        raise NotFound("reading")
    form.outcome.choices = choices("denied_outcome", lang=language())
    ours = bool(row.readers & actor.people)
    if ours or not form.validate_on_submit():
        person = session.get_one(Person, row.person_id)
        ref, name = row.object_ref.rpartition(":")[2], households.masked_name(session, person)
        stands: dict[str, Any] = {"match": session.get(Match, ref), "case": session.get(Case, ref)}
        return render("answers/denied.html", row=row, form=form, ours=ours, name=name, **stands)
    service.settle(session, row.id, outcome=form.outcome.data or "", actor=actor, now=utc_now())
    return done(_("Kept."), to=url_for(".second_calls"))


@bp.post("/second-calls/<reading_id>/phone")
@guard("household:reveal")
@writes
def second_phone(reading_id: str) -> ResponseReturnValue:
    """The number, shown once and recorded."""
    row, form = _reading(reading_id), SecondForm()
    form.process(formdata=None)
    told: Any = {"purpose": "contact", "reason": "CONTACT"}
    phone = households.reveal(
        current_session(), row.person_id, field="phone", actor=current_actor(), now=utc_now(), **told
    )
    return _second_page(row, form, phone=phone)
