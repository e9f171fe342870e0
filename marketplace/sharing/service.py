"""What a giver may see of a household, and the log of what it saw.

Enters: a giver's actor, a purpose and one accepted match's consent. Leaves: exactly the consented fields, opened for
this one look, and a disclosure row in the same transaction; or an error that carries the audit row of its refusal.
Nothing identifying leaves the platform by any other door.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, exists, insert
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.assessments.service import require_assessed
from marketplace.calendar import local_day
from marketplace.consent.ask import lock_head, newest
from marketplace.consent.capacity import is_own
from marketplace.consent.models import Consent, ConsentHead, Mode
from marketplace.db import UtcDateTime, flush, metadata, new_id
from marketplace.errors import ConsentMissing, DomainError, NotAllowed, NotFound
from marketplace.households.models import Household, Person
from marketplace.households.reaching import closed_fields
from marketplace.organisations.models import Organisation
from marketplace.organisations.service import reads_today
from marketplace.sealed import Sealed, vault_of
from marketplace.sharing.models import DeletionOrder, Disclosure
from marketplace.sharing.pipeline import Facts, Ruling, rule

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
ANSWERS: Mapping[str, tuple[type[DomainError], str]] = {
    "UNAUTHENTICATED": (NotAllowed, "not_the_recipient"),
    "CLIENT_SUSPENDED": (NotAllowed, "client_suspended"),
    "TENANT": (NotFound, "not_found"),
    "NO_CONSENT": (ConsentMissing, "consent_not_living"),
    "STATE": (ConsentMissing, "consent_not_living"),
    "PERIOD": (ConsentMissing, "consent_not_living"),
    "RECIPIENT": (NotAllowed, "not_the_recipient"),
    "PURPOSE": (ConsentMissing, "purpose_not_consented"),
    "FIELDS": (ConsentMissing, "fields_not_consented"),
    "MODE": (ConsentMissing, "mode_not_consented"),
    "READ_LIMIT": (NotAllowed, "read_limit"),
    "POLICY_CEILING": (NotAllowed, "above_ceiling"),
    "RECIPIENT_OVERDUE": (NotAllowed, "recipient_overdue"),
    "AUDIT_STALE": (NotAllowed, "audit_stale"),
}
"""Reason of a no ► what the outside sees: few and short codes."""
ACCOMPANYING = frozenset({"PAYMENT", "PUBLICITY", "DONOR_FEEDBACK", "INSURE_CLAIM_QUERY"})
"""Purposes that go with a match whose own purpose the agreement names, or come before any match."""
OWN = frozenset({"photo", "pickup_code"})
"""What a recipient makes itself when it delivers: a photo, the number of its own slip."""

_OWED = exists().where(
    col(DeletionOrder.org_id) == bindparam("org"),
    col(DeletionOrder.attested_at).is_(None),
    col(DeletionOrder.due_at) < bindparam("now", type_=UtcDateTime()),
)
_READS = select(func.count(), func.max(Disclosure.at), _OWED).where(
    col(Disclosure.consent_chain_id) == bindparam("chain")
)
"""What was read under a consent, and whether its recipient owes a deletion: built once, because every look asks."""
_WRITE = insert(metadata.tables[str(Disclosure.__tablename__)])
"""One row for each look, without the cost of a mapped object."""


def fields_on_record(person: Person) -> tuple[str, ...]:
    """The consent fields that this person's record can answer at all; asking for others would promise nothing."""
    held = tuple(code for code, column in SEALED_SOURCE.items() if getattr(person, column) is not None)
    return (*held, "household_size", "payee_token", "pickup_code")


def disclose(
    session: Session,
    chain_id: str,
    /,
    *,
    match_id: str,
    purpose: str,
    actor: Actor,
    now: datetime,
    wanted: Collection[str] | None = None,
    mode: Mode = Mode.VIEW,
) -> dict[str, str]:
    """Open the effective fields for the recipient named in the consent, and write down that it happened.

    Raises what `ANSWERS` says for the first question of the pipeline that is answered with no. The head is locked, so
    that a withdrawal either comes before this look or after it. Raises NotAllowed ``NO_PIA`` where no
    impact assessment stands.
    """
    head = lock_head(session, chain_id)
    consent = newest(session, head)
    facts = facts_of(session, head, consent, purpose=purpose, actor=actor, now=now)
    asked = None if wanted is None else frozenset(wanted)
    ruling = rule(replace(facts, wanted=asked, mode=mode, match_id=match_id))
    entry = entry_of(ruling, consent, object_ref=match_id, purpose=purpose)
    if not ruling.allow:
        raise refusal(ruling, entry, actor=actor)
    require_assessed(session, purpose, consent.recipient_kind, data_fields=ruling.fields, now=now)
    values = open_fields(session, consent, _safe(session, consent, ruling.fields), match_id=match_id)
    given = sorted(values)
    seq = audit.record(session, replace(entry, fields=given), actor=actor, now=now)
    write_down(session, consent, given, match_id=match_id, purpose=purpose, audit_seq=seq, actor=actor, now=now)
    return values


