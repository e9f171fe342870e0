"""The giver's answers in bulk: what is ticked on the list, and a table filled in elsewhere and brought in.

Enters: an organisation's person with ticks or a file. Leaves: a page that says what will be done, and the acts of
`answers` and `answers_table`. The desk's pages are the same as for every other table.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace.calendar import utc_now
from marketplace.decisions import answers, answers_table, queues
from marketplace.decisions.answers import Answered
from marketplace.decisions.cards import Card
from marketplace.decisions.doors import SENTENCES, bp
from marketplace.decisions.showing import giver_cards
from marketplace.decisions.views_giver import decline_form
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, own_org
from marketplace.intake import ImportKind
from marketplace.web import codes, pages
from marketplace.web.desk import Desk
from marketplace.web.transactions import current_session, writes

MOST_AT_ONCE = 200

desk = Desk(
    kind=ImportKind.ANSWERS,
    action="match:answer",
    layout="charity",
    title=_l("Bring in a table of answers and results"),
    intro=_l(
        "The table of all matches, with an answer or a result in the last columns. Rows without either are left alone."
    ),
    home="decisions.charity_matches",
    home_title=_l("Matches"),
    schema=lambda _today: answers_table.answer_schema(),
    check=answers_table.check_file,
    confirm=answers_table.confirm_import,
    counts={
        "accepted": (_l("Matches taken on"), ""),
        "declined": (_l("Matches declined"), "wait"),
        "results": (_l("Results reported"), ""),
        "same": (_l("Told so before, left as they are"), ""),
        "unanswered": (_l("Rows without answer or result, left alone"), ""),
    },
    sentences=SENTENCES,
    under="/our-matches",
)
desk.install(bp)


@bp.route("/our-matches/accept", methods=["POST"])
@guard("match:answer")
@writes
def charity_accept_many() -> ResponseReturnValue:
    """Show what will be taken on, then take it on."""
    cards = _ticked()
    if "confirmed" not in request.form:
        return pages.confirm(
            layout="charity",
            title=ngettext("Take on %(num)d match", "Take on %(num)d matches", len(cards)),
            intro=_("Then the households are asked. What has moved on in the meantime is left out."),
            items=[_words(card) for card in cards],
            button=_("Take on"),
            back=url_for("decisions.charity_matches"),
            keep=[("match", card.match.id) for card in cards],
        )
    ids = [card.match.id for card in cards]
    outcome = answers.accept_many(current_session(), ids, actor=current_actor(), now=utc_now())
    words = ngettext("%(num)d match taken on.", "%(num)d matches taken on.", len(outcome.done))
    return _done(words, outcome)


@bp.route("/our-matches/decline", methods=["POST"])
@guard("match:answer")
@writes
def charity_decline_many() -> ResponseReturnValue:
    """Ask for the reason, then decline; the stock is free at once."""
    cards, form = _ticked(), decline_form()
    if "confirmed" not in request.form or not form.validate_on_submit():
        return pages.confirm(
            layout="charity",
            title=ngettext("Decline %(num)d match", "Decline %(num)d matches", len(cards)),
            intro=_("Your stock is free again at once, and these pairs are not proposed again."),
            items=[_words(card) for card in cards],
            button=_("Decline"),
            back=url_for("decisions.charity_matches"),
            keep=[("match", card.match.id) for card in cards],
            form=form if "confirmed" in request.form else decline_form(empty=True),
        )
    outcome = answers.decline_many(
        current_session(),
        [card.match.id for card in cards],
        reason_code=form.reason_code.data or "",
        actor=current_actor(),
        now=utc_now(),
    )
    words = ngettext("%(num)d match declined.", "%(num)d matches declined.", len(outcome.done))
    return _done(words, outcome)


def _ticked() -> list[Card]:
    """The giver's own matches among those ticked; nothing ticked is told beside the list."""
    session = current_session()
    matches = queues.of_giver(session, own_org(), request.form.getlist("match")[:MOST_AT_ONCE])
    cards = giver_cards(session, matches, now=utc_now())
    if not cards:
        raise BadInput("nothing_chosen", field="match")
    return cards


def _words(card: Card) -> str:
    if not card.shown:
        return f"{card.match.id[:8].upper()} · {card.offer.title}"
    kind, place = codes.word(card.need.category, "need"), codes.place(card.need.district_code)
    return f"{kind} · {codes.amount(card.match.units, card.need.unit)} · {place} · {card.offer.title}"


def _done(words: str, outcome: Answered) -> ResponseReturnValue:
    if outcome.excluded:
        words += " " + _("%(n)s left out, because they have moved on.", n=len(outcome.excluded))
    return pages.done(words, to=url_for("decisions.charity_matches"))
