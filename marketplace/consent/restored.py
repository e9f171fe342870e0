"""What rests after a backup was restored, because nobody knows what ended since: consents, and who speaks for a child.

Enters: a house as it was at the backup. Leaves: every consent that held paused, and a letter for each household that
lets it hold again; the links of guardians in the list of those whose end waits, and meanwhile they count for
nothing. Called by `operations.after_restore`, in the transaction of the restore.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM
from marketplace.consent.ask import lock_head
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.consent.versions import next_version
from marketplace.db import flush
from marketplace.households.guardians import RESTORED, is_minor
from marketplace.households.models import Guardian, Person
from marketplace.sealed import PersonKey


def rest_all(session: Session, /, *, now: datetime) -> int:
    """Pause everything that holds, because what ended after a backup is back: each household is told by one letter, and
    lets it hold again for itself; how many rest."""
    asked = select(ConsentHead.chain_id).where(col(ConsentHead.state) == ConsentState.ACTIVE)
    chains = list(session.exec(asked.order_by(col(ConsentHead.chain_id))))
    homes: set[str] = set()
    for chain_id in chains:
        head = lock_head(session, chain_id)
        next_version(
            session,
            head,
            state=ConsentState.PAUSED,
            actor=SYSTEM,
            now=now,
            action="consent:pause",
            reason=RESTORED,
        )
        homes.add(head.household_id)
    known = select(Person.household_id).join(PersonKey, col(PersonKey.person_id) == col(Person.id)).distinct()
    there = session.exec(known).all()
    for household_id in sorted(homes.intersection(there)):
        key = f"rests:{household_id}:{now.isoformat()}"
        notices.post(session, "consent_rests", key=key, household_id=household_id, now=now)
    return len(chains)


def rest_guardians(session: Session, /, *, now: datetime) -> int:
    """The links of children's guardians wait until staff have looked: each lets one stay, or ends it; how many."""
    links = select(Guardian, Person).join(Person, col(Person.id) == col(Guardian.child_id))
    links = links.where(col(Guardian.ended_at).is_(None)).order_by(col(Guardian.id))
    found = [(link, child) for link, child in session.exec(links).all() if is_minor(child, now=now)]
    for link, child in found:
        link.end_reason, link.end_asked_by, link.end_asked_for = RESTORED, SYSTEM.id, ""
        session.add(link)
        entry = audit.Entry(
            "consent:guardian_ask_end", object_ref=link.id, subject=child.household_id, rule_id=RESTORED
        )
        audit.record(session, entry, actor=SYSTEM, now=now)
    flush(session)
    return len(found)
