"""Whether a giver is shown what its match is for, on its pages, in its tables and to its machine.

Enters: matches of a giver and the moment. Leaves: those of which nothing but the state is told: they ended without aid,
or they still wait and stand on the word to be matched alone, and that word rests, has run out or leaves this giver out.
It is asked anew at each look, so nothing has to be swept for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from marketplace.consent.ask import auto_match_among
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.models import OPEN, Match, MatchState
from marketplace.decisions.withdrawing import FREED_BY_BASE_CARD

SHOWN = (*OPEN, MatchState.CONFIRMED, MatchState.CLOSED, MatchState.RECLAIMING)
"""States in which the base card is shown; of a match that ended without aid nothing but its end is told."""


def hidden(session: Session, matches: Collection[Match], /, *, now: datetime) -> frozenset[str]:
    """The ids of those of these matches of which a giver learns the state alone."""
    waiting = {match.household_id for match in matches if match.state in FREED_BY_BASE_CARD}
    words = auto_match_among(session, waiting, now=now)

    def may_show(match: Match) -> bool:
        if match.state not in FREED_BY_BASE_CARD:
            return match.state in SHOWN
        word = words.get(match.household_id)
        return word is not None and match.org_id not in word[2]

    return frozenset(match.id for match in matches if not may_show(match))


def giver_cards(session: Session, matches: Sequence[Match], /, *, now: datetime) -> list[Card]:
    """The cards of these matches as their giver may see them, in the same order."""
    unseen = hidden(session, matches, now=now)
    return [replace(card, shown=card.match.id not in unseen) for card in cards_of(session, matches)]
