"""Runs on pages: choose and preview, start, watch, read the result and the proof, see who is left at zero and why.

Enters: staff. Leaves: pages; progress comes as server-sent events, and without JavaScript by a page that reloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import col, select

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.guards import current_actor, guard
from marketplace.ledger.handing_in import BY_GIVER, source_of
from marketplace.organisations.models import Organisation
from marketplace.proposals import overrides, results, service
from marketplace.proposals.doors import bp
from marketplace.proposals.doubts import doubt_of
from marketplace.proposals.models import Run, RunState
from marketplace.proposals.problem import Scope
from marketplace.reference import districts
from marketplace.reference.needs import need_kind
from marketplace.reference.words import choices
from marketplace.web import codes, formats, live, pages
from marketplace.web.display import language
from marketplace.web.fields import Form, ManyField, OneField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_database, current_session, writes

ALL = "*"
"""All kinds together, in the gaps of a certificate."""
UNDER_WAY = (RunState.WAITING, RunState.WORKING)
BUDGETS = ("10", "60", "600")


class RunForm(Form):
    """Scope and policy of a run."""

    districts = ManyField(_l("Districts (none ticked: the whole city)"), required=False)
    categories = ManyField(_l("Kinds of need (none ticked: all)"), required=False)
    order = OneField(_l("Whose needs come first"))
    budget_s = OneField(_l("Time at most"))


def _form(*, given: bool = True) -> RunForm:
    form = RunForm() if given else RunForm(formdata=None, data={"order": "urgency_first", "budget_s": "60"})
    lang = language()
    actor, today = current_actor(), local_day(utc_now())
    form.districts.choices = [(d.code, d.name(lang=lang)) for d in districts.current(today) if actor.serves(d.code)]
    if actor.districts:
        form.districts.label.text = _("Districts (none ticked: all of yours)")
    form.categories.choices = choices("need", lang=lang)
    form.order.choices = [
        ("urgency_first", _("The most urgent first: their gaps are filled before others begin")),
        ("levels_first", _("Everybody a part first: the first tenth of every gap, urgent ones before others")),
    ]
    form.budget_s.choices = [(s, _("%(s)s seconds", s=s)) for s in BUDGETS]
    return form


def _scope(form: RunForm) -> Scope:
    return Scope(tuple(form.districts.data or ()), tuple(form.categories.data or ()))


@bp.route("/runs/", methods=["GET"])
@guard("run:list")
def index() -> ResponseReturnValue:
    """All runs, the newest first."""
    return pages.render("proposals/index.html", runs=service.list_runs(current_session()))


@bp.route("/runs/new", methods=["GET"])
@guard("run:start")
def new() -> ResponseReturnValue:
    """Choose scope and policy."""
    return pages.render("proposals/new.html", form=_form(given=False))


@bp.route("/runs/preview", methods=["POST"])
@guard("run:start")
def preview() -> ResponseReturnValue:
    """What the run would look at, before it is started; nothing is written."""
    form = _form()
    if not form.validate_on_submit():
        return pages.render("proposals/new.html", form=form)
    scope = _scope(form).within(current_actor())
    seen = service.preview(current_session(), scope, actor=current_actor(), now=utc_now())
    units = {code: need_kind(code).unit for code in seen.open_units}
    asked: dict[str, Any] = {"scope": scope, "today": local_day(utc_now()), "aid": _aid_seen(seen.aid_seen_from)}
    return pages.render("proposals/preview.html", form=form, seen=seen, units=units, **asked)


@bp.route("/runs/preview", methods=["GET"])
@guard("run:start")
def preview_again() -> ResponseReturnValue:
    """Where a change of language or text size on the preview leads: back to the form."""
    kept: dict[str, Any] = {name: request.args[name] for name in ("lang", "text") if name in request.args}
    return redirect(url_for("proposals.new", **kept), code=303)


@bp.route("/runs/start", methods=["POST"])
@guard("run:start")
@writes
def start() -> ResponseReturnValue:
    """Write the run; the background worker takes it from there."""
    form = _form()
    if not form.validate_on_submit():
        return pages.render("proposals/new.html", form=form)
    run = service.start_run(
        current_session(),
        _scope(form),
        policy={"order": form.order.data, "budget_s": int(form.budget_s.data or BUDGETS[1])},
        as_of=local_day(utc_now()),
        actor=current_actor(),
        now=utc_now(),
    )
    return pages.done(_("The run has started."), to=url_for("proposals.show", run_id=run.id))


@bp.route("/runs/<run_id>", methods=["GET"])
@guard("run:view")
def show(run_id: str) -> ResponseReturnValue:
    """Progress while it works, the result and its proof afterwards."""
    session = current_session()
    run = service.get_run(session, run_id)
    started_by = names_of(session, {run.created_by}).get(run.created_by, formats.NOTHING)
    if run.state in UNDER_WAY or run.state is RunState.FAILED:
        return pages.render("proposals/progress.html", run=run, started_by=started_by, **_progress(run))
    if run.state is RunState.INFEASIBLE:
        rows = list(overrides.named_in(session, run.certificate.get("conflict", []), actor=current_actor()))
        return pages.render("proposals/conflict.html", run=run, started_by=started_by, named_rows=rows)
    return pages.render(
        "proposals/show.html",
        run=run,
        started_by=started_by,
        proof=run.certificate,
        widest=_widest(run.certificate.get("gap_by_prefix", {})),
        served_rows=_served_rows(results.shares(session, run)),
        last=results.against_last(session, run),
        codes=results.codes_of(session, run, actor=current_actor()),
        aid=_aid_seen(run.aid_seen_from),
    )


def _aid_seen(days: Mapping[str, str]) -> list[dict[str, Any]]:
    """Whose past aid was seen, a giver that reports itself by its name, and from which day on."""
    givers = select(Organisation).where(col(Organisation.id).in_([code.removeprefix(BY_GIVER) for code in days]))
    names = {source_of(one): one.name for one in current_session().exec(givers)}
    return [{"source": code, "name": names.get(code, ""), "day": date.fromisoformat(on)} for code, on in days.items()]


def _served_rows(shares: list[results.Share]) -> list[dict[str, Any]]:
    """The rows of the chart: a bar for each urgency that has needs."""
    return [
        {
            "label": codes.word(share.urgency, "urgency"),
            "value": share.served,
            "text": _(
                "%(served)s of %(needs)s needs", served=formats.count(share.served), needs=formats.count(share.needs)
            ),
        }
        for share in shares
        if share.needs
    ]


def _widest(gaps: dict[str, list[int]]) -> dict[str, int]:
    """The largest gap of any leading run of cells, for all kinds together and for one kind by itself."""
    most = {name: max(row, default=0) for name, row in gaps.items()}
    return {"total": most.pop(ALL, 0), "kind": max(most.values(), default=0)}


def _progress(run: Run) -> dict[str, Any]:
    seconds = int((utc_now() - run.started_at).total_seconds()) if run.started_at else 0
    gap = (run.bound - run.score) / run.bound if run.bound > 0 and run.score else None
    return {"seconds": seconds, "gap": gap, "is_over": run.state not in UNDER_WAY}


@bp.route("/runs/<run_id>/progress", methods=["GET"])
@guard("run:view")
def progress(run_id: str) -> Response:
    """The progress as events; the last one tells the page to load the result."""
    database = current_database()
    render = render_template

    def newer(seen: str) -> live.Event | None:
        with database.reading() as session:
            run = service.get_run(session, run_id)
        mark = f"{run.state.value}-{run.phase}-{run.phase_done}-{run.score}-{run.bound}"
        if mark == seen:
            return None
        html = render("proposals/_progress.html", run=run, **_progress(run))
        return live.Event(id=mark, data=html, last=run.state not in UNDER_WAY)

    service.get_run(current_session(), run_id)
    return live.stream(newer)


@bp.route("/runs/<run_id>/cancel", methods=["POST"])
@guard("run:cancel")
@writes
def cancel(run_id: str) -> ResponseReturnValue:
    """Ask the worker to stop and keep the best so far."""
    service.cancel_run(current_session(), run_id, actor=current_actor(), now=utc_now())
    return pages.done(
        _("The run is being stopped. It keeps the best plan found so far."), to=url_for("proposals.show", run_id=run_id)
    )


@bp.route("/runs/<run_id>/unserved", methods=["GET"])
@guard("run:view")
def unserved(run_id: str) -> ResponseReturnValue:
    """Needs left at zero, each with its reasons."""
    session = current_session()
    run, code = service.get_run(session, run_id), request.args.get("code", "")[:32]
    page = Page(number=page_number(), total=results.count_unserved(session, run, actor=current_actor(), code=code))
    rows = results.list_unserved(
        session, run, actor=current_actor(), lang=language(), offset=page.offset, limit=page.size, code=code
    )
    return pages.render(
        "proposals/unserved.html",
        run=run,
        rows=rows,
        page=page,
        code=code,
        codes=results.codes_of(session, run, actor=current_actor()),
    )


@bp.route("/runs/lines/<line_id>", methods=["GET"])
@guard("run:view")
def line(line_id: str) -> ResponseReturnValue:
    """Why this line: reasons, the runner-up, what would change it."""
    session = current_session()
    story = results.story_of(session, line_id, actor=current_actor(), lang=language())
    doubt = doubt_of(session, story.line, org_id=story.offer.org_id, now=utc_now())
    return pages.render("proposals/line.html", story=story, doubt=doubt)
