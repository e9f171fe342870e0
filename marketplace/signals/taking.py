"""Facts coming in, by file, by pull, or from a room above: checked row by row, each once, the bad ones kept apart.

Enters: the bytes of a file or a page of records of one feed, and until when the feed tells. Leaves: a `Delivery` with
its counts, facts of people of the register, and quarantined rows with their sealed cells. Nobody outside the register
is kept. The same reference again changes the fact and keeps the former one as replaced; told of somebody outside the
register, or as withdrawn, it takes the fact away. What staff found wrong stays away as long as it is told alike. Called
by the page of feeds, the commands and `pulling`; other rooms push a fact with `record_fact`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from adapters.ports import Cell, WillNeverWork
from adapters.tabular import read_table
from adapters.tabular_cells import plain_text
from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput, NotFound
from marketplace.households.models import Person
from marketplace.intake import CheckedRow, Fault, check_records
from marketplace.intake.columns import NO_MAPPING, match_columns
from marketplace.policy import require
from marketplace.reference.facts import fact_kinds, feeds
from marketplace.sealed import number_index, vault_of
from marketplace.signals import answering
from marketplace.signals.keys import source_key as source_key
from marketplace.signals.models import Delivery, Fact, FeedState, HeldRow, HeldState
from marketplace.signals.table import fact_schema
from marketplace.signals.wrong import found_wrong, take_back

BLOB = "held-fact"
_ASKED = 500
Record = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Told:
    """One fact of a person of the register, ready to be stored."""

    household_id: str
    person_id: str
    kind: str
    day: int
    amount: int = 0
    source_key: str = field(default="", repr=False)


def take_file(
    session: Session, feed: str, data: bytes, /, *, as_of: date, whole: bool = True, actor: Actor, now: datetime
) -> Delivery:
    """Take a dropped file in. A file that is no table, or lacks a column, is refused whole; one with its columns and no
    row says that nothing happened. While more files of the day follow, the feed's day does not move."""
    require(actor, "fact:take")
    schema = fact_schema(_feed(feed), today=local_day(now))
    try:
        table = read_table(data, empty=True)
    except WillNeverWork as error:
        raise BadInput("feed_file", field="file") from error
    header = match_columns(table.columns, schema, mapping=NO_MAPPING)
    if header.faults:
        raise BadInput("feed_columns", field="file")
    places = [(name, table.columns.index(theirs)) for name, theirs in header.found.items()]
    records = [{name: row[place] for name, place in places} for row in table.rows]
    digest = sha256(as_of.isoformat().encode() + data).hexdigest()
    return take_in(session, feed, records, digest=digest, as_of=as_of, whole=whole, actor=actor, now=now)


def take_in(
    session: Session,
    feed: str,
    records: Sequence[Record],
    /,
    *,
    digest: str,
    as_of: date,
    whole: bool = True,
    actor: Actor,
    now: datetime,
) -> Delivery:
    """Check and store one delivery; the same bytes again are the same delivery, unless people it tells of came into the
    register since. Of one that is not whole yet the feed's
    day waits for the last part: whoever is still to be told of would seem silent."""
    require(actor, "fact:take")
    asked = select(Delivery).where(col(Delivery.feed) == _feed(feed), col(Delivery.digest) == digest)
    held = session.exec(asked).first()
    if held is None and as_of > local_day(now):
        raise BadInput("date_in_future", field="as_of")
    checked, faults = check_records(enumerate(records, start=2), fact_schema(feed, today=as_of))
    told, strangers, gone = _placed(session, feed, checked.rows)
    if whole:
        note(session, feed, as_of=as_of, now=now)
    if held is not None and strangers >= held.strangers:
        return held
    digest = digest if held is None else new_id()
    delivery = Delivery(id=new_id(), feed=feed, digest=digest, as_of_day=as_of.toordinal(), received_at=now)
    delivery.strangers, delivery.held = strangers, len({fault.row for fault in faults})
    session.add(delivery)
    flush(session)
    store(session, feed, told, delivery=delivery)
    take_back(session, gone, delivery)
    if held is None:
        _hold(session, delivery, records, faults, now=now)
    else:
        held.strangers = strangers
    _mend(session, [fact.source_key for fact in told])
    counts = {name: getattr(delivery, name) for name in ("new", "changed", "same", "older", "strangers", "held")}
    audit.record(session, audit.Entry("fact:take", object_ref=delivery.id, body=counts), actor=actor, now=now)
    return delivery


