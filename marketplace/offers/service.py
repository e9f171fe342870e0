"""Posting, changing, pausing, closing and confirming offers; and listing them.

Enters: checked terms and an act of the giver's people (or of staff, who release what was held). Leaves: an offer row
and an audit row. Nobody assigns an offer to anybody: its terms are the giver's yes, or the giver answers each match.
A change binds later matches only; what is committed stays committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, or_, select

from marketplace import audit
from marketplace.actors import GIVERS, Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.offers.donors import DonorPaper, keep_paper
from marketplace.offers.models import Offer, OfferDraft, OfferState
from marketplace.offers.terms import (
    CONFIRMED_FOR,
    LARGEST,
    Terms,
    back_from_expiry,
    columns_of,
    doubt,
    faults,
    shown_units,
    terms_of,
)
from marketplace.organisations.models import Organisation
from marketplace.organisations.programmes import NAMES, refuse_near
from marketplace.organisations.service import require_active
from marketplace.policy import require
from marketplace.reference.needs import need_kind
from marketplace.sealed import vault_of

TYPED = "typed"
SOON = timedelta(days=14)
"""So long before its end an offer asks to be confirmed."""
LIVING = (OfferState.OPEN, OfferState.HELD, OfferState.PAUSED, OfferState.EXPIRED)


def post_offer(
    session: Session,
    terms: Terms,
    /,
    *,
    org_id: str,
    actor: Actor,
    now: datetime,
    source: str = TYPED,
    source_id: str = "",
    other_project: bool = False,
) -> Offer:
    """Post a resource of an active organisation within its agreement's purposes. Implausible amounts are held until
    staff release them. `other_project`: its programme is another one than that of a near name."""
    require(actor, "offer:post", org_id=org_id)
    organisation = require_active(session, org_id)
    refuse_faults(terms, on=local_day(now))
    refuse_above_ceiling(organisation, terms.category)
    refuse_near(session, terms.project, other=other_project, org_id=org_id)
    key = new_id()
    offer = Offer(
        id=vault_of(session).ref("offer", source, org_id, source_id) if source_id else key,
        org_id=org_id,
        source_index=source_index(session, org_id, source_id=source_id or key),
        reference=source_id,
        confirm_by=local_day(now) + CONFIRMED_FOR,
        created_by=actor.id,
        created_at=now,
        **_row(terms, now=now),
    )
    session.add(offer)
    flush(session)
    _record(session, offer, "offer:post", actor=actor, now=now)
    return offer


def revise_offer(
    session: Session,
    offer_id: str,
    /,
    *,
    terms: Terms,
    actor: Actor,
    now: datetime,
    paper: DonorPaper | None = None,
    other_project: bool = False,
) -> Offer:
    """Change the terms for later matches. Kind and unit stay; the stock stays above what is committed; what the donor
    bound is loosened only with the donor's own paper."""
    offer = _locked(session, offer_id, action="offer:edit", actor=actor)
    if offer.state not in LIVING:
        raise WrongState("offer_closed")
    if terms.category != offer.category:
        raise BadInput("category_fixed", field="category")
    refuse_faults(terms, on=local_day(now))
    refuse_above_ceiling(session.get_one(Organisation, offer.org_id), terms.category)
    refuse_near(session, terms.project, other=other_project, org_id=offer.org_id)
    keep_paper(session, offer, terms_of(offer), terms, paper=paper, actor=actor, now=now)
    if terms.stock_units < offer.committed_units:
        raise BadInput(
            "stock_below_committed", field="stock_units", least=shown_units(offer.committed_units, offer.unit)
        )
    resting = (offer.state, offer.state_reason) if offer.state in (OfferState.PAUSED, OfferState.EXPIRED) else None
    for name, value in _row(terms, now=now).items():
        setattr(offer, name, value)
    offer.content_hash, offer.reminded = "", False
    if resting is not None and offer.state is OfferState.OPEN:
        offer.state, offer.state_reason = resting
    return _saved(session, offer, "offer:revise", actor=actor, now=now)


