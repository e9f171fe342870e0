"""The same look at many households at once, such as the accounts of one payment file: one act, a row for each of them.

Enters: consents of one purpose and the recipient's actor. Leaves: disclosure rows under one audit row, in the caller's
transaction; the caller opens the values itself, because they are not columns of a person. If one consent does not live
any longer nothing is disclosed at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.assessments.service import require_assessed
from marketplace.consent.models import Consent, ConsentHead, Mode
from marketplace.db import chunks, flush, new_id
from marketplace.errors import ConsentMissing
from marketplace.sharing.models import Disclosure
from marketplace.sharing.pipeline import rule
from marketplace.sharing.service import entry_of, facts_of, refusal

_ASKED = 500


def disclose_list(
    session: Session,
    chain_ids: Sequence[str],
    /,
    *,
    purpose: str,
    data_fields: Sequence[str],
    object_ref: str,
    mode: Mode,
    actor: Actor,
    now: datetime,
) -> int:
    """Write down that the recipient of these consents sees these fields of each of their households, or takes them
    along in a file (mode STORE); return how many.

    Raises what the pipeline answers for the first consent that does not allow it. The heads are locked: a withdrawal
    comes before this look or after.
    Raises NotAllowed ``NO_PIA`` where no impact assessment stands.
    """
    found = _locked(session, chain_ids)
    if len(found) != len(set(chain_ids)):
        raise ConsentMissing("consent_not_living")
    if found:
        first = facts_of(session, *found[0], purpose=purpose, actor=actor, now=now)
    for head, consent in found:
        ruling = rule(replace(first, head=head, consent=consent, wanted=frozenset(data_fields), mode=mode, reads=0))
        if not ruling.allow:
            entry = entry_of(ruling, consent, object_ref=object_ref, purpose=purpose)
            raise refusal(ruling, entry, actor=actor)
    for kind in sorted({consent.recipient_kind for _head, consent in found}):
        require_assessed(session, purpose, kind, data_fields=data_fields, now=now)
    fields = sorted(data_fields)
    seq = _recorded(session, fields, purpose=purpose, ref=object_ref, many=len(found), actor=actor, now=now)
    shared = {"purpose": purpose, "data_fields": fields, "actor_id": actor.id, "at": now, "audit_seq": seq}
    if found:
        session.execute(insert(Disclosure), [_row(*pair, shared) for pair in found])
    flush(session)
    return len(found)


def _recorded(
    session: Session, data_fields: Sequence[str], *, purpose: str, ref: str, many: int, actor: Actor, now: datetime
) -> int:
    """One audit row for the whole list."""
    entry = audit.Entry(
        "share:disclose_list",
        object_ref=ref,
        purpose=purpose,
        decision="permit",
        rule_id="consent_alive",
        fields=data_fields,
        body={"households": many},
    )
    return audit.record(session, entry, actor=actor, now=now)


def _row(head: ConsentHead, consent: Consent, /, shared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "household_id": consent.household_id,
        "person_id": consent.person_id,
        "recipient_org_id": head.recipient_org_id,
        "match_id": head.match_id,
        "consent_chain_id": consent.chain_id,
        "consent_version": consent.version,
        **shared,
    }


def _locked(session: Session, chain_ids: Sequence[str]) -> list[tuple[ConsentHead, Consent]]:
    """The heads, locked in the order of their ids, each with its newest version."""
    found: list[tuple[ConsentHead, Consent]] = []
    for some in chunks(sorted(set(chain_ids)), _ASKED):
        heads = select(ConsentHead).where(col(ConsentHead.chain_id).in_(some)).order_by(col(ConsentHead.chain_id))
        locked = session.exec(heads.with_for_update().execution_options(populate_existing=True)).all()
        versions = {
            (consent.chain_id, consent.version): consent
            for consent in session.exec(select(Consent).where(col(Consent.chain_id).in_(some)))
        }
        found += [(head, versions[head.chain_id, head.version]) for head in locked]
    return found