def _feed(feed: str) -> str:
    if feed not in feeds():
        raise NotFound("feed")
    return feed


def _placed(session: Session, feed: str, rows: Sequence[CheckedRow]) -> tuple[list[Told], int, list[str]]:
    """The facts of people of the register, how many were told of others, and the records that tell of nobody here any
    more: those of others, and what is withdrawn."""
    vault = vault_of(session)
    numbers = {row.number: number_index(vault, row.values["id_number"]) for row in rows}
    people: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted(set(numbers.values())), _ASKED):
        asked = select(Person.id_number_index, Person.household_id, Person.id)
        for index, home, person in session.exec(asked.where(col(Person.id_number_index).in_(some))):
            people[str(index)] = (home, person)
    told, gone, strangers = list[Told](), list[str](), 0
    for row in rows:
        key, who = source_key(session, feed, row.values["source_id"]), people.get(numbers[row.number])
        strangers += who is None
        if who is None or row.values.get("withdrawn"):
            gone.append(key)
        else:
            day = date.fromisoformat(row.values["happened_on"]).toordinal()
            told.append(Told(*who, row.values["kind"], day, row.values.get("amount") or 0, key))
    return told, strangers, gone


def store(session: Session, feed: str, told: Sequence[Told], /, *, delivery: Delivery) -> None:
    """Write facts, and on the delivery how many are new, changed, the same, older than what is known. The former state
    of a changed one stays, marked as replaced."""
    new = changed = older = 0
    for some in chunks(told, _ASKED):
        asked = select(Fact).where(
            col(Fact.source_key).in_([f.source_key for f in some]), col(Fact.replaced_day).is_(None)
        )
        known = found_wrong(session, [fact.source_key for fact in some])
        known |= {fact.source_key: fact for fact in session.exec(asked)}
        differ = [fact for fact in some if not _same(known.get(fact.source_key), fact)]
        fresh = [fact for fact in differ if not _older(known.get(fact.source_key), delivery)]
        former = [known[fact.source_key] for fact in fresh if fact.source_key in known]
        replaced = [fact.id for fact in former if fact.replaced_day is None]
        if replaced:
            session.execute(update(Fact).where(col(Fact.id).in_(replaced)).values(replaced_day=delivery.as_of_day))
        if fresh:
            session.execute(insert(Fact), [_row(feed, fact, delivery) for fact in fresh])
        new, changed = new + len(fresh) - len(replaced), changed + len(replaced)
        older += len(differ) - len(fresh)
    delivery.new, delivery.changed, delivery.older = new, changed, older
    delivery.same = len(told) - new - changed - older
    session.add(delivery)
    flush(session)


def _older(known: Fact | None, delivery: Delivery) -> bool:
    """A delivery that comes late never takes the place of what was told until a later day."""
    return known is not None and known.known_day > delivery.as_of_day


def _same(known: Fact | None, told: Told) -> bool:
    return known is not None and (known.person_id, known.kind, known.day, known.amount) == (
        told.person_id,
        told.kind,
        told.day,
        told.amount,
    )


def _row(feed: str, told: Told, delivery: Delivery) -> dict[str, Any]:
    return {
        "household_id": told.household_id,
        "person_id": told.person_id,
        "feed": feed,
        "kind": told.kind,
        "day": told.day,
        "known_day": delivery.as_of_day,
        "amount": told.amount,
        "source_key": told.source_key,
        "delivery_id": delivery.id,
    }


