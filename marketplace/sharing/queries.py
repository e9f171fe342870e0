"""May the house ask this organisation about this person at this moment, with a yes or no as the only answer?

Enters: a consent of the kind QUERY and the recipient's actor. Leaves: yes, with the disclosure row of the question in
the same transaction; or no, and nothing is asked. Nobody outside asked for anything, so a no leaves no row. Called by
`claims`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.assessments.service import impact_assessed
from marketplace.consent.ask import lock_head, newest
from marketplace.consent.models import Consent, ConsentHead, Mode
from marketplace.sharing.models import Disclosure
from marketplace.sharing.pipeline import rule
from marketplace.sharing.service import entry_of, facts_of, write_down


def is_used_up(session: Session, chain_id: str, /) -> bool:
    """Whether this yes has been asked under as often as it allows, so that nothing can be asked under it any more."""
    most = newest(session, session.get_one(ConsentHead, chain_id)).max_reads
    asked = select(func.count()).select_from(Disclosure).where(col(Disclosure.consent_chain_id) == chain_id)
    return most is not None and session.exec(asked).one() >= most


def allowed(
    session: Session, chain_id: str, /, *, purpose: str, actor: Actor, now: datetime, object_ref: str = ""
) -> Consent | None:
    """The consent under which the question about `object_ref` may be asked now, and is from now on written down as
    asked. Several questions of one moment are one asking, and each counts as a look."""
    head = lock_head(session, chain_id)
    consent = newest(session, head)
    facts = facts_of(session, head, consent, purpose=purpose, actor=actor, now=now)
    last = None if facts.last_read_at == now else facts.last_read_at
    ruling = rule(replace(facts, mode=Mode.QUERY, last_read_at=last))
    if not ruling.allow or not impact_assessed(session, purpose, consent.recipient_kind, now=now):
        return None
    entry = entry_of(ruling, consent, object_ref=object_ref or chain_id, purpose=purpose)
    seq = audit.record(session, replace(entry, fields=()), actor=actor, now=now)
    write_down(session, consent, (), match_id="", purpose=purpose, audit_seq=seq, actor=actor, now=now)
    return consent
