"""Two rows side by side: may they be one person? Staff decide, one pair at a time.

Enters: staff of one of the two districts. Leaves: a list, a pair told in words, the plain fields once for a reason, and
the verdict with its reason. Reading the words opens nothing; seeing the fields is a POST that is written down.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.households import suspicions
from marketplace.households.doors import bp
from marketplace.households.models import Suspicion, SuspicionState
from marketplace.households.service import masked_name
from marketplace.households.verdicts import against
from marketplace.reference.words import choices
from marketplace.web import CountField, Form, OneField, Page, _, _l, current_session, done, page_number, render, writes
from marketplace.web.display import language

VERDICTS = [
    ("same", _l("The same person")),
    ("different", _l("Two different people")),
    ("later", _l("Not yet: I need more")),
]


class VerdictForm(Form):
    """What it is, and why."""

    verdict = OneField(_l("What are these two records?"), VERDICTS)
    reason = OneField(_l("How do you know?"), select=True)
    minutes = CountField(_l("Minutes it took you"), most=suspicions.MOST_MINUTES)


class ReasonForm(Form):
    """Why something is taken back."""

    reason = OneField(_l("Why is it taken back?"), select=True)


class LookForm(Form):
    """Why the fields have to be seen."""

    reason = OneField(_l("Why do you need to see them?"), select=True, id="look-reason")


def _verdict_form(*, again: bool) -> VerdictForm:
    """Two that count as one already are the same or two: there is no later."""
    form: VerdictForm = _with_reasons(VerdictForm(), suspicions.REASONS)
    if again:
        form.verdict.choices = VERDICTS[:2]
    return form


def _with_reasons(form: Any, table: str) -> Any:
    form.reason.choices = choices(table, lang=language())
    return form


@bp.get("/people/pairs")
@guard("suspicion:list")
def pairs() -> ResponseReturnValue:
    """The pairs of one state, the likeliest first."""
    session, asked = current_session(), request.args.get("state", "open")
    state = SuspicionState(asked) if asked in set(SuspicionState) else SuspicionState.OPEN
    number = page_number()
    found, total = suspicions.list_suspicions(
        session, state, actor=current_actor(), offset=Page(number, 0).offset, limit=Page(number, 0).size
    )
    rows = [_row(one) for one in found]
    return render("households/pairs.html", rows=rows, page=Page(number=number, total=total), state=state.value)


def _row(suspicion: Suspicion) -> dict[str, Any]:
    one, two = suspicions.sides(current_session(), suspicion)
    names = [masked_name(current_session(), side.person) for side in (one, two)]
    differ = [name for name, word in suspicions.agreement_of(suspicion) if word == "different"]
    return {"pair": suspicion, "names": names, "differ": differ, "one": one, "two": two}


@bp.get("/people/pairs/<suspicion_id>")
@guard("suspicion:list")
def pair(suspicion_id: str) -> ResponseReturnValue:
    """One pair in words, and what may be done with it."""
    return _page(suspicion_id)


def _page(suspicion_id: str, **more: Any) -> ResponseReturnValue:
    suspicion = suspicions.get_suspicion(current_session(), suspicion_id, actor=current_actor(), rule="suspicion:list")
    context = _row(suspicion) | {"agreement": suspicions.agreement_of(suspicion)}
    context |= {
        "verdict": _verdict_form(again=suspicion.changed_at is not None),
        "back_form": _with_reasons(ReasonForm(), suspicions.REASONS),
        "look": _with_reasons(LookForm(), "reveal_reason"),
        "contrary": _contrary(suspicion),
    }
    return render("households/pair.html", **(context | more))


def _contrary(suspicion: Suspicion) -> list[tuple[Suspicion, bool]]:
    """Other verdicts that bar one of the two answers, and whether the reader may look at them."""
    session, actor = current_session(), current_actor()
    if suspicion.state not in suspicions.WAITING and suspicion.changed_at is None:
        return []
    found = [one for verdict in suspicions.FINAL for one in against(session, suspicion, verdict)]
    return [(one, suspicions.is_near(one, actor=actor)) for one in found]


@bp.post("/people/pairs/<suspicion_id>/open")
@guard("suspicion:decide")
@writes
def open_pair(suspicion_id: str) -> ResponseReturnValue:
    """Show the fields of both rows once."""
    form = _with_reasons(LookForm(), "reveal_reason")
    if not form.validate_on_submit():
        return _page(suspicion_id, look=form)
    seen = suspicions.open_sides(
        current_session(), suspicion_id, reason=form.reason.data or "", actor=current_actor(), now=utc_now()
    )
    return _page(suspicion_id, seen=seen)


@bp.post("/people/pairs/<suspicion_id>/decide")
@guard("suspicion:decide")
@writes
def decide_pair(suspicion_id: str) -> ResponseReturnValue:
    """Keep the verdict with its reason."""
    form = _with_reasons(VerdictForm(), suspicions.REASONS)
    if not form.validate_on_submit():
        return _page(suspicion_id, verdict=form)
    suspicions.decide(
        current_session(),
        suspicion_id,
        verdict=SuspicionState(form.verdict.data),
        reason=form.reason.data or "",
        minutes=form.minutes.data or 0,
        actor=current_actor(),
        now=utc_now(),
    )
    return done(_("Kept. It can be taken back at any time."), to=url_for("households.pairs"))


@bp.post("/people/pairs/<suspicion_id>/undo")
@guard("suspicion:decide")
@writes
def undo_pair(suspicion_id: str) -> ResponseReturnValue:
    """Take a verdict back."""
    form = _with_reasons(ReasonForm(), suspicions.REASONS)
    if not form.validate_on_submit():
        return _page(suspicion_id, back_form=form)
    suspicions.undo(
        current_session(), suspicion_id, reason=form.reason.data or "", actor=current_actor(), now=utc_now()
    )
    return done(_("Taken back. The pair is open again."), to=url_for("households.pair", suspicion_id=suspicion_id))
