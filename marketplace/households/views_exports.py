"""Lists of people as a file: what is asked for, a second person's yes, and the file for who asked.

Enters: two members of staff of one district. Leaves: pages without a name, and once a file with the rows. The rules
are in `exports`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from adapters.tabular_writer import Column, write_xlsx
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households import exports
from marketplace.households.doors import SENTENCES, bp
from marketplace.reference import districts
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, _, _l, current_session, done, refuse, render, writes
from marketplace.web.codes import place, word
from marketplace.web.desk import XLSX, file
from marketplace.web.display import language
from marketplace.web.leaving import leaves, mark


class ExportForm(Form):
    """What for, where and who; nothing to type."""

    purpose = OneField(_l("What is the list for?"))
    district = OneField(_l("District"), select=True)
    category = OneField(_l("Category"), select=True)


def _form() -> ExportForm:
    form, served = ExportForm(), current_actor().districts
    form.purpose.choices = choices("export_purpose", lang=language())
    found = [one.code for one in districts.current(local_day(utc_now())) if not served or one.code in served]
    form.district.choices = [(code, place(code)) for code in found]
    form.category.choices = choices("monitoring_category", lang=language())
    return form


@bp.get("/register/exports")
@guard("export:ask")
def list_exports() -> ResponseReturnValue:
    """What was asked for in the actor's districts, and the form."""
    return _page(_form())


def _page(form: ExportForm) -> ResponseReturnValue:
    now, actor = utc_now(), current_actor()
    rows = exports.list_exports(current_session(), actor=actor)
    states = {row.id: exports.state_of(row, now=now).value for row in rows}
    counts = {row.id: exports.count(current_session(), row, now=now) for row in rows if states[row.id] == "asked"}
    return render("households/exports.html", form=form, rows=rows, states=states, counts=counts, me=actor)


@bp.post("/register/exports")
@guard("export:ask")
@writes
def ask_export() -> ResponseReturnValue:
    """Ask; the page comes back with the fault where the list is empty or too long."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form)
    told = {name: getattr(form, name).data or "" for name in ("purpose", "district", "category")}
    try:
        exports.ask(current_session(), **told, actor=current_actor(), now=utc_now())
    except BadInput as error:
        form.category.errors = [SENTENCES.get(error.code, _("Please check this"))]
        return _page(form)
    return done(_("Asked. A colleague has to agree now."), to=url_for(".list_exports"))


@bp.post("/register/exports/<export_id>/agree")
@guard("export:agree")
@writes
def agree_export(export_id: str) -> ResponseReturnValue:
    """A second person agrees."""
    return _decided(export_id, agrees=True)


@bp.post("/register/exports/<export_id>/refuse")
@guard("export:agree")
@writes
def refuse_export(export_id: str) -> ResponseReturnValue:
    """A second person does not agree."""
    return _decided(export_id, agrees=False)


def _decided(export_id: str, *, agrees: bool) -> ResponseReturnValue:
    try:
        exports.decide(current_session(), export_id, agrees=agrees, actor=current_actor(), now=utc_now())
    except (NotAllowed, WrongState) as error:
        return refuse(SENTENCES.get(error.code, _("Please check this")), to=url_for(".list_exports"))
    told = _("Agreed. Who asked may take the file within a day.") if agrees else _("Kept: nothing leaves.")
    return done(told, to=url_for(".list_exports"))


@bp.post("/register/exports/<export_id>/file")
@guard("export:take")
@leaves
@writes
def take_export(export_id: str) -> ResponseReturnValue:
    """The file, once, for who asked."""
    try:
        fields, rows = exports.take(current_session(), export_id, actor=current_actor(), now=utc_now())
    except (BadInput, NotAllowed, WrongState) as error:
        return refuse(SENTENCES.get(error.code, _("Please check this")), to=url_for(".list_exports"))
    columns = [Column(word(name, "field"), width=24) for name in fields]
    return file(write_xlsx(columns, rows, mark=mark()), name=f"people-{export_id[:8]}.xlsx", content_type=XLSX)
