"""What a telephone sends of a visit that was written without a network.

Enters: a parcel with a key of its own: changed fields, the version last seen, and whether the visit is over. Leaves:
entries, and perhaps a finished visit. The same parcel sent again changes nothing. Called by the address to which
telephones send.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict
from marketplace.visits import entries, service
from marketplace.visits.models import HomeVisit, VisitState, VisitSync


def sync(
    session: Session,
    visit_id: str,
    /,
    *,
    changes: Mapping[str, entries.Change],
    key: str,
    base: int,
    finish: bool,
    letters: Sequence[str] = (),
    actor: Actor,
    now: datetime,
) -> bool:
    """One parcel of a telephone; without an outcome it is kept and ends nothing. Returns whether something now lies
    beside and wants a choice. The same parcel again is answered and changes nothing; one that comes after the end is
    kept among what was written; where the visit was called off and somebody had been there, it counts as made, or the
    one that was asked for in its place."""
    visit = service.get_visit(session, visit_id, actor=actor, asks="visit:write", lock=True)
    if not 16 <= len(key) <= 64:
        raise BadInput("bad_input", field="key")
    told = {
        "visit": visit.id,
        "base": base,
        "finish": finish,
        "letters": list(letters),
        "changes": {name: [one.value, str(one.at)] for name, one in changes.items()},
    }
    digest = sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    known = session.get(VisitSync, key)
    if known is not None:
        if (known.author, known.sha256) != (actor.id, digest):
            raise Conflict("parcel_differs")
        return bool(entries.beside(session, known.visit_id))
    made = visit
    if finish and visit.state is VisitState.DROPPED:
        said_there = {**entries.words_of(session, visit.id, actor=actor), **changes}
        if _was_there(said_there):
            made, changes = service.take_up(session, visit, actor=actor, now=now), said_there
    if made is not visit:
        base = 0
    entries.lay(session, made, changes, base=base, actor=actor, now=now)
    session.add(VisitSync(key=key, visit_id=made.id, author=actor.id, sha256=digest, received_at=now))
    flush(session)
    open_ones = entries.beside(session, made.id)
    said = entries.values(session, made.id).get(entries.OUTCOME)
    if finish and said and not open_ones and made.state is VisitState.OPEN:
        entries.complete(session, made.id, letters=letters, actor=actor, now=now)
    return bool(open_ones)


def visit_of(session: Session, key: str, /) -> HomeVisit:
    """The visit that got the words of a parcel: the one it was sent for, or the one asked for in its place."""
    return session.get_one(HomeVisit, session.get_one(VisitSync, key).visit_id)


def _was_there(changes: Mapping[str, entries.Change]) -> bool:
    """Whether the words say that somebody was met."""
    told = changes.get(entries.OUTCOME)
    return told is not None and told.value not in ("", service.NOT_MET)
