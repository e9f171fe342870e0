"""Everything that many proposed lines name, locked at once before they are approved one after the other.

Enters: the ids of lines. Leaves: their rows, needs, offers and givers, read anew and locked until the transaction ends,
and the words and the households behind them. Called by `decisions.approve`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlmodel import Session, select

from marketplace.consent.ask import locked_word
from marketplace.db import chunks
from marketplace.ledger.overlap import homes_of
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine

T = TypeVar("T")
_ASKED = 500


@contextmanager
def held(session: Session, line_ids: Collection[str], /, *, now: datetime) -> Iterator[None]:
    """Kind by kind and in the order of their ids: whoever approves some of the same at the same time waits at the first
    of them, not each for the other in the middle. The rows stay in memory while the caller goes through the lines."""
    lines = _locked(session, ProposedLine, line_ids)
    needs = _locked(session, Need, {line.need_id for line in lines})
    offers = _locked(session, Offer, {line.offer_id for line in lines})
    givers = _locked(session, Organisation, {offer.org_id for offer in offers})
    for home in sorted({line.household_id for line in lines if line.state is LineState.PROPOSED}):
        locked_word(session, home, now=now)
        homes_of(session, home, lock=True)
    yield
    del lines, needs, offers, givers


def _locked(session: Session, kind: type[T], ids: Collection[str]) -> list[T]:
    key: Any = inspect(kind).primary_key[0]
    rows = select(kind).order_by(key).with_for_update().execution_options(populate_existing=True)
    return [row for some in chunks(sorted(set(ids)), _ASKED) for row in session.exec(rows.where(key.in_(some)))]
