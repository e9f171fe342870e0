"""What changes in a project once it has begun: its last day, and the resources that belong to it.

Enters: a giver's project and the day on which it ends, or more of the giver's own resources. Leaves: the project with
its clock set anew, so that its final report falls due three months after the end (R1.23). What a filed report has told
stays true: the end never moves before, or away from, a day that a filed report ends with; after the final report
nothing changes. A resource that is added later counts in every period that is not filed, and a filed period can be
filed again as its next version. Called by the projects' pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput, WrongState
from marketplace.policy import require
from marketplace.proofs import projects
from marketplace.proofs.models import Project, ProjectReport, ProjectReportKind


def end_project(session: Session, project_id: str, ends_on: date, /, *, actor: Actor, now: datetime) -> Project:
    """Say on which day the project ends, or ended; from the day after it the final report can be filed."""
    project = _changeable(session, project_id, actor=actor)
    if ends_on <= project.starts_on:
        raise BadInput("ends_before", field="ends_on")
    told = _reported_until(session, project)
    if told is not None and (ends_on < told or (ends_on > told == project.ends_on)):
        raise BadInput("end_reported", field="ends_on")
    project.ends_on = ends_on
    session.add(project)
    flush(session)
    _record(session, project, "project:end", {"ends_on": ends_on.isoformat()}, actor=actor, now=now)
    return project


def add_offers(
    session: Session, project_id: str, offer_ids: Iterable[str], /, *, actor: Actor, now: datetime
) -> Project:
    """More of the giver's own resources join the project; one that stands in any project is refused."""
    project = _changeable(session, project_id, actor=actor)
    added = projects.place_offers(session, project, offer_ids)
    _record(session, project, "project:add", {"resources": added}, actor=actor, now=now)
    return project


def _changeable(session: Session, project_id: str, *, actor: Actor) -> Project:
    """The project, locked, if the actor plans for its giver and its final report is not filed."""
    project = projects.get_project(session, project_id, actor=actor)
    require(actor, "project:plan", org_id=project.org_id)
    session.refresh(project, with_for_update=True)
    final = select(ProjectReport.id).where(ProjectReport.project_id == project.id)
    if session.exec(final.where(ProjectReport.kind == ProjectReportKind.FINAL).limit(1)).first() is not None:
        raise WrongState("final_filed")
    return project


def _reported_until(session: Session, project: Project) -> date | None:
    """The last day that any filed report tells of."""
    return session.exec(select(func.max(ProjectReport.to_on)).where(ProjectReport.project_id == project.id)).one()


def _record(
    session: Session, project: Project, action: str, body: dict[str, Any], *, actor: Actor, now: datetime
) -> None:
    audit.record(session, audit.Entry(action, object_ref=project.id, body=body), actor=actor, now=now)
    projects.await_next(session, project, now=now)
