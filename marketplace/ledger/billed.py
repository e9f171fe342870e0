"""Documented costs as `matching` reckons with them.

Enters: needs, or none for all. Leaves: need ► its `Bill`: the cost that papers show and what each payer before charity
said of it. Called by `shared`, by late reports and by the problem of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, select

from marketplace.db import chunks
from marketplace.ledger.models import CostBill, CostLayer, LayerState
from matching.overlap_rules import Bill

_ASKED = 500


def bills_of(session: Session, need_ids: Sequence[str] | None = None, /) -> dict[str, Bill]:
    """Need ► its bill as `matching` reckons with it; all bills where no needs are named."""
    if need_ids is None:
        return _bills(session, session.exec(select(CostBill)).all())
    found: dict[str, Bill] = {}
    for some in chunks(sorted(need_ids), _ASKED):
        found |= _bills(session, session.exec(select(CostBill).where(col(CostBill.need_id).in_(some))).all())
    return found


def _bills(session: Session, rows: Iterable[CostBill]) -> dict[str, Bill]:
    by_id = {row.id: row for row in rows}
    layers: dict[str, list[CostLayer]] = {}
    for some in chunks(sorted(by_id), _ASKED):
        for layer in session.exec(select(CostLayer).where(col(CostLayer.bill_id).in_(some))):
            layers.setdefault(layer.bill_id, []).append(layer)
    return {row.need_id: _bill(row, layers.get(row.id, [])) for row in by_id.values()}


def _bill(row: CostBill, layers: Iterable[CostLayer]) -> Bill:
    told = list(layers)
    return Bill(
        cost=row.cost_fen,
        paid={layer.payer: layer.fen for layer in told if layer.state is LayerState.PAID},
        expected={layer.payer: layer.fen for layer in told if layer.state is LayerState.EXPECTED},
        waiting=frozenset(layer.payer for layer in told if layer.state is LayerState.WAITING),
        needs=frozenset({row.need_id}),
    )
