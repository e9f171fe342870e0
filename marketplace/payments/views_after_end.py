"""Money that was paid after its match had ended, for a member of staff: booked as delivered, asked back, or left.

Enters: an approver of the area. Leaves: a page that names no person and no account, and the acts of `after_end`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.decisions.cards import cards_of
from marketplace.guards import current_actor, guard
from marketplace.payments import after_end
from marketplace.payments.doors import bp
from marketplace.reference.words import list_codes
from marketplace.web import codes, pages
from marketplace.web.fields import Form, OneField
from marketplace.web.transactions import current_session, writes

OUTCOMES = {
    after_end.DELIVER: _l("The household keeps it: book it as delivered, and ask the household to confirm"),
    after_end.EXTRA: _l(
        "The need has been met otherwise: the household keeps it as additional aid, and is asked to confirm"
    ),
    after_end.ASK_BACK: _l("The giver asks it back: it counts as paid until it has come back"),
    after_end.STANDS: _l("The payout counts, and the match stays ended: the need may be matched again"),
}


class SettleForm(Form):
    """What becomes of the money."""

    outcome = OneField(_l("What becomes of it?"))


class ExtraForm(SettleForm):
    """The same where it may be additional aid: then with the reason."""

    reason = OneField(_l("If it stays as additional aid: why?"), required=False)


@bp.route("/paid-after-end/<match_id>", methods=["GET", "POST"])
@guard("payment:talk")
@writes
def paid_after_end(match_id: str) -> ResponseReturnValue:
    """Speak with both sides, then say what becomes of the money."""
    session, actor = current_session(), current_actor()
    match = after_end.get_asked(session, match_id, actor=actor)
    outcomes = after_end.outcomes_of(session, match)
    form = _form(outcomes)
    form.outcome.choices = [(code, str(OUTCOMES[code])) for code in outcomes]
    back, card = url_for("decisions.deadlines"), cards_of(session, [match])[0]
    if not form.validate_on_submit() or _reason_missing(form):
        words = f"{codes.word(card.need.category, 'need')} · {codes.amount(match.units, card.need.unit)}"
        return pages.confirm(
            layout="staff",
            title=_("The insurer paid after the match had ended")
            if after_end.STANDS in outcomes
            else _("The bank paid after the match had ended"),
            intro=_("Speak with the household and the giver. Until you decide, nothing else is given for this need."),
            facts=[
                {"label": _("Match"), "value": f"{words} · {card.organisation.name}"},
                {"label": _("It ended as"), "value": codes.word(match.state.value, "match_state")},
            ],
            button=_("Write it down"),
            back=back,
            form=form,
        )
    after_end.decide(
        session,
        match_id,
        outcome=form.outcome.data or "",
        reason_code=_reason(form),
        not_by=after_end.who_paid(session, match),
        actor=actor,
        now=utc_now(),
    )
    return pages.done(_("Written down."), to=back)


def _form(outcomes: tuple[str, ...]) -> SettleForm:
    if after_end.EXTRA not in outcomes:
        return SettleForm()
    form = ExtraForm()
    form.reason.choices = [(code, codes.word(code, "extra_aid")) for code in list_codes("extra_aid")]
    return form


def _reason(form: SettleForm) -> str:
    """Why it stays as additional aid; nothing else has a reason."""
    extra = isinstance(form, ExtraForm) and form.outcome.data == after_end.EXTRA
    return (form.reason.data or "") if extra else ""


def _reason_missing(form: SettleForm) -> bool:
    if form.outcome.data != after_end.EXTRA or _reason(form):
        return False
    form.reason.errors = [_("Choose one")]
    return True
