"""How an approved giver comes in: the place of its first manager, and a letter to its contact.

Enters: the approval of an agreement, or a later word of the same staff. Leaves: an invitation whose code is handed back
once and kept nowhere, and a letter that says where the code is typed in, without the code. Called by the staff's pages.
Who manages a team invites everybody else (`accounts.team`).
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import notices
from marketplace.accounts import team
from marketplace.accounts.models import Invitation
from marketplace.actors import Actor, Role
from marketplace.errors import NotFound, WrongState
from marketplace.organisations.models import Organisation, OrganisationState


def open_team(session: Session, org_id: str, /, *, actor: Actor, now: datetime) -> tuple[Invitation, str]:
    """A code for the first manager of a giver that may act; an older one that waits works no more. WrongState once
    somebody manages the team."""
    organisation = session.get(Organisation, org_id, with_for_update={"key_share": True})
    if organisation is None:
        raise NotFound("organisation")
    if not waits_for_manager(session, organisation):
        raise WrongState("team_has_manager")
    made, code = team.invite_first(session, org_id, role=Role.GIVER_ADMIN, actor=actor, now=now)
    notices.post(session, "team_open", key=f"{org_id}:team:{made.id}", org_id=org_id, now=now)
    return made, code


def waits_for_manager(session: Session, organisation: Organisation, /) -> bool:
    """Whether this giver may act and nobody can sign in for it yet."""
    return organisation.state is OrganisationState.ACTIVE and not team.has_manager(session, organisation.id)
