"""Telling a donor: the household's own yes to it, and the giver's paper for the donor of one resource.

Enters: a household with one press; people of a giver. Leaves: a consent that "My consents" shows and withdraws; a page
to print that names nobody and no place.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace.calendar import utc_now
from marketplace.consent import notice
from marketplace.consent.service import Capture
from marketplace.decisions.cards import cards_of
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.proofs import donors, publicity
from marketplace.proofs.doors import bp
from marketplace.proofs.evidence import match_for
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import Form
from marketplace.web.transactions import current_session, writes


class AllowForm(Form):
    """Nothing but the press of a button."""


@bp.route("/mine/<match_id>/donor", methods=["GET", "POST"])
@guard("publicity:give")
@writes
def my_donor(match_id: str) -> ResponseReturnValue:
    """Let the giver tell its donor how this help went; refusing loses nothing."""
    session, now, form = current_session(), utc_now(), AllowForm()
    match = match_for(session, match_id, actor=current_actor())
    if match.state not in publicity.AFTER or not donors.has_donor(session, match):
        raise NotFound("match")
    if form.validate_on_submit():
        donors.allow(session, match_id, actor=current_actor(), now=now, capture=Capture(lang=language()))
        told = _("Your word is kept. You can withdraw it here at any time.")
        return pages.done(told, to=url_for("portal.my_consents"))
    card = cards_of(session, [match])[0]
    help_given = f"{codes.word(card.need.category, 'need')} · {codes.amount(match.units, card.need.unit)}"
    return pages.confirm(
        layout="household",
        title=_("Telling the donor how it went"),
        intro=" ".join(notice.paragraphs(notice.DONOR, lang="en" if language().startswith("en") else "zh_Hans")),
        facts=[{"label": _("Help"), "value": f"{help_given} · {card.organisation.name}"}],
        button=_("They may tell the donor"),
        back=url_for("decisions.household_offer", match_id=match_id),
        form=form,
    )


@bp.get("/donors/<offer_id>")
@guard("project:view")
def donor_paper(offer_id: str) -> ResponseReturnValue:
    """How the helps from one resource went, for its donor."""
    offer, lines = donors.for_donor(current_session(), offer_id, actor=current_actor(), now=utc_now())
    return pages.render("proofs/donor.html", offer=offer, lines=lines)
