"""Do the rows that decide still say what the audit chain says? The chain alone shows only that its own rows are whole.

Enters: a reading session. Leaves: a verdict that names the first act whose object was changed beside the house: a
version of a consent, the head that names its newest one, and (`standing_aid`, `standing_looks`) a match, a need, a look
at somebody's data, an emergency, a document behind a yes. Every act on them commits to what holds after it, so whoever
sets or deletes one by SQL would have to forge the chain as well. Called by whoever verifies the chain: the auditor's
page, `shanqiao audit verify`, the compliance report, and the restoring of a backup. O(rows).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session

from marketplace import audit
from marketplace.consent.versions import content_of
from marketplace.reports import standing_aid as aid
from marketplace.reports import standing_looks as looks
from marketplace.reports.stored import Findings, last_acts, rows, table

BEGINNINGS = ("consent:give", "consent:assist")
"""Acts that begin a chain of consent; each must still have its head."""


def verify(session: Session) -> audit.Verdict:
    """The chain, then every consent, match, need and look against its acts; stops at the first that differs."""
    verdict = audit.verify(session)
    if verdict.bad_seq:
        return verdict
    for finding in (_consents, _without_version, _without_head, *aid.FINDINGS, *looks.FINDINGS):
        with closing(finding(session)) as found:
            for seq, fault in found:
                return replace(verdict, bad_seq=seq or verdict.rows, fault=fault)
    return verdict


def _consents(session: Session) -> Findings:
    """Each version against the act that wrote it, each head against its newest version."""
    last: Mapping[str, Any] = {"chain_id": ""}
    version = 0
    for row in rows(session, _asked_consents()):
        if row["chain_id"] != last["chain_id"]:
            if version != last.get("head_version", 0):
                yield int(last["audit_seq"]), "the head of a consent names a version that is not there"
            version = 0
        version += 1
        fault = _fault_of(row, version)
        if fault:
            yield int(row["act_seq"] or 0), fault
        last = row
    if version != last.get("head_version", 0):
        yield int(last["audit_seq"]), "the head of a consent names a version that is not there"


def _asked_consents() -> Select[Any]:
    acts, bodies = table("audit_row"), table("audit_body")
    consent, head = table("consent"), table("consent_head")
    last = last_acts(acts.c.action.like("consent:%"), acts.c.consent_ref != "")
    named = [column.label(f"head_{column.name}") for column in head.columns]
    return (
        select(
            *consent.columns,
            *named,
            acts.c.seq.label("act_seq"),
            acts.c.consent_ref,
            bodies.c.body,
            last.c.seq.label("last_seq"),
        )
        .outerjoin(acts, acts.c.seq == consent.c.audit_seq)
        .outerjoin(bodies, bodies.c.seq == acts.c.seq)
        .outerjoin(head, head.c.chain_id == consent.c.chain_id)
        .outerjoin(last, last.c.ref == consent.c.chain_id)
        .order_by(consent.c.chain_id, consent.c.version)
    )


def _fault_of(row: Mapping[str, Any], version: int) -> str:
    if row["act_seq"] is None:
        return "a version of a consent stands without any act"
    if row["version"] != version or row["consent_ref"] != f"{row['chain_id']}@{version}":
        return "a version of a consent is missing or was added"
    if row["head_chain_id"] is None:
        return "a consent has lost its head"
    said = json.loads(row["body"] or "{}").get("content", "")
    if not hmac.compare_digest(str(said), content_of(row, match_id=row["head_match_id"])):
        return "a version of a consent was changed"
    if version != row["head_version"]:
        return ""
    if row["last_seq"] != row["audit_seq"]:
        return "the head of a consent names an older version"
    same = ("household_id", "purpose", "recipient_org_id", "state", "valid_from", "valid_to")
    return "" if all(row[name] == row[f"head_{name}"] for name in same) else "the head of a consent was changed"


def _without_version(session: Session) -> Findings:
    """Heads that were put there with no version behind them: nothing above would ever look at these."""
    head, consent = table("consent_head"), table("consent")
    asked = select(head.c.chain_id).outerjoin(consent, consent.c.chain_id == head.c.chain_id)
    for _row in rows(session, asked.where(consent.c.chain_id.is_(None))):
        yield 0, "the head of a consent names a version that is not there"


def _without_head(session: Session) -> Findings:
    acts, head = table("audit_row"), table("consent_head")
    asked = select(acts.c.seq).outerjoin(head, head.c.chain_id == acts.c.object_ref)
    asked = asked.where(acts.c.action.in_(BEGINNINGS), acts.c.consent_ref != "", head.c.chain_id.is_(None))
    for row in rows(session, asked.order_by(acts.c.seq)):
        yield int(row["seq"]), "a consent was taken away"
