"""Keep what was read aloud and said; draw the sample that somebody else asks again; take down what that call found.

Enters: a worker's reading with the text that stood on its page, later another worker's second call. Leaves: a row with
its clock, and the text as shown, sealed. What follows from a yes or a no belongs to the room whose matter it is; it is
told by `take_second`. Called by `cases` and `answers`.
"""

from __future__ import annotations

import hashlib
import json
import re
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
from marketplace.sealed import vault_of

STEP = "second_call"
COLUMN = "read_back.witnesses"
SCRIPT = "read_back.script"
LOOK = "reading:look"
ONE_IN = 4
"""One reading in so many is asked again by somebody else; which one nobody can know beforehand."""


@dataclass(frozen=True, slots=True)
class Script:
    """A text as it stands on the page: which template, which version of it, in which language, and its lines."""

    template: str
    version: int
    lang: str
    lines: tuple[str, ...] = field(repr=False)

    @property
    def sha256(self) -> str:
        """The fingerprint of these very words in this language."""
        named = (f"{self.template}/{self.version}/{self.lang}", *self.lines)
        return hashlib.sha256("\n".join(named).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Heard:
    """How it was read and answered. `shown` is the fingerprint of the text that the reader had before its eyes;
    `witnesses` are names, at least two where the person signs by them."""

    channel: str
    signed: SignedBy
    dialect: str
    script: Script
    shown: str
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
    basis: str = "",
    actor: Actor,
    now: datetime,
) -> ReadBack:
    """Write one reading down. With `always` a second call follows in any case, else by the sample."""
    home = session.get_one(Household, person.household_id)
    require(actor, "reading:keep", district=home.district_code)
    _check(heard)
    row = _new(home, person, heard, act=act, ref=ref, basis=basis, read_by=actor.id, now=now)
    row.read_for, row.answer = actor.stood_for, dict(answer or {})
    return _store(session, row, heard, always=always, actor=actor, now=now)


def keep_own(
    session: Session,
    person: Person,
    script: Script,
    /,
    *,
    act: str,
    ref: str,
    basis: str,
    sent_by: str,
    actor: Actor,
    now: datetime,
) -> ReadBack:
    """The person itself answered a letter by text message: it counts, and one in so many is asked about it by somebody
    other than who sent the letter."""
    home = session.get_one(Household, person.household_id)
    require(actor, "match:accept", household_id=home.id, district=home.district_code)
    heard = Heard("sms", SignedBy.CODE, "", script, script.sha256)
    row = _new(home, person, heard, act=act, ref=ref, basis=basis, read_by=sent_by, now=now)
    return _store(session, row, heard, always=False, actor=actor, now=now)


def _new(
    home: Household, person: Person, heard: Heard, *, act: str, ref: str, basis: str, read_by: str, now: datetime
) -> ReadBack:
    return ReadBack(
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
        template=heard.script.template,
        template_version=heard.script.version,
        lang=heard.script.lang,
        script_sha256=heard.script.sha256,
        basis_sha256=basis,
        read_by=read_by,
        read_at=now,
    )


def _store(session: Session, row: ReadBack, heard: Heard, *, always: bool, actor: Actor, now: datetime) -> ReadBack:
    vault = vault_of(session)
    text = json.dumps(heard.script.lines, ensure_ascii=False)
    row.script = vault.seal(session, row.person_id, column=SCRIPT, text=text)
    if heard.witnesses.strip():
        row.witnesses = vault.seal(session, row.person_id, column=COLUMN, text=heard.witnesses.strip())
    if always or _drawn(session, row.id):
        row.second = SecondCall.DUE
        clocks.start(session, STEP, row.id, holder=Holder(district_code=row.district_code), now=now)
    return _record(session, row, "reading:keep", actor=actor, now=now)


def _check(heard: Heard) -> None:
    if heard.dialect not in list_codes("dialect"):
        raise BadInput("bad_input", field="dialect")
    if heard.channel not in list_codes("reading_channel") or heard.signed is SignedBy.CODE:
        raise BadInput("bad_input", field="channel")
    if heard.shown != heard.script.sha256:
        raise BadInput("text_changed", field="read_aloud")
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


def look(session: Session, reading_id: str, /, *, actor: Actor, now: datetime) -> tuple[str, ...]:
    """The text as it was read out, for who asks again; the look is written down first. Empty after erasure."""
    row = get_reading(session, reading_id, "reading:second", actor=actor)
    entry = audit.Entry(LOOK, object_ref=row.id, subject=row.household_id)
    audit.record(session, entry, actor=actor, now=now)
    return lines_of(session, row)


def lines_of(session: Session, row: ReadBack, /) -> tuple[str, ...]:
    """The words as shown; none where they are erased."""
    return tuple(
        json.loads(vault_of(session).open_if_kept(session, row.person_id, column=SCRIPT, sealed=row.script) or "[]")
    )


def was_opened(session: Session, reading_id: str, /, *, by: str) -> bool:
    """Whether this person has the very text before its eyes that was read out."""
    asked = select(audit.AuditRow.seq).where(
        col(audit.AuditRow.object_ref) == reading_id,
        col(audit.AuditRow.action) == LOOK,
        col(audit.AuditRow.actor_ref) == by,
    )
    return session.exec(asked.limit(1)).first() is not None


def take_second(session: Session, reading_id: str, /, *, confirmed: bool, actor: Actor, now: datetime) -> ReadBack:
    """Another member of staff has read the same text to the person again. Raises WrongState where it has not."""
    row = get_reading(session, reading_id, "reading:second", actor=actor)
    session.refresh(row, with_for_update=True)
    if row.second is not SecondCall.DUE:
        raise WrongState("second_call_over", state=row.second.value)
    if row.readers & actor.people:
        raise NotAllowed("two_people_needed")
    if confirmed and not was_opened(session, row.id, by=actor.id):
        raise WrongState("text_not_opened")
    row.second = SecondCall.CONFIRMED if confirmed else SecondCall.DENIED
    row.second_by, row.second_at = actor.id, now
    clocks.move_on(session, row.id, outcome=row.second.value, now=now)
    return _record(session, row, "reading:second", actor=actor, now=now)


def readers(session: Session, reading_id: str, /) -> tuple[str, ...]:
    """Who read it aloud, and for whom: another person calls."""
    row = session.get(ReadBack, reading_id)
    return tuple(sorted(row.readers)) if row is not None else ()


def of_object(session: Session, ref: str, /) -> list[ReadBack]:
    """What was read about one matter, the newest first."""
    wanted = select(ReadBack).where(ReadBack.object_ref == ref)
    return list(session.exec(wanted.order_by(col(ReadBack.read_at).desc(), col(ReadBack.id))))


def witnesses_of(session: Session, row: ReadBack, /) -> str:
    """The names of the witnesses; empty where there are none, or after erasure."""
    return vault_of(session).open_if_kept(session, row.person_id, column=COLUMN, sealed=row.witnesses)


def _record(session: Session, row: ReadBack, action: str, *, actor: Actor, now: datetime) -> ReadBack:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, rule_id=row.act, decision=row.second.value)
    audit.record(session, entry, actor=actor, now=now)
    return row
