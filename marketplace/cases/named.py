"""Who is named for a step: the person who is told that it waits.

Enters: a step, or a role and a district. Leaves: an account in use: who has the step on the clock already, else one of
the role that holds it in the district, else one of the whole city. Called by `steps` and `supervision`.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.cases.models import CaseItem, CaseStep
from marketplace.clocks.models import Clock

TOWNSHIP = "TOWNSHIP"


def role_of(step: CaseStep, /) -> Role:
    """The street's worker, or the office above it."""
    return Role.WORKER if step.holder == TOWNSHIP else Role.APPROVER


def person_of(session: Session, role: Role, /, *, district: str) -> Account | None:
    """The person of this role for the district; one of the whole city if the district has none of its own."""
    asked = select(Account).where(Account.role == role, col(Account.active).is_(True)).order_by(col(Account.id))
    people = session.exec(asked).all()
    own = [person for person in people if district and district in person.districts]
    city = [person for person in people if not person.districts]
    return next(iter(own + city), None)


def holder_of(session: Session, item: CaseItem, step: CaseStep, /) -> Account | None:
    """Who has this step now."""
    asked = select(Account).join(Clock, col(Clock.account_id) == col(Account.id))
    asked = asked.where(Clock.object_ref == f"item:{item.id}", col(Clock.ended_at).is_(None))
    known = session.exec(asked.where(col(Account.active).is_(True)).limit(1)).first()
    return known or person_of(session, role_of(step), district=item.district_code)
