"""What this room keeps of a household, and the answers of all rooms, for the eraser.

Enters: each room's `HELD`. Leaves: `ROOMS`, and the tables of which no room has spoken. Called by `erasing`.
"""

from __future__ import annotations

from sqlmodel import SQLModel, col

from marketplace import notices
from marketplace.accounts import held as accounts
from marketplace.answers import held as answers
from marketplace.appeals import held as appeals
from marketplace.appointments import held as appointments
from marketplace.cases import held as cases
from marketplace.claims import held as claims
from marketplace.clocks import held as clocks
from marketplace.consent import held as consent
from marketplace.credentials import held as credentials
from marketplace.decisions import held as decisions
from marketplace.held import Held, unanswered
from marketplace.households import held as households
from marketplace.incidents import held as incidents
from marketplace.ledger import held as ledger
from marketplace.liveness import held as liveness
from marketplace.meetings import held as meetings
from marketplace.needs import held as needs
from marketplace.payments import held as payments
from marketplace.portraits import held as portraits
from marketplace.proofs import held as proofs
from marketplace.proposals import held as proposals
from marketplace.proxies import held as proxies
from marketplace.readback import held as readback
from marketplace.rights.models import (
    Death,
    DisputeState,
    Erasure,
    MatchReview,
    ReviewState,
    RightRequest,
    SourceDispute,
)
from marketplace.rights.service import OPEN_STATES
from marketplace.sharing import held as sharing
from marketplace.signals import held as signals
from marketplace.visits import held as visits

HELD = (
    Held(
        RightRequest,
        col(RightRequest.household_id),
        at=(RightRequest.asked_at, RightRequest.answered_at),
        waits=lambda now: col(RightRequest.state).in_(OPEN_STATES),
        follows=True,
    ),
    Held(
        SourceDispute,
        col(RightRequest.household_id),
        at=(SourceDispute.opened_at, SourceDispute.answered_at),
        waits=lambda now: col(SourceDispute.state) == DisputeState.OPEN,
        joins=((RightRequest, col(RightRequest.id) == col(SourceDispute.request_id)),),
    ),
    Held(
        MatchReview,
        col(MatchReview.household_id),
        at=(MatchReview.found_at, MatchReview.decided_at),
        waits=lambda now: col(MatchReview.state) == ReviewState.WAITING,
    ),
    Held(Death, col(Death.household_id), at=(Death.recorded_at,)),
    Held(Erasure),
)
ABOVE = frozenset({"report_row"})
"""Tables of rooms above this one: a report's rows are pseudonyms that stay, and wait for nobody."""
ROOMS: tuple[Held, ...] = (
    tuple(
        held
        for room in (
            *(accounts, answers, appeals, appointments, cases, claims, clocks, consent, credentials, decisions),
            *(
                households,
                incidents,
                ledger,
                liveness,
                meetings,
                needs,
                notices,
                payments,
                portraits,
                proofs,
                proposals,
            ),
            *(proxies, readback, sharing, signals, visits),
        )
        for held in room.HELD
    )
    + HELD
)


def silent(rooms: tuple[Held, ...] = ROOMS) -> set[str]:
    """Tables of a household of which no room says what is open: as long as there is one, nobody is erased."""
    return unanswered(rooms, SQLModel.metadata) - ABOVE
