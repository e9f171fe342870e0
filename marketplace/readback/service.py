"""Keep what was read aloud and said; draw the sample that somebody else asks again; take down what that call found.

Enters: a worker's reading, later another worker's second call. Leaves: a row with its clock. What follows from a yes or
a no belongs to the room whose matter it is; it is told by `take_second`. Called by `cases` and `answers`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.policy import require
from marketplace.readback.models import ReadBack, SecondCall, SignedBy
from marketplace.reference.words import list_codes
from marketplace.sealed import Unreadable, vault_of

STEP = "second_call"
COLUMN = "read_back.witnesses"
ONE_IN = 4
"""One reading in so many is asked again by somebody else; which one nobody can know beforehand."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How it was read and answered. `witnesses` are names, at least two where the person signs by them."""

    channel: str
    signed: SignedBy
    dialect: str
    script: Sequence[str] = field(repr=False)
    evidence: str = ""
    witnesses: str = field(default="", repr=False)


def keep(
    session: Session,
    person: Person,
    heard: Heard,
    /,
    *,
    act: str,
    ref: str,
    always: bool = False,
    answer: dict[str, Any] | None = None,
    actor: Actor,
    now: datetime,
) -> ReadBack:
    """Write one reading down. With `always` a second call follows in any case, else by the sample."""
    home = session.get_one(Household, person.household_id)
    require(actor, "reading:keep", district=home.district_code)
    _check(heard)
    row = ReadBack(
        id=new_id(),
        act=act,
        object_ref=ref,
        household_id=home.id,
        person_id=person.id,
        district_code=home.district_code,
        channel=heard.channel,
        signed=heard.signed,
        dialect=heard.dialect,
        evidence=heard.evidence.strip(),
        script_sha256=hashlib.sha256("\n".join(heard.script).encode()).hexdigest(),
        answer=dict(answer or {}),
        read_by=actor.id,
        read_at=now,
    )
    if heard.witnesses.strip():
        row.witnesses = vault_of(session).seal(session, person.id, column=COLUMN, text=heard.witnesses.strip())
    if always or _drawn(session, row.id):
        row.second = SecondCall.DUE
        clocks.start(session, STEP, row.id, holder=Holder(district_code=row.district_code), now=now)
    return _record(session, row, "reading:keep", actor=actor, now=now)


def _check(heard: Heard) -> None:
    if heard.dialect not in list_codes("dialect"):
        raise BadInput("bad_input", field="dialect")
    if heard.channel not in list_codes("reading_channel"):
        raise BadInput("bad_input", field="channel")
    names = [name for name in re.split(r"[,，、;；]", heard.witnesses) if name.strip()]
    if heard.signed is SignedBy.WITNESSES and len({name.strip() for name in names}) < 2:
        raise BadInput("two_witnesses", field="witnesses")
    if not heard.evidence.strip():
        raise BadInput("evidence_missing", field="evidence")
    if (heard.signed is SignedBy.SPOKEN) != (heard.channel == "call"):
        raise BadInput("signed_by_channel", field="signed")


def _drawn(session: Session, reading_id: str) -> bool:
    """The sample: by a keyed index of a random id, so that it can be checked later and not foreseen."""
    return int(vault_of(session).index("second-call", reading_id)[:8], 16) % ONE_IN == 0


def due(session: Session, /, *, actor: Actor, offset: int = 0, limit: int = 50) -> list[ReadBack]:
    """Readings of the actor's districts that somebody else asks about again, the oldest first."""
    require(actor, "reading:list", district=next(iter(sorted(actor.districts)), ""))
    wanted = select(ReadBack).where(ReadBack.second == SecondCall.DUE)
    if actor.districts:
        wanted = wanted.where(col(ReadBack.district_code).in_(sorted(actor.districts)))
    return list(session.exec(wanted.order_by(col(ReadBack.read_at), col(ReadBack.id)).offset(offset).limit(limit)))


def get_reading(session: Session, reading_id: str, action: str, /, *, actor: Actor) -> ReadBack:
    """One reading of the actor's districts; any other looks missing."""
    row = session.get(ReadBack, reading_id)
    require(actor, action, district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("reading")
    return row


def take_second(session: Session, reading_id: str, /, *, confirmed: bool, actor: Actor, now: datetime) -> ReadBack:
    """Another member of staff has asked the person again."""
    row = get_reading(session, reading_id, "reading:second", actor=actor)
    session.refresh(row, with_for_update=True)
    if row.second is not SecondCall.DUE:
        raise WrongState("second_call_over", state=row.second.value)
    if row.read_by in actor.people:
        raise NotAllowed("two_people_needed")
    row.second = SecondCall.CONFIRMED if confirmed else SecondCall.DENIED
    row.second_by, row.second_at = actor.id, now
    clocks.move_on(session, row.id, outcome=row.second.value, now=now)
    return _record(session, row, "reading:second", actor=actor, now=now)


def readers(session: Session, reading_id: str, /) -> tuple[str, ...]:
    """Who read it aloud: another person calls."""
    row = session.get(ReadBack, reading_id)
    return (row.read_by,) if row is not None else ()


def of_object(session: Session, ref: str, /) -> list[ReadBack]:
    """What was read about one matter, the newest first."""
    wanted = select(ReadBack).where(ReadBack.object_ref == ref)
    return list(session.exec(wanted.order_by(col(ReadBack.read_at).desc(), col(ReadBack.id))))


def witnesses_of(session: Session, row: ReadBack, /) -> str:
    """The names of the witnesses; empty where there are none, or after erasure."""
    if row.witnesses is None:
        return ""
    try:
        return vault_of(session).open(session, row.person_id, column=COLUMN, sealed=row.witnesses)
    except Unreadable:
        return ""


def _record(session: Session, row: ReadBack, action: str, *, actor: Actor, now: datetime) -> ReadBack:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, rule_id=row.act, decision=row.second.value)
    audit.record(session, entry, actor=actor, now=now)
    return row
