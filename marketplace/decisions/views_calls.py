"""A worker's calls: to a household that was silent, and to one whose help has arrived (回访评价).

Enters: a worker of the district and what the household said. Leaves: pages without a name; the telephone number is
opened once, with its reason in the record, and never kept in an address or a log.
"""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.decisions import calls, results, service
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.closing import MOST_MINUTES, Answers
from marketplace.decisions.doors import bp
from marketplace.decisions.models import CallOutcome, MatchState
from marketplace.errors import NotFound
from marketplace.guards import current_action, current_actor, guard
from marketplace.households import service as households
from marketplace.reference.words import choices
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import CountField, Form, OneField, TickField
from marketplace.web.transactions import current_session, writes


class CallForm(Form):
    """What came of one call or visit."""

    outcome = OneField(_l("What came of it?"))
    reason_code = OneField(_l("If it declines: why?"), required=False)


class AskForm(Form):
    """How it went, in the household's own words turned into codes."""

    satisfaction = OneField(_l("How satisfied is the household?"))
    remains = OneField(_l("What remains?"))
    staff_minutes = CountField(
        _l("Minutes that staff spent on this match"),
        least=0,
        most=MOST_MINUTES,
        required=False,
        description=_l("Leave it empty if you do not know; it then counts as unknown, not as 0."),
    )
    helper_minutes = CountField(
        _l("Minutes that somebody helped the household with it"), least=0, most=MOST_MINUTES, required=False
    )
    complaint = TickField(_l("The household complains: somebody has to look into it"))


def call_form(state: MatchState) -> CallForm:
    """The form with the outcomes that this state allows."""
    form = CallForm()
    allowed = calls.OUTCOMES.get(state, ())
    form.outcome.choices = [(outcome.value, codes.word(outcome.value, "call_outcome")) for outcome in allowed]
    form.reason_code.choices = choices("decline", lang=language())
    if CallOutcome.DECLINES not in allowed:
        del form.reason_code
    return form


def ask_form() -> AskForm:
    """The form with its scales."""
    form = AskForm()
    form.satisfaction.choices = choices("satisfaction", lang=language())
    form.remains.choices = choices("remains", lang=language())
    return form


def _card(match_id: str) -> Card:
    """The match, if the actor may do here what the page is for."""
    session, actor = current_session(), current_actor()
    return cards_of(session, [service.get_match(session, match_id, action=current_action(), actor=actor)])[0]


def _phone(card: Card) -> str:
    """The household's telephone, opened with its audit row."""
    session = current_session()
    person = households.reachable(session, card.match.household_id)
    if person is None:
        raise NotFound("person")
    return households.reveal(
        session,
        person.id,
        field="phone",
        actor=current_actor(),
        now=utc_now(),
        purpose="contact",
        reason="CONTACT",
    )


def _page(template: str, card: Card, form: Form, *, phone: str = "") -> Response:
    session = current_session()
    person = households.contact_of(session, card.match.household_id)
    reached = households.reachable(session, card.match.household_id)
    response = pages.render(
        template,
        card=card,
        form=form,
        phone=phone,
        result=results.find_result(session, card.match.id),
        tries=calls.calls_of(session, card.match.id),
        name=households.masked_name(session, person),
        reachable=reached is not None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/calls/<match_id>", methods=["GET", "POST"])
@guard("match:call")
@writes
def call(match_id: str) -> ResponseReturnValue:
    """Call a household that did not answer, and write down what came of it."""
    card = _card(match_id)
    if calls.call_clock(current_session(), match_id) is None:
        raise NotFound("call")
    form = call_form(card.match.state)
    if form.validate_on_submit() and _lacks_reason(form):
        form.reason_code.errors = [_("Choose why the household declines")]
    elif not form.errors and form.is_submitted():
        calls.record_call(
            current_session(),
            match_id,
            outcome=CallOutcome(form.outcome.data or ""),
            reason_code=form.reason_code.data or "" if "reason_code" in form else "",
            actor=current_actor(),
            now=utc_now(),
        )
        return pages.done(_("Written down."), to=url_for("decisions.deadlines", group="calls"))
    return _page("decisions/call.html", card, form)


def _lacks_reason(form: CallForm) -> bool:
    return form.outcome.data == CallOutcome.DECLINES and not form.reason_code.data


@bp.route("/calls/<match_id>/phone", methods=["POST"])
@guard("household:reveal")
@writes
def call_phone(match_id: str) -> ResponseReturnValue:
    """Show the number once; the look is in the record."""
    card = _card(match_id)
    form = call_form(card.match.state)
    form.process(formdata=None)
    return _page("decisions/call.html", card, form, phone=_phone(card))


@bp.route("/follow-ups/<match_id>", methods=["GET", "POST"])
@guard("match:follow_up")
@writes
def ask(match_id: str) -> ResponseReturnValue:
    """Ask how it went; this closes the match, unless the household complains."""
    card, form = _card(match_id), ask_form()
    if card.match.state is not MatchState.CONFIRMED or current_actor().household_id is not None:
        raise NotFound("follow_up")
    if not form.validate_on_submit():
        return _page("decisions/follow_up.html", card, form)
    answers = Answers(
        satisfaction=int(form.satisfaction.data or 0),
        remains=form.remains.data or "",
        staff_minutes=form.staff_minutes.data,
        helper_minutes=form.helper_minutes.data,
        complaint=bool(form.complaint.data),
    )
    service.follow_up(current_session(), match_id, answers, actor=current_actor(), now=utc_now())
    words = _("Written down. The complaint waits for a person.") if answers.complaint else _("The match is closed.")
    return pages.done(words, to=url_for("decisions.deadlines", group="follow_ups"))


@bp.route("/follow-ups/<match_id>/phone", methods=["POST"])
@guard("household:reveal")
@writes
def ask_phone(match_id: str) -> ResponseReturnValue:
    """Show the number once; the look is in the record."""
    card, form = _card(match_id), ask_form()
    form.process(formdata=None)
    return _page("decisions/follow_up.html", card, form, phone=_phone(card))
