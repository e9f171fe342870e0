"""Credentials that end because what they stand on did: a recipient's key, or a fact that is told otherwise now.

Enters: the key, or the facts. Leaves: every living credential that stood on it ended for good. Called by `sharing`
where a key is retired, by `rights` after a correction, and by the register's deliveries through `households.changed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col

from marketplace.actors import Actor
from marketplace.consent.ask import ASKED_AT_ONCE, lock_head, newest
from marketplace.credentials import claims
from marketplace.credentials.models import IssuedCredential
from marketplace.credentials.service import end, living_among
from marketplace.db import chunks
from marketplace.households.changed import Changed
from marketplace.households.models import Person


def end_of_key(session: Session, holder_kid: str, /, *, actor: Actor, now: datetime) -> int:
    """A recipient's key is out of use: what is bound to it is good no more, whoever holds the key; how many ended."""
    found = living_among(session, col(IssuedCredential.holder_kid) == holder_kid)
    for credential in found:
        end(session, credential, actor=actor, now=now, reason="key_retired")
    return len(found)


def end_of_fact(session: Session, person: Person, field: str, /, *, actor: Actor, now: datetime) -> None:
    """A fact of this person, or how many its household are, was wrong: what says the old value ends for good."""
    end_of_facts(session, [Changed(person.household_id, person.id, field)], actor=actor, now=now)


def end_of_facts(session: Session, gone: Sequence[Changed], /, *, actor: Actor, now: datetime) -> None:
    """These are told otherwise now: what says an old value ends for good. All are locked before the first ends."""
    by_home: dict[str, list[Changed]] = {}
    for each in gone:
        by_home.setdefault(each.household_id, []).append(each)
    of_them = [col(IssuedCredential.household_id).in_(some) for some in chunks(sorted(by_home), ASKED_AT_ONCE)]
    for one in living_among(session, *of_them):
        told_of = newest(session, lock_head(session, one.consent_chain_id)).person_id
        if any(_says(one, each, told_of) for each in by_home[one.household_id]):
            end(session, one, actor=actor, now=now, reason="corrected")


def _says(one: IssuedCredential, gone: Changed, told_of: str | None) -> bool:
    said = claims.claims_of(gone.field)
    return bool(said.intersection(one.data_fields)) and (gone.field in claims.OF_ALL or told_of == gone.person_id)
