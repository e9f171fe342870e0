"""What a giver may see of a household, and the log of what it saw.

Enters: a giver's actor and one accepted match's consent. Leaves: exactly the consented fields, opened for this one
look, and a disclosure row in the same transaction. Nothing identifying leaves the platform by any other door.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.assessments.service import require_assessed
from marketplace.consent.ask import is_alive, lock_head, newest
from marketplace.consent.models import Consent
from marketplace.db import flush, new_id
from marketplace.errors import ConsentMissing, NotAllowed
from marketplace.households.models import Household, Person
from marketplace.sealed import Sealed, vault_of
from marketplace.sharing.models import Disclosure

SEALED_SOURCE: Mapping[str, str] = {
    "name": "name",
    "phone": "phone",
    "address": "address",
    "id_number": "id_number",
    "birth_date": "birth_date",
    "payee_account": "payee_account",
    "diagnosis_group": "health",
}
"""Consent field ► the person's sealed column that answers it."""


def fields_on_record(person: Person) -> tuple[str, ...]:
    """The consent fields that this person's record can answer at all; asking for others would promise nothing."""
    held = tuple(code for code, column in SEALED_SOURCE.items() if getattr(person, column) is not None)
    return (*held, "household_size", "payee_token", "pickup_code")


def disclose(
    session: Session, chain_id: str, /, *, match_id: str, purpose: str, actor: Actor, now: datetime
) -> dict[str, str]:
    """Open the consented fields for the recipient named in the consent, and write down that it happened.

    Raises ConsentMissing if the consent is not alive or is for another purpose, NotAllowed if the actor's organisation
    is not its recipient or no impact assessment stands (``NO_PIA``).
    The head is locked, so that a withdrawal either comes before this look or after it.
    """
    head = lock_head(session, chain_id)
    if not is_alive(head, now):
        raise ConsentMissing("consent_not_living", state=head.state.value)
    if head.purpose.value != purpose:
        raise ConsentMissing("purpose_not_consented")
    if actor.org_id is None or actor.org_id != head.recipient_org_id:
        raise NotAllowed("not_the_recipient")
    consent = newest(session, head)
    require_assessed(session, purpose, consent.recipient_kind, data_fields=consent.data_fields, now=now)
    values = _open(session, consent, match_id=match_id)
    entry = audit.Entry(
        "share:disclose",
        object_ref=match_id,
        subject=consent.household_id,
        purpose=purpose,
        decision="permit",
        rule_id="consent_alive",
        fields=sorted(values),
        consent_ref=f"{consent.chain_id}@{consent.version}",
    )
    session.add(
        Disclosure(
            id=new_id(),
            at=now,
            household_id=consent.household_id,
            person_id=consent.person_id,
            recipient_org_id=head.recipient_org_id,
            actor_id=actor.id,
            match_id=match_id,
            purpose=purpose,
            data_fields=sorted(values),
            consent_chain_id=consent.chain_id,
            consent_version=consent.version,
            audit_seq=audit.record(session, entry, actor=actor, now=now),
        )
    )
    flush(session)
    return values


def _open(session: Session, consent: Consent, *, match_id: str) -> dict[str, str]:
    person = session.get(Person, consent.person_id) if consent.person_id else None
    household = session.get(Household, consent.household_id)
    values: dict[str, str] = {}
    vault = vault_of(session)
    for code in consent.data_fields:
        column = SEALED_SOURCE.get(code)
        sealed = getattr(person, column) if person is not None and column else None
        if person is not None and isinstance(sealed, Sealed):
            values[code] = vault.open(session, person.id, column=f"person.{column}", sealed=sealed)
        elif code == "household_size" and household is not None:
            values[code] = str(household.size)
        elif code in ("pickup_code", "payee_token"):
            values[code] = vault.index(f"{code}|{consent.recipient_org_id}", match_id)[:8].upper()
    return values


def disclosures_of(session: Session, household_id: str, /) -> list[Disclosure]:
    """Who saw what of this household, newest first."""
    statement = (
        select(Disclosure)
        .where(col(Disclosure.household_id) == household_id)
        .order_by(col(Disclosure.at).desc(), col(Disclosure.id))
    )
    return list(session.exec(statement))
