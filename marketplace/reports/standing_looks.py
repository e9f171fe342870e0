"""Who saw what, and on what paper, against the acts: looks, emergencies and the documents behind a yes taken with help.

Enters: a reading session; no key, a document is compared by its sealed bytes. Leaves: what differs, with the act that
says otherwise. Called by `standing`. O(looks).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import exists, func, select
from sqlmodel import Session

from marketplace.reports.stored import Findings, last_acts, rows, table

LOOKS = ("share:disclose", "share:emergency")
"""Acts that show something to somebody; each has its row of "who saw what"."""
LIST = "share:disclose_list"
"""One act for a whole file; its details say of how many households."""
BASES = (*LOOKS, LIST, "credential:issue")
"""Acts under which a look may be written down."""


def _looks(session: Session) -> Findings:
    """Each row of "who saw what" against the act it names, the consent or the emergency behind it."""
    look, acts = table("disclosure"), table("audit_row")
    consent, emergency = table("consent"), table("emergency")
    said = [column.label(f"act_{column.name}") for column in acts.columns]
    asked = (
        select(*look.columns, *said, consent.c.household_id.label("of"), emergency.c.household_id.label("in_need"))
        .outerjoin(acts, acts.c.seq == look.c.audit_seq)
        .outerjoin(
            consent, (consent.c.chain_id == look.c.consent_chain_id) & (consent.c.version == look.c.consent_version)
        )
        .outerjoin(emergency, emergency.c.id == look.c.emergency_id)
        .order_by(look.c.audit_seq)
    )
    for row in rows(session, asked):
        if row["act_seq"] is None or row["act_action"] not in BASES:
            yield 0, "a look stands without any act"
        elif not _as_said(row):
            yield int(row["act_seq"]), "a look at somebody's data was changed"


def _as_said(row: Mapping[str, Any]) -> bool:
    """Whether the look says what its act says: who, for which organisation, whose data, which fields, when."""
    ref, home = f"{row['consent_chain_id']}@{row['consent_version']}", row["of"]
    if row["act_action"] == "share:emergency":
        ref, home = "", row["in_need"]
        if row["emergency_id"] != row["act_object_ref"]:
            return False
    elif row["act_action"] == LIST:
        ref = ""
    elif row["act_action"] == "share:disclose" and row["act_object_ref"] not in (
        row["match_id"],
        row["consent_chain_id"],
    ):
        return False
    return (
        row["act_actor_ref"] == row["actor_id"]
        and row["act_org_ref"] == row["recipient_org_id"]
        and row["act_consent_ref"] == ref
        and row["household_id"] == home
        and sorted(row["data_fields"]) == sorted(filter(None, row["act_fields"].split(",")))
        and row["act_at"] == row["at"].isoformat(timespec="microseconds")
    )


def _without_look(session: Session) -> Findings:
    acts, look = table("audit_row"), table("disclosure")
    asked = select(acts.c.seq).outerjoin(look, look.c.audit_seq == acts.c.seq)
    for row in rows(session, asked.where(acts.c.action.in_(LOOKS), look.c.id.is_(None)).order_by(acts.c.seq)):
        yield int(row["seq"]), "a look at somebody's data was taken away"


def _lists(session: Session) -> Findings:
    """Of each file as many looks as households were in it."""
    acts, bodies, look = table("audit_row"), table("audit_body"), table("disclosure")
    asked = (
        select(acts.c.seq, bodies.c.body, func.count(look.c.id).label("left"))
        .join(bodies, bodies.c.seq == acts.c.seq)
        .outerjoin(look, look.c.audit_seq == acts.c.seq)
        .where(acts.c.action == LIST)
        .group_by(acts.c.seq, bodies.c.body)
    )
    for row in rows(session, asked):
        if json.loads(row["body"])["households"] != row["left"]:
            yield int(row["seq"]), "a look at somebody's data was taken away"


def _emergencies(session: Session) -> Findings:
    """Each emergency against the last act on it, and each act of asking must have its emergency."""
    emergency, acts = table("emergency"), table("audit_row")
    last = last_acts(acts.c.action.in_(("emergency:ask", "emergency:open", "emergency:review")))
    asked = (
        select(emergency, acts.c.seq, acts.c.action, acts.c.rule_id, acts.c.fields)
        .select_from(last)
        .join(acts, acts.c.seq == last.c.seq)
        .outerjoin(emergency, emergency.c.id == last.c.ref)
    )
    for row in rows(session, asked):
        if row["id"] is None:
            yield int(row["seq"]), "an emergency was taken away"
        elif (
            row["action"] != _step(row)
            or row["rule_id"] != (row["verdict"] or row["reason_code"])
            or row["fields"] != ",".join(row["data_fields"])
        ):
            yield int(row["seq"]), "an emergency was changed"


def _step(row: Mapping[str, Any]) -> str:
    if row["reviewed_by"]:
        return "emergency:review"
    return "emergency:open" if row["opened_by"] else "emergency:ask"


def _documents(session: Session) -> Findings:
    """Each document behind a yes against the act that attached it; one whose time was over holds no body, and an act
    says so."""
    paper, acts, bodies = table("consent_evidence"), table("audit_row"), table("audit_body")
    ended = acts.alias("ended")
    emptied = exists().where(ended.c.object_ref == paper.c.id, ended.c.action == "paper:empty")
    asked = (
        select(paper.c.id, paper.c.body.label("sealed"), paper.c.recorded_by, acts.c.actor_ref, acts.c.seq)
        .add_columns(bodies.c.body.label("said"), emptied.label("emptied"))
        .outerjoin(acts, (acts.c.object_ref == paper.c.id) & (acts.c.action == "consent:evidence"))
        .outerjoin(bodies, bodies.c.seq == acts.c.seq)
    )
    for row in rows(session, asked):
        if row["seq"] is None:
            yield 0, "a document stands without any act"
            continue
        kept = json.loads(row["said"])["sealed"]
        gone = kept if row["emptied"] else ""
        sealed = gone if row["sealed"] is None else sha256(row["sealed"].envelope).hexdigest()
        if sealed != kept or row["actor_ref"] != row["recorded_by"]:
            yield int(row["seq"]), "the document behind a yes was changed"


def _without_document(session: Session) -> Findings:
    acts, paper = table("audit_row"), table("consent_evidence")
    asked = select(acts.c.seq).outerjoin(paper, paper.c.id == acts.c.object_ref)
    for row in rows(session, asked.where(acts.c.action == "consent:evidence", paper.c.id.is_(None))):
        yield int(row["seq"]), "the document behind a yes was taken away"


FINDINGS = (_emergencies, _looks, _without_look, _lists, _documents, _without_document)