def write_down(
    session: Session,
    consent: Consent,
    fields: Sequence[str],
    /,
    *,
    match_id: str,
    purpose: str,
    audit_seq: int,
    actor: Actor,
    now: datetime,
) -> None:
    """The disclosure row of what the consent's recipient was given: fields by name, never values."""
    row = {
        "id": new_id(),
        "at": now,
        "household_id": consent.household_id,
        "person_id": consent.person_id,
        "recipient_org_id": consent.recipient_org_id,
        "actor_id": actor.id,
        "match_id": match_id,
        "purpose": purpose,
        "data_fields": list(fields),
        "consent_chain_id": consent.chain_id,
        "consent_version": consent.version,
        "audit_seq": audit_seq,
    }
    flush(session)
    session.execute(_WRITE, row)


def own_record_seen(
    session: Session, chain_id: str, field: str, /, *, match_id: str, purpose: str, actor: Actor, now: datetime
) -> None:
    """A recipient opens again what it recorded itself under this consent, such as the proof of a delivery: the same
    questions as for every look, and the household sees it like every other. What the recipient made itself (`OWN`) no
    consent to a delivery names, so there only the consent has to live.

    Raises as `disclose` does.
    """
    head = lock_head(session, chain_id)
    consent = newest(session, head)
    facts = facts_of(session, head, consent, purpose=purpose, actor=actor, now=now)
    asked = None if field in OWN else frozenset({field})
    ruling = rule(replace(facts, wanted=asked, match_id=match_id))
    entry = entry_of(ruling, consent, object_ref=match_id, purpose=purpose)
    if not ruling.allow:
        raise refusal(ruling, entry, actor=actor)
    require_assessed(session, purpose, consent.recipient_kind, data_fields=ruling.fields, now=now)
    seq = audit.record(session, replace(entry, fields=(field,)), actor=actor, now=now)
    write_down(session, consent, (field,), match_id=match_id, purpose=purpose, audit_seq=seq, actor=actor, now=now)


def facts_of(
    session: Session, head: ConsentHead, consent: Consent, /, *, purpose: str, actor: Actor, now: datetime
) -> Facts:
    """What the pipeline looks at for this consent and this recipient's actor, read in the deciding transaction."""
    org_id = actor.org_id or ""
    organisation = session.get(Organisation, org_id, populate_existing=True)
    reads, last, overdue = session.execute(_READS, {"chain": head.chain_id, "org": org_id, "now": now}).one()
    return Facts(
        now=now,
        org_id=actor.org_id,
        purpose=purpose,
        head=head,
        consent=consent,
        client_active=reads_today(organisation, on=local_day(now)),
        org_purposes=None if organisation is None else frozenset(organisation.purposes) | ACCOMPANYING,
        reads=int(reads),
        last_read_at=last,
        overdue=bool(overdue),
        audit_fresh=audit_fresh(session, now),
    )


def audit_fresh(session: Session, now: datetime, /) -> bool:
    """Whether the chain was witnessed lately; wiring hands in who knows it, a house without witnesses is not asked."""
    asks: Callable[[Session, datetime], bool] | None = session.info.get("audit_fresh")
    return asks is None or asks(session, now)


def entry_of(ruling: Ruling, consent: Consent, /, *, object_ref: str, purpose: str) -> audit.Entry:
    """The audit row of a ruling, of a yes and of a no alike."""
    return audit.Entry(
        "share:disclose" if ruling.allow else "share:deny",
        object_ref=object_ref,
        subject=consent.household_id,
        purpose=purpose[:32],
        decision="permit" if ruling.allow else "deny",
        rule_id=ruling.reason,
        fields=sorted(ruling.fields),
        consent_ref=f"{consent.chain_id}@{consent.version}",
    )


def refusal(ruling: Ruling, entry: audit.Entry, /, *, actor: Actor) -> DomainError:
    """The error of a no; its audit row is written by the edge after the transaction was rolled back."""
    kind, code = ANSWERS[ruling.reason]
    error = kind(code)
    error.denied = (entry, actor)
    return error


def _safe(session: Session, consent: Consent, codes: Collection[str]) -> list[str]:
    """Without the telephone and the address of who may not be reached by them; an emergency does not ask."""
    reaching = {"phone", "address"}.intersection(codes)
    person = session.get(Person, consent.person_id) if consent.person_id and reaching else None
    closed = closed_fields(session, person) if person is not None else frozenset()
    return [code for code in codes if code not in closed]


def open_fields(session: Session, consent: Consent, codes: Collection[str], /, *, match_id: str) -> dict[str, str]:
    """The plain values of these fields, as far as the record can answer; only after a ruling or in an emergency."""
    person = session.get(Person, consent.person_id) if consent.person_id else None
    household = session.get(Household, consent.household_id) if "household_size" in codes else None
    values: dict[str, str] = {}
    vault = vault_of(session)
    for code in codes:
        column = SEALED_SOURCE.get(code)
        sealed = getattr(person, column) if person is not None and column else None
        if person is not None and isinstance(sealed, Sealed):
            values[code] = vault.open(session, person.id, column=f"person.{column}", sealed=sealed)
        elif code == "household_size" and household is not None:
            values[code] = str(household.size)
        elif code in ("pickup_code", "payee_token"):
            values[code] = vault.index(f"{code}|{consent.recipient_org_id}", match_id)[:8].upper()
    return values


def disclosures_of(session: Session, household_id: str, /, *, heard: frozenset[str] | None = None) -> list[Disclosure]:
    """Who saw what of this household, newest first; of its people only what is these voices' own."""
    statement = (
        select(Disclosure)
        .where(col(Disclosure.household_id) == household_id)
        .order_by(col(Disclosure.at).desc(), col(Disclosure.id))
    )
    return [row for row in session.exec(statement) if is_own(row.person_id, heard)]
