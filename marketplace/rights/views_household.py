"""One page for each right, reached from the household's start page: what it means, the thing itself, the way to ask.

Enters: the signed-in household or its helper. Leaves: pages in plain words, a file to take along, a print page. Opening
the data writes a row into the chain first, as every look does.
"""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households import by_hand
from marketplace.households.facts import CORRECTABLE
from marketplace.households.models import Person
from marketplace.households.register import SEALED
from marketplace.reference.facts import fact_kinds
from marketplace.rights import copying, service
from marketplace.rights.doors import asking_person, bp, say
from marketplace.rights.explaining import explain
from marketplace.rights.models import RightKind
from marketplace.rights.words import BUTTONS, HINTS, INTROS, STATES, TITLES
from marketplace.web import (
    Form,
    OneField,
    TextField,
    _,
    _l,
    confirm,
    current_database,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.codes import word
from marketplace.web.desk import file

NAMES = {"health": "diagnosis_group"}
"""Columns whose name on the pages is that of a field of consents."""


class AskForm(Form):
    """In the household's own words."""

    words = TextField(_l("In your own words"), required=False, longest=1000, lines=4)


class WordyForm(Form):
    """The same where nothing can be done without words."""

    words = TextField(_l("In your own words"), longest=1000, lines=5)


class CorrectForm(Form):
    """What is wrong, and how it is right."""

    field = OneField(_l("What is wrong?"))
    new_value = TextField(_l("How is it right?"), longest=200)
    words = TextField(_l("How can we check it?"), required=False, longest=1000, lines=3)


def _form(kind: RightKind) -> Any:
    if kind is not RightKind.CORRECT:
        return WordyForm() if kind in service.WORDY else AskForm()
    form = CorrectForm()
    form.field.choices = [(code, word(NAMES.get(code, code), "field")) for code in CORRECTABLE]
    return form


@bp.get("/my-rights/")
@guard("right:view")
def mine() -> ResponseReturnValue:
    """The eight rights, and what was asked so far."""
    session = current_session()
    asked = service.own_requests(session, own_household(), actor=current_actor(), now=utc_now())
    return render("rights/mine.html", kinds=list(RightKind), titles=TITLES, hints=HINTS, asked=asked, states=STATES)


@bp.route("/my-rights/<kind>", methods=["GET", "POST"])
@guard("right:ask")
@writes
def right(kind: str) -> ResponseReturnValue:
    """One right: read, use, ask."""
    session, wanted = current_session(), _kind(kind)
    person, form = asking_person(session, own_household()), _form(wanted)
    if form.validate_on_submit():
        try:
            service.ask(
                session,
                person,
                wanted,
                words=form.words.data or "",
                field=form.field.data or "" if wanted is RightKind.CORRECT else "",
                new_value=(form.new_value.data or "").strip() if wanted is RightKind.CORRECT else "",
                actor=current_actor(),
                now=utc_now(),
            )
        except (BadInput, Conflict) as error:
            say(form, error, fallback="new_value" if wanted is RightKind.CORRECT else "words")
        else:
            return done(_("We have your request. You get an answer within 15 working days."), to=url_for(".mine"))
    return _page(session, wanted, person, form)


def _kind(code: str) -> RightKind:
    if code not in set(RightKind):
        raise NotFound("right")
    return RightKind(code)


def _page(session: Session, kind: RightKind, person: Person, form: Any) -> ResponseReturnValue:
    home = person.household_id
    asked = service.own_requests(session, home, kind, actor=current_actor(), now=utc_now())
    shown: dict[str, Any] = {"copy": None, "whys": [], "by_hand": by_hand.is_by_hand(session, home)}
    if kind is RightKind.EXPLAIN:
        shown["whys"] = explain(session, home)
    return render(
        "rights/right.html",
        right=kind,
        title=TITLES[kind],
        intro=INTROS[kind],
        button=BUTTONS[kind],
        form=form,
        asked=asked,
        words={one.id: service.read(session, one, "words") for one in asked},
        answers={one.id: service.read(session, one, "answer") for one in asked},
        states=STATES,
        own=current_actor().id == person.id,
        **shown,
    )


@bp.get("/my-rights/record")
@guard("right:copy")
def record() -> ResponseReturnValue:
    """Everything on record, on one page that also prints."""
    names = {name: word(NAMES.get(name, name), "field") for name in SEALED}
    shown: dict[str, Any] = {"names": names, "titles": TITLES, "states": STATES, "kinds": fact_kinds()}
    return render("rights/record.html", copy=_copy("see"), **shown)


@bp.get("/my-rights/copy.json")
@guard("right:copy")
def copy_file() -> Response:
    """The same as a file that another installation can read in."""
    text = copying.as_json(_copy("copy"))
    return file(text.encode(), name="my-data.json", content_type="application/json; charset=utf-8")


def _copy(purpose: str) -> dict[str, Any]:
    """The look is written and committed before anything is opened."""
    actor, home, now = current_actor(), own_household(), utc_now()
    with current_database().transaction() as session:
        copying.write_look(session, asking_person(session, home), purpose=purpose, actor=actor, now=now)
    session = current_session()
    return copying.copy_of(session, asking_person(session, home), actor=actor, now=now)


@bp.route("/my-rights/requests/<request_id>/take-back", methods=["GET", "POST"])
@guard("right:ask")
@writes
def take_back(request_id: str) -> ResponseReturnValue:
    """Ask once, then take the request back."""
    session, form = current_session(), Form()
    found = service.get_request(session, request_id, actor=current_actor(), now=utc_now())
    if form.validate_on_submit():
        service.take_back(session, request_id, actor=current_actor(), now=utc_now())
        return done(_("Taken back."), to=url_for(".mine"))
    return confirm(
        layout="household",
        title=_("Take this request back"),
        intro=_("Nothing changes. You can ask again at any time."),
        button=_("Take it back"),
        back=url_for(".right", kind=found.kind.value),
        form=form,
    )


@bp.route("/my-rights/by_hand/end", methods=["GET", "POST"])
@guard("right:ask")
@writes
def programs_again() -> ResponseReturnValue:
    """A household that people match takes part in runs again."""
    session, form, home = current_session(), Form(), own_household()
    if form.validate_on_submit():
        service.allow_programs(session, home, actor=current_actor(), now=utc_now())
        return done(_("You take part in the program's proposals again. A person decides on each."), to=url_for(".mine"))
    return confirm(
        layout="household",
        title=_("Let the program propose again"),
        intro=_("A program looks for help that fits, and a person decides on each proposal."),
        button=_("Let it propose again"),
        back=url_for(".right", kind="by_hand"),
        form=form,
    )
