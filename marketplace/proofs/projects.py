"""Projects and their reports (R1.23): each three months, and in full within three months after the end; while a project
answers an emergency, every five days besides.

Enters: a giver's offers that belong together, with their days. Leaves: periods with their due day and a clock that
reminds; a report counted anew at each look until it is filed, and then frozen with its hash. Whatever changes later is
filed as a new version; the old one stays. This does not replace the ministry's platform: the giver files there too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.proofs import project_figures
from marketplace.proofs.models import Project, ProjectOffer, ProjectReport, ProjectReportKind, Proof, ReportPhoto
from marketplace.proofs.periods import Period, periods_of

CLOCK = "project_report"
REMIND_DAYS_SHARE = 80


@dataclass(frozen=True, slots=True)
class Due:
    """One period with what was filed for it, the newest version first."""

    period: Period
    filed: tuple[ProjectReport, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """A project of a giver with the first report that nobody has filed, and how many are late."""

    giver: str
    title: str
    period: Period
    late: int


def plan_project(
    session: Session,
    title: str,
    /,
    *,
    offer_ids: Iterable[str],
    starts_on: date,
    ends_on: date | None,
    actor: Actor,
    now: datetime,
) -> Project:
    """Begin a project of the giver's own offers; an offer that stands in another project is refused."""
    require(actor, "project:plan", org_id=actor.org_id)
    if ends_on is not None and ends_on <= starts_on:
        raise BadInput("ends_before", field="ends_on")
    project = Project(
        id=new_id(),
        org_id=actor.org_id or "",
        title=title.strip()[:120],
        starts_on=starts_on,
        ends_on=ends_on,
        created_by=actor.id,
        created_at=now,
    )
    session.add(project)
    flush(session)
    place_offers(session, project, offer_ids)
    audit.record(session, audit.Entry("project:plan", object_ref=project.id), actor=actor, now=now)
    await_next(session, project, now=now)
    return project


def place_offers(session: Session, project: Project, offer_ids: Iterable[str], /) -> int:
    """Let these offers of the project's giver belong to it, and say how many they are."""
    wanted = sorted(set(offer_ids))
    if not wanted:
        raise BadInput("no_offers", field="offer_ids")
    owners = set(session.exec(select(Offer.org_id).where(col(Offer.id).in_(wanted))))
    if owners != {project.org_id}:
        raise NotFound("offer")
    if session.exec(select(ProjectOffer.offer_id).where(col(ProjectOffer.offer_id).in_(wanted))).first():
        raise BadInput("offer_in_project", field="offer_ids")
    session.add_all(ProjectOffer(offer_id=offer_id, project_id=project.id) for offer_id in wanted)
    flush(session)
    return len(wanted)


@dataclass(frozen=True, slots=True)
class Emergency:
    """The phase of an emergency that a project answers: from when on, until when if it is over, who announced it."""

    from_on: date
    to_on: date | None
    ref: str


def set_emergency(
    session: Session, project_id: str, emergency: Emergency, /, *, actor: Actor, now: datetime
) -> Project:
    """From its first day on the project reports every five days, until the phase is over. The first day stays, once a
    report of it is filed."""
    project = get_project(session, project_id, actor=actor)
    require(actor, "project:plan", org_id=project.org_id)
    if not emergency.ref.strip():
        raise BadInput("emergency_ref", field="ref")
    if emergency.from_on < project.starts_on or emergency.from_on > local_day(now):
        raise BadInput("emergency_from", field="from_on")
    if emergency.to_on is not None and emergency.to_on < emergency.from_on:
        raise BadInput("ends_before", field="to_on")
    filed = select(ProjectReport.id).where(ProjectReport.project_id == project.id)
    filed = filed.where(ProjectReport.kind == ProjectReportKind.EMERGENCY).limit(1)
    if emergency.from_on != project.emergency_from_on and session.exec(filed).first() is not None:
        raise WrongState("emergency_filed")
    project.emergency_from_on, project.emergency_to_on = emergency.from_on, emergency.to_on
    project.emergency_ref = emergency.ref.strip()[:120]
    session.add(project)
    flush(session)
    audit.record(session, audit.Entry("project:emergency", object_ref=project.id), actor=actor, now=now)
    await_next(session, project, now=now)
    return project


def get_project(session: Session, project_id: str, /, *, actor: Actor) -> Project:
    """One project; another giver's looks like a missing one."""
    project = session.get(Project, project_id)
    if project is None:
        raise NotFound("project")
    require(actor, "project:view", org_id=project.org_id)
    return project


def list_projects(session: Session, /, *, actor: Actor) -> list[Project]:
    """The giver's projects, the newest first."""
    require(actor, "project:view", org_id=actor.org_id)
    statement = select(Project).where(col(Project.org_id) == actor.org_id)
    return list(session.exec(statement.order_by(col(Project.starts_on).desc(), col(Project.id))))


def dues(session: Session, project: Project, /, *, now: datetime) -> list[Due]:
    """Every period that has begun with its filed versions, in order."""
    statement = select(ProjectReport).where(col(ProjectReport.project_id) == project.id)
    filed = session.exec(statement.order_by(col(ProjectReport.version).desc())).all()
    return [
        Due(period, tuple(one for one in filed if (one.kind, one.from_on) == (period.kind, period.from_on)))
        for period in periods_of(project, today=local_day(now))
    ]


