"""One match as people see it: what, from whom, how far, who has to act. No personal data.

Enters: matches of a household or an organisation. Leaves: frozen cards for templates. The five stages of a need are
made here too, because a stage is told by the dates of the need and of its match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.calendar import local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.decisions import idle
from marketplace.decisions.closing import stays_given
from marketplace.decisions.models import OPEN, Match, MatchState
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.proposals.models import ProposedLine
from marketplace.reference.needs import CASE_KINDS
from marketplace.reference.services import find_service

TONE = {
    MatchState.CONFIRMED: "done",
    MatchState.CLOSED: "done",
    MatchState.RECLAIMING: "late",
    MatchState.DELIVERED: "wait",
    MatchState.IN_DELIVERY: "info",
    MatchState.AWAITING_HOUSEHOLD: "wait",
    MatchState.AWAITING_GIVER: "wait",
    MatchState.AWAITING_SECOND: "wait",
}
HOLDERS = {Side.GIVER.value: "giver", Side.HOUSEHOLD.value: "you", Side.STAFF.value: "civil_affairs"}
"""The side of a clock ► the holder as a household reads it."""
ARRIVED = (MatchState.CONFIRMED, MatchState.CLOSED, MatchState.RECLAIMING)
"""States in which the household has said that the aid arrived."""


@dataclass(frozen=True, slots=True)
class Card:
    """A match with the facts its page shows."""

    match: Match
    need: Need
    offer: Offer
    organisation: Organisation
    reasons: tuple[dict[str, Any], ...]
    clock: Clock | None = None
    beside: Clock | None = None
    """What its payment waits for, where that comes before the match's own step."""
    before: Side | None = None
    """Who has to act before its giver can do anything."""
    shown: bool = True
    """Whether its giver may see more of it than its state; see `showing`."""

    @property
    def turn(self) -> Clock | None:
        """The clock of whoever has to act now; none where it is over, or whoever has it has no clock of this match."""
        return self.beside or (None if self.before else self.clock)

    @property
    def side(self) -> str:
        """Who has to act now; empty where it is over."""
        side = self.turn.side if self.turn is not None else self.before
        return side.value if side is not None else ""

    @property
    def tone(self) -> str:
        """The kind of tag for its state."""
        return TONE.get(self.match.state, "plain")

    @property
    def by_visits(self) -> bool:
        """Whether somebody comes for it: a service is delivered visit by visit, never by one press."""
        return find_service(self.need.category) is not None

    @property
    def by_case(self) -> bool:
        """Whether an insurer's case answers it: its answers deliver it, never one press."""
        return self.need.category in case_kinds(self.organisation)

    @property
    def stays_given(self) -> bool:
        """Whether it counts as given until a person has looked, also when the household says that nothing came."""
        return stays_given(self.match, self.need)

    @property
    def by_press(self) -> bool:
        """Whether a press, a code or a table may record its delivery."""
        return not (self.by_visits or self.by_case)


def case_kinds(organisation: Organisation, /) -> tuple[str, ...]:
    """The kinds of need that this giver answers as cases: those of an insurer."""
    return CASE_KINDS if organisation.kind is OrganisationKind.INSURER else ()


def cards_of(session: Session, matches: Sequence[Match], /) -> list[Card]:
    """The cards of these matches in the same order; seven queries however many there are."""
    if not matches:
        return []
    needs = _by_id(session, Need, [match.need_id for match in matches])
    offers = _by_id(session, Offer, [match.offer_id for match in matches])
    givers = _by_id(session, Organisation, [match.org_id for match in matches])
    lines = _by_id(session, ProposedLine, [match.line_id for match in matches])
    ids = [match.id for match in matches]
    running = clocks.running_by_object(session, [*ids, *map(idle.ref_of, ids)])
    before = idle.turns(session, ids, now=utc_now())
    return [
        Card(
            match=match,
            need=needs[match.need_id],
            offer=offers[match.offer_id],
            organisation=givers[match.org_id],
            reasons=tuple(lines[match.line_id].reasons),
            clock=running.get(match.id),
            beside=running.get(idle.ref_of(match.id)) if _pays(match) else None,
            before=before.get(match.id),
        )
        for match in matches
    ]


def _pays(match: Match) -> bool:
    return match.state is MatchState.IN_DELIVERY and not match.held_for


