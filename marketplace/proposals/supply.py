"""The givers' side of a run: open offers become resources, yearly budgets become earmarks above the money.

Enters: a reading session, the givers that may act, and a day. Leaves: `Resource`s and `Earmark`s, ids and whole numbers
only; a run of some needs leaves to the others what waits for a decision or is pinned for them. Called by `problem` for
a run and by `boards` for quotes between runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import ColumnElement, and_, func, not_, or_
from sqlmodel import Session, col, select

from marketplace.ledger import budgets
from marketplace.needs.models import Need
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.terms import served_districts
from marketplace.organisations.agreements import acting_ids
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.reference import needs as taxonomy
from matching.model import Earmark, Resource

BUDGET = "budget:"
"""Before an organisation's id: the earmark of its yearly budget."""


def yearly_budgets(session: Session, organisations: frozenset[str], /, *, on: date) -> tuple[Earmark, ...]:
    """What each giver that set itself a yearly ceiling may still give in money this year."""
    limited = select(Organisation.id, Organisation.yearly_budget_fen).where(
        col(Organisation.yearly_budget_fen).is_not(None)
    )
    most = {row[0]: int(row[1]) for row in session.execute(limited) if row[0] in organisations}
    given = budgets.given_in_year(session, on.year, org_ids=most) if most else {}
    return tuple(
        Earmark(f"{BUDGET}{org_id}", None, max(0, budget - given.get(org_id, 0)))
        for org_id, budget in sorted(most.items())
    )


def budgets_left(session: Session, marks: Iterable[str], /, *, on: date) -> dict[str, int]:
    """What these budgets leave beside what is given and what waits for a decision, in fen."""
    organisations = frozenset(mark.removeprefix(BUDGET) for mark in marks)
    waiting = (
        select(Offer.org_id, func.sum(ProposedLine.units))
        .join(Offer, col(Offer.id) == col(ProposedLine.offer_id))
        .where(col(ProposedLine.state) == LineState.PROPOSED, col(Offer.org_id).in_(sorted(organisations)))
        .where(col(Offer.category).in_([kind.code for kind in taxonomy.list_need_kinds() if kind.is_money]))
        .group_by(col(Offer.org_id))
    )
    asked = {f"{BUDGET}{row[0]}": int(row[1]) for row in session.execute(waiting)}
    left = yearly_budgets(session, organisations, on=on)
    return {row.earmark: max(0, row.budget - asked.get(row.earmark, 0)) for row in left}


def beside(
    session: Session,
    resources: tuple[Resource, ...],
    earmarks: tuple[Earmark, ...],
    /,
    *,
    within: Sequence[ColumnElement[bool]],
    kept_back: Mapping[str, int],
    pinned: Mapping[str, int],
) -> tuple[tuple[Resource, ...], tuple[Earmark, ...]]:
    """Stock and budgets for a run of the needs `within`, less what waits for a decision for any other need and what is
    `kept_back` for them. What is `pinned` to needs of this run stays: a person's word comes before undecided lines, and
    a pin that finds no stock would leave everybody without a plan."""
    waiting = (
        select(Offer.id, Offer.org_id, Offer.unit, func.sum(ProposedLine.units))
        .join(Offer, col(Offer.id) == col(ProposedLine.offer_id))
        .join(Need, col(Need.id) == col(ProposedLine.need_id))
        .where(col(ProposedLine.state) == LineState.PROPOSED, not_(and_(*within)))
        .group_by(col(Offer.id), col(Offer.org_id), col(Offer.unit))
    )
    units, fen, mine = Counter(kept_back), Counter[str](), Counter[str]()
    for offer_id, org_id, unit, asked in session.execute(waiting):
        units[offer_id] += int(asked)
        fen[f"{BUDGET}{org_id}"] += int(asked) if unit == taxonomy.MONEY else 0
    for resource in resources:
        if resource.earmark:
            fen[resource.earmark] += kept_back.get(resource.resource_id, 0)
            mine[resource.earmark] += pinned.get(resource.resource_id, 0)
    return (
        tuple(
            replace(row, stock=_less(row.stock, units[row.resource_id], pinned.get(row.resource_id, 0)))
            for row in resources
        ),
        tuple(replace(row, budget=_less(row.budget, fen[row.earmark], mine[row.earmark])) for row in earmarks),
    )


def _less(whole: int, taken: int, kept: int) -> int:
    """What is left of a whole, but never less than what is kept of it."""
    return max(whole - taken, min(whole, kept), 0)


def lock_offers(session: Session, offer_ids: Sequence[str], /) -> list[Offer]:
    """The offers, locked in the order of their ids until the transaction ends, read anew; then the givers of money,
    whose budgets several offers share."""
    statement = select(Offer).where(col(Offer.id).in_(offer_ids)).order_by(col(Offer.id)).with_for_update()
    found = list(session.exec(statement.execution_options(populate_existing=True)))
    if paying := {offer.org_id for offer in found if offer.unit == taxonomy.MONEY}:
        givers = select(Organisation.id).where(col(Organisation.id).in_(paying))
        session.exec(givers.order_by(col(Organisation.id)).with_for_update()).all()
    return found


def open_offers(session: Session, organisations: frozenset[str], as_of: date) -> Iterator[Offer]:
    """Open offers of acting givers within their agreements' purposes, whose end has not come."""
    statement = (
        select(Offer, Organisation.purposes)
        .join(Organisation, col(Organisation.id) == col(Offer.org_id))
        .where(col(Offer.state) == OfferState.OPEN)
        .where(or_(col(Offer.valid_to).is_(None), col(Offer.valid_to) > as_of))
        .where(or_(col(Offer.confirm_by).is_(None), col(Offer.confirm_by) > as_of))
        .order_by(col(Offer.id))
    )
    for offer, granted in session.execute(statement):
        if offer.org_id in organisations and taxonomy.need_kind(offer.category).purpose in granted:
            yield offer


def resources_of(offers: Iterable[Offer], earmarks: tuple[Earmark, ...], /) -> tuple[Resource, ...]:
    """The offers in the allocator's words."""
    marks = frozenset(row.earmark for row in earmarks)
    return tuple(_resource(offer, marks) for offer in offers)


def _resource(offer: Offer, marks: frozenset[str]) -> Resource:
    """An offer as the allocator sees it: the giver's terms within the donor's, money under the giver's budget."""
    mark = f"{BUDGET}{offer.org_id}"
    return Resource(
        resource_id=offer.id,
        org_id=offer.org_id,
        category=offer.category,
        unit=offer.unit,
        stock=offer.stock_units - offer.committed_units,
        lot=offer.lot,
        min_per_need=offer.min_per_need,
        max_per_need=offer.max_per_need,
        max_per_household=offer.max_per_household,
        districts=served_districts(offer),
        tags_any=frozenset(offer.tags_any),
        tags_all=frozenset(offer.tags_all) | frozenset(offer.donor_tags),
        tags_none=frozenset(offer.tags_none),
        min_urgency=offer.min_urgency,
        valid_from=offer.valid_from,
        valid_to=offer.valid_to,
        earmark=mark if mark in marks and offer.unit == taxonomy.MONEY else None,
        unit_cost=offer.unit_cost_fen,
    )


def posted(session: Session, *, as_of: date) -> tuple[tuple[Resource, ...], tuple[Earmark, ...]]:
    """Every resource that a run on this day may draw on, and the budgets above them; the stock of a resource is what
    nothing is committed of."""
    organisations = acting_ids(session, on=as_of)
    earmarks = yearly_budgets(session, organisations, on=as_of)
    return resources_of(open_offers(session, organisations, as_of), earmarks), earmarks
