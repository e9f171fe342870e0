"""The file of one grant (R1.09): from the need to the follow-up, on one page, in print and as a table.

Enters: a match of the actor's own organisation, household or district. Leaves: its stations as frozen values. Nothing
in it says who somebody is: a consent is named by its reference and its fields by their codes, evidence by its kind, so
the file holds nothing that a consent would have to allow. Called by the page and its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import GIVERS, Actor
from marketplace.calendar import utc_now
from marketplace.consent.models import Consent, ConsentHead
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.closing import find_follow_up
from marketplace.decisions.models import FollowUp, GiverResult, Match
from marketplace.decisions.results import find_result
from marketplace.decisions.showing import hidden
from marketplace.errors import NotFound
from marketplace.proofs.evidence import list_proofs, match_for
from marketplace.proofs.models import Proof
from marketplace.proposals.models import ProposedLine, Run


@dataclass(frozen=True, slots=True)
class GrantFile:
    """One match with everything that is kept about it."""

    card: Card
    run: Run | None
    consent: Consent | None
    consent_state: str
    proofs: tuple[Proof, ...]
    follow_up: FollowUp | None
    result: GiverResult | None = None

    @property
    def match(self) -> Match:
        return self.card.match

    @property
    def consent_ref(self) -> str:
        """The receipt of the consent under which the aid was given, as `chain@version`."""
        return f"{self.consent.chain_id}@{self.consent.version}" if self.consent else ""


def grant_file(session: Session, match_id: str, /, *, actor: Actor) -> GrantFile:
    """The file of one grant; a foreign one looks like a missing one, and so does to its giver one of which it may not
    see any more what it was for."""
    match = match_for(session, match_id, actor=actor)
    if actor.role in GIVERS and hidden(session, [match], now=utc_now()):
        raise NotFound("match")
    line = session.get(ProposedLine, match.line_id)
    consent, state = _consent(session, match)
    return GrantFile(
        card=cards_of(session, [match])[0],
        run=session.get(Run, line.run_id) if line else None,
        consent=consent,
        consent_state=state,
        proofs=tuple(list_proofs(session, match.id)),
        follow_up=find_follow_up(session, match.id),
        result=find_result(session, match.id),
    )


def _consent(session: Session, match: Match) -> tuple[Consent | None, str]:
    """The version under which the household accepted, and the state of its chain now."""
    if match.consent_chain_id is None:
        return None, ""
    head = session.get(ConsentHead, match.consent_chain_id)
    given = session.get(Consent, (match.consent_chain_id, match.consent_version))
    return given, head.state.value if head else ""


def record_export(session: Session, grant: GrantFile, /, *, actor: Actor, now: datetime) -> None:
    """A file of a grant leaves the house: written down."""
    entry = audit.Entry("grant:export", object_ref=grant.match.id, subject=grant.match.household_id)
    audit.record(session, entry, actor=actor, now=now)
