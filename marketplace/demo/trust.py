"""What a demonstration shows of trust: a signed checkpoint, one household's receipts, and a credential about it.

Enters: the database after the story. Leaves: the newest rows under a checkpoint, receipts for the household that the
demonstration signs in as, and a credential for each organisation it lets see something. Called by the demo command.
"""

from __future__ import annotations

from datetime import datetime

from joserfc.jwk import ECKey
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.consent.ask import is_alive, list_of_household
from marketplace.consent.models import ConsentHead, Purpose
from marketplace.credentials import receipts, service
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import DomainError
from marketplace.households.models import Household
from marketplace.reference.purposes import base_card
from marketplace.trail.service import make_checkpoint


def show(database: Database, *, now: datetime) -> None:
    """Sign the log, then give the demonstration's household its papers."""
    with database.transaction() as session:
        make_checkpoint(session, now=now)
        household_id = _household(session)
        receipts.give_due(session, now=now, household_id=household_id)
        for consent in list_of_household(session, household_id):
            head = session.get(ConsentHead, consent.chain_id)
            if consent.purpose is not Purpose.AUTO_MATCH and is_alive(head, now):
                _issue(session, consent.chain_id, org_id=consent.recipient_org_id, now=now)
        make_checkpoint(session, now=now)


def _household(session: Session) -> str:
    """The one that the start page signs in as."""
    waiting = select(Match.household_id).where(col(Match.state) == MatchState.AWAITING_HOUSEHOLD)
    found = session.exec(waiting.order_by(col(Match.id))).first()
    return found or session.exec(select(Household.id).order_by(col(Household.id))).first() or ""


def _issue(session: Session, chain_id: str, *, org_id: str, now: datetime) -> None:
    """A credential of the base card; a consent for something else than a verified need gets none."""
    actor = Actor(id="demo-giver", role=Role.CHARITY_MANAGER, org_id=org_id)
    key = ECKey.generate_key("P-256").as_dict(private=False)
    try:
        service.issue(session, actor, chain_id, fields=base_card(), now=now, holder_jwk=key)
    except DomainError:
        return
