"""Rows that several acts wait for, locked kind by kind before anything is written (adr/0066).

Enters: the ids of lines, or a household. Leaves: lines, needs, offers and givers, then the words and the households
behind them, locked until the transaction ends. Called by `decisions.approve` and, through `consent.ask.lock_all`, by
whoever ends a consent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlmodel import Session, col, select

from marketplace.consent.ask import locked_word
from marketplace.db import chunks
from marketplace.decisions.models import OPEN, Match
from marketplace.ledger.overlap import hold_homes
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine

T = TypeVar("T")
_ASKED = 500


@contextmanager
def held(session: Session, line_ids: Collection[str], /, *, now: datetime) -> Iterator[None]:
    """Everything that many proposed lines name, kind by kind and in the order of their ids: whoever approves some of
    the same at the same time waits at the first of them, not each for the other in the middle. The rows stay in memory
    while the caller goes through the lines."""
    lines = locked_rows(session, ProposedLine, line_ids)
    needs = locked_rows(session, Need, {line.need_id for line in lines})
    offers = locked_rows(session, Offer, {line.offer_id for line in lines})
    givers = locked_rows(session, Organisation, {offer.org_id for offer in offers})
    homes = sorted({line.household_id for line in lines if line.state is LineState.PROPOSED})
    for home in homes:
        locked_word(session, home, now=now)
    hold_homes(session, homes)
    yield
    del lines, needs, offers, givers


def locked_rows(session: Session, kind: type[T], ids: Collection[str]) -> list[T]:
    """These rows in the order of their ids, read anew and locked until the transaction ends."""
    key: Any = inspect(kind).primary_key[0]
    rows = select(kind).order_by(key).with_for_update().execution_options(populate_existing=True)
    return [row for some in chunks(sorted(set(ids)), _ASKED) for row in session.exec(rows.where(key.in_(some)))]


def lock_open(session: Session, household_id: str, /) -> None:
    """What the end of a consent may free: open matches, lines that still wait, all needs, and the offers of what is
    open by then, also where an approval was waited for."""
    is_open = (col(Match.household_id) == household_id, col(Match.state).in_(OPEN))
    waits = (col(ProposedLine.household_id) == household_id, col(ProposedLine.state) == LineState.PROPOSED)
    for rows in (
        select(Match.id).where(*is_open).order_by(col(Match.id)),
        select(ProposedLine.id).where(*waits).order_by(col(ProposedLine.id)),
        select(Need.id).where(col(Need.household_id) == household_id).order_by(col(Need.id)),
        select(Offer.id).where(col(Offer.id).in_(select(Match.offer_id).where(*is_open))).order_by(col(Offer.id)),
    ):
        session.exec(rows.with_for_update()).all()
