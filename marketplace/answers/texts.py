"""What the text about one offer is made of: when any of it changes, a yes to the old text is no yes to the new one.

Enters: a match and the language. Leaves: a fingerprint without a person in it. The words themselves are drawn by the
pages of this room; `TEMPLATE` and `VERSION` say which words, and words that were read out get a new version when they
are changed. Called by `service` and `slips`.
"""

from __future__ import annotations

import json
from hashlib import sha256

from sqlmodel import Session

from marketplace.consent import notice
from marketplace.decisions import seeing
from marketplace.decisions.models import Match
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation

TEMPLATE, VERSION = "offer", 1


def basis_of(session: Session, match: Match, person_id: str, /, *, lang: str) -> str:
    """The fingerprint of giver, help, amount, terms, purpose, what may be seen, and the notice."""
    organisation = session.get_one(Organisation, match.org_id)
    offer, need = session.get_one(Offer, match.offer_id), session.get_one(Need, match.need_id)
    shown = notice.share_with(organisation.kind.value)
    made_of = [
        f"{TEMPLATE}/{VERSION}",
        organisation.name,
        need.category,
        match.units,
        offer.rules or "",
        offer.steps or "",
        seeing.purpose_of(session, match),
        list(seeing.fields_to_ask(session, match, person_id)),
        notice.fingerprint(shown, lang=lang),
    ]
    return sha256(json.dumps(made_of, ensure_ascii=False).encode()).hexdigest()
