"""Aid told by government feeds and by files of staff that cannot be placed yet: kept sealed, none is lost.

Enters: the rows of a feed's page or of a file that fit nobody here, or that contradict the need they name. Leaves:
each under a number, sealed; a count, and a task with a clock for each contradiction; and ledger rows for
those that fit since. What fits nobody for too long is destroyed, a contradiction waits until a person decides it.
Called by `reporting`, `imports`, `handing_in`, the worker and the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import chunks, flush
from marketplace.errors import NotFound
from marketplace.households.models import Household
from marketplace.intake import CheckedRow
from marketplace.ledger.models_reports import AidReport, FeedStranger
from marketplace.policy import require
from marketplace.sealed import Vault, vault_of

KEPT = timedelta(days=365)
"""So long a payment waits: rules against helping twice look back over a year. Then its personal data goes."""
TRY_AGAIN = timedelta(days=1)
MOST = 500
STEP = "feed_look"
"""The clock of a payment, or of a giver's report, that contradicts the need it names."""
_BLOB = "feed-stranger"


@dataclass(frozen=True, slots=True)
class Contrary:
    """A row whose household is here and whose need does not fit it, and why."""

    row: CheckedRow
    cause: str
    household_id: str


def keep(
    session: Session, rows: Sequence[CheckedRow], contrary: Sequence[Contrary] = (), /, *, source: str, now: datetime
) -> int:
    """Seal what cannot be placed, each payment once; what its source says of it now replaces what it said before."""
    vault, new, why = vault_of(session), 0, {one.row.number: one for one in contrary}
    told = (*rows, *(one.row for one in contrary))
    asked = {_index(vault, source, row.values["source_id"]): row for row in told}
    held = _held(session, asked)
    for index, row in asked.items():
        payload = vault.seal_blob(_BLOB, json.dumps(dict(row.values), ensure_ascii=False).encode())
        known = held.get(index)
        if known is None:
            known = FeedStranger(source=source, source_index=index, payload=payload, created_at=now, tried_at=now)
            new += 1
        known.payload, known.tried_at = payload, now
        session.add(known)
        if row.number in why or known.cause:
            flush(session)
            _ask(session, known, why.get(row.number), now=now)
    flush(session)
    return new


def forget(session: Session, refs: Iterable[str], /, *, source: str, now: datetime) -> None:
    """What the source tells anew waits no more where it is placed: older words must not come after newer ones."""
    vault = vault_of(session)
    for one in _held(session, [_index(vault, source, ref) for ref in refs]).values():
        _ask(session, one, None, now=now)
        session.delete(one)
    flush(session)


def _index(vault: Vault, source: str, ref: object) -> str:
    return vault.index("feed-stranger", f"{source}\x00{ref}")


def _held(session: Session, indexes: Iterable[str]) -> dict[str, FeedStranger]:
    """Those that are kept already, by their index."""
    found: dict[str, FeedStranger] = {}
    for some in chunks(sorted(indexes), MOST):
        kept = session.exec(select(FeedStranger).where(col(FeedStranger.source_index).in_(some)))
        found |= {one.source_index: one for one in kept}
    return found


def _ask(session: Session, one: FeedStranger, why: Contrary | None, *, now: datetime) -> None:
    one.cause = why.cause if why else ""
    look(session, one, _ref(one), why, now=now)
    flush(session)


def look(session: Session, one: FeedStranger | AidReport, ref: str, why: Contrary | None, /, *, now: datetime) -> None:
    """A task for the household's district where aid begins to contradict a need; it ends where that is over."""
    was, one.district_code = one.district_code, ""
    if why is not None:
        one.district_code = session.get_one(Household, why.household_id).district_code
        if one.district_code != was:
            clocks.start(session, STEP, ref, holder=Holder(district_code=one.district_code), now=now)
    elif was:
        clocks.end(session, ref, step=STEP, outcome="over", now=now)
    session.add(one)


def _ref(one: FeedStranger) -> str:
    return f"feed-payment:{one.number}"


def due(session: Session, /, *, now: datetime) -> list[FeedStranger]:
    """Those that were not tried for a day, the longest first."""
    wanted = select(FeedStranger).where(col(FeedStranger.tried_at) <= now - TRY_AGAIN)
    return list(session.exec(wanted.order_by(col(FeedStranger.tried_at), col(FeedStranger.number)).limit(MOST)))


def opened(session: Session, kept: Sequence[FeedStranger], /) -> list[CheckedRow]:
    """The rows as the feed told them, under their own numbers."""
    vault = vault_of(session)
    return [CheckedRow(one.number, json.loads(vault.open_blob(_BLOB, one.payload))) for one in kept]


def settle(
    session: Session,
    kept: Sequence[FeedStranger],
    still: Sequence[CheckedRow],
    contrary: Sequence[Contrary],
    /,
    *,
    now: datetime,
) -> int:
    """After another try: who is still nobody waits on, or goes after too long; what contradicts a need waits for a
    person; the others are in the ledger."""
    unknown, why, gone = {row.number for row in still}, {one.row.number: one for one in contrary}, 0
    for one in kept:
        one.tried_at = now
        _ask(session, one, why.get(one.number), now=now)
        old = one.number in unknown and one.created_at <= now - KEPT
        gone += old
        if old or one.number not in unknown | why.keys():
            session.delete(one)
    flush(session)
    placed = len(kept) - len(unknown) - len(why)
    body = {"tried": len(kept), "placed": placed, "contrary": len(why), "destroyed": int(gone)}
    audit.record(session, audit.Entry("aid:strangers", body=body), actor=SYSTEM, now=now)
    return placed


def list_contrary(session: Session, /, *, actor: Actor) -> list[tuple[FeedStranger, CheckedRow]]:
    """What waits for a person of the actor's districts, the longest first; staff are shown the kind, the amount and the
    day of it."""
    wanted = select(FeedStranger).where(FeedStranger.cause != "").order_by(col(FeedStranger.number)).limit(MOST)
    if actor.districts:
        wanted = wanted.where(col(FeedStranger.district_code).in_(sorted(actor.districts)))
    found = list(session.exec(wanted))
    return list(zip(found, opened(session, found), strict=True))


def get_contrary(session: Session, number: int, /, *, actor: Actor) -> FeedStranger:
    """One payment that waits for a person of the household's district, locked."""
    require(actor, "aid:place")
    one = session.get(FeedStranger, number, with_for_update=True, populate_existing=True)
    if one is None or not one.cause or not actor.serves(one.district_code):
        raise NotFound("feed_payment")
    return one


def set_aside(session: Session, number: int, /, *, actor: Actor, now: datetime) -> None:
    """A person has looked, and it is no aid of the household: its personal data goes."""
    end_contrary(session, get_contrary(session, number, actor=actor), outcome="aside", actor=actor, now=now)


def end_contrary(session: Session, one: FeedStranger, /, *, outcome: str, actor: Actor, now: datetime) -> None:
    """Its task is done and what was sealed goes; the chain keeps who decided what."""
    clocks.end(session, _ref(one), step=STEP, outcome=outcome, now=now)
    entry = audit.Entry("aid:payment", object_ref=_ref(one), rule_id=one.cause, decision=outcome)
    session.delete(one)
    flush(session)
    audit.record(session, entry, actor=actor, now=now)


def waiting(session: Session, /) -> list[tuple[str, int]]:
    """Feed ► how many of its payments wait for their person."""
    counted = select(FeedStranger.source, func.count()).where(FeedStranger.cause == "")
    counted = counted.group_by(col(FeedStranger.source))
    return list(session.exec(counted.order_by(col(FeedStranger.source))).all())
