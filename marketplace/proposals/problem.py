"""From the database to the allocator's words: a scope of needs and offers becomes one `Problem` of ids and numbers.

Enters: a reading session, a scope and a policy. Leaves: a `matching.model.Problem`; no name, address or other personal
field is read. Called by runs and by their preview.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.consent.ask import all_auto_match
from marketplace.errors import NotFound
from marketplace.households.by_hand import by_hand
from marketplace.households.related import related_pairs
from marketplace.households.same import Same, all_same
from marketplace.ledger import service as ledger
from marketplace.ledger.overlap_rows import Stopped, rows_for
from marketplace.needs.models import Need as NeedRow
from marketplace.needs.models import NeedState
from marketplace.offers.models import Offer
from marketplace.organisations.agreements import acting_ids
from marketplace.proposals import overrides, supply
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.proposals.pins import refused
from marketplace.proposals.wanted import NEED_COLUMNS, consented
from matching.model import (
    Announced,
    Ban,
    Earmark,
    Need,
    PastAid,
    Pin,
    Policy,
    Problem,
    Resource,
    levels_first,
    urgency_first,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which needs a run looks at; empty means all."""

    districts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The stored form."""
        return {"districts": list(self.districts), "categories": list(self.categories)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Scope:
        """What `as_json` wrote."""
        return cls(tuple(stored.get("districts", ())), tuple(stored.get("categories", ())))

    def within(self, actor: Actor) -> Scope:
        """The same scope cut to the actor's districts; a district outside them is not found."""
        if not actor.districts:
            return self
        if any(not actor.serves(district) for district in self.districts):
            raise NotFound("district")
        return Scope(self.districts or tuple(sorted(actor.districts)), self.categories)

    def needs(self) -> list[ColumnElement[bool]]:
        """The conditions on the need table."""
        wanted: list[ColumnElement[bool]] = []
        if self.districts:
            wanted.append(col(NeedRow.district_code).in_(self.districts))
        if self.categories:
            wanted.append(col(NeedRow.category).in_(self.categories))
        return wanted


def policy_of(stored: Mapping[str, Any], as_of: date) -> Policy:
    """The allocator's policy from its stored form: ``{"order": "urgency_first" | "levels_first", "budget_s": …}``."""
    order = levels_first(10) if stored.get("order") == "levels_first" else urgency_first(10)
    return Policy(as_of=as_of, order=order, budget_s=float(stored.get("budget_s", 60)))


@dataclass(frozen=True, slots=True)
class Built:
    """A problem, and what the rules against helping twice stopped or cut while it was built."""

    problem: Problem
    stopped: tuple[Stopped, ...]
    cut: Mapping[str, tuple[str, int]]
    """Need ► the rule that lets the problem hold less of it than is open, and how many units less."""


def build_problem(session: Session, scope: Scope, /, *, policy: Policy, now: datetime) -> Problem:
    """Everything one run knows, as plain values."""
    return build(session, scope, policy=policy, now=now).problem


def build(session: Session, scope: Scope, /, *, policy: Policy, now: datetime) -> Built:
    """The same with the evidence."""
    organisations = acting_ids(session, on=policy.as_of)
    offers = list(supply.open_offers(session, organisations, policy.as_of))
    same = all_same(session)
    needs = tuple(_needs(session, scope, same=same, organisations=organisations, now=now))
    households = {need.household_id for need in needs}
    known = {need.need_id for need in needs}
    standing = overrides.standing(session, now=now)
    earmarks = supply.yearly_budgets(session, organisations, on=policy.as_of)
    whole = supply.resources_of(offers, earmarks)
    resources, earmarks = _beside(session, whole, earmarks, scope=scope, known=known, pins=standing.pins)
    posted = {resource.resource_id for resource in resources}
    projects = {offer.id: offer.project for offer in offers if offer.project}
    ruled = rows_for(session, needs, resources, projects=projects, same=same, on=policy.as_of)
    bans = _bans(session, needs=needs, offers=offers, same=same)
    problem = Problem(
        policy=policy,
        needs=tuple(ruled.needs),
        resources=tuple(ruled.resources),
        earmarks=earmarks,
        caps=tuple(ruled.caps),
        ledger=tuple(_past_aid(session, same=same, households=households, known=known)),
        cooloffs=tuple(ruled.cooloffs),
        pins=tuple(pin for pin in standing.pins if pin.need_id in known and pin.resource_id in posted),
        bans=_once(
            _within(standing.bans, known=known, posted=posted),
            bans,
            _by_hand(session, needs=needs, offers=offers, pins=standing.pins, same=same),
            ruled.bans,
        ),
        announced=tuple(_announced(session, known=known, posted=posted)),
    )
    return Built(problem, tuple(ruled.stopped), ruled.cut)


def _beside(
    session: Session,
    resources: tuple[Resource, ...],
    earmarks: tuple[Earmark, ...],
    *,
    scope: Scope,
    known: set[str],
    pins: tuple[Pin, ...],
) -> tuple[tuple[Resource, ...], tuple[Earmark, ...]]:
    """Stock and budgets for this scope: what waits for a decision or is pinned for needs outside it is theirs."""
    within = scope.needs()
    if not within:
        return resources, earmarks
    back = overrides.kept_back(session, [pin for pin in pins if pin.need_id not in known])
    here = Counter[str]()
    for pin in pins:
        here[pin.resource_id] += pin.units if pin.need_id in known else 0
    return supply.beside(session, resources, earmarks, within=within, kept_back=back, pinned=here)


