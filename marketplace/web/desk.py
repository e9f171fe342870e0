"""The pages on which a table comes in: choose, check, confirm, receipt, and the files that go with it.

Enters: a `Desk`, in which a room says which action guards the pages, what its table looks like and what checks and
stores it. Leaves: seven routes on the room's blueprint, all under ``/import``. Nothing is stored before a person has
seen exactly what will happen; faults are shown one class at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, Conflict, DomainError
from marketplace.guards import current_actor, guard
from marketplace.intake.batches import counts_of, drop_upload, faults_of, get_batch, rows_of
from marketplace.intake.columns import NO_MAPPING, FileMapping, read_mapping
from marketplace.intake.models import ImportBatch, ImportKind, ImportState
from marketplace.intake.report import SHOWN_ROWS, error_file, template_file, told
from marketplace.intake.sentences import hold_sentence, sentence
from marketplace.intake.values import Schema
from marketplace.policy import require
from marketplace.web import Form, UploadField, _, _l, current_session, done, render, writes
from marketplace.web.display import language
from marketplace.web.formats import count

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STATES = {
    ImportState.CHECKED: (_l("waits for you"), "wait"),
    ImportState.CONFIRMED: (_l("stored"), "done"),
    ImportState.DROPPED: (_l("dropped"), "plain"),
}
FAULTY = (_l("has faults"), "late")
SENTENCES: dict[str, Any] = {
    "import_changed": _l("Something else came in since this file was checked. Check the file again."),
    "mapping_not_toml": _l("The mapping file is not readable TOML."),
    "mapping_table": _l("The mapping file may hold the tables columns, constants and values only."),
    "mapping_column": _l("The mapping file names a column that does not exist here."),
}
"""What every table can run into; a room adds its own."""
DOES = ("new", "numbered", "changed", "slips", "moved", "exchanged", "called_off", "served", "not_come", "away")
"""The counts of which each means that confirming does something."""


class UploadForm(Form):
    """A file, and a mapping for those whose columns have other names; rooms add their own questions."""

    file = UploadField(_l("Table (CSV or XLSX)"), accept=".csv,.xlsx")
    mapping = UploadField(_l("Mapping file (TOML)"), required=False, accept=".toml")


@dataclass(frozen=True, slots=True)
class Desk:
    """What a room says about its table. `check` and `confirm` are the room's use cases; `asked` are the form's extra
    fields, handed to `check` by name; `counts` are the words for what confirming will do, with a tint."""

    kind: ImportKind
    action: str
    layout: str
    title: Any
    intro: Any
    home: str
    home_title: Any
    schema: Callable[[date], Schema]
    check: Callable[..., Any]
    confirm: Callable[..., Any]
    counts: Mapping[str, tuple[Any, str]]
    sentences: Mapping[str, Any] = field(default_factory=dict)
    """The room's words for its own error codes."""
    form: type[UploadForm] = UploadForm
    asked: tuple[str, ...] = ()
    always: bool = False
    """Whether confirming means something even when no row is new, such as that a source was loaded."""
    row_words: Callable[[Mapping[str, Any]], str] | None = None
    """How a row that will wait for a person is named, such as its amount."""
    under: str = ""
    """What stands before ``/import`` where the blueprint has no address of its own."""
    looks: tuple[str, Any] | None = None
    """Endpoint (it takes the batch) and words of a page that tells more of a checked table before it is stored."""
    held_home: tuple[str, Any] | None = None
    """Endpoint and words of the list where held rows wait."""

    def install(self, bp: Blueprint) -> None:
        """Hang the pages on the room's blueprint."""
        for rule, name, view, methods in (
            ("/import", "upload", self._upload, ["GET"]),
            ("/import", "upload_submit", writes(self._submit), ["POST"]),
            ("/import/<batch_id>", "batch", self._batch_view, ["GET"]),
            ("/import/<batch_id>/confirm", "confirm_batch", writes(self._confirm), ["POST"]),
            ("/import/<batch_id>/drop", "drop_batch", writes(self._drop), ["POST"]),
            ("/import/<batch_id>/errors.csv", "errors", self._errors, ["GET"]),
            ("/import/template.xlsx", "template", self._template, ["GET"]),
        ):
            bp.add_url_rule(self.under + rule, name, guard(self.action)(view), methods=methods)

    def drop(self, session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> None:
        """Forget a checked file; the command line does it too."""
        require(actor, self.action, org_id=actor.org_id)
        drop_upload(session, batch_id, kind=self.kind, actor=actor, now=now)

    def _upload(self) -> ResponseReturnValue:
        return self._upload_page(self.form())

    def _upload_page(self, form: UploadForm) -> Response:
        org_id = current_actor().org_id
        mine = select(ImportBatch).where(col(ImportBatch.kind) == self.kind, col(ImportBatch.org_id) == org_id)
        recent = current_session().exec(mine.order_by(col(ImportBatch.created_at).desc()).limit(10)).all()
        rows = [(batch, FAULTY if batch.counts.get("faults") else STATES[batch.state]) for batch in recent]
        return render("intake/upload.html", desk=self, form=form, recent=rows)

    def _submit(self) -> ResponseReturnValue:
        form, now = self.form(), datetime.now(UTC)
        if not form.validate_on_submit():
            return self._upload_page(form)
        given = form.file.data
        try:
            batch, _checked = self.check(
                current_session(),
                given.read(),
                file_name=given.filename or "",
                mapping=self._mapping(form, now=now),
                actor=current_actor(),
                now=now,
                **{name: form[name].data for name in self.asked},
            )
        except BadInput as error:
            self._say(form, error)
            return self._upload_page(form)
        return redirect(url_for(".batch", batch_id=batch.id), code=303)

    def _mapping(self, form: UploadForm, *, now: datetime) -> FileMapping:
        data = form.mapping.data.read() if form.mapping.data else b""
        return read_mapping(data, self.schema(local_day(now))) if data else NO_MAPPING

    def _say(self, form: UploadForm, error: DomainError) -> None:
        """Put an error beside its field; one of no field belongs to the mapping file."""
        name = str(error.facts.get("field", "mapping"))
        form[name if name in form else "file"].errors = [self._sentence(error)]

    def _sentence(self, error: DomainError) -> str:
        return str(self.sentences.get(error.code) or SENTENCES.get(error.code, error.code))

    def _batch_view(self, batch_id: str) -> ResponseReturnValue:
        return self._batch_page(self._batch(batch_id))

    def _batch_page(self, found: ImportBatch, *, status: int = 200, refused: str = "") -> Response:
        faults, counts = faults_of(current_session(), found), counts_of(found)
        return render(
            "intake/batch.html",
            status=status,
            desk=self,
            batch=found,
            faults=told(faults, lang=language()),
            faulty_rows=len({fault.row for fault in faults}),
            stage=sentence(f"stage_{int(faults[0].stage)}", lang=language()) if faults else None,
            counts=self._numbers(counts),
            anything=self.always or any(counts.get(name) for name in DOES),
            state=FAULTY if faults else STATES[found.state],
            held=self._held(found),
            refused=refused,
        )

    def _held(self, found: ImportBatch) -> list[tuple[int, str, str]]:
        """Row, words and cause of the first rows that will wait for a person."""
        open_ = found.state is ImportState.CHECKED and not found.counts.get("faults")
        if not (open_ and found.counts.get("held") and self.row_words):
            return []
        rows = [row for row in rows_of(current_session(), found) if row.held][:SHOWN_ROWS]
        return [(row.number, self.row_words(row.values), hold_sentence(row.held[0], lang=language())) for row in rows]

    def _numbers(self, counts: Mapping[str, int]) -> list[dict[str, Any]]:
        return [
            {"value": count(counts[name]), "label": words, "kind": tint if counts[name] else ""}
            for name, (words, tint) in self.counts.items()
            if name in counts
        ]

    def _confirm(self, batch_id: str) -> ResponseReturnValue:
        try:
            self.confirm(current_session(), batch_id, actor=current_actor(), now=datetime.now(UTC))
        except Conflict as error:
            refused = self._sentence(error)
            if rows := error.facts.get("rows"):
                refused += " " + _("Rows that do not fit any more: %(rows)s.", rows=rows)
            return self._batch_page(self._batch(batch_id), status=409, refused=refused)
        return done(_("Stored. This is your receipt."), to=url_for(".batch", batch_id=batch_id))

    def _drop(self, batch_id: str) -> ResponseReturnValue:
        self.drop(current_session(), batch_id, actor=current_actor(), now=datetime.now(UTC))
        return done(_("Dropped. Nothing was stored."), to=url_for(".upload"))

    def _errors(self, batch_id: str) -> ResponseReturnValue:
        faults = faults_of(current_session(), self._batch(batch_id))
        return file(error_file(faults, lang=language()), name="errors.csv", content_type="text/csv; charset=utf-8")

    def _template(self) -> ResponseReturnValue:
        data = template_file(self.schema(local_day(utc_now())), lang=language())
        return file(data, name=f"{self.kind.value}.xlsx", content_type=XLSX)

    def _batch(self, batch_id: str) -> ImportBatch:
        return get_batch(current_session(), batch_id, kind=self.kind, actor=current_actor())


def file(data: bytes, *, name: str, content_type: str) -> Response:
    """A file to keep; no cache may hold it."""
    response = Response(data, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