def _by_id(session: Session, kind: Any, ids: Sequence[str]) -> dict[str, Any]:
    return {row.id: row for row in session.exec(select(kind).where(col(kind.id).in_(set(ids))))}


@dataclass(frozen=True, slots=True)
class Stage:
    """One of five: `state` is done, current, todo or stopped; `holder` is the code of who has to act, `until` the last
    day for it."""

    code: str
    state: str
    at: date | datetime | None = None
    holder: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one need is, with the match that carries it if there is one."""

    need: Need
    stages: tuple[Stage, ...]
    card: Card | None = None
    others: tuple[Card, ...] = field(default=())


def progress_of(session: Session, household_id: str, /) -> list[Progress]:
    """Every need of a household, the newest first, each with its five stages."""
    needs = session.exec(
        select(Need).where(col(Need.household_id) == household_id).order_by(col(Need.created_at).desc(), col(Need.id))
    ).all()
    matches = session.exec(
        select(Match).where(col(Match.household_id) == household_id).order_by(col(Match.created_at).desc())
    ).all()
    cards: dict[str, list[Card]] = {}
    for card in cards_of(session, matches):
        cards.setdefault(card.need.id, []).append(card)
    return [_progress(need, cards.get(need.id, [])) for need in needs]


def _progress(need: Need, cards: list[Card]) -> Progress:
    leading = min(cards, key=lambda card: _rank(card.match.state), default=None)
    others = tuple(card for card in cards if card is not leading)
    until = clocks.last_day(leading.turn) if leading and leading.turn else None
    side = leading.side if leading else ""
    return Progress(need, stages(need, leading.match if leading else None, until=until, side=side), leading, others)


def _rank(state: MatchState) -> int:
    order = (
        MatchState.DELIVERED,
        MatchState.AWAITING_HOUSEHOLD,
        MatchState.IN_DELIVERY,
        MatchState.CONFIRMED,
        MatchState.RECLAIMING,
        MatchState.CLOSED,
        MatchState.AWAITING_GIVER,
        MatchState.AWAITING_SECOND,
    )
    return order.index(state) if state in order else len(order)


def stages(need: Need, match: Match | None, /, *, until: date | None = None, side: str = "") -> tuple[Stage, ...]:
    """Submitted ► being checked ► matched ► waiting for you ► delivered, each with its date and holder: whoever the
    running clock of its match waits for, if one runs."""
    live = match if match is not None and match.state in (*OPEN, *ARRIVED) else None
    verified = need.state is NeedState.VERIFIED
    stopped = need.state in (NeedState.REFUSED, NeedState.CLOSED) and live is None
    answered = live is not None and live.household_answered_at is not None
    done = [
        ("submitted", True, _submitted(need), ""),
        ("checked", verified or live is not None, need.verified_on if verified else None, "civil_affairs"),
        ("matched", live is not None and _past_givers(live), live.created_at if live else None, _matcher(live)),
        ("answered", answered, live.household_answered_at if live else None, "you"),
        ("delivered", live is not None and live.state in ARRIVED, _end(live), _deliverer(live)),
    ]
    built: list[Stage] = []
    current = False
    for code, is_done, at, holder in done:
        if is_done and not current:
            built.append(Stage(code, "done", at))
        elif not current:
            current = True
            by = until if live is not None and not stopped else None
            who = HOLDERS.get(side, holder) if live is not None else holder
            built.append(Stage(code, "stopped" if stopped else "current", None, "" if stopped else who, by))
        else:
            built.append(Stage(code, "todo"))
    return tuple(built)


def _submitted(need: Need) -> datetime | None:
    """When it came to us; a need that was verified elsewhere before shows no day, because we do not know it."""
    late = need.verified_on is not None and local_day(need.created_at) > need.verified_on
    return None if late else need.created_at


def _past_givers(match: Match) -> bool:
    return match.state not in (MatchState.AWAITING_SECOND, MatchState.AWAITING_GIVER)


def _matcher(match: Match | None) -> str:
    return "giver" if match is not None and match.state is MatchState.AWAITING_GIVER else "civil_affairs"


def _deliverer(match: Match | None) -> str:
    return "you" if match is not None and match.state is MatchState.DELIVERED else "giver"


def _end(match: Match | None) -> datetime | None:
    return match.confirmed_at if match is not None else None
