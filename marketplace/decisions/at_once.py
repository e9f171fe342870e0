"""Rows that several acts wait for, locked kind by kind before anything is written (adr/0066).

Enters: the ids of lines or of matches, or households. Leaves: matches, lines, needs, offers and givers, then the words
and the households behind them, locked until the transaction ends. Called by `decisions.approve`, by whoever acts on one
match or on many and, through `consent.ask.lock_all`, by whoever ends a consent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.consent.ask import lock_living, locked_word
from marketplace.db import chunks, lock_keys, lock_rows, locked_rows
from marketplace.decisions.models import OPEN, Match
from marketplace.households.same import same_as
from marketplace.ledger.overlap import hold_homes
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine

_ASKED = 500


@contextmanager
def held(session: Session, line_ids: Collection[str], /, *, now: datetime) -> Iterator[None]:
    """Everything that many proposed lines name, kind by kind and in the order of their ids: whoever approves some of
    the same at the same time waits at the first of them, not each for the other in the middle. The rows stay in memory
    while the caller goes through the lines."""
    lines = locked_rows(session, ProposedLine, line_ids)
    needs = locked_rows(session, Need, {line.need_id for line in lines})
    offers = locked_rows(session, Offer, {line.offer_id for line in lines})
    givers = locked_rows(session, Organisation, {offer.org_id for offer in offers}, keyless=True)
    homes = sorted({line.household_id for line in lines if line.state is LineState.PROPOSED})
    for home in homes:
        locked_word(session, home, now=now)
    hold_homes(session, homes)
    yield
    del lines, needs, offers, givers


def hold_home(session: Session, household_id: str, givers: Iterable[str], /, *, now: datetime) -> None:
    """What comes after needs and offers, for whoever chooses those itself: the givers, the household's words, and the
    household with all that count with it."""
    lock_keys(session, Organisation, givers, keyless=True)
    locked_word(session, household_id, now=now)
    hold_homes(session, [household_id])


def locked_match(session: Session, match_id: str, /) -> Match | None:
    """A match, read anew, locked with the line, the need and the offer that follow whatever becomes of it."""
    match = session.get(Match, match_id, with_for_update=True, populate_existing=True)
    if match is not None:
        _lock_parts(session, [match])
    return match


def hold_matches(
    session: Session, match_ids: Iterable[str], /, *, givers: Iterable[str] = (), all_needs: bool = False
) -> None:
    """Everything that acts on several matches may touch, `givers` where their books are written as well, `all_needs` of
    the households where a payout may cover them: whoever acts on the first waits for none of the others any more."""
    matches = locked_rows(session, Match, match_ids)
    homes = sorted({match.household_id for match in matches})
    _lock_parts(session, matches, needs=_needs_of(session, homes) if all_needs else ())
    lock_keys(session, Organisation, givers, keyless=True)
    lock_living(session, *homes)
    hold_homes(session, homes)


def _needs_of(session: Session, household_ids: Sequence[str]) -> list[str]:
    """The needs of these households and of all that count with any."""
    homes = frozenset(household_ids).union(*map(same_as(session, household_ids).of, household_ids))
    some = (select(Need.id).where(col(Need.household_id).in_(part)) for part in chunks(sorted(homes), _ASKED))
    return [need_id for asked in some for need_id in session.exec(asked)]


def _lock_parts(session: Session, matches: Collection[Match], *, needs: Iterable[str] = ()) -> None:
    lock_keys(session, ProposedLine, (match.line_id for match in matches))
    lock_keys(session, Need, {*needs, *(match.need_id for match in matches)})
    lock_keys(session, Offer, (match.offer_id for match in matches))


def hold_changing(session: Session, changing: Sequence[str], moving: Sequence[str], /) -> None:
    """What comes before households of which the row changes, some of which take along what waits of them."""
    lock_open(session, *moving)
    lock_living(session, *changing)


def lock_open(session: Session, /, *household_ids: str) -> None:
    """What the end of a consent may free: open matches, lines that still wait, all needs, and the offers of what is
    open by then, also where an approval was waited for."""
    is_open = (col(Match.household_id).in_(household_ids), col(Match.state).in_(OPEN))
    waits = (col(ProposedLine.household_id).in_(household_ids), col(ProposedLine.state) == LineState.PROPOSED)
    lock_rows(session, Match, *is_open)
    lock_rows(session, ProposedLine, *waits)
    lock_rows(session, Need, col(Need.household_id).in_(household_ids))
    lock_rows(session, Offer, col(Offer.id).in_(select(Match.offer_id).where(*is_open)))
