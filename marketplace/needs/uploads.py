"""Pages for bringing a table of needs in: choose, check, confirm, receipt; and the files that go with it.

Enters: an upload of a verifier. Leaves: a checked batch, shown with exact counts or with faults of one class, then
the stored needs. Hung on the needs' blueprint; the rules are in `needs.imports`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace import intake
from marketplace.errors import BadInput, Conflict
from marketplace.guards import current_actor, guard
from marketplace.intake import ImportBatch, ImportKind, ImportState
from marketplace.needs import forms, imports
from marketplace.needs.blueprint import bp
from marketplace.needs.service import today_of
from marketplace.needs.table import need_schema
from marketplace.reference.needs import need_kind
from marketplace.web import _, _l, current_session, done, render, writes
from marketplace.web.codes import amount
from marketplace.web.display import language
from marketplace.web.formats import count

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COUNTS = {
    "new": (_l("New needs"), ""),
    "changed": (_l("Changed needs"), ""),
    "same": (_l("Unchanged, left as they are"), ""),
    "held": (_l("Of these held for a person"), "late"),
    "unverified": (_l("Of these still to be verified"), "wait"),
    "double": (_l("Left out: open already from another source"), "wait"),
}
STATES = {
    ImportState.CHECKED: (_l("waits for you"), "wait"),
    ImportState.CONFIRMED: (_l("stored"), "done"),
    ImportState.DROPPED: (_l("dropped"), "plain"),
}
FAULTY = (_l("has faults"), "late")


@bp.get("/import")
@guard("need:import")
def upload() -> ResponseReturnValue:
    """Choose a file; below it what came in before."""
    return _upload_page(forms.UploadForm())


def _upload_page(form: forms.UploadForm) -> Response:
    asked = select(ImportBatch).where(col(ImportBatch.kind) == ImportKind.NEEDS, col(ImportBatch.org_id).is_(None))
    recent = current_session().exec(asked.order_by(col(ImportBatch.created_at).desc()).limit(10)).all()
    rows = [(batch, FAULTY if batch.counts.get("faults") else STATES[batch.state]) for batch in recent]
    return render("needs/upload.html", form=form, recent=rows)


@bp.post("/import")
@guard("need:import")
@writes
def upload_submit() -> ResponseReturnValue:
    """Check the file and show what came of it; nothing is stored yet."""
    form = forms.UploadForm()
    if not form.validate_on_submit():
        return _upload_page(form)
    now, file = datetime.now(UTC), form.file.data
    try:
        batch, _checked = imports.check_file(
            current_session(),
            file.read(),
            file_name=file.filename or "",
            source=form.source.data,
            mapping=_mapping(form, now=now),
            actor=current_actor(),
            now=now,
        )
    except BadInput as error:
        forms.say(form, error, otherwise="mapping")
        return _upload_page(form)
    return redirect(url_for(".batch", batch_id=batch.id), code=303)


def _mapping(form: forms.UploadForm, *, now: datetime) -> intake.FileMapping:
    data = form.mapping.data.read() if form.mapping.data else b""
    return intake.read_mapping(data, need_schema(today=today_of(now))) if data else intake.NO_MAPPING


@bp.get("/import/<batch_id>")
@guard("need:import")
def batch(batch_id: str) -> ResponseReturnValue:
    """What the check found, or the receipt once it is stored."""
    return _batch_page(_batch(batch_id))


def _batch_page(found: ImportBatch, *, status: int = 200, refused: str = "") -> Response:
    faults = intake.faults_of(current_session(), found)
    shown = intake.told(faults, lang=language())
    counts = intake.counts_of(found)
    return render(
        "needs/batch.html",
        status=status,
        batch=found,
        faults=shown,
        faulty_rows=len({fault.row for fault in faults}),
        stage=intake.sentence(f"stage_{int(faults[0].stage)}", lang=language()) if faults else None,
        counts=_numbers(counts),
        anything=any(counts.get(name) for name in ("new", "changed")),
        state=FAULTY if faults else STATES[found.state],
        held=_held(found),
        refused=refused,
    )


def _held(found: ImportBatch) -> list[tuple[int, str, str]]:
    """Row, amount and cause of the first rows that will wait for a person."""
    if found.state is not ImportState.CHECKED or found.counts.get("faults") or not found.counts.get("held"):
        return []
    rows = [row for row in intake.rows_of(current_session(), found) if row.held][: intake.SHOWN_ROWS]
    return [
        (
            row.number,
            amount(row.values["gap_units"], need_kind(row.values["category"]).unit),
            intake.hold_sentence(row.held[0], lang=language()),
        )
        for row in rows
    ]


def _numbers(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"value": count(counts[name]), "label": words, "kind": tint if counts[name] else ""}
        for name, (words, tint) in COUNTS.items()
        if name in counts
    ]


@bp.post("/import/<batch_id>/confirm")
@guard("need:import")
@writes
def confirm_batch(batch_id: str) -> ResponseReturnValue:
    """Store exactly what was shown."""
    try:
        imports.confirm_import(current_session(), batch_id, actor=current_actor(), now=datetime.now(UTC))
    except Conflict as error:
        return _batch_page(_batch(batch_id), status=409, refused=str(forms.SENTENCES.get(error.code, "")))
    return done(_("Stored. This is your receipt."), to=url_for(".batch", batch_id=batch_id))


@bp.post("/import/<batch_id>/drop")
@guard("need:import")
@writes
def drop_batch(batch_id: str) -> ResponseReturnValue:
    """Forget the file."""
    imports.drop_import(current_session(), batch_id, actor=current_actor(), now=datetime.now(UTC))
    return done(_("Dropped. Nothing was stored."), to=url_for(".upload"))


@bp.get("/import/<batch_id>/errors.csv")
@guard("need:import")
def errors(batch_id: str) -> ResponseReturnValue:
    """All faults as a file."""
    faults = intake.faults_of(current_session(), _batch(batch_id))
    return _file(intake.error_file(faults, lang=language()), name="errors.csv", kind="text/csv; charset=utf-8")


@bp.get("/template.xlsx")
@guard("need:import")
def template() -> ResponseReturnValue:
    """An empty table whose columns fit and whose ID column is text."""
    schema = need_schema(today=today_of(datetime.now(UTC)))
    return _file(intake.template_file(schema, lang=language()), name="needs.xlsx", kind=XLSX)


def _file(data: bytes, *, name: str, kind: str) -> Response:
    response = Response(data, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _batch(batch_id: str) -> ImportBatch:
    return intake.get_batch(current_session(), batch_id, kind=ImportKind.NEEDS, actor=current_actor())
