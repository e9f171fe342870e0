"""Proofs of the demonstration: a drawn name for some deliveries, a few receipt numbers, one project of a giver.

Enters: the database and its roster after aid was handed over. Leaves: evidence rows, papers and one project. Called by
`demo.story`; everything goes through the room's own services.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.offers.models import Offer
from marketplace.proofs import evidence, papers, project_changes, projects
from marketplace.proofs.evidence import Piece
from marketplace.proofs.models import PaperKind, ProofKind

DRAWN = "60,120 90,60 120,130 150,70;210,60 215,140;260,80 330,80;295,50 295,150;390,60 430,140 470,60"
SLIPS = 3
DAYS_AGO = 100


def prove(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """A few of one giver's deliveries get their proof; the giver keeps two numbers and begins a project."""
    giver = roster.staff["demo-charity"]
    with database.transaction() as session:
        for number, match in enumerate(_delivered(session, giver), start=1):
            pieces = (Piece(ProofKind.DRAWN, text=DRAWN), Piece(ProofKind.SLIP, text=f"DEMO-{number:04}"))
            for piece in pieces:
                evidence.add(session, match.id, piece, actor=giver, now=now)
        mine = select(Offer.id).where(col(Offer.org_id) == giver.org_id).order_by(col(Offer.source_index))
        offers = list(session.exec(mine.limit(2)))
        for number, fen in enumerate((1_200_000, 350_000), start=1):
            name, first = f"DEMO-{now.year}-{number:04}", next(iter(offers), None)
            facts = papers.PaperFacts(PaperKind.DONATION_RECEIPT, name, fen, local_day(now), first)
            papers.store(session, facts, actor=giver, now=now)
        if offers:
            _report(session, giver, offers, now=now)


def _report(session: Session, giver: Actor, offers: list[str], *, now: datetime) -> None:
    """A project that is old enough for its first three-monthly report: that one is filed, the project has ended with
    its last day, and the final report is due."""
    begun = local_day(now - timedelta(days=DAYS_AGO))
    project = projects.plan_project(
        session, "冬季暖心项目", offer_ids=offers, starts_on=begun, ends_on=None, actor=giver, now=now
    )
    first = projects.dues(session, project, now=now)[0]
    projects.file_report(session, project, first, actor=giver, now=now)
    project_changes.end_project(session, project.id, first.period.to_on, actor=giver, now=now)


def _delivered(session: Session, giver: Actor) -> list[Match]:
    statement = select(Match).where(col(Match.org_id) == giver.org_id)
    statement = statement.where(col(Match.state).in_((MatchState.DELIVERED, MatchState.CONFIRMED)))
    return list(session.exec(statement.order_by(col(Match.need_id), col(Match.offer_id)).limit(SLIPS)))