def pause_offer(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> Offer:
    """Match nothing more for the time being."""
    return _step(session, offer_id, "pause", actor=actor, now=now)


def reopen_offer(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> Offer:
    """Match a paused offer again; one that has run out is confirmed first."""
    return _step(session, offer_id, "reopen", actor=actor, now=now)


def close_offer(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> Offer:
    """End an offer for good; what is committed is still delivered."""
    return _step(session, offer_id, "close", actor=actor, now=now)


def release_offer(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> Offer:
    """A member of staff has asked: the amounts are meant."""
    return _step(session, offer_id, "release", actor=actor, now=now)


STEPS: dict[str, tuple[str, tuple[OfferState, ...], OfferState]] = {
    "pause": ("offer:edit", (OfferState.OPEN,), OfferState.PAUSED),
    "reopen": ("offer:edit", (OfferState.PAUSED,), OfferState.OPEN),
    "close": ("offer:edit", LIVING, OfferState.CLOSED),
    "release": ("offer:release", (OfferState.HELD,), OfferState.OPEN),
}
"""Act ► (the policy's action, the states it may start from, the state it leads to)."""


def _step(session: Session, offer_id: str, act: str, *, actor: Actor, now: datetime) -> Offer:
    action, begins, ends = STEPS[act]
    offer = _locked(session, offer_id, action=action, actor=actor)
    if offer.state not in begins:
        raise WrongState(f"offer_{act}", have=offer.state.value)
    if ends is OfferState.OPEN:
        require_active(session, offer.org_id)
        if has_run_out(offer, on=local_day(now)):
            raise WrongState("offer_run_out")
        if offer.stock_units > LARGEST:
            raise WrongState("offer_too_large")
    offer.state, offer.state_reason, offer.updated_at = ends, "", now
    return _saved(session, offer, f"offer:{act}", actor=actor, now=now)


def reconfirm_offer(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> Offer:
    """The giver says that the offer still stands: it lasts another half year from today at least, and one that had
    expired for want of this word is again what it was."""
    offer = _locked(session, offer_id, action="offer:edit", actor=actor)
    if offer.state not in LIVING:
        raise WrongState("offer_closed")
    later = local_day(now) + CONFIRMED_FOR
    offer.valid_to = later if offer.valid_to is None else max(offer.valid_to, later)
    offer.confirm_by, offer.reminded, offer.updated_at = later, False, now
    if offer.state is OfferState.EXPIRED:
        require_active(session, offer.org_id)
        offer.state, offer.state_reason = back_from_expiry(offer)
    return _saved(session, offer, "offer:reconfirm", actor=actor, now=now)


def has_run_out(offer: Offer, *, on: date) -> bool:
    """Whether the offer's window is over, or its giver's word that it still stands is half a year old."""
    return any(day is not None and day <= on for day in (offer.valid_to, offer.confirm_by))


def refuse_above_ceiling(organisation: Organisation, category: str) -> None:
    """Raise where the organisation's agreement does not name the purpose of this kind of need."""
    if need_kind(category).purpose not in organisation.purposes:
        raise BadInput("purpose_above_ceiling", field="category")


def refuse_faults(terms: Terms, *, on: date) -> None:
    """Raise the first fault; forms and files show all of them before it comes to this."""
    for fault in faults(terms, on=on):
        raise BadInput(fault.code, field=fault.field, **fault.facts)


def source_index(session: Session, org_id: str, /, *, source_id: str) -> str:
    """The keyed index under which a giver's own number for an offer is unique."""
    return vault_of(session).index("offer-source", f"{org_id}\x00{source_id}")


def _row(terms: Terms, *, now: datetime) -> dict[str, Any]:
    """The columns that follow from the terms; implausible ones wait for a person."""
    reason = doubt(terms)
    return columns_of(terms) | {
        "unit": need_kind(terms.category).unit,
        "state": OfferState.HELD if reason else OfferState.OPEN,
        "state_reason": reason,
        "updated_at": now,
    }


def copied_terms(offer: Offer, terms: Terms, /, *, on: date) -> Terms:
    """The same terms for a new offer: the whole stock again, a fresh half year."""
    start = offer.valid_from if offer.valid_from is not None and offer.valid_from > on else None
    return replace(terms, valid_from=start, valid_to=on + CONFIRMED_FOR)


@dataclass(frozen=True, slots=True)
class OfferFilter:
    """What a list shows; empty fields do not narrow it."""

    org_id: str = ""
    category: str = ""
    states: Sequence[OfferState] = ()
    ends_by: date | None = None


def list_offers(
    session: Session, wanted: OfferFilter, /, *, actor: Actor, offset: int = 0, size: int = 25
) -> tuple[list[Offer], int]:
    """One page of offers, the newest first, and how many there are; givers see their own only."""
    if actor.role in GIVERS:
        wanted = replace(wanted, org_id=wanted.org_id or actor.org_id or "")
    require(actor, "offer:list", org_id=wanted.org_id or None)
    rows = select(Offer)
    if wanted.org_id:
        rows = rows.where(col(Offer.org_id) == wanted.org_id)
    if wanted.category:
        rows = rows.where(col(Offer.category) == wanted.category)
    if wanted.states:
        rows = rows.where(col(Offer.state).in_(wanted.states))
    if wanted.ends_by is not None:
        rows = rows.where(col(Offer.valid_to) <= wanted.ends_by)
    total = int(session.scalar(rows.with_only_columns(func.count(), maintain_column_froms=True)) or 0)
    # The ids are found first, in an index alone, so that a far page costs little; only its own rows are read.
    newest = (col(Offer.created_at).desc(), col(Offer.id).desc())
    page = rows.with_only_columns(col(Offer.id)).order_by(*newest).offset(offset).limit(size)
    ids = session.scalars(page).all()
    return list(session.exec(select(Offer).where(col(Offer.id).in_(ids)).order_by(*newest))), total


def to_do(session: Session, org_id: str, /, *, on: date) -> dict[str, int]:
    """What waits for a giver: offers that end or must be confirmed within two weeks, offers held by staff, drafts."""
    offers = select(func.count()).select_from(Offer).where(col(Offer.org_id) == org_id)
    soon = or_(col(Offer.valid_to) <= on + SOON, col(Offer.confirm_by) <= on + SOON)
    ending = offers.where(col(Offer.state).in_(LIVING), soon)
    drafts = select(func.count()).select_from(OfferDraft).where(col(OfferDraft.org_id) == org_id)
    return {
        "ending": session.exec(ending).one(),
        "held": session.exec(offers.where(col(Offer.state) == OfferState.HELD)).one(),
        "drafts": session.exec(drafts).one(),
    }


def get_offer(session: Session, offer_id: str, /, *, actor: Actor) -> Offer:
    """One offer; another giver's offer looks like a missing one."""
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer")
    require(actor, "offer:view", org_id=offer.org_id)
    return offer


def _locked(session: Session, offer_id: str, *, action: str, actor: Actor) -> Offer:
    statement = select(Offer).where(col(Offer.id) == offer_id).with_for_update()
    offer = session.exec(statement.execution_options(populate_existing=True)).one_or_none()
    if offer is None:
        raise NotFound("offer")
    require(actor, action, org_id=offer.org_id)
    return offer


def _saved(session: Session, offer: Offer, action: str, *, actor: Actor, now: datetime) -> Offer:
    session.add(offer)
    flush(session)
    _record(session, offer, action, actor=actor, now=now)
    return offer


def _record(session: Session, offer: Offer, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"category": offer.category, "stock_units": offer.stock_units, "state": offer.state.value}
    audit.record(session, audit.Entry(action, object_ref=offer.id, body=body), actor=actor, now=now)


def _projects(session: Session, _org_id: str | None) -> Iterable[str]:
    """The programmes of all offers: what is offered here is no secret among givers."""
    return session.exec(select(Offer.project).where(col(Offer.project) != "").distinct())


NAMES["offers"] = _projects
