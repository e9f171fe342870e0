"""The household's own word on being shown in public, and the giver's mark on a photo.

Enters: a household with three ticks, none set beforehand; a giver's manager with a press. Leaves: a consent of its own,
or a mark that holds only as long as that consent lives. Withdrawing is done where all consents are, on "My consents".
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.consent import notice
from marketplace.consent.capacity import speaks_for
from marketplace.consent.service import Capture
from marketplace.decisions.cards import cards_of
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.proofs import publicity
from marketplace.proofs.doors import bp, say
from marketplace.proofs.evidence import match_for
from marketplace.proofs.projects import filed_with_photos_of
from marketplace.reference import purposes
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import Form, ManyField, OneField
from marketplace.web.transactions import current_session, writes


class PublicityForm(Form):
    """Who would be shown, and three ticks, none of them set beforehand."""

    person = OneField(_l("Who would be shown?"), required=False)
    data_fields = ManyField(_l("This may be made public"), required=False)


@bp.route("/mine/<match_id>/publicity", methods=["GET", "POST"])
@guard("publicity:give")
@writes
def my_publicity(match_id: str) -> ResponseReturnValue:
    """Say whether photo, first name or story may be made public; off unless ticked."""
    session, actor, now = current_session(), current_actor(), utc_now()
    match, form, english = match_for(session, match_id, actor=actor), PublicityForm(), language().startswith("en")
    kinds = [purposes.field_kind(code) for code in publicity.fields()]
    form.data_fields.choices = [(kind.code, kind.en if english else kind.zh) for kind in kinds]
    hints = {kind.code: kind.impact_en if english else kind.impact_zh for kind in kinds}
    people = speaks_for(session, match.household_id, actor=actor, now=now)
    form.person.choices = [(one.id, masked_name(session, one)) for one in people]
    if len(people) == 1:
        form.person.data = people[0].id
    if form.validate_on_submit() and not form.person.data:
        form.person.errors = [_("Choose one")]
    elif form.is_submitted() and not form.errors:
        try:
            wanted, about, capture = form.data_fields.data or [], form.person.data or "", Capture(lang=language())
            publicity.allow(
                session, match_id, data_fields=wanted, person_id=about, actor=actor, now=now, capture=capture
            )
            return pages.done(_("Your word is kept. You can withdraw it here at any time."), to=_consents())
        except BadInput as error:
            say(form, error)
    given = publicity.living(session, match, now=now)
    return pages.render(
        "proofs/publicity.html",
        card=cards_of(session, [match])[0],
        form=form,
        hints=hints,
        paragraphs=notice.paragraphs(notice.PUBLICITY, lang="en" if english else "zh_Hans"),
        given=given,
        about=masked_name(session, session.get_one(Person, given.person_id)) if given and given.person_id else "",
        asked=match.state in publicity.AFTER,
        filed=filed_with_photos_of(session, match.id),
    )


def _consents() -> str:
    return url_for("portal.my_consents")


@bp.post("/grants/<match_id>/publicity/<proof_id>")
@guard("proof:publish")
@writes
def mark_photo(match_id: str, proof_id: str) -> ResponseReturnValue:
    """Mark a photo as one to show in public, or take the mark away."""
    wanted = request.form.get("wanted") == "yes"
    publicity.mark(current_session(), proof_id, wanted=wanted, actor=current_actor(), now=utc_now())
    words = _("Marked. It may be shown as long as the household allows it.") if wanted else _("The mark is gone.")
    return pages.done(words, to=url_for("proofs.grant", match_id=match_id))
