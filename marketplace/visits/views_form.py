"""One visit: what is known, what is written, by whom, photos, and the choice between two people's words.

Enters: staff of the district. Leaves: the page, which works without scripts; with them the same form is kept on the
telephone and sent later (`views_pocket`). Called by `views`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, WrongState
from marketplace.guards import current_actor, guard
from marketplace.reference.indicators import indicators
from marketplace.signals import answering, telling
from marketplace.visits import entries, findings, forms, letters, lists, photos, service, whom
from marketplace.visits.doors import SENTENCES, bp
from marketplace.visits.entries import Change
from marketplace.visits.models import WAITING, HomeVisit, VisitState
from marketplace.web import _, current_session, done, render, writes


@bp.get("/<home_visit_id>")
@guard("visit:list")
def one(home_visit_id: str) -> ResponseReturnValue:
    """The visit with its form."""
    return _page(service.get_visit(current_session(), home_visit_id, actor=current_actor()))


def _page(
    visit: HomeVisit, form: Any = None, photo: Any = None, why: Any = None, *, opened: bool = False
) -> ResponseReturnValue:
    session, now = current_session(), utc_now()
    both = entries.beside(session, visit.id, opened=opened)
    every = entries.all_of(session, visit.id, opened=opened)
    if form is None:
        form = forms.VisitForm(data=entries.values(session, visit.id, opened=opened))
        form.base.data = str(entries.version(session, visit.id))
        form.opened.data = "1" if opened else ""
        form.letters.data = " ".join(one.id for one in letters.waiting(session, visit))
    spoken = letters.language_of(session, visit.household_id)
    people = {visit.worker_id or "", visit.done_by, visit.second_by, *(shown.author for shown in every)}
    return render(
        "visits/one.html",
        visit=visit,
        row=lists.rows_of(session, [visit], on=local_day(now))[0],
        form=forms.filled(form),
        photo=photo or forms.PhotoForm(),
        why=why or forms.why_form(),
        sealed=any(shown.sealed for shown in every),
        groups=_groups(session, visit, on=local_day(now)),
        both=both,
        past=every,
        names=names_of(session, people),
        photos=photos.of_visit(session, visit.id),
        me=current_actor().id,
        open=visit.state is VisitState.OPEN,
        units={code: one.value for code, one in indicators().items()},
        differs=visit.state is VisitState.SECOND and visit.done_by not in current_actor().people,
        late_words=visit.done_at is not None and any(shown.received > visit.done_at for shown in every),
        source=_source(visit),
        ways=whom.ways(session, visit),
        open_now=None if visit.state in WAITING else lists.open_of(session, visit),
        spoken=spoken.replace("_", "-"),
        letters=letters.to_hand_over(session, visit, language=spoken),
        alerts=_alerts(session, visit),
        needs_help=visit.outcome == service.HELP_NEEDED
        and service.help_is_needed(session, visit.household_id, now=now),
    )


def _alerts(session: Session, visit: HomeVisit) -> list[telling.Line]:
    """What is open at the household: whoever goes, also without a network, knows why; afterwards it is answered."""
    over = visit.state is VisitState.DROPPED
    return [] if over else [telling.line_of(session, one) for one in answering.open_alerts(session, visit.household_id)]


def _groups(session: Session, visit: HomeVisit, *, on: date) -> list[tuple[str, list[findings.Line]]]:
    grouped: dict[str, list[findings.Line]] = {}
    for line in findings.lines(session, visit.household_id, today=on):
        grouped.setdefault(line.indicator.dimension, []).append(line)
    return list(grouped.items())


def _source(visit: HomeVisit) -> str:
    """The page of what asked for the visit."""
    if visit.cause in ("ALERT", "KIN"):
        return url_for("signals.home", household_id=visit.household_id)
    if visit.cause == "SURVIVAL":
        return url_for("liveness.one", check_id=visit.source_ref)
    return url_for("cases.item", item_id=visit.source_ref) if visit.cause == "CASE" else ""


@bp.post("/<home_visit_id>")
@guard("visit:write")
@writes
def write(home_visit_id: str) -> ResponseReturnValue:
    """Keep the form, and finish if that was pressed. What somebody else changed meanwhile is laid beside."""
    session, actor, now = current_session(), current_actor(), utc_now()
    visit = service.get_visit(session, home_visit_id, actor=actor, asks="visit:write")
    form = forms.filled(forms.VisitForm())
    if not str(form.base.data).isdigit():
        raise BadInput("bad_input", field="base")
    if not form.validate_on_submit():
        return _page(visit, form)
    base = int(str(form.base.data))
    before = entries.values_at(session, visit.id, base)
    given = {name: forms.text_of(form[name]) for name in forms.fields()}
    if not form.opened.data and not given[entries.NOTE]:
        del given[entries.NOTE]
    changed = {name: Change(value, now) for name, value in given.items() if value != before.get(name, "")}
    entries.write(session, visit.id, changed, base=base, actor=actor, now=now)
    here = url_for(".one", home_visit_id=visit.id)
    if entries.beside(session, visit.id):
        return done(_("Kept. Somebody else wrote something different: choose which counts."), to=here)
    if request.form.get("act") != "done":
        return done(_("Kept."), to=here)
    try:
        entries.complete(session, visit.id, letters=(form.letters.data or "").split(), actor=actor, now=now)
    except BadInput as error:
        form.outcome.errors = [SENTENCES[error.code]]
        return _page(visit, form)
    return done(_("Written down. Thank you for going."), to=here)


@bp.post("/<home_visit_id>/note")
@guard("visit:look")
@writes
def note(home_visit_id: str) -> ResponseReturnValue:
    """The same page with its notes opened; why is asked, and the look is written down."""
    session, why = current_session(), forms.why_form()
    visit = service.get_visit(session, home_visit_id, actor=current_actor(), asks="visit:look")
    if not why.validate_on_submit():
        return _page(visit, why=why)
    entries.look(session, visit.id, reason=why.reason.data or "", actor=current_actor(), now=utc_now())
    return _page(visit, opened=True)


@bp.post("/<home_visit_id>/take")
@guard("visit:write")
@writes
def take(home_visit_id: str) -> ResponseReturnValue:
    """I go."""
    service.take(current_session(), home_visit_id, actor=current_actor(), now=utc_now())
    return done(_("It is yours."), to=url_for(".one", home_visit_id=home_visit_id))


@bp.post("/<home_visit_id>/second")
@guard("visit:write")
@writes
def second(home_visit_id: str) -> ResponseReturnValue:
    """I was there too."""
    service.sign_second(current_session(), home_visit_id, actor=current_actor(), now=utc_now())
    return done(_("Signed by two. Thank you for going."), to=url_for(".one", home_visit_id=home_visit_id))


@bp.post("/entries/<visit_entry_id>/choose")
@guard("visit:write")
@writes
def choose(visit_entry_id: str) -> ResponseReturnValue:
    """Of two words for one field this one counts; the other stays in the history."""
    row = entries.choose(current_session(), visit_entry_id, actor=current_actor(), now=utc_now())
    return done(_("This counts now. The other stays in the history."), to=url_for(".one", home_visit_id=row.visit_id))


@bp.post("/<home_visit_id>/photo")
@guard("visit:write")
@writes
def photo(home_visit_id: str) -> ResponseReturnValue:
    """Add a photo; it is drawn anew without place and time."""
    session, actor, form = current_session(), current_actor(), forms.PhotoForm()
    visit = service.get_visit(session, home_visit_id, actor=actor, asks="visit:write")
    if form.validate_on_submit():
        try:
            photos.add(session, visit.id, form.photo.data.read(), actor=actor, now=utc_now())
        except BadInput as error:
            sentence = _("This is not a photo that can be read. Take it as JPEG, PNG or WEBP.")
            form.photo.errors = [SENTENCES.get(error.code, sentence)]
        else:
            return done(_("Kept without place and time."), to=url_for(".one", home_visit_id=visit.id))
    if visit.state in (VisitState.DONE, VisitState.DROPPED):
        raise WrongState("visit_over")
    return _page(visit, photo=form)


@bp.post("/photos/<visit_photo_id>")
@guard("visit:look")
@writes
def look(visit_photo_id: str) -> ResponseReturnValue:
    """The picture; why is asked, and the look is written down."""
    session, actor, why = current_session(), current_actor(), forms.why_form()
    if not why.validate_on_submit():
        return _page(photos.visit_of(session, visit_photo_id, actor=actor), why=why)
    picture = photos.look(session, visit_photo_id, reason=why.reason.data or "", actor=actor, now=utc_now())
    return render("visits/photo.html", picture=picture)
