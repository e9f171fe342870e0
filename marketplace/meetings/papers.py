"""The approval form (审批表) of one approved line: what, why, who decided, under which plan; and its hash.

Enters: a line with its match. Leaves: frozen values for the printed page. The hash covers the plan's own hash, the
line, the decisions of people and the place of each in the audit chain, so that a paper can be held against the record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlmodel import Session, col, func, select

from marketplace.actors import Actor
from marketplace.decisions.models import LineDecision, Match
from marketplace.errors import NotFound
from marketplace.meetings.models import UrgentApproval
from marketplace.policy import require
from marketplace.proposals import results
from marketplace.proposals.models import ProposedLine, Run
from marketplace.proposals.results import Story

DIGITS = 32
"""So much of the hash stands on the paper and in its address."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One approval form."""

    story: Story
    match: Match
    decisions: tuple[LineDecision, ...]
    urgent: UrgentApproval | None
    policy: str
    digest: str


def paper_of(session: Session, line_id: str, /, *, actor: Actor, lang: str) -> Paper:
    """The form of one line that has been approved; before that there is none."""
    require(actor, "paper:view")
    match = session.exec(select(Match).where(Match.line_id == line_id)).first()
    if match is None:
        raise NotFound("paper")
    story = results.story_of(session, line_id, actor=actor, lang=lang)
    decided = _decisions(session, line_id)
    urgent = session.exec(select(UrgentApproval).where(UrgentApproval.match_id == match.id)).first()
    return Paper(story, match, decided, urgent, policy_mark(story.run), _digest(story.run, story.line, decided))


def _decisions(session: Session, line_id: str) -> tuple[LineDecision, ...]:
    statement = select(LineDecision).where(LineDecision.line_id == line_id).order_by(col(LineDecision.audit_seq))
    return tuple(session.exec(statement))


def policy_mark(run: Run, /) -> str:
    """Eight digits that stand for the run's stored policy, the same for the same policy."""
    return sha256(json.dumps(run.policy, sort_keys=True).encode()).hexdigest()[:8]


def _digest(run: Run, line: ProposedLine, decided: Sequence[LineDecision]) -> str:
    facts = [
        run.plan_sha256,
        run.id,
        line.id,
        line.need_id,
        line.offer_id,
        line.units,
        [[row.verdict, row.reason_code, row.decided_by, row.decided_at.isoformat(), row.audit_seq] for row in decided],
    ]
    return sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()[:DIGITS]


def holds(session: Session, line_id: str, digest: str, /, *, actor: Actor) -> bool:
    """Whether a paper with this hash says what is on record now."""
    require(actor, "paper:view")
    line = session.get(ProposedLine, line_id)
    if line is None:
        return False
    run = session.get_one(Run, line.run_id)
    return digest == _digest(run, line, _decisions(session, line_id))


def lines_of_run(session: Session, run: Run, /, *, actor: Actor, offset: int, limit: int) -> tuple[list[str], int]:
    """Ids of a run's approved lines within the actor's districts, and how many there are."""
    wanted = select(Match.line_id).join(ProposedLine, col(ProposedLine.id) == col(Match.line_id))
    wanted = wanted.where(col(ProposedLine.run_id) == run.id)
    if actor.districts:
        wanted = wanted.where(col(Match.district_code).in_(sorted(actor.districts)))
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    return list(session.exec(wanted.order_by(col(Match.line_id)).offset(offset).limit(limit))), total
