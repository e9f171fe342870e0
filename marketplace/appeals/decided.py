"""What can be appealed against: a match, or one item of an application; the same few facts of both.

Enters: the kind and the id. Leaves: whose it is, who decided it, when, and the words for the page. Called by `service`
and the pages of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor, Role
from marketplace.cases.models import CaseItem, ItemState
from marketplace.decisions.models import Match
from marketplace.errors import NotFound
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.policy import require

MATCH, ITEM = "match", "item"


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision. `what` and `state` are pairs of a table of words and a code; `giver` is empty for an item."""

    kind: str
    id: str
    household_id: str
    district_code: str
    decided_by: str
    decided_for: str
    seconded_by: str
    seconded_for: str
    at: datetime
    what: tuple[str, str]
    state: tuple[str, str]
    giver: str = ""

    @property
    def ref(self) -> str:
        """Under which appeals are found."""
        return f"{self.kind}:{self.id}"


def own_decision(session: Session, kind: str, object_id: str, /, *, actor: Actor) -> Decided:
    """A decision of the actor's own household, or one whose household told a worker of its district; NotFound for any
    other's, and for what is not decided yet."""
    found = _match(session, object_id) if kind == MATCH else _item(session, object_id)
    asks = "reading:keep" if actor.role is Role.WORKER else "appeal:raise"
    home, district = (found.household_id, found.district_code) if found is not None else (None, None)
    require(actor, asks, household_id=home, district=district)
    if found is None:
        raise NotFound(kind)
    return found


def _match(session: Session, match_id: str) -> Decided | None:
    match = session.get(Match, match_id)
    if match is None:
        return None
    need, giver = session.get_one(Need, match.need_id), session.get_one(Organisation, match.org_id)
    return Decided(
        MATCH,
        match.id,
        match.household_id,
        match.district_code,
        match.approver_id,
        match.approver_for,
        match.second_approver_id or "",
        match.second_approver_for,
        match.created_at,
        ("need", need.category),
        ("match_state", match.state.value),
        giver.name,
    )


def _item(session: Session, item_id: str) -> Decided | None:
    item = session.get(CaseItem, item_id)
    if item is None or item.decided_at is None or item.state not in (ItemState.GRANTED, ItemState.REFUSED):
        return None
    return Decided(
        ITEM,
        item.id,
        item.household_id,
        item.district_code,
        item.decided_by,
        item.decided_for,
        "",
        "",
        item.decided_at,
        ("aid_item", item.code),
        ("item_state", item.state.value),
    )
