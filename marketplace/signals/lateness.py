"""Which feeds told until when, and which of them are late.

Enters: a day. Leaves: the day until which each feed told, and the feeds that are older than they may be. Called by the
sweep, by the page of feeds and by the decision paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlmodel import Session, select

from marketplace.reference.facts import fact_kinds, feeds
from marketplace.signals.models import FeedState
from marketplace.signals.parts import Aggregate, Has, parts_of
from marketplace.signals.rules import active_rules, tree_of


def fresh_days(session: Session, /) -> Mapping[str, int]:
    """Feed ► the day until which it told."""
    return {state.feed: state.as_of_day for state in session.exec(select(FeedState)) if state.as_of_day}


def late_feeds(session: Session, /, *, on: date) -> list[str]:
    """The feeds that are older than they may be. One that never told is as old as the first rule that rests on it."""
    told, since = fresh_days(session), _awaited(session)
    return [
        feed.code
        for feed in feeds().values()
        if feed.fresh_days
        and (last := told.get(feed.code, since.get(feed.code))) is not None
        and on.toordinal() - last > feed.fresh_days
    ]


def _awaited(session: Session) -> dict[str, int]:
    """Feed ► the day on which the first of the rules at work that rest on it was switched on."""
    found: dict[str, int] = {}
    for rule in active_rules(session):
        parts = parts_of(tree_of(rule)) if rule.per != "feed" and rule.valid_from is not None else ()
        for part in parts:
            if isinstance(part, Has | Aggregate) and rule.valid_from is not None:
                feed, begun = fact_kinds()[part.kind].feed, rule.valid_from.toordinal()
                found[feed] = min(found.get(feed, begun), begun)
    return found
