"""Overrides: what staff pin or ban for the next runs, each with a reason, until it is withdrawn.

Enters: a person's pin or ban. Leaves: rows of `override`, and for `problem` the pins and bans that still mean
something. Whoever verified a need may not override for it: one person alone must not both vouch for a need and steer
aid to it or away from it. An override decides nothing: every line it brings about waits for an approver as all do.
A ban of an offer for all needs touches every district, so only staff of the whole city may keep it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, update
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, DomainError, NotFound, WrongState
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.proposals.models import LineState, Override, OverrideKind, OverrideState, ProposedLine
from marketplace.proposals.pins import NO_PLAN, falls, given_to, gone, known_of, refused
from matching.model import LARGEST, Ban, Pin

ALL = "*"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to keep: an empty need or offer is "all"; units only for a pin."""

    kind: OverrideKind
    need_id: str = ""
    offer_id: str = ""
    units: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing overrides as the allocator takes them, and the rest with the code of why it falls away."""

    pins: tuple[Pin, ...]
    bans: tuple[Ban, ...]
    rest: dict[str, str]


def keep(session: Session, wish: Wish, /, *, reason: str, actor: Actor, now: datetime) -> Override:
    """Keep one pin or ban for the next runs; the same pair can have only one standing override."""
    need = _sound(session, wish, actor=actor, now=now)
    row = Override(
        id=new_id(),
        kind=wish.kind,
        need_id=wish.need_id or None,
        offer_id=wish.offer_id or None,
        units=wish.units,
        district_code=need.district_code if need else "",
        reason=reason,
        created_by=actor.id,
        created_at=now,
    )
    session.add(row)
    body = {"kind": wish.kind.value, "need": wish.need_id, "offer": wish.offer_id, "units": wish.units}
    audit.record(session, audit.Entry("override:keep", object_ref=row.id, body=body), actor=actor, now=now)
    flush(session)
    return row


def _sound(session: Session, wish: Wish, *, actor: Actor, now: datetime) -> Need | None:
    """The need that the wish is about, once everything about it holds. Raises the first reason against."""
    need = session.get(Need, wish.need_id) if wish.need_id else None
    offer = session.get(Offer, wish.offer_id) if wish.offer_id else None
    if (wish.need_id and need is None) or (wish.offer_id and offer is None):
        raise NotFound("override")
    require(actor, "override:keep", district=need.district_code if need else "")
    if not wish.need_id and not wish.offer_id:
        raise BadInput("bans_everything", field="kind")
    is_pin = wish.kind is OverrideKind.PIN
    if is_pin and not (wish.need_id and wish.offer_id and 0 < wish.units <= LARGEST):
        raise BadInput("pin_not_whole", field="units")
    if need and need.vouched_by & actor.people:
        raise WrongState("verifier_overrides")
    if is_pin and (wish.need_id, wish.offer_id) in refused(session, [wish.need_id]):
        raise WrongState("pin_refused")
    if _twin(session, wish):
        raise WrongState("override_stands")
    if is_pin and need and offer and (code := _hopeless(session, need, offer, units=wish.units, now=now)):
        raise WrongState("pin_hopeless", why=code)
    return need


def _hopeless(session: Session, need: Need, offer: Offer, *, units: int, now: datetime) -> str:
    """Why no run could carry out such a pin as things stand."""
    giver = session.get_one(Organisation, offer.org_id)
    code = gone(need, offer, today=local_day(now))
    code = code or falls(session, known_of(session, [need], now=now), (need, offer, giver), units=units)
    wholes = (Wish(OverrideKind.BAN, need.id, ""), Wish(OverrideKind.BAN, "", offer.id))
    return code or ("banned" if any(_twin(session, whole) for whole in wholes) else "")


def refusal(session: Session, wish: Wish, /, *, actor: Actor, now: datetime) -> str:
    """The code of the reason why this actor may not keep this now; empty if `keep` would go through."""
    try:
        _sound(session, wish, actor=actor, now=now)
    except NotFound:
        return "override_outside"
    except DomainError as error:
        return error.code
    return ""


def _twin(session: Session, wish: Wish) -> Override | None:
    """A standing override of the same pair."""
    same = [
        col(Override.need_id) == wish.need_id if wish.need_id else col(Override.need_id).is_(None),
        col(Override.offer_id) == wish.offer_id if wish.offer_id else col(Override.offer_id).is_(None),
    ]
    return session.exec(select(Override).where(col(Override.state) == OverrideState.STANDING, *same)).first()


def withdraw(session: Session, override_id: str, /, *, actor: Actor, now: datetime) -> Override:
    """Take one back: the next run counts it no more. Whoever may keep it may do so, for it steers nothing."""
    row = session.get(Override, override_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("override")
    require(actor, "override:withdraw", district=row.district_code)
    if row.state is not OverrideState.STANDING:
        raise WrongState("override_over")
    row.state, row.withdrawn_by, row.withdrawn_at = OverrideState.WITHDRAWN, actor.id, now
    session.add(row)
    audit.record(session, audit.Entry("override:withdraw", object_ref=row.id), actor=actor, now=now)
    flush(session)
    return row


def standing(session: Session, /, *, about: Need | None = None, now: datetime) -> Standing:
    """What the next run takes over: nothing of a need or offer that is gone, no pin that nobody may carry out (`pins`);
    a pin less what is given already. `about` one need: only what names it or an offer of its kind, for each pin is
    held against the rules."""
    statement = (
        select(Override, Need, Offer, Organisation)
        .outerjoin(Need, col(Need.id) == col(Override.need_id))
        .outerjoin(Offer, col(Offer.id) == col(Override.offer_id))
        .outerjoin(Organisation, col(Organisation.id) == col(Offer.org_id))
        .where(col(Override.state) == OverrideState.STANDING)
        .order_by(col(Override.id))
    )
    if about is not None:
        same_kind = col(Offer.category) == about.category
        of_need = and_(col(Override.offer_id).is_(None), col(Need.category) == about.category)
        statement = statement.where(or_(col(Override.need_id) == about.id, same_kind, of_need))
    rows = session.execute(statement).all()
    rest = {row.id: code for row, need, offer, _giver in rows if (code := gone(need, offer, today=local_day(now)))}
    pins = [(row, *sides) for row, *sides in rows if row.kind is OverrideKind.PIN and row.id not in rest]
    bans = [row for row, *_sides in rows if row.kind is OverrideKind.BAN and row.id not in rest]
    closed = {(row.need_id or ALL, row.offer_id or ALL) for row in bans}
    facts = known_of(session, [need for _row, need, *_rest in pins], now=now)
    kept = []
    for row, need, offer, giver in pins:
        code = falls(session, facts, (need, offer, giver), units=row.units)
        if not code and not closed.isdisjoint(((need.id, ALL), (ALL, offer.id))):
            code = "banned"
        if about is not None:
            code = code or row.left_out  # a run tries it again, and leaves it out again
        if code:
            rest[row.id] = code
        else:
            kept.append(Pin(need.id, offer.id, row.units - facts.given.get((need.id, offer.id), 0)))
    return Standing(tuple(kept), tuple(Ban(row.need_id or ALL, row.offer_id or ALL) for row in bans), rest)


def held(session: Session, need_id: str, offer_id: str, /) -> int:
    """Units of the offer that the need was given, or that are proposed for it and undecided."""
    household = session.get_one(Need, need_id).household_id
    proposed = select(func.coalesce(func.sum(ProposedLine.units), 0)).where(
        col(ProposedLine.need_id) == need_id,
        col(ProposedLine.offer_id) == offer_id,
        col(ProposedLine.state) == LineState.PROPOSED,
    )
    return int(session.exec(proposed).one()) + given_to(session, [household]).get((need_id, offer_id), 0)


def kept_back(session: Session, pins: Collection[Pin], /) -> dict[str, int]:
    """Units by offer that these pins hold back beyond the lines that are proposed for them already."""
    if not pins:
        return {}
    statement = (
        select(ProposedLine.need_id, ProposedLine.offer_id, func.sum(ProposedLine.units))
        .where(col(ProposedLine.state) == LineState.PROPOSED)
        .where(col(ProposedLine.need_id).in_([pin.need_id for pin in pins]))
        .group_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))
    )
    proposed = {(row[0], row[1]): int(row[2]) for row in session.execute(statement)}
    back: dict[str, int] = {}
    for pin in pins:
        left = pin.units - proposed.get((pin.need_id, pin.resource_id), 0)
        back[pin.resource_id] = back.get(pin.resource_id, 0) + max(0, left)
    return back


def note(session: Session, counted: Collection[Pin], left_out: Collection[Pin], /) -> None:
    """Keep on the overrides which pins the run that is being stored left out, and that it took over the others."""
    for pins, code in ((counted, ""), (left_out, NO_PLAN)):
        for pin in pins:
            this = (col(Override.need_id) == pin.need_id, col(Override.offer_id) == pin.resource_id)
            standing_pin = (col(Override.state) == OverrideState.STANDING, col(Override.kind) == OverrideKind.PIN)
            session.execute(
                update(Override).where(*this, *standing_pin, col(Override.left_out) != code).values(left_out=code)
            )


@dataclass(frozen=True, slots=True)
class Row:
    """One override as a list shows it; `rest` is the code of why it falls away, or empty."""

    override: Override
    need: Need | None
    offer: Offer | None
    rest: str


def count_overrides(session: Session, state: OverrideState, /, *, actor: Actor) -> int:
    """How many rows a page of `list_overrides` is cut from."""
    require(actor, "override:list")
    return session.exec(select(func.count()).select_from(Override).where(*_seen(state, actor))).one()


def list_overrides(
    session: Session, state: OverrideState, /, *, actor: Actor, now: datetime, offset: int = 0, limit: int = 25
) -> list[Row]:
    """One page of the actor's districts and of the whole city, the newest first."""
    require(actor, "override:list")
    rest = standing(session, now=now).rest
    found = session.execute(
        _joined()
        .where(*_seen(state, actor))
        .order_by(col(Override.created_at).desc(), col(Override.id))
        .offset(offset)
        .limit(limit)
    )
    return [Row(row, need, offer, rest.get(row.id, row.left_out)) for row, need, offer in found]


def named_in(session: Session, conflict: list[str], /, *, actor: Actor) -> Iterator[tuple[str, Row | None]]:
    """The "need>offer" pairs of a contradiction, each with its override; None if withdrawn or not the actor's."""
    for pair in conflict:
        need_id, _, offer_id = pair.partition(">")
        found = session.execute(
            _joined().where(
                col(Override.need_id) == need_id,
                col(Override.offer_id) == offer_id,
                *_seen(OverrideState.STANDING, actor),
            )
        ).first()
        yield pair, Row(found[0], found[1], found[2], "") if found else None


def _joined() -> Any:
    return (
        select(Override, Need, Offer)
        .outerjoin(Need, col(Need.id) == col(Override.need_id))
        .outerjoin(Offer, col(Offer.id) == col(Override.offer_id))
    )


def _seen(state: OverrideState, actor: Actor) -> list[Any]:
    wanted: list[Any] = [col(Override.state) == state]
    if actor.districts:
        near = col(Override.district_code).in_(sorted(actor.districts))
        wanted.append(or_(near, col(Override.district_code) == ""))
    return wanted
