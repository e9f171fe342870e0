"""Which rows of the log somebody of a household may take home with their proof: its own, and no other adult's.

Enters: the number of a row, the household and for whom the one who asks speaks. Leaves: the row with its proof, or
NotFound. What is listed on the page of looks is provable: looks of organisations, in an emergency too, and of staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.audit import AuditRow
from marketplace.consent.ask import newest
from marketplace.consent.capacity import is_own
from marketplace.consent.models import ConsentHead
from marketplace.errors import NotFound
from marketplace.households.service import list_people
from marketplace.notices import Notice
from marketplace.rights.models import RightRequest
from marketplace.sharing.models import DeletionOrder, Disclosure
from marketplace.trail import service as trail


def own_proof(
    session: Session, seq: int, /, *, home: str, heard: frozenset[str] | None, helper: str = ""
) -> Mapping[str, Any]:
    """The proof of a row that is about this household or one of these voices; NotFound for any other row. What a person
    asked without its helper is none of the helper's."""
    shown = select(Disclosure.person_id).where(col(Disclosure.household_id) == home, col(Disclosure.audit_seq) == seq)
    looked_at = session.exec(shown).all()
    if any(is_own(person_id, heard) for person_id in looked_at):
        return trail.proof_of_row(session, seq)
    row = session.get(AuditRow, seq)
    if looked_at or row is None or _is_anothers(session, row, heard, helper=helper):
        raise NotFound("audit_row")
    own = [person.id for person in list_people(session, home) if is_own(person.id, heard)]
    return trail.own_proof(session, seq, subjects={audit.subject_ref(session, one) for one in (home, *own)})


def _is_anothers(session: Session, row: AuditRow, heard: frozenset[str] | None, *, helper: str) -> bool:
    letter = session.get(Notice, row.object_ref)
    if letter is not None and "about" in letter.params:
        return bool(helper) or not is_own(letter.params["about"], heard)
    request = session.get(RightRequest, row.object_ref)
    if request is not None and helper and request.asked_by != helper:
        return True
    return not is_own(_person_of(session, row), heard)


def proven_to(session: Session, /) -> int:
    """The last row of the log whose proof can be given; a row after it waits for the next checkpoint."""
    newest = trail.newest_checkpoint(session)
    return newest.size if newest is not None else 0


def _person_of(session: Session, row: AuditRow) -> str | None:
    """Whose own word or request the row tells of, where it stands under the household's mark; None where nobody's."""
    request = session.get(RightRequest, row.object_ref)
    if request is not None:
        return request.person_id
    order = session.get(DeletionOrder, row.object_ref)
    chain_id = row.consent_ref.partition("@")[0] or (order.consent_chain_id if order is not None else "")
    head = session.get(ConsentHead, chain_id)
    return newest(session, head).person_id if head is not None else None
