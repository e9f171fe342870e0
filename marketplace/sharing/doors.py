"""The blueprint that the pages of this room hang on, and the sentences of its errors."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("sharing", __name__)
SENTENCES = {
    "client_decided": _l("Somebody has decided this already."),
    "scope_missing": _l("Choose at least one thing that the machine may do."),
    "jwk_wrong": _l("This is not a public key that we take: an EC key on P-256 as JWK, without its private part."),
    "too_many_keys": _l("There are three keys already: take one out of use first."),
    "key_known": _l("This key was uploaded before."),
    "webhook_host": _l("This address is not allowed. Ask civil affairs to allow its host first."),
    "attested_already": _l("You have said already that this was deleted."),
    "emergency_opened": _l("Somebody has agreed to this already."),
    "emergency_lapsed": _l("Nobody agreed within half an hour. If the danger is still there, ask anew."),
    "emergency_closed": _l("The half hour is over, or has not begun."),
    "emergency_reviewed": _l("There is nothing to judge here, or it was judged already."),
    "fields_not_consented": _l("The consent does not cover this."),
    "mode_not_consented": _l("The consent does not allow keeping a copy."),
    "read_limit": _l("This may not be looked at again so soon, or so often."),
    "above_ceiling": _l("This lies outside the purposes of the organisation's agreement."),
    "client_suspended": _l("Your organisation is suspended, or its agreement has ended. Nothing is shown to it."),
    "recipient_overdue": _l("Something must be deleted first: say so on the page. Nothing new is shown before."),
    "audit_stale": _l("Our records cannot be witnessed at the moment, so nothing new is shown. Try again later."),
    "own_data_only": _l("Each adult decides about its own data."),
    "guardian_not_verified": _l("For a child its guardian says yes, once civil affairs has checked who that is."),
    "evidence_missing": _l("Nothing proves this yes: name where the signed paper or the recording is kept."),
    "refused_lately": _l("The household has said no to this within the last 90 days, so it is not asked again."),
    "nothing_on_its_way": _l("Nothing is on its way under this consent."),
    "not_a_guardian": _l("A guardian is an adult of the same household, for a child under 14."),
}
