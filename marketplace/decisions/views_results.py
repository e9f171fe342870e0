"""The giver's results of what it delivered: many at once from a list, or one from its match.

Enters: an organisation's person with ticks (or all that wait), one code and the minutes for each. Leaves: pages without
any identity, and the acts of `results`.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace.calendar import utc_now
from marketplace.decisions import pieces, queues, results, service
from marketplace.decisions.cards import cards_of
from marketplace.decisions.doors import SENTENCES, bp
from marketplace.decisions.results import Told
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard, own_org
from marketplace.reference.words import choices
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import CountField, Form, OneField, TickField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

MINUTES: Any = _l("Minutes that your people, volunteers too, spent on each")
UNKNOWN: Any = _l(
    "Of recorded visits the minutes are known: leave it empty for those. Leave it empty too if you do not know; "
    "it then counts as unknown, not as 0."
)


class ResultForm(Form):
    """What came of one delivery."""

    outcome = OneField(_l("What came of it?"))
    minutes = CountField(MINUTES, least=0, most=results.MOST_MINUTES, required=False, description=UNKNOWN)

    def told(self) -> Told:
        """What was filled in."""
        return Told(self.outcome.data or "", self.minutes.data)


class ResultsForm(ResultForm):
    """The same for many; `every` takes all that wait, on other pages too."""

    every = TickField(_l("All that wait, on every page"))


@bp.route("/deliveries/results", methods=["GET", "POST"])
@guard("match:result")
@writes
def giver_results() -> ResponseReturnValue:
    """What was delivered and waits for our word; report many in one press."""
    session, form = current_session(), ResultsForm()
    form.outcome.choices = choices("giver_result", lang=language())
    if not form.validate_on_submit():
        return _list(form)
    ids = [match.id for match in results.list_due(session, own_org())] if form.every.data else _ticked()
    try:
        done = results.report_many(session, ids, form.told(), actor=current_actor(), now=utc_now())
    except BadInput as error:
        form.outcome.errors = [SENTENCES[error.code]]
        return _list(form)
    told = ngettext("%(num)d result reported.", "%(num)d results reported.", done)
    return pages.done(told, to=url_for("decisions.giver_results"))


def _ticked() -> list[str]:
    return [match.id for match in queues.of_giver(current_session(), own_org(), request.form.getlist("match"))]


def _list(form: ResultsForm) -> ResponseReturnValue:
    session, org_id = current_session(), own_org()
    page = Page(number=page_number(), total=results.count_due(session, org_id), size=100)
    found = results.list_due(session, org_id, offset=page.offset, limit=page.size)
    status = 422 if form.errors else 200
    return pages.render(
        "decisions/giver_results.html", cards=cards_of(session, found), page=page, form=form, status=status
    )


@bp.route("/our-matches/<match_id>/result", methods=["GET", "POST"])
@guard("match:result")
@writes
def giver_result(match_id: str) -> ResponseReturnValue:
    """Report one."""
    session = current_session()
    card = cards_of(session, [service.get_match(session, match_id, actor=current_actor())])[0]
    if card.match.state not in results.REPORTABLE or results.find_result(session, match_id) is not None:
        raise NotFound("match")
    form = ResultForm(data={"minutes": pieces.minutes(session, card.match)})
    form.outcome.choices = choices("giver_result", lang=language())
    back = url_for("decisions.charity_match", match_id=match_id)
    if not form.validate_on_submit():
        return pages.confirm(
            layout="charity",
            title=_("Report the result"),
            intro=_("Civil affairs sees it before it asks the household how it went. It cannot be changed afterwards."),
            items=[f"{codes.word(card.need.category, 'need')} · {codes.amount(card.match.units, card.need.unit)}"],
            button=_("Report"),
            back=back,
            form=form,
        )
    results.report(session, match_id, form.told(), actor=current_actor(), now=utc_now())
    return pages.done(_("Reported."), to=back)