def owed_by_givers(session: Session, /, *, actor: Actor, now: datetime) -> list[Owed]:
    """For staff: every project whose reports are not all filed, those late for longest first (R1.23)."""
    require(actor, "report:list", org_id=None)
    today = local_day(now)
    filed = set(
        session.exec(select(col(ProjectReport.project_id), col(ProjectReport.kind), col(ProjectReport.from_on)))
    )
    named = select(Project, col(Organisation.name)).join(Organisation, col(Organisation.id) == col(Project.org_id))
    rows = []
    for project, giver in session.exec(named.order_by(col(Organisation.name), col(Project.id))):
        periods = periods_of(project, today=today)
        waiting = [period for period in periods if (project.id, period.kind, period.from_on) not in filed]
        if waiting:
            late = sum(period.due_on < today for period in waiting)
            rows.append(Owed(giver, project.title, waiting[0], late))
    return sorted(rows, key=lambda row: row.period.due_on)


def find_due(session: Session, project: Project, kind: str, from_on: str, /, *, now: datetime) -> Due:
    """The period of this kind that begins on this day."""
    for due in dues(session, project, now=now):
        if (due.period.kind.value, due.period.from_on.isoformat()) == (kind, from_on):
            return due
    raise NotFound("period")


def canonical(figures: dict[str, Any], /) -> str:
    """The one way in which figures are written, and hashed."""
    return json.dumps(figures, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def may_file(due: Due, /, *, now: datetime) -> bool:
    """Whether the period is over, so that a report of it can be filed."""
    return local_day(now) > due.period.to_on


def file_report(session: Session, project: Project, due: Due, /, *, actor: Actor, now: datetime) -> ProjectReport:
    """Freeze what is counted now as the next version; nothing new is filed where nothing has changed."""
    require(actor, "project:file", org_id=project.org_id)
    period = due.period
    if not may_file(due, now=now):
        raise WrongState("period_runs")
    figures = project_figures.count(session, project.id, period, now=now)
    content = canonical(figures)
    digest = sha256(content.encode()).hexdigest()
    if due.filed and due.filed[0].sha256 == digest:
        raise WrongState("nothing_changed")
    report = ProjectReport(
        id=new_id(),
        project_id=project.id,
        kind=period.kind,
        from_on=period.from_on,
        to_on=period.to_on,
        version=due.filed[0].version + 1 if due.filed else 1,
        content=content,
        sha256=digest,
        filed_by=actor.id,
        filed_at=now,
    )
    session.add(report)
    flush(session)
    session.add_all(ReportPhoto(report_id=report.id, proof_id=proof_id) for proof_id in figures["photos"])
    entry = audit.Entry("project:file", object_ref=report.id, rule_id=digest, body={"version": report.version})
    audit.record(session, entry, actor=actor, now=now)
    await_next(session, project, now=now)
    return report


def get_report(session: Session, report_id: str, /, *, actor: Actor) -> tuple[Project, ProjectReport]:
    """One filed report with its project."""
    report = session.get(ProjectReport, report_id)
    if report is None:
        raise NotFound("report")
    return get_project(session, report.project_id, actor=actor), report


def holds(report: ProjectReport, /) -> bool:
    """Whether a filed report is still what was hashed."""
    return sha256(report.content.encode()).hexdigest() == report.sha256


def filed_with_photos_of(session: Session, match_id: str, /) -> list[ProjectReport]:
    """Filed reports that show a photo of this match: a withdrawal cannot call them back, so they are listed."""
    showing = select(ReportPhoto.report_id).join(Proof, col(Proof.id) == col(ReportPhoto.proof_id))
    wanted = select(ProjectReport).where(col(ProjectReport.id).in_(showing.where(col(Proof.match_id) == match_id)))
    return list(session.exec(wanted.order_by(col(ProjectReport.filed_at), col(ProjectReport.id))))


def await_next(session: Session, project: Project, *, now: datetime) -> None:
    """Let the clock run for the earliest period that nobody has filed, or for the one that comes next."""
    clocks.end(session, project.id, step=CLOCK, outcome="filed", now=now)
    due_on = _next_due(session, project, now=now)
    if due_on is None:
        return
    clock = clocks.start(session, CLOCK, project.id, holder=Holder(org_id=project.org_id), now=now)
    clock.due_at = max(project_figures.first_day_of(due_on), now)
    clock.remind_at = now + (clock.due_at - now) * REMIND_DAYS_SHARE / 100
    session.add(clock)
    flush(session)


def _next_due(session: Session, project: Project, *, now: datetime) -> date | None:
    """The day by which the next report has to be filed; None once the final one is."""
    today, filed = local_day(now), dues(session, project, now=now)
    waiting = [due.period.due_on for due in filed if not due.filed]
    if waiting:
        return min(waiting)
    if filed and filed[-1].period.kind is ProjectReportKind.FINAL:
        return None
    coming = periods_of(project, today=max([today, *(due.period.due_on for due in filed), project.starts_on]))
    return next((period.due_on for period in coming if period not in [due.period for due in filed]), None)
