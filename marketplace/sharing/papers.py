"""Papers that a recipient may keep: a credential of a verified need, and the signed receipts of its own consents.

Enters: a consent, its recipient's actor and public key. Leaves: a compact SD-JWT with a disclosure row, or receipts;
a credential only through the sixteen questions. Called by `decisions.seeing` and the partner API. A credential
outlives the page it is made on, so personal fields go into it only where the consent lets the recipient store them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.assessments.service import require_assessed
from marketplace.consent.ask import lock_head, newest
from marketplace.consent.models import ConsentHead, Mode
from marketplace.credentials import service as credentials
from marketplace.credentials.models import ConsentReceipt
from marketplace.errors import ConsentMissing, NotFound
from marketplace.reference import purposes
from marketplace.sharing.pipeline import rule
from marketplace.sharing.service import entry_of, facts_of, refusal, write_down


def issue_credential(
    session: Session,
    chain_id: str,
    /,
    *,
    match_id: str,
    purpose: str,
    holder_jwk: Mapping[str, Any],
    need_id: str,
    actor: Actor,
    now: datetime,
    wanted: Collection[str] = (),
) -> str:
    """A fresh credential of this need for the recipient: the base card, and of the personal fields those in `wanted`.

    Raises what the pipeline answers; `mode_not_consented` where a personal field may only be looked at.
    """
    head = lock_head(session, chain_id)
    consent = newest(session, head)
    facts = facts_of(session, head, consent, purpose=purpose, actor=actor, now=now)
    asked = frozenset(wanted) or None
    mode = Mode.STORE if asked else Mode.QUERY
    ruling = rule(replace(facts, wanted=asked, mode=mode, match_id=match_id))
    if not ruling.allow:
        entry = entry_of(ruling, consent, object_ref=match_id, purpose=purpose)
        raise refusal(ruling, entry, actor=actor)
    personal = ruling.fields if asked else ()
    require_assessed(session, purpose, consent.recipient_kind, data_fields=personal, now=now)
    fields = [*purposes.base_card(), *personal]
    compact = credentials.issue(
        session, actor, chain_id, fields=fields, now=now, holder_jwk=holder_jwk, need_ids=[need_id]
    )
    issued = credentials.living_of(session, chain_id)
    shown: dict[str, Any] = {"match_id": match_id, "purpose": purpose, "audit_seq": issued.audit_seq}
    write_down(session, consent, issued.data_fields, **shown, actor=actor, now=now)
    return compact


def receipts_for(session: Session, chain_id: str, /, *, purpose: str, actor: Actor) -> list[ConsentReceipt]:
    """The receipts of a consent that names the asking organisation, the oldest first; a foreign one looks missing.

    They hold codes of fields and no value, so they stay readable after the consent has ended: they prove what was
    allowed.
    """
    head = session.get(ConsentHead, chain_id)
    if head is None or actor.org_id is None or head.recipient_org_id != actor.org_id:
        raise NotFound("consent")
    if head.purpose.value != purpose:
        error = ConsentMissing("purpose_not_consented")
        tried: dict[str, Any] = {"object_ref": chain_id, "subject": head.household_id, "purpose": purpose[:32]}
        error.denied = (audit.Entry("share:deny", decision="deny", rule_id="PURPOSE", **tried), actor)
        raise error
    asked = select(ConsentReceipt).where(col(ConsentReceipt.chain_id) == chain_id)
    return list(session.exec(asked.order_by(col(ConsentReceipt.version))))
