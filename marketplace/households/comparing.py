"""Looking for each new or changed person among all others, whichever way the row came in.

What enters: people whose `compared_at` is empty. What leaves: traces (keyed indexes), and suspicions for people to
decide. Called by the background worker's sweep. Names and numbers are opened in memory only, for those people whose
keys meet, under one audit row for each batch; nothing that was opened is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, or_, update
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.db import Database, chunks, new_id
from marketplace.households.former import FORMER
from marketplace.households.models import Household, Person, Suspicion, SuspicionState, Trace
from marketplace.sealed import Unreadable, Vault, number_index, vault_of
from matching.identity import Links, link
from matching.identity_keys import in_words, search_keys

BATCH = 200
"""So many people are compared in one transaction."""
CROWDED = 20
"""A key that more people share than this says nothing: a home's telephone, a name of thousands."""

NUMBER = "number"
"""The use of a trace of an ID number."""
_ASKED = 500
_OPENED = ("name", "phone", "id_number", "address", "birth_date")
_COLUMNS = ("name", "sex", "birth_date", "id_number", "phone", "address", "district", "household_id")
_SEX = {"female": "F", "male": "M"}
Plain = Mapping[str, str]


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Compare one batch of those who wait; returns how many people it looked at."""
    with database.reading() as session:
        if not _waiting(session, limit=1):
            return 0
    with database.transaction() as session:
        return compare_waiting(session, actor=SYSTEM, now=clock())


def _waiting(session: Session, *, limit: int) -> list[str]:
    asked = select(Person.id).where(col(Person.compared_at).is_(None), col(Person.left_on).is_(None))
    return list(session.exec(asked.order_by(col(Person.id)).limit(limit)).all())


def compare_waiting(session: Session, /, *, actor: Actor, now: datetime, limit: int = BATCH) -> int:
    """Give the waiting their traces, find who meets them, raise what a person has to look at."""
    waiting = _waiting(session, limit=limit)
    if not waiting:
        return 0
    vault = vault_of(session)
    fresh = _opened(session, waiting)
    _leave_traces(session, fresh)
    met = _met(session, waiting)
    known = fresh | _opened(session, sorted(met - set(fresh)))
    raised = _ask_again(session, known, waiting, now=now)
    raised += _raise(session, known, new=set(waiting), now=now) if met else 0
    session.execute(update(Person).where(col(Person.id).in_(waiting)).values(compared_at=now))
    body = {"new": len(fresh), "others": len(known) - len(fresh), "raised": raised}
    audit.record(session, audit.Entry("identity:compare", purpose="no_duplicates", body=body), actor=actor, now=now)
    vault.forget(session)
    return len(waiting)


def _opened(session: Session, ids: Sequence[str]) -> dict[str, Plain]:
    """Person ► what is known of it in plain text; people whose key was destroyed are left out."""
    found: dict[str, Plain] = {}
    for some in chunks(ids, _ASKED):
        vault_of(session).fetch(session, some)
        asked = select(Person, Household).join(Household).where(col(Person.id).in_(some)).order_by(col(Person.id))
        for person, home in session.exec(asked).all():
            try:
                found[person.id] = _plain(session, person, home)
            except Unreadable:
                continue
    return found


def _plain(session: Session, person: Person, home: Household) -> Plain:
    vault = vault_of(session)
    told = {"sex": _SEX.get(person.sex.value, ""), "district": home.district_code, "household_id": home.id}
    for name in _OPENED:
        sealed = getattr(person, name)
        text = vault.open(session, person.id, column=f"person.{name}", sealed=sealed) if sealed is not None else ""
        told[name] = text
    return told


def _columns(people: Iterable[Plain]) -> dict[str, list[str]]:
    rows = list(people)
    return {name: [row[name] for row in rows] for name in _COLUMNS}


def _leave_traces(session: Session, people: Mapping[str, Plain]) -> None:
    vault = vault_of(session)
    for some in chunks(list(people), _ASKED):
        session.execute(delete(Trace).where(col(Trace.person_id).in_(some)))
    rows = [
        {"person_id": person_id, "use": use, "value": _value(vault, use, text)}
        for person_id, keys in zip(people, search_keys(_columns(people.values())) if people else [], strict=True)
        for use, text in keys.items()
    ]
    if rows:
        session.execute(insert(Trace), rows)


def _value(vault: Vault, use: str, text: str) -> str:
    """Each use has a key of its own; a number is found by the one index that everybody's number has, also by those who
    ask for a related person of a record that came second (`related`)."""
    return number_index(vault, text) if use == NUMBER else vault.index(f"trace|{use}", text)


def _met(session: Session, ids: Sequence[str]) -> set[str]:
    """Everybody who shares a key with one of these, and these with them; crowded keys say nothing."""
    own = session.exec(select(Trace.value).where(col(Trace.person_id).in_(ids)).distinct()).all()
    found: set[str] = set()
    for some in chunks(sorted(own), _ASKED):
        crowd = (
            select(Trace.value)
            .where(col(Trace.value).in_(some))
            .group_by(col(Trace.value))
            .having(func.count().between(2, CROWDED))
        )
        met = select(Trace.person_id).where(col(Trace.value).in_(crowd), col(Trace.use) != FORMER)
        found |= set(session.exec(met).all())
    return found


def _ask_again(session: Session, known: Mapping[str, Plain], ids: Sequence[str], *, now: datetime) -> int:
    """Pairs that a person called the same and of which one tells other facts now: a person looks again, whether or not
    they are still alike; until then they count as one."""
    asked = 0
    for some in chunks(ids, _ASKED):
        merged = select(Suspicion).where(col(Suspicion.state) == SuspicionState.SAME)
        touched = or_(col(Suspicion.one_id).in_(some), col(Suspicion.two_id).in_(some))
        for pair in session.exec(merged.where(touched).order_by(col(Suspicion.id))).all():
            people = [pair.one_id, pair.two_id]
            sides = {**_opened(session, [one for one in people if one not in known]), **known}
            if not set(people) <= sides.keys():
                continue
            facts = _facts(session, [sides[one] for one in people])
            if facts != pair.facts_index:
                pair.facts_index, pair.changed_at = facts, now
                session.add(pair)
                asked += 1
    session.flush()
    return asked


def _facts(session: Session, sides: Sequence[Plain]) -> str:
    """A keyed fingerprint of both sides."""
    return vault_of(session).index("suspicion", repr([sorted(side.items()) for side in sides]))


def _raise(session: Session, known: Mapping[str, Plain], *, new: set[str], now: datetime) -> int:
    """Write what was found; a decided pair is opened again only if facts have changed."""
    ids = sorted(known)
    people = int(session.exec(select(func.count()).select_from(Person)).one())
    found = link(_columns(known[person_id] for person_id in ids), population=people)
    raised = 0
    for at in range(len(found.a)):
        one, two = ids[int(found.a[at])], ids[int(found.b[at])]
        kin = known[one]["household_id"] == known[two]["household_id"] and not found.same[at]
        if not kin and (one in new or two in new):
            raised += _keep(session, known, (one, two), found, at, now=now)
    return raised


def _keep(
    session: Session, known: Mapping[str, Plain], pair: tuple[str, str], found: Links, at: int, *, now: datetime
) -> bool:
    one, two = pair
    facts = _facts(session, [known[side] for side in pair])
    held = session.exec(select(Suspicion).where(Suspicion.one_id == one, Suspicion.two_id == two)).first()
    if held is not None and held.facts_index == facts:
        return False
    if held is None:
        places = [known[side]["district"] for side in pair]
        held = Suspicion(
            id=new_id(),
            one_id=one,
            two_id=two,
            one_district=places[0],
            two_district=places[1],
            agreement="",
            facts_index="",
            raised_at=now,
        )
    held.facts_index, held.raised_at = facts, now
    held.score, held.likely = round(float(found.score[at]) * 1000), bool(found.same[at])
    held.agreement = ",".join(f"{name}:{word}" for name, word in in_words(found.levels[at]).items())
    if held.state is not SuspicionState.SAME:
        held.state, held.reason = SuspicionState.OPEN, ""
    session.add(held)
    session.flush()
    return True