BY_HAND = "by_hand"
"""The code of a pair that no program may propose, because the household asked for a person; a pin by staff may."""
RELATED = "related_party"
"""The code of a pair that must not be because somebody of the household is related to the giver."""


def _needs(
    session: Session, scope: Scope, *, same: Same, organisations: frozenset[str], now: datetime
) -> Iterator[Need]:
    """The needs in scope; households that count as one have one name, each keeps its own consent."""
    consents = all_auto_match(session, now=now)
    statement = (
        select(*NEED_COLUMNS.values(), NeedRow.tags)  # type: ignore[call-overload]
        .where(col(NeedRow.state) == NeedState.VERIFIED, *scope.needs())
        .order_by(col(NeedRow.id))
    )
    for *values, tags in session.execute(statement):
        plain: dict[str, Any] = dict(zip(NEED_COLUMNS, values, strict=True))
        given = consented(consents.get(plain["household_id"]), organisations)
        plain["household_id"] = same.one(plain["household_id"])
        yield Need(**plain, consented=given, tags=frozenset(tags))


def _past_aid(session: Session, *, same: Same, households: set[str], known: set[str]) -> Iterator[PastAid]:
    for entry in ledger.live_aid(session):
        if same.one(entry.household_id) in households:
            yield PastAid(
                household_id=same.one(entry.household_id),
                category=entry.category,
                units=entry.units,
                given_on=entry.given_on,
                state=entry.state.value,
                need_id=entry.need_id if entry.need_id in known else None,
            )


def _within(bans: Iterable[Ban], *, known: set[str], posted: set[str]) -> Iterator[Ban]:
    """The bans by staff that name something of this run."""
    for ban in bans:
        if (ban.need_id == "*" or ban.need_id in known) and (ban.resource_id == "*" or ban.resource_id in posted):
            yield ban


def _once(*bans: Iterable[Ban]) -> tuple[Ban, ...]:
    """Each pair once; what staff banned keeps its own code."""
    first: dict[tuple[str, str], Ban] = {}
    for ban in chain(*bans):
        first.setdefault((ban.need_id, ban.resource_id), ban)
    return tuple(first.values())


def _bans(session: Session, *, needs: tuple[Need, ...], offers: list[Offer], same: Same) -> Iterator[Ban]:
    """Pairs that people refused before, givers that a household is related to, and offers with a limit per household
    of which this one has had any unit: a problem has one limit for all, not what is left of it for one."""
    yield from _related(session, needs=needs, offers=offers, same=same)
    known = {need.need_id for need in needs}
    posted = {offer.id for offer in offers}
    for need_id, offer_id in sorted(refused(session)):
        if need_id in known and offer_id in posted:
            yield Ban(need_id, offer_id, "refused")
    limited = {offer.id: offer.category for offer in offers if offer.max_per_household is not None}
    served = {(same.one(e.household_id), e.offer_id) for e in ledger.live_aid(session) if e.offer_id in limited}
    by_household: dict[tuple[str, str], list[str]] = {}
    for need in needs:
        by_household.setdefault((need.household_id, need.category), []).append(need.need_id)
    for household_id, offer_id in sorted((h, o) for h, o in served if o is not None):
        for need_id in by_household.get((household_id, limited[offer_id]), ()):
            yield Ban(need_id, offer_id, "already_given")


def _related(session: Session, *, needs: tuple[Need, ...], offers: list[Offer], same: Same) -> Iterator[Ban]:
    """No giver helps those who are related to it."""
    by_org: dict[str, list[str]] = {}
    for household_id, org_id in sorted(related_pairs(session)):
        by_org.setdefault(same.one(household_id), []).append(org_id)
    for need in needs if by_org else ():
        for offer in offers:
            if offer.category == need.category and offer.org_id in by_org.get(need.household_id, ()):
                yield Ban(need.need_id, offer.id, RELATED)


def _by_hand(
    session: Session, *, needs: tuple[Need, ...], offers: list[Offer], pins: tuple[Pin, ...], same: Same
) -> Iterator[Ban]:
    """A household that wants a person gets only what a person pinned to it."""
    homes = {same.one(home) for home in by_hand(session)}
    pinned = {(one.need_id, one.resource_id) for one in pins}
    for need in needs if homes else ():
        if need.household_id in homes:
            for offer in offers:
                if offer.category == need.category and (need.need_id, offer.id) not in pinned:
                    yield Ban(need.need_id, offer.id, BY_HAND)


def _announced(session: Session, *, known: set[str], posted: set[str]) -> Iterator[Announced]:
    """What the last run proposed and nobody has decided yet, by pair, for free stock may have been proposed beside it;
    a new run keeps it where it costs nothing."""
    statement = (
        select(ProposedLine.need_id, ProposedLine.offer_id, func.sum(ProposedLine.units))
        .where(col(ProposedLine.state) == LineState.PROPOSED)
        .group_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))
        .order_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))
    )
    for need_id, offer_id, units in session.execute(statement):
        if need_id in known and offer_id in posted:
            yield Announced(need_id, offer_id, int(units))
