"""Staff pages: one organisation or two, and the other names of an organisation.

Enters: staff. Leaves: pairs in words, a verdict with its reason that can be taken back, and the alias table; the rules
are in `organisations.alike`. Hung onto the room's blueprint.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import Conflict
from marketplace.guards import current_actor, guard
from marketplace.organisations import alike, reported_names, service
from marketplace.organisations.blueprint import bp
from marketplace.organisations.models import Organisation, OrganisationPair, PairState
from marketplace.reference.words import choices
from marketplace.web import (
    CountField,
    Form,
    OneField,
    Page,
    TextField,
    _,
    _l,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language

VERDICTS = [
    ("same", _l("One organisation")),
    ("one_part", _l("The first is a department, branch or campus of the second")),
    ("two_part", _l("The second is a department, branch or campus of the first")),
    ("different", _l("Two organisations")),
]


class PairForm(Form):
    """What they are to each other, and why."""

    verdict = OneField(_l("What are these two?"), VERDICTS)
    reason = OneField(_l("How do you know?"), select=True)
    minutes = CountField(_l("Minutes it took you"), most=alike.MOST_MINUTES)


class BackForm(Form):
    """Why a verdict is taken back."""

    reason = OneField(_l("Why is it taken back?"), select=True)


class NameForm(Form):
    """Another name."""

    name = TextField(_l("Another name"), longest=120, description=_l("Such as the short name that other givers write."))


def _with_reasons(form: Any) -> Any:
    form.reason.choices = choices(alike.REASONS, lang=language())
    return form


@bp.get("/pairs")
@guard("organisation:list")
def pairs() -> ResponseReturnValue:
    """The pairs of one state, the newest first."""
    session, asked = current_session(), request.args.get("state", "open")
    state = PairState(asked) if asked in set(PairState) else PairState.OPEN
    number = page_number()
    span = {"offset": Page(number, 0).offset, "limit": Page(number, 0).size}
    found, total = alike.list_pairs(session, state, actor=current_actor(), **span)
    rows = [(pair, *_both(pair)) for pair in found]
    return render(
        "organisations/pairs.html",
        rows=rows,
        page=Page(number, total),
        state=state.value,
        states=PairState,
        names=reported_names.list_open(session, actor=current_actor()),
    )


def _both(pair: OrganisationPair) -> tuple[Organisation, Organisation]:
    one, two = (current_session().get_one(Organisation, org_id) for org_id in (pair.one_id, pair.two_id))
    return one, two


@bp.get("/pairs/<pair_id>")
@guard("organisation:list")
def pair(pair_id: str) -> ResponseReturnValue:
    """Both side by side."""
    return _page(pair_id)


def _page(pair_id: str, **more: Any) -> ResponseReturnValue:
    found = alike.get_pair(current_session(), pair_id, actor=current_actor())
    forms = {"verdict": _with_reasons(PairForm()), "back_form": _with_reasons(BackForm())}
    return render("organisations/pair.html", pair=found, both=_both(found), **(forms | more))


@bp.post("/pairs/<pair_id>/decide")
@guard("organisation:same")
@writes
def decide_pair(pair_id: str) -> ResponseReturnValue:
    """Keep the verdict with its reason."""
    form = _with_reasons(PairForm())
    if not form.validate_on_submit():
        return _page(pair_id, verdict=form)
    found = alike.get_pair(current_session(), pair_id, actor=current_actor())
    wholes = {"one_part": found.two_id, "two_part": found.one_id}
    said = str(form.verdict.data)
    alike.decide(
        current_session(),
        pair_id,
        verdict=PairState.PART if said in wholes else PairState(said),
        whole_id=wholes.get(said, ""),
        reason=form.reason.data or "",
        minutes=form.minutes.data or 0,
        actor=current_actor(),
        now=utc_now(),
    )
    return done(_("Kept. It can be taken back at any time."), to=url_for(".pairs"))


@bp.post("/pairs/<pair_id>/undo")
@guard("organisation:same")
@writes
def undo_pair(pair_id: str) -> ResponseReturnValue:
    """Take a verdict back."""
    form = _with_reasons(BackForm())
    if not form.validate_on_submit():
        return _page(pair_id, back_form=form)
    alike.undo(current_session(), pair_id, reason=form.reason.data or "", actor=current_actor(), now=utc_now())
    return done(_("Taken back. The pair is open again."), to=url_for(".pair", pair_id=pair_id))


@bp.route("/<org_id>/names", methods=["GET", "POST"])
@guard("organisation:same")
@writes
def names(org_id: str) -> ResponseReturnValue:
    """The names under which aid of this organisation is reported; add one."""
    session, actor = current_session(), current_actor()
    organisation, form = service.get_organisation(session, org_id, actor=actor), NameForm()
    if form.validate_on_submit():
        try:
            alike.add_alias(session, org_id, name=form.name.data or "", actor=actor, now=utc_now())
        except Conflict:
            form.name.errors = [_("An organisation is known under this name already")]
        else:
            return done(_("The name is kept."), to=url_for(".names", org_id=org_id))
    elif request.method == "GET":
        form.name.data = request.args.get("name", "")[:120]
    rows = alike.aliases_of(session, org_id)
    return render("organisations/names.html", organisation=organisation, rows=rows, form=form)


@bp.post("/names/<alias_id>/drop")
@guard("organisation:same")
@writes
def drop_name(alias_id: str) -> ResponseReturnValue:
    """Take a name away."""
    org_id = alike.drop_alias(current_session(), alias_id, actor=current_actor(), now=utc_now())
    return done(_("The name is taken away."), to=url_for(".names", org_id=org_id))


@bp.post("/names/another")
@guard("organisation:same")
@writes
def another_giver() -> ResponseReturnValue:
    """A name in reported aid is another giver's."""
    name_id = request.form.get("name_id", "")[:32]
    reported_names.is_another(current_session(), name_id, actor=current_actor(), now=utc_now())
    return done(_("Kept: another giver. It is not asked about again."), to=url_for(".pairs"))
