"""Who may not approve although the role allows it: kin of the household, and who belongs to the giver.

Enters: an approver and what is to be approved. Leaves: nothing, or WrongState with the reason. Both are what the
approver declared (`accounts.ties`) and kept as keyed indexes. Called by `decisions.approve`.
"""

from __future__ import annotations

from sqlmodel import Session

from marketplace.accounts import ties
from marketplace.actors import Actor
from marketplace.errors import WrongState
from marketplace.households import kin
from marketplace.organisations.models import Organisation
from marketplace.sealed import vault_of


def refuse_kin(session: Session, household_id: str, /, *, actor: Actor) -> None:
    """Nobody approves for the own household or for somebody close, nor where a telephone is shared."""
    if kin.is_close(session, household_id, actor=actor):
        raise WrongState("approver_is_kin")


def refuse_own_giver(session: Session, organisation: Organisation, /, *, actor: Actor) -> None:
    """Nobody approves what an organisation gives that the approver belongs to."""
    if ties.touches(session, actor.people, [ties.giver_index(vault_of(session), organisation.credit_code)]):
        raise WrongState("approver_of_giver")
