"""The face check on the screen: its own yes, its withdrawal, the way to the provider and back.

Enters: a signed-in person. Leaves: pages; the provider is asked between two short transactions, never inside one.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from adapters.face import FaceDoor
from adapters.ports import OutsideError, TryAgainLater
from marketplace.calendar import utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.liveness import face
from marketplace.liveness.doors import bp, face_door
from marketplace.web import Form, _, current_database, current_session, done, refuse, render, writes
from marketplace.web.display import language


@bp.route("/face", methods=["GET", "POST"])
@guard("survival:face")
@writes
def agree() -> ResponseReturnValue:
    """The yes to face checks, on a page of its own and with nothing else on it."""
    session, actor, form = current_session(), current_actor(), Form()
    if form.validate_on_submit():
        face.give(session, actor.id, actor=actor, now=utc_now())
        return done(_("You have said yes to face checks. You can take it back here."), to=url_for(".mine"))
    agreed = face.consent_of(session, actor.id)
    return render("liveness/face.html", form=form, words=face.NOTICE[language()], agreed=agreed)


@bp.post("/face/withdraw")
@guard("survival:face")
@writes
def withdraw() -> ResponseReturnValue:
    """No more face checks; every other way stays."""
    actor = current_actor()
    face.withdraw(current_session(), actor.id, actor=actor, now=utc_now())
    return done(_("Taken back. There are no more face checks."), to=url_for(".mine"))


def _door() -> FaceDoor:
    door = face_door()
    if door is None:
        raise NotFound("face")
    return door


@bp.post("/mine/<check_id>/face")
@guard("survival:face")
def begin(check_id: str) -> ResponseReturnValue:
    """Open a check at the provider and show the way there."""
    actor, door = current_actor(), _door()
    with current_database().reading() as session:
        found, subject = face.ready(session, check_id, actor=actor)
        key = f"{found.id}:{found.tries}"
    back = url_for(".my_check", check_id=check_id, _external=True)
    try:
        task = door.begin(key=key, subject=subject, back=back)
    except OutsideError:
        return refuse(_("The provider does not answer now. Choose another way, or try later."), to=back)
    with current_database().transaction() as session:
        face.begun(session, check_id, task, actor=actor, now=utc_now())
    return render("liveness/face_go.html", check_id=check_id, address=task.address)


@bp.post("/mine/<check_id>/face/done")
@guard("survival:face")
def finish(check_id: str) -> ResponseReturnValue:
    """Fetch the provider's signed answer."""
    actor, door, page = current_actor(), _door(), url_for(".my_check", check_id=check_id)
    with current_database().reading() as session:
        reference = face.ready(session, check_id, actor=actor)[0].face_ref
    try:
        result = door.result(reference)
    except TryAgainLater:
        return refuse(_("The provider has no answer yet. Finish the check there first."), to=page)
    except OutsideError:
        return refuse(_("The provider's answer cannot be used. Choose another way."), to=page)
    with current_database().transaction() as session:
        alive = face.finish(session, check_id, result, actor=actor, now=utc_now())
    if alive:
        return done(_("Thank you. We have heard from you."), to=page)
    return refuse(_("The provider could not tell. That means nothing; choose another way."), to=page)
