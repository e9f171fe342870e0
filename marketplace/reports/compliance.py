"""The compliance report: what the law asks to be shown, counted from the rows themselves.

Enters: a reading session and a period. Leaves: a dictionary of counts and verdicts without any person in it, and the
same as text. Small numbers are shown, because the reader is the auditor; no row is. Called by `shanqiao audit report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.assessments.models import Assessment, AssessmentState
from marketplace.calendar import local_day
from marketplace.consent.models import ConsentHead
from marketplace.incidents.models import IncidentHousehold
from marketplace.incidents.service import lateness, list_incidents
from marketplace.organisations.models import Organisation
from marketplace.reports import standing
from marketplace.rights.models import Death, Erasure, MatchReview, RightRequest, SourceDispute
from marketplace.sharing.models import Disclosure


def compliance(session: Session, /, *, since: datetime, until: datetime, now: datetime) -> dict[str, Any]:
    """Everything, for `[since, until)` where a row has a time; the chain is verified whole."""
    verdict = standing.verify(session)
    return {
        "period": {"from": local_day(since).isoformat(), "to": local_day(until).isoformat()},
        "chain": {"rows": verdict.rows, "unbroken": verdict.bad_seq == 0, "first_bad_row": verdict.bad_seq},
        "acts": _acts(session, since, until),
        "consents": _count(session, ConsentHead.purpose, ConsentHead.state),
        "disclosures": _disclosures(session, since, until),
        "assessments": _assessments(session, now=now),
        "requests": _requests(session, since, until, now=now),
        "matches_brought_back": _count(session, MatchReview.cause, MatchReview.state),
        "disputes_at_source": _count(session, SourceDispute.source, SourceDispute.state),
        "deaths": session.exec(select(func.count()).select_from(Death)).one(),
        "erasures": _erasures(session, now=now),
        "incidents": _incidents(session, now=now),
    }


def _acts(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    first, last = (one.astimezone(UTC).isoformat(timespec="microseconds") for one in (since, until))
    row = audit.AuditRow
    asked = select(row.action, func.count()).where(col(row.at) >= first, col(row.at) < last).group_by(row.action)
    return {str(found[0]): int(found[1]) for found in session.execute(asked.order_by(col(row.action)))}


def _count(session: Session, *columns: Any) -> dict[str, int]:
    rows: Any = session.execute(select(*columns, func.count()).group_by(*columns))  # type: ignore[call-overload]
    return dict(sorted(("/".join(str(getattr(one, "value", one)) for one in row[:-1]), int(row[-1])) for row in rows))


def _disclosures(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    asked = (
        select(Organisation.kind, Disclosure.purpose, func.count())
        .join(Organisation, col(Organisation.id) == col(Disclosure.recipient_org_id))
        .where(col(Disclosure.at) >= since, col(Disclosure.at) < until)
        .group_by(Organisation.kind, Disclosure.purpose)
    )
    rows = session.execute(asked)
    found = {f"{kind.value}/{purpose}": int(number) for kind, purpose, number in rows}
    bare = select(func.count()).select_from(Disclosure)
    bare = bare.where(col(Disclosure.consent_chain_id).is_(None), col(Disclosure.emergency_id).is_(None))
    return {**dict(sorted(found.items())), "without basis": session.exec(bare).one()}


def _assessments(session: Session, *, now: datetime) -> dict[str, Any]:
    """How many stand, and which pairs of recipient and purpose were disclosed to without one that stands today."""
    standing = select(Assessment.recipient_kind, Assessment.purpose).where(
        Assessment.state == AssessmentState.APPROVED, col(Assessment.valid_to) > now
    )
    covered = {(kind, purpose) for kind, purpose in session.exec(standing)}
    used = (
        select(Organisation.kind, Disclosure.purpose)
        .join(Organisation, col(Organisation.id) == col(Disclosure.recipient_org_id))
        .distinct()
    )
    pairs = {(str(org_kind), purpose) for org_kind, purpose in session.exec(used)}
    return {"standing": len(covered), "used_without": sorted("/".join(pair) for pair in pairs - covered)}


def _requests(session: Session, since: datetime, until: datetime, *, now: datetime) -> dict[str, dict[str, int]]:
    """By right: asked, answered in time, answered late, late and still open."""
    asked = select(RightRequest).where(col(RightRequest.asked_at) >= since, col(RightRequest.asked_at) < until)
    found: dict[str, dict[str, int]] = {}
    for one in session.exec(asked.order_by(col(RightRequest.id))):
        told = found.setdefault(one.kind.value, {"asked": 0, "in_time": 0, "late": 0, "open_late": 0})
        told["asked"] += 1
        if one.answered_at is not None:
            told["in_time" if one.answered_at <= one.due_at else "late"] += 1
        elif now > one.due_at:
            told["open_late"] += 1
    return dict(sorted(found.items()))


def _erasures(session: Session, *, now: datetime) -> dict[str, int]:
    done = select(func.count()).select_from(Erasure).where(col(Erasure.erased_at).is_not(None))
    due = (
        select(func.count()).select_from(Erasure).where(col(Erasure.erased_at).is_(None), col(Erasure.erase_at) <= now)
    )
    return {"done": session.exec(done).one(), "overdue": session.exec(due).one()}


def _incidents(session: Session, *, now: datetime) -> list[dict[str, Any]]:
    shown = []
    for one in list_incidents(session):
        touched = select(func.count()).select_from(IncidentHousehold).where(IncidentHousehold.incident_id == one.id)
        shown.append(
            {
                "id": one.id,
                "found_at": one.found_at.isoformat(),
                "households": session.exec(touched).one(),
                "late": lateness(session, one, now=now),
                "closed": one.closed_at is not None,
            }
        )
    return shown


def as_text(told: Mapping[str, Any], /) -> str:
    """One line for each figure, by section."""
    lines = []
    for section, value in told.items():
        lines.append(f"## {section}")
        lines += _lines(value)
        lines.append("")
    return "\n".join(lines)


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}: {_flat(one)}" for name, one in value.items()] or ["none"]
    if isinstance(value, list):
        return [_flat(one) for one in value] or ["none"]
    return [str(value)]


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    return str(value)
