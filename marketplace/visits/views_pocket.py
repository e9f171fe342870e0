"""The way of a telephone without a network: the page's keeper, the page that says so, the state and the parcels.

Enters: parcels of changed fields as JSON, each with a key, the version last seen and the times of the device. Leaves:
JSON that says whether it was kept, finished, or wants a choice, on which visit if another one got the words, and which
fields could not be read and why: the others are kept. The keeper is a script of this host for these addresses only;
what it keeps is wiped after sending, when its time is over, and at sign-out. Called by `static/visits.js`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.visits import entries, forms, parcels, service
from marketplace.visits.doors import SENTENCES, bp
from marketplace.visits.entries import Change
from marketplace.visits.models import VisitState
from marketplace.web import current_session, render, writes
from marketplace.web.assets import SOURCE


@bp.get("/keeper.js")
@guard("visit:list")
def keeper() -> ResponseReturnValue:
    """The service worker, under the addresses that it may serve."""
    answer = Response((SOURCE / "keeper.js").read_text(encoding="utf-8"), mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@bp.get("/without-network")
@guard("visit:list")
def without_network() -> ResponseReturnValue:
    """Shown in place of a page that was not taken along."""
    return render("visits/without_network.html")


@bp.get("/<home_visit_id>/state")
@guard("visit:list")
def state(home_visit_id: str) -> ResponseReturnValue:
    """The visit's version, and the token without which nothing can be sent."""
    session = current_session()
    visit = service.get_visit(session, home_visit_id, actor=current_actor())
    return jsonify(state=visit.state.value, version=entries.version(session, visit.id), token=generate_csrf())


@bp.post("/<home_visit_id>/parcels")
@guard("visit:write")
@writes
def parcel(home_visit_id: str) -> ResponseReturnValue:
    """What was written without a network."""
    session, told = current_session(), _read(request.get_json(silent=True))
    told["changes"], wrong = forms.sound(told["changes"])
    finish, told["finish"] = told["finish"], told["finish"] and not wrong
    both = parcels.sync(session, home_visit_id, actor=current_actor(), now=utc_now(), **told)
    visit = parcels.visit_of(session, told["key"])
    elsewhere = {} if visit.id == home_visit_id else {"path": url_for(".one", home_visit_id=visit.id)}
    version, still_open = entries.version(session, visit.id), visit.state is VisitState.OPEN
    if finish and still_open and not entries.values(session, visit.id).get(entries.OUTCOME):
        wrong.setdefault(entries.OUTCOME, str(SENTENCES["outcome_missing"]))
    if wrong:
        return jsonify(answer="mend", version=version, wrong=wrong)
    return jsonify(answer="choose" if both else "kept" if still_open else "done", version=version, **elsewhere)


def _read(body: Any) -> dict[str, Any]:
    try:
        given = {
            str(name): Change(str(one["value"]).strip(), datetime.fromisoformat(str(one["at"])))
            for name, one in body["changes"].items()
        }
        told = {"key": str(body["key"]), "base": int(body["base"]), "finish": body["finish"] is True}
        told["letters"] = str(body.get("letters", "")).split()
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadInput("bad_input", field="changes") from error
    if not set(given) <= set(forms.fields()) or any(one.at.tzinfo is None for one in given.values()):
        raise BadInput("bad_input", field="changes")
    return {"changes": given, **told}
