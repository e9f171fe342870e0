"""Insurance payouts in the ledger: they cover a need before charity does.

Enters: a household and whom of it the insurer paid for, a kind of medical cost, an amount in fen. Leaves: ledger rows
that take as much of the open needs of that kind as is free, those of that person first and of nobody who is certainly
another, and one row of history for the rest; and, when room is made later, the rest moved into it. Called by the
insurers' room. Every run reads a need's gap less these rows, so charity is asked only for what
insurance left. A payout that was told and is not so is taken back as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.households.apart import people_of
from marketplace.households.same import same_as
from marketplace.ledger import repeats
from marketplace.ledger.late import look_again
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.reference.needs import NeedKind, list_need_kinds
from marketplace.sealed import vault_of

SOURCE = "INSURANCE"
"""The source of these rows, a code of the table `aid_source`."""


def payable_kinds() -> tuple[NeedKind, ...]:
    """The kinds of cost that a payout can be for: medical costs in money."""
    return tuple(kind for kind in list_need_kinds() if kind.group == "MEDICAL" and kind.is_money)


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout: `key` is its case, so that it is booked once; `org_id` and `giver` are the insurer, `person_id`
    is who is insured."""

    key: str
    household_id: str
    org_id: str
    giver: str
    category: str
    fen: int
    paid_on: date
    person_id: str = ""


def book(session: Session, payout: Payout, /, *, actor: Actor, now: datetime) -> int:
    """Write a payout down; return how many fen found no room in a need. The needs are locked, the oldest is covered
    first. A payout that another source told of already covers nothing again, and a person looks; what it contradicts
    is held against the rules like a late report."""
    told = repeats.find(session, {payout.key: _told(payout)}).get(payout.key, "")
    if told:
        repeat = _add(session, payout, need=None, fen=payout.fen, repeats_id=told, actor=actor, now=now)
        repeats.raise_tasks(session, [repeat.id], actor=actor, now=now)
        return 0
    rest, written = payout.fen, []
    for need in open_needs(session, payout):
        room = min(rest, need.gap_units - need.committed_units)
        if room > 0:
            written.append(_add(session, payout, need=need, fen=room, actor=actor, now=now).id)
            rest -= room
    if rest:
        written.append(_add(session, payout, need=None, fen=rest, actor=actor, now=now).id)
    look_again(session, written, actor=actor, now=now)
    return rest


def _told(payout: Payout) -> repeats.Told:
    return repeats.Told(
        source=SOURCE,
        household_id=payout.household_id,
        giver=payout.giver,
        category=payout.category,
        programme="",
        cause="",
        units=payout.fen,
        given_on=payout.paid_on,
        person=payout.person_id,
    )


def open_needs(session: Session, payout: Payout, /) -> Sequence[Need]:
    """The verified needs of the payout's kind, of the household and of those that count as it, locked: those of whoever
    is insured first, then the oldest; none of somebody who is certainly another."""
    same = same_as(session, [payout.household_id])
    homes = same.of(payout.household_id)
    people = people_of(session, homes, same=same)
    own, others = people.one(payout.person_id), people.others(payout.person_id)
    statement = (
        select(Need)
        .where(col(Need.household_id).in_(sorted(homes)), col(Need.category) == payout.category)
        .where(col(Need.state) == NeedState.VERIFIED)
        .order_by(col(Need.created_at), col(Need.id))
        .with_for_update()
    )
    needs = session.exec(statement.execution_options(populate_existing=True)).all()
    theirs = [need for need in needs if people.one(need.person_id) not in others]
    return sorted(theirs, key=lambda need: people.one(need.person_id) != own)


def cover_more(session: Session, payout: Payout, need_id: str, /, *, most: int, actor: Actor, now: datetime) -> int:
    """Room was made in a need: move up to `most` fen of the payout's history row into it; return how many."""
    need = session.get_one(Need, need_id, with_for_update=True, populate_existing=True)
    history = _find(session, payout, need_id=None)
    moved = min(most, need.gap_units - need.committed_units, history.units if history else 0)
    if history is None or moved <= 0:
        return 0
    if history.units == moved:
        session.delete(history)
    else:
        history.units, history.updated_at = history.units - moved, now
    flush(session)
    covering = _find(session, payout, need_id=need_id)
    if covering is None:
        _add(session, payout, need=need, fen=moved, actor=actor, now=now)
        return moved
    covering.units, covering.updated_at = covering.units + moved, now
    session.add(covering)
    flush(session)
    _record(session, covering, "aid:update", actor=actor, now=now)
    return moved


def take_back(session: Session, payout: Payout, /, *, actor: Actor, now: datetime) -> int:
    """The payout was not made, or not so: every row of it is returned, and the needs are open again for as much.
    Returns how many fen counted. Its rows are found by their index, also in a home that counts as this no more."""
    wanted = select(LedgerEntry).where(LedgerEntry.source == SOURCE, LedgerEntry.given_on == payout.paid_on)
    wanted = wanted.where(col(LedgerEntry.org_id) == payout.org_id, col(LedgerEntry.state) != AidState.RETURNED)
    counted = 0
    for entry in session.exec(wanted.order_by(col(LedgerEntry.id)).with_for_update()).all():
        if entry.source_index != _index(session, payout, entry.need_id):
            continue
        counted += entry.units if entry.state is AidState.DELIVERED else 0
        entry.state, entry.repeats_id, entry.updated_at = AidState.RETURNED, None, now
        session.add(entry)
        flush(session)
        _record(session, entry, "aid:returned", actor=actor, now=now)
    return counted


def _find(session: Session, payout: Payout, *, need_id: str | None) -> LedgerEntry | None:
    statement = select(LedgerEntry).where(col(LedgerEntry.source_index) == _index(session, payout, need_id))
    return session.exec(statement.with_for_update()).one_or_none()


def _index(session: Session, payout: Payout, need_id: str | None) -> str:
    return vault_of(session).index("ledger-source", f"{SOURCE}\x00{payout.key}\x00{need_id or 'rest'}")


def _add(
    session: Session,
    payout: Payout,
    *,
    need: Need | None,
    fen: int,
    repeats_id: str | None = None,
    actor: Actor,
    now: datetime,
) -> LedgerEntry:
    need_id = need.id if need else None
    entry = LedgerEntry(
        id=new_id(),
        source=SOURCE,
        source_index=_index(session, payout, need_id),
        household_id=need.household_id if need else payout.household_id,
        need_id=need_id,
        org_id=payout.org_id,
        giver=payout.giver,
        category=payout.category,
        payer="COMMERCIAL_SUPPLEMENT",
        cause=need.cause if need else "",
        person_id=(need.person_id if need else "") or payout.person_id,
        period=need.period if need else "",
        units=fen,
        given_on=payout.paid_on,
        state=AidState.REPEAT if repeats_id else AidState.DELIVERED,
        repeats_id=repeats_id,
        created_at=now,
        updated_at=now,
    )
    session.add(entry)
    flush(session)
    if need is not None:
        session.refresh(need)
    _record(session, entry, f"aid:{entry.state.value}", actor=actor, now=now)
    return entry


def _record(session: Session, entry: LedgerEntry, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"units": entry.units}
    act = audit.Entry(action, object_ref=entry.id, subject=entry.household_id, rule_id=SOURCE, body=body)
    audit.record(session, act, actor=actor, now=now)
