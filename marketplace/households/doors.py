"""The blueprint that the pages of this room hang on, and the sentences of the room's errors.

Enters: nothing. Leaves: `bp` and `SENTENCES`. Called by the room's views and by `marketplace.app`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("households", __name__)
SENTENCES: dict[str, Any] = {
    "suspicion_decided": _l("Somebody has decided on this pair already. Look at it again; you can take it back."),
    "verdicts_contrary": _l(
        "Other verdicts say the contrary. The page of this pair lists them: take one of them back first."
    ),
    "officer_is_kin": _l("You declared that you are close to this household: another officer does this."),
    "still_one": _l("They count as one until you decide: say the same person, or two."),
    "search_too_wide": _l("Fill in a name, a telephone, an ID number or a birth date."),
    "already_in_category": _l("The household is in this category already."),
    "no_own_phone": _l("Your own telephone is not on record: a WeChat cannot be tied to it."),
    "contact_unsafe": _l("This household may not be reached this way: somebody there is not safe."),
    "own_phone_missing": _l("No telephone of this person is on record: write it down first, or choose another way."),
    "member_here": _l("This number is on record in this household already."),
    "member_elsewhere": _l("This number is on record in another household. End it there first."),
    "member_left": _l("This person has left the household already."),
    "last_member": _l("This is the last person of the household: a household is somebody's."),
    "bad_id_number": _l("This is no ID number. Compare it digit by digit with the card."),
    "date_in_future": _l("This day lies in the future."),
    "reason_missing": _l("Choose a reason from the list."),
    "street_not_here": _l("This street is not in the household's district today. Choose one of the list."),
    "village_not_here": _l("A village has 12 digits, of which the first nine are its street's. Or leave it empty."),
    "place_same": _l("This is on record already."),
    "entry_waits": _l("This waits for a second person already."),
    "entry_decided": _l("This has been decided already, or nobody agreed within a week."),
    "entry_own": _l("You wrote this down yourself, or stand in for who did: another person agrees."),
    "person_missing": _l("This category is one person's own: choose whose it is."),
    "person_needless": _l("This category is the whole household's."),
    "spell_ended": _l("This has ended already."),
    "bad_category": _l("Choose a category of the register."),
    "export_empty": _l("Nobody of this district is in this category today."),
    "export_too_long": _l("More than 200 households: a list leaves with at most 200 rows. Choose less."),
    "export_decided": _l("This has been decided already, or nobody agreed within a week."),
    "export_own": _l("You asked for this yourself, or stand in for who did: another person agrees."),
    "export_not_yours": _l("Only who asked for this list takes it."),
    "export_not_open": _l("This list was taken already, or its day is over. Ask again."),
    "suspicion_open": _l("This pair is open already: there is nothing to take back."),
}
