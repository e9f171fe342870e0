"""Matches and needs against the acts on them: state, amounts and resource, and nothing that was acted on may be gone.

Enters: a reading session. Leaves: what differs, with the act that says otherwise. Called by `standing`. O(acts).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from marketplace.needs.models import NeedState
from marketplace.reports.stored import Findings, last_acts, rows, table

MATCHED = '%"state":"%'
"""What the details of an act hold that puts a match into a state."""
MEASURED = '%"gap_units":%'
"""What the details of an act hold that says how large a need is."""
STATES = [state.value for state in NeedState]


def _matches(session: Session) -> Findings:
    """Each match against the last act on it, or on the line that was approved."""
    match, acts, bodies = table("match"), table("audit_row"), table("audit_body")
    where = (acts.c.action.like("match:%"), bodies.c.body.like(MATCHED))
    own, line = last_acts(*where, body=True), last_acts(*where, body=True)
    seq = func.coalesce(own.c.seq, line.c.seq)
    asked = (
        select(match.c.state, match.c.units, match.c.offer_id, seq.label("seq"), bodies.c.body)
        .outerjoin(own, own.c.ref == match.c.id)
        .outerjoin(line, line.c.ref == match.c.line_id)
        .outerjoin(bodies, bodies.c.seq == seq)
    )
    for row in rows(session, asked):
        if row["seq"] is None:
            yield 0, "a match stands without any act"
            continue
        fault = _fault_of(row, json.loads(row["body"]))
        if fault:
            yield int(row["seq"]), fault


def _fault_of(row: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    if said["state"] != row["state"].value:
        return "the state of a match was changed"
    if said.get("units") != row["units"]:
        return "the amount of a match was changed"
    return "" if said.get("offer") == row["offer_id"] else "the resource of a match was changed"


def _without_match(session: Session) -> Findings:
    """Acts that put a match into a state, on a line or on the match itself, of which no match is left."""
    acts, bodies = table("audit_row"), table("audit_body")
    own, line = table("match").alias("own"), table("match").alias("of_line")
    asked = (
        select(acts.c.seq)
        .join(bodies, bodies.c.seq == acts.c.seq)
        .outerjoin(own, own.c.id == acts.c.object_ref)
        .outerjoin(line, line.c.line_id == acts.c.object_ref)
        .where(acts.c.action.like("match:%"), bodies.c.body.like(MATCHED), own.c.id.is_(None), line.c.id.is_(None))
    )
    for row in rows(session, asked.order_by(acts.c.seq)):
        yield int(row["seq"]), "a match was taken away"


def _needs(session: Session) -> Findings:
    need, acts, bodies = table("need"), table("audit_row"), table("audit_body")
    last = last_acts(acts.c.action.like("need:%"), acts.c.decision.in_(STATES))
    sized = last_acts(acts.c.action.like("need:%"), bodies.c.body.like(MEASURED), body=True)
    asked = (
        select(need.c.state, need.c.gap_units, last.c.seq, acts.c.decision, sized.c.seq.label("sized"), bodies.c.body)
        .outerjoin(last, last.c.ref == need.c.id)
        .outerjoin(acts, acts.c.seq == last.c.seq)
        .outerjoin(sized, sized.c.ref == need.c.id)
        .outerjoin(bodies, bodies.c.seq == sized.c.seq)
    )
    for row in rows(session, asked):
        if row["seq"] is None:
            yield 0, "a need stands without any act"
        elif row["decision"] != row["state"].value:
            yield int(row["seq"]), "the state of a need was changed"
        elif row["sized"] is None or json.loads(row["body"])["gap_units"] != row["gap_units"]:
            yield int(row["sized"] or row["seq"]), "the amount of a need was changed"


def _without_need(session: Session) -> Findings:
    acts, need = table("audit_row"), table("need")
    asked = select(acts.c.seq).outerjoin(need, need.c.id == acts.c.object_ref)
    asked = asked.where(acts.c.action.like("need:%"), acts.c.decision.in_(STATES), need.c.id.is_(None))
    for row in rows(session, asked.order_by(acts.c.seq)):
        yield int(row["seq"]), "a need was taken away"


FINDINGS = (_matches, _without_match, _needs, _without_need)
