"""What can be appealed against: a match, or one item of an application; the same few facts of both.

Enters: the kind and the id. Leaves: whose it is, who decided it, when, and the words for the page. Called by `service`
and the pages of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col

from marketplace.actors import Actor, Role
from marketplace.cases.ended import hands_of
from marketplace.cases.hands import took_down
from marketplace.cases.models import Case, CaseItem, CaseStep, ItemState
from marketplace.cases.steps import first_opinions
from marketplace.decisions.models import Match
from marketplace.errors import NotFound
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.policy import require

MATCH, ITEM = "match", "item"


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision with what it says. `what` and `state` are pairs of a table of words and a code, `amount` units with
    their unit; `number` is what the household's papers call it; `giver` is empty for an item, and `reason` (a code),
    `note` (the words of who decided) and `letter` (a department's number) for a match."""

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
    number: str
    amount: tuple[int, str]
    giver: str = ""
    reason: str = ""
    note: str = ""
    letter: str = ""

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


@dataclass(frozen=True, slots=True)
class About:
    """What an appeal is about, for whoever answers: the kind of decision, its id, the number that staff find it by, and
    what it says in words."""

    kind: str
    id: str
    number: str
    what: tuple[str, str]


def about(session: Session, ref: str, /) -> About | None:
    """The item or match behind a reference; None for a report that is about no decision."""
    kind, _colon, object_id = ref.partition(":")
    if kind == ITEM:
        item = session.get_one(CaseItem, object_id)
        return About(kind, item.id, session.get_one(Case, item.case_id).number, ("aid_item", item.code))
    if kind == MATCH:
        match = session.get_one(Match, object_id)
        need = session.get_one(Need, match.need_id)
        return About(kind, match.id, match.id[:8].upper(), ("need", need.category))
    return None


def in_it(session: Session, ref: str, /, *, whole: bool) -> set[str]:
    """Who had a hand in it without deciding: the first opinion on an item; with `whole`, for a complaint about how one
    was treated, everybody who did a step of it or took it down, and whom a stand-in did so for."""
    item = session.get(CaseItem, ref.removeprefix(f"{ITEM}:")) if ref.startswith(f"{ITEM}:") else None
    if item is None:
        return set()
    if not whole:
        return first_opinions(session, item.id)
    return hands_of(session, col(CaseStep.item_id) == item.id) | took_down(session, item)


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
        match.id[:8].upper(),
        (match.units, need.unit),
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
        session.get_one(Case, item.case_id).number,
        (item.amount_fen, "FEN"),
        reason=item.reason,
        note=item.note,
        letter=item.letter,
    )