def _hold(
    session: Session, delivery: Delivery, records: Sequence[Record], faults: Sequence[Fault], *, now: datetime
) -> None:
    """Keep the bad rows apart: the cells sealed, the faults in codes."""
    vault, wrong = vault_of(session), dict[int, list[str]]()
    for fault in faults:
        wrong.setdefault(fault.row, []).append(f"{fault.column}:{fault.code}")
    for number, codes in sorted(wrong.items()):
        cells = {name: plain_text(cell) for name, cell in records[number - 2].items() if cell is not None}
        held = HeldRow(
            id=new_id(),
            delivery_id=delivery.id,
            feed=delivery.feed,
            number=number,
            source_key=source_key(session, delivery.feed, cells.get("source_id", f"{delivery.id}-{number}")),
            faults=",".join(codes)[:400],
            cells=vault.seal_blob(BLOB, json.dumps(cells, ensure_ascii=False).encode()),
            held_at=now,
        )
        session.add(held)
    flush(session)


def _mend(session: Session, keys: Sequence[str]) -> None:
    """A row in quarantine whose record came again, in order, is mended."""
    for some in chunks(keys, _ASKED):
        session.execute(
            update(HeldRow)
            .where(col(HeldRow.source_key).in_(some), col(HeldRow.state) == HeldState.HELD)
            .values(state=HeldState.MENDED)
        )


def note(session: Session, feed: str, /, *, as_of: date | None, now: datetime, cursor: str | None = None) -> None:
    """Remember until when a feed told (None: more of this day follows) and where a pull goes on; an older delivery that
    comes late does not make it younger or older."""
    state = session.get(FeedState, feed) or FeedState(feed=feed, received_at=now)
    state.as_of_day, state.received_at = max(state.as_of_day, as_of.toordinal() if as_of else 0), now
    state.first_day = state.first_day or state.as_of_day
    state.cursor = cursor if cursor is not None else state.cursor
    session.add(state)
    flush(session)
    if as_of is not None and local_day(now).toordinal() - state.as_of_day <= feeds()[feed].fresh_days:
        answering.feed_came(session, feed, now=now)


def record_fact(
    session: Session, person: Person, kind: str, /, *, ref: str, amount: int = 0, on: date, actor: Actor, now: datetime
) -> Fact:
    """A room above tells a fact of its own (a visit, aid given twice, a step that takes long); `ref` names it there."""
    feed = fact_kinds()[kind].feed
    record_facts(session, person, feed, {ref: (kind, amount)}, on=on, actor=actor, now=now)
    key = source_key(session, feed, ref)
    asked = select(Fact).where(col(Fact.source_key) == key, col(Fact.replaced_day).is_(None))
    return session.exec(asked).one()


def record_facts(
    session: Session,
    person: Person,
    feed: str,
    found: Mapping[str, tuple[str, int]],
    /,
    *,
    on: date,
    actor: Actor,
    now: datetime,
) -> None:
    """Several facts of one person at once, as reference ► (kind, amount)."""
    told = [
        Told(person.household_id, person.id, kind, on.toordinal(), amount, source_key(session, feed, ref))
        for ref, (kind, amount) in found.items()
    ]
    delivery = Delivery(id=new_id(), feed=feed, digest=new_id(), as_of_day=local_day(now).toordinal(), received_at=now)
    session.add(delivery)
    flush(session)
    store(session, feed, told, delivery=delivery)
    for fact in told:
        audit.record(session, audit.Entry("fact:record", subject=person.id, rule_id=fact.kind), actor=actor, now=now)


def drop_held(session: Session, row_id: str, /, *, actor: Actor, now: datetime) -> HeldRow:
    """A person drops a row that the department will not mend; its cells are destroyed."""
    require(actor, "fact:take")
    row = session.get(HeldRow, row_id, with_for_update=True, populate_existing=True)
    if row is None or row.state is not HeldState.HELD:
        raise NotFound("held_row")
    row.state, row.settled_by, row.cells = HeldState.DROPPED, actor.id, b""
    session.add(row)
    flush(session)
    audit.record(session, audit.Entry("fact:drop_held", object_ref=row.id), actor=actor, now=now)
    return row
