"""Why a program proposed something for a need, or nothing: the newest run's own reason, in words for the household.

Enters: a household. Leaves: one `Why` for each of its needs. A program only ever proposes; each approval is a person's,
and its state is shown beside. Called by this room's pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from marketplace.needs.models import Need
from marketplace.proposals.models import ProposedLine, Run, UnservedReason
from marketplace.reference.duplicate_rules import list_duplicate_rules


@dataclass(frozen=True, slots=True)
class Why:
    """What the newest run that knew this need came to: `units` proposed, or the first reason against, and the rules
    against helping twice behind it. No run: None."""

    need: Need
    run: Run | None = None
    units: int = 0
    code: str = ""
    rules: tuple[str, ...] = ()


def needs_of(session: Session, household_id: str, /) -> Sequence[Need]:
    """The household's needs, the newest first."""
    asked = select(Need).where(Need.household_id == household_id)
    return session.exec(asked.order_by(col(Need.created_at).desc(), col(Need.id))).all()


def explain(session: Session, household_id: str, /) -> list[Why]:
    """One answer for each need; two queries a need, and a household has few."""
    return [_why(session, need) for need in needs_of(session, household_id)]


def _why(session: Session, need: Need) -> Why:
    line = session.execute(
        select(Run, ProposedLine.units)
        .join(ProposedLine, col(ProposedLine.run_id) == col(Run.id))
        .where(col(ProposedLine.need_id) == need.id)
        .order_by(col(Run.number).desc())
        .limit(1)
    ).first()
    reason = session.execute(
        select(Run, UnservedReason.code, UnservedReason.detail)
        .join(UnservedReason, col(UnservedReason.run_id) == col(Run.id))
        .where(col(UnservedReason.need_id) == need.id, col(UnservedReason.place) == 0)
        .order_by(col(Run.number).desc())
        .limit(1)
    ).first()
    if line is not None and (reason is None or line[0].number >= reason[0].number):
        return Why(need, line[0], units=line[1])
    return Why(need, reason[0], code=reason[1], rules=rules_in(reason[2])) if reason is not None else Why(need)


def rules_in(detail: Mapping[str, object], /) -> tuple[str, ...]:
    """The rules against helping twice that a stored reason names: as a ban's code, a cap or an exclusive group."""
    named = ";".join(str(detail.get(key, "")) for key in ("by", "id", "group"))
    known = {rule.code for rule in list_duplicate_rules()}
    return tuple(sorted({part.partition(":")[0] for part in named.split(";")} & known))
