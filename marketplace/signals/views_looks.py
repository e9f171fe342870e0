"""One row held back, or one fact found wrong, opened with a reason so that its department can be asked about it.

Enters: staff with a reason. Leaves: a page with what stands there, once; the look is written down. Called by `views`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.guards import current_actor, guard
from marketplace.reference.words import choices
from marketplace.signals import looking, telling
from marketplace.signals.doors import bp
from marketplace.signals.models import Delivery
from marketplace.signals.table import fact_schema
from marketplace.web import Form, OneField, _, _l, current_session, render, writes
from marketplace.web.display import language
from marketplace.web.formats import count, moment

Shown = Sequence[dict[str, str]]


class LookForm(Form):
    """Why somebody looks."""

    reason = OneField(_l("Why do you look?"), select=True)


def _form() -> Any:
    form = LookForm()
    form.reason.choices = choices("reveal_reason", lang=language())
    return form


@bp.route("/feeds/held/<row_id>", methods=["GET", "POST"])
@guard("fact:look")
@writes
def look_held(row_id: str) -> ResponseReturnValue:
    """A row in quarantine: which delivery brought it, and with a reason its cells."""
    session, actor, form = current_session(), current_actor(), _form()
    row = looking.held_row(session, row_id, actor=actor)
    told: Shown = [{"label": _("Row"), "value": count(row.number)}, *_came(row.delivery_id)]
    if form.validate_on_submit():
        columns = {one.name: one.label(lang=language()) for one in fact_schema(row.feed, today=_today()).columns}
        cells = looking.open_held(session, row, reason=str(form.reason.data), actor=actor, now=utc_now())
        told = [*told, *({"label": columns.get(name, name), "value": cell} for name, cell in cells.items())]
        form = None
    return render("signals/look.html", form=form, told=told, code=row.feed)


@bp.route("/feeds/wrong/<fact_id>", methods=["GET", "POST"])
@guard("household:reveal")
@writes
def look_wrong(fact_id: str) -> ResponseReturnValue:
    """A fact found wrong: what was told of whom, and with a reason the ID number under which it was told."""
    session, actor, form = current_session(), current_actor(), _form()
    number = int(fact_id) if fact_id.isdecimal() and len(fact_id) < 19 else 0
    fact = looking.wrong_fact(session, number, actor=actor)
    told: Shown = [{"label": _("What"), "value": telling.fact_told(session, fact)}, *_came(fact.delivery_id)]
    if form.validate_on_submit():
        opened = looking.open_wrong(session, fact, reason=str(form.reason.data), actor=actor, now=utc_now())
        told, form = [*told, {"label": _("ID number"), "value": opened}], None
    return render("signals/look.html", form=form, told=told, code=fact.feed)


def _today() -> date:
    return local_day(utc_now())


def _came(delivery_id: str | None) -> Shown:
    """The delivery by its number and time, as the page of the feed lists it."""
    found = current_session().get(Delivery, delivery_id) if delivery_id else None
    if found is None:
        return []
    return [
        {"label": _("Delivery"), "value": found.id[:8]},
        {"label": _("Came"), "value": moment(found.received_at)},
    ]
