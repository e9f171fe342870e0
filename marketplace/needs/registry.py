"""Needs pulled from a civil-affairs registry, and what became of them told back, so that no case is typed twice.

What enters: a database, a `Registry` door and the name of its source. What leaves: needs by the same checks as a
file's, with the cursor stored in the transaction of its page; then states and aid given, each told once. A lost
process repeats at most one page or one push, and both are harmless. Called by commands and the worker; nothing slow
in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from adapters.ports import AidGiven, NeedPage, NeedRecord, Registry, Row, StateChange, TryAgainLater, WillNeverWork
from marketplace import audit, policy
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.intake import Checked, Fault, ImportKind, check_records, keep_batch
from marketplace.needs.models import Need, NeedState, RegistryFeed, RegistryReport
from marketplace.needs.planning import plan
from marketplace.needs.storing import store
from marketplace.needs.table import need_schema

Clock = Callable[[], datetime]
AidToTell = Callable[[Session, str, int], Sequence[AidGiven]]
"""Aid of a source's needs that its registry was not told yet; the ledger's room hands it in."""

AT_ONCE = 200
"""So many things are told between two transactions."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought: pages read, needs stored, records set aside because of faults."""

    pages: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    double: int = 0
    held: int = 0
    faulty: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a registry was told: `refused` it would not hear, `later` says that it could not be reached to the end."""

    states: int = 0
    aid: int = 0
    refused: int = 0
    later: bool = False


def pull_needs(
    database: Database, registry: Registry, /, *, source: str, actor: Actor, clock: Clock, most_pages: int = 10_000
) -> Pulled:
    """Pull page after page from where the last pull ended; TryAgainLater passes through, with all full pages kept."""
    policy.require(actor, "need:pull")
    total = Pulled()
    for _number in range(most_pages):
        with database.reading() as session:
            feed = session.get(RegistryFeed, source)
        page = registry.pull_needs(cursor=feed.cursor if feed is not None else None)
        with database.transaction() as session:
            got = store_page(session, page, source=source, actor=actor, now=clock())
        total = Pulled(*(getattr(total, name) + getattr(got, name) for name in Pulled.__slots__))
        if not page.more:
            break
    return total


def store_page(session: Session, page: NeedPage, /, *, source: str, actor: Actor, now: datetime) -> Pulled:
    """Store the sound records of one page and its cursor; faulty ones are kept as a report for a person."""
    names = [record.source_id for record in page.needs]
    checked, faults = check_records(_cells(page.needs), need_schema(today=local_day(now)))
    found = plan(session, checked.rows, source=source)
    if found.faults:
        bad = {fault.row for fault in found.faults}
        faults = [*faults, *found.faults]
        found = plan(session, [row for row in checked.rows if row.number not in bad], source=source)
    batch_id = ""
    if faults:
        batch_id = _keep_faults(session, faults, names=names, source=source, actor=actor, now=now)
    store(session, found, batch_id=batch_id, actor=actor, now=now)
    _move_cursor(session, page.cursor, source=source, now=now)
    counts = found.counts
    done = Pulled(
        pages=1,
        new=counts["new"],
        changed=counts["changed"],
        same=counts["same"],
        double=counts["double"],
        held=counts["held"],
        faulty=len({fault.row for fault in faults}),
        erased=counts["erased"],
    )
    body = {name: getattr(done, name) for name in Pulled.__slots__}
    audit.record(session, audit.Entry("need:pull", object_ref=source, body=body), actor=actor, now=now)
    return done


def _cells(records: Sequence[NeedRecord]) -> Iterable[tuple[int, Row]]:
    for number, record in enumerate(records, start=1):
        yield number, {**record.cells, "source_id": record.source_id}


def _keep_faults(
    session: Session, faults: Sequence[Fault], *, names: Sequence[str], source: str, actor: Actor, now: datetime
) -> str:
    """A report that names each record by its number in the registry."""
    named = [Fault(f.row, f"{names[f.row - 1]}: {f.column}"[:120], f.shown, f.code, f.params, f.stage) for f in faults]
    batch = keep_batch(
        session,
        Checked(total=len(names), rows=[], faults=named),
        kind=ImportKind.NEEDS,
        file_name=f"{source} {local_day(now).isoformat()}",
        data="\n".join(names).encode(),
        source=source,
        counts={},
        actor=actor,
        now=now,
    )
    return batch.id


def _move_cursor(session: Session, cursor: str, *, source: str, now: datetime) -> None:
    feed = session.get(RegistryFeed, source)
    if feed is None:
        session.add(RegistryFeed(source=source, cursor=cursor, pulled_at=now))
    else:
        feed.cursor, feed.pulled_at = cursor, now
    session.flush()


def report_back(
    database: Database,
    registry: Registry,
    /,
    *,
    source: str,
    actor: Actor,
    clock: Clock,
    aid_to_tell: AidToTell | None = None,
) -> Told:
    """Tell the registry every state and every piece of aid that it was not told yet; stop where it is out of reach."""
    policy.require(actor, "need:pull")
    states, refused, later = _tell(database, lambda s: states_to_tell(s, source, AT_ONCE), registry, source, clock)
    aid = 0
    if aid_to_tell is not None and not later:
        aid, more, later = _tell(database, lambda s: aid_to_tell(s, source, AT_ONCE), registry, source, clock)
        refused += more
    return Told(states=states, aid=aid, refused=refused, later=later)


def states_to_tell(session: Session, source: str, most: int) -> list[StateChange]:
    """Needs whose state the registry does not know: it was told another, or it sent a verified one that moved on."""
    moved = or_(col(Need.updated_at) > col(Need.created_at), col(Need.state) != NeedState.VERIFIED)
    unknown = or_(col(RegistryReport.state).is_(None), col(RegistryReport.state) != col(Need.state))
    asked = (
        select(col(Need.id), col(Need.source_id), col(Need.state), col(Need.updated_at))
        .outerjoin(RegistryReport, col(RegistryReport.object_ref) == col(Need.id))
        .where(col(Need.source) == source, moved, unknown)
        .order_by(col(Need.updated_at), col(Need.id))
        .limit(most)
    )
    return [
        StateChange(source_id, NeedState(state).value, at, f"{need_id}:{NeedState(state).value}:{at:%Y%m%dT%H%M%S%f}")
        for need_id, source_id, state, at in session.execute(asked)
    ]


def _tell(
    database: Database,
    pending: Callable[[Session], Sequence[StateChange | AidGiven]],
    registry: Registry,
    source: str,
    clock: Clock,
) -> tuple[int, int, bool]:
    """(told, refused, out of reach): ask what is pending, tell it outside any transaction, remember it."""
    told = refused = 0
    while True:
        with database.reading() as session:
            waiting = pending(session)
        if not waiting:
            return told, refused, False
        done: list[tuple[StateChange | AidGiven, str]] = []
        later = False
        for item in waiting:
            try:
                _push(registry, item)
            except TryAgainLater:
                later = True
                break
            except WillNeverWork as error:
                done.append((item, error.code))
            else:
                done.append((item, ""))
        with database.transaction() as session:
            for item, code in done:
                _remember(session, item, source=source, code=code, now=clock())
        refused += sum(bool(code) for _, code in done)
        told += sum(not code for _, code in done)
        if later:
            return told, refused, True


def _push(registry: Registry, item: StateChange | AidGiven) -> None:
    if isinstance(item, StateChange):
        registry.push_state(item)
    else:
        registry.push_aid(item)


def _remember(session: Session, item: StateChange | AidGiven, *, source: str, code: str, now: datetime) -> None:
    ref = item.idempotency_key.partition(":")[0]
    state = item.state if isinstance(item, StateChange) else "delivered"
    row = session.get(RegistryReport, ref)
    if row is None:
        row = RegistryReport(object_ref=ref, source=source, state=state, sent_at=now)
        session.add(row)
    row.state, row.error_code, row.sent_at = state, code[:64], now
