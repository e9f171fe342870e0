"""Write an impact assessment, have another person approve it, and ask whether one stands.

Enters: a purpose, a kind of recipient, fields, three answers. Leaves: an `Assessment`; and for whoever is about to
hand data on, a plain yes or no (`impact_assessed`), which `require_assessed` turns into the refusal ``NO_PIA``. Called
by the pages of this room, by sharing before every disclosure, and by the compliance report.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, col, or_, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.assessments.models import Assessment, AssessmentState
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.organisations.models import OrganisationKind
from marketplace.policy import require
from marketplace.reference import purposes

VALID = timedelta(days=3 * 365)
"""An assessment is made anew after this long; the record itself is never deleted."""
NO_PIA = "NO_PIA"
LONGEST = 400
_STANDING = select(Assessment).where(
    col(Assessment.purpose) == bindparam("purpose"),
    col(Assessment.recipient_kind) == bindparam("kind"),
    col(Assessment.state) == AssessmentState.APPROVED,
)
_STANDING_THEN = _STANDING.where(or_(col(Assessment.valid_to).is_(None), col(Assessment.valid_to) > bindparam("now")))
"""Built once: every look asks it."""


def impact_assessed(
    session: Session,
    purpose: str,
    recipient_kind: str,
    /,
    *,
    data_fields: Iterable[str] = (),
    now: datetime | None = None,
) -> bool:
    """Whether an approved assessment covers this purpose, kind of recipient and every one of these fields."""
    found = _standing(session, purpose, recipient_kind, now=now)
    return found is not None and set(data_fields) <= set(found.data_fields)


def require_assessed(
    session: Session, purpose: str, recipient_kind: str, /, *, data_fields: Iterable[str], now: datetime
) -> None:
    """Refuse a disclosure that nobody has assessed."""
    if not impact_assessed(session, purpose, recipient_kind, data_fields=data_fields, now=now):
        raise NotAllowed(NO_PIA, purpose=purpose, recipient_kind=recipient_kind)


def _standing(session: Session, purpose: str, recipient_kind: str, /, *, now: datetime | None) -> Assessment | None:
    named = {"purpose": purpose, "kind": recipient_kind}
    if now is None:
        return session.exec(_STANDING, params=named).one_or_none()
    return session.exec(_STANDING_THEN, params={**named, "now": now}).one_or_none()


def write(
    session: Session,
    purpose: str,
    recipient_kind: str,
    /,
    *,
    data_fields: Iterable[str],
    necessity: str,
    risks: str,
    measures: str,
    actor: Actor,
    now: datetime,
) -> Assessment:
    """A draft. A field above the purpose's ceiling is refused: no assessment can lift a ceiling."""
    require(actor, "assessment:write")
    wanted = list(dict.fromkeys(data_fields))
    if purpose not in {one.code for one in purposes.list_purposes()} or recipient_kind not in {
        kind.value for kind in OrganisationKind
    }:
        raise BadInput("bad_input", field="purpose")
    for code in wanted:
        if not purposes.purpose(purpose).allows(code):
            raise BadInput("field_above_ceiling", field="data_fields", purpose=purpose)
    for name, text in (("necessity", necessity), ("risks", risks), ("measures", measures)):
        if not text.strip() or len(text) > LONGEST:
            raise BadInput("bad_input", field=name)
    draft = Assessment(
        id=new_id(),
        purpose=purpose,
        recipient_kind=recipient_kind,
        data_fields=wanted,
        necessity=necessity.strip(),
        risks=risks.strip(),
        measures=measures.strip(),
        written_by=actor.id,
        written_for=actor.stood_for,
        written_at=now,
    )
    return _record(session, draft, "assessment:write", actor=actor, now=now)


def approve(session: Session, assessment_id: str, /, *, actor: Actor, now: datetime) -> Assessment:
    """Another person than the writer lets it stand; the one that stood before is replaced."""
    require(actor, "assessment:approve")
    draft = get_assessment(session, assessment_id, lock=True)
    if draft.state is not AssessmentState.DRAFT:
        raise WrongState("assessment_decided", state=draft.state.value)
    if wrote(draft, actor):
        raise NotAllowed("second_person_needed")
    before = _standing(session, draft.purpose, draft.recipient_kind, now=None)
    if before is not None:
        before.state, before.ended_at = AssessmentState.REPLACED, now
        session.add(before)
        flush(session)
    draft.state, draft.approved_by, draft.approved_at, draft.valid_to = (
        AssessmentState.APPROVED,
        actor.id,
        now,
        now + VALID,
    )
    return _record(session, draft, "assessment:approve", actor=actor, now=now)


def wrote(draft: Assessment, actor: Actor, /) -> bool:
    """Whether the actor, or for whom it stands in, is one of the writer's two."""
    return bool({draft.written_by, draft.written_for} & actor.people)


def withdraw(session: Session, assessment_id: str, /, *, actor: Actor, now: datetime) -> Assessment:
    """It no longer stands: from now on nothing is handed on under it."""
    require(actor, "assessment:withdraw")
    found = get_assessment(session, assessment_id, lock=True)
    if found.state not in (AssessmentState.DRAFT, AssessmentState.APPROVED):
        raise WrongState("assessment_decided", state=found.state.value)
    found.state, found.ended_at = AssessmentState.WITHDRAWN, now
    return _record(session, found, "assessment:withdraw", actor=actor, now=now)


def get_assessment(session: Session, assessment_id: str, /, *, lock: bool = False) -> Assessment:
    """The assessment, or NotFound."""
    found = session.get(Assessment, assessment_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound("assessment")
    return found


def list_assessments(session: Session, /) -> list[Assessment]:
    """All of them: by purpose and kind, the newest first."""
    order = (col(Assessment.purpose), col(Assessment.recipient_kind), col(Assessment.written_at).desc())
    return list(session.exec(select(Assessment).order_by(*order, col(Assessment.id))))


def _record(session: Session, row: Assessment, action: str, *, actor: Actor, now: datetime) -> Assessment:
    session.add(row)
    flush(session)
    entry = audit.Entry(
        action, object_ref=row.id, purpose=row.purpose, rule_id=row.recipient_kind, fields=sorted(row.data_fields)
    )
    audit.record(session, entry, actor=actor, now=now)
    return row
