"""A giver's matches and deliveries as a table to take out: what was promised, to which district, how far it is;
with columns for the answer and for the result, so that the same table can be filled in and brought back.

Enters: the giver, a language and a kind of file. Leaves: bytes, one row a match, without anything about the household
but its district; who it is can be seen only by opening a match, one look at a time. Called by a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from adapters import tabular_writer
from adapters.ports import Cell
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.decisions import moves, results
from marketplace.decisions.answers_table import TO_FILL, answer_schema
from marketplace.decisions.models import GiverResult, Match
from marketplace.decisions.showing import hidden
from marketplace.offers.models import Offer
from marketplace.offers.terms import shown_units
from marketplace.policy import require
from marketplace.reference.districts import district_name
from marketplace.reference.needs import need_kind
from marketplace.reference.words import label

Format = Literal["xlsx", "csv"]
HEADS = (
    ("匹配编号", "Match"),
    ("资源编号", "Resource reference"),
    ("资源名称", "Resource"),
    ("类别", "Category"),
    ("区县", "District"),
    ("数量", "Amount"),
    ("单位", "Unit"),
    ("状态", "State"),
    ("批准日期", "Approved on"),
    ("答复日期", "Answered on"),
    ("送达日期", "Delivered on"),
    ("确认日期", "Confirmed on"),
    ("送达备注", "Delivery note"),
)
"""What is told of a match; the columns to fill in stand behind them (`answers_table.answer_schema`)."""


def matches_file(session: Session, kind: Format, /, *, actor: Actor, lang: str, now: datetime) -> bytes:
    """Every match that the actor's organisation is told of, the oldest first; of one that it may not see any more only
    its own resource, its state and its days."""
    require(actor, "match:answer", org_id=actor.org_id)
    mine = select(Match, Offer).join(Offer, col(Offer.id) == col(Match.offer_id))
    mine = mine.where(col(Match.org_id) == actor.org_id, col(Match.state).in_(moves.TOLD))
    mine = mine.order_by(col(Match.created_at), col(Match.id))
    found = session.execute(mine).all()
    told = results.by_match(session, (match.id for match, _offer in found))
    unseen = hidden(session, [match for match, _offer in found], now=now)
    rows = (
        list(_cells(match, offer, told.get(match.id), shown=match.id not in unseen, lang=lang))
        for match, offer in found
    )
    heads = [pair[lang.startswith("en")] for pair in HEADS] + _to_fill(lang)
    return tabular_writer.write_csv(heads, rows) if kind == "csv" else tabular_writer.write_xlsx(heads, rows)


def _to_fill(lang: str) -> list[str]:
    """The heads of the columns that a giver fills in and brings back."""
    return [answer_schema().column(name).label(lang=lang) for name in TO_FILL]


def _cells(match: Match, offer: Offer, told: GiverResult | None, *, shown: bool, lang: str) -> Iterator[Cell]:
    yield match.id
    yield offer.reference or offer.id
    yield offer.title
    yield need_kind(offer.category).name(lang=lang)
    yield district_name(match.district_code, on=local_day(match.created_at), lang=lang) if shown else None
    amount = shown_units(match.units, offer.unit) if shown else None
    yield int(amount) if amount and amount.isdigit() else amount
    yield label("unit", offer.unit, lang=lang)
    yield label("match_state", match.state.value, lang=lang)
    for at in (match.created_at, match.giver_answered_at, match.delivered_at, match.confirmed_at):
        yield None if at is None else local_day(at)
    yield match.delivery_note
    yield from (None, None)
    yield label("giver_result", told.outcome, lang=lang) if told else None
    yield told.minutes if told else None
