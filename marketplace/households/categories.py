"""The register: who is in which category, since when, until when, and why.

Enters: a household (or one of its people), a category and days, from a decided case, a list or the demonstration.
Leaves: spells, and the watch of two years that follows when somebody leaves a guarantee. Being refused is a category
too, so that nobody is forgotten. Called by `cases`, by loads of lists and by the pages of the register. The caller has
asked the policy for its own action.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, or_
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import end_of_day, local_day
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput, Conflict, WrongState
from marketplace.households.listed import close_words
from marketplace.households.models import Person, Spell
from marketplace.households.register import CHUNK
from marketplace.reference.monitoring import get_category
from marketplace.reference.tables import UnknownCode

REGISTERED, BENEFITS = "IN_REGISTER", ("DIBAO", "TEKUN")
"""The category of the register that stands for two benefits, and these."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One spell as a list or a case tells it."""

    household_id: str
    category: str
    from_on: date
    to_on: date | None = None
    person_id: str | None = None
    source: str = "case"
    source_ref: str = ""
    reason: str = ""
    benefit: str = ""


def enter(session: Session, entry: Entry, /, *, actor: Actor, now: datetime) -> Spell:
    """Begin a spell. A category with a length of its own (refused, left, temporary aid) ends by itself; entered again
    while it runs, it is drawn out and not doubled."""
    until = _until(entry)
    running = _running(session, entry)
    if running is not None and running.to_on is None:
        raise Conflict("already_in_category")
    if running is not None:
        running.to_on = max(running.to_on or entry.from_on, until or entry.from_on) if until else None
        running.entered_at, running.ended_at, running.reason = now, None, entry.reason
        spell = running
    else:
        spell = Spell(**_row(entry, until, now=now))
    session.add(spell)
    flush(session)
    _tell(session, "household:enter", spell, actor=actor, now=now)
    _end_watch(session, spell, on=spell.from_on, actor=actor, now=now)
    return spell


def take_back_end(session: Session, spell_id: str, /, *, actor: Actor, now: datetime) -> None:
    """An end that was told by mistake was none: the spell goes on, and the watch that followed stops."""
    spell = session.get_one(Spell, spell_id, with_for_update=True, populate_existing=True)
    if spell.to_on is None:
        raise WrongState("spell_runs")
    after, spell.to_on, spell.reason, spell.ended_at = spell.to_on + timedelta(days=1), None, "", None
    session.add(spell)
    flush(session)
    _tell(session, "household:enter", spell, actor=actor, now=now)
    _end_watch(session, spell, on=after, actor=actor, now=now)


def _end_watch(session: Session, spell: Spell, *, on: date, actor: Actor, now: datetime) -> None:
    """Who is in a guarantee again is not watched as somebody who left it."""
    after = get_category(spell.category, on=spell.from_on).after
    if not after:
        return
    watched = select(Spell).where(
        col(Spell.household_id) == spell.household_id,
        col(Spell.category) == after,
        col(Spell.person_id).is_not_distinct_from(spell.person_id),
        runs_on(on),
    )
    for watch in session.exec(watched):
        _stop(session, watch, on=on, actor=actor, now=now)
    flush(session)


def leave(
    session: Session, spell_id: str, /, *, on: date, reason: str, watched: bool = True, actor: Actor, now: datetime
) -> Spell | None:
    """End a spell on its last day; returns the watch that follows, where the category says one does. Who goes from one
    class into another is not watched as somebody who left."""
    spell = session.get_one(Spell, spell_id, with_for_update=True, populate_existing=True)
    if spell.ended_at is not None or (spell.to_on is not None and spell.to_on <= on):
        raise WrongState("spell_ended")
    if on < spell.from_on:
        raise BadInput("bad_day", field="on")
    spell.to_on, spell.reason, spell.ended_at = on, reason, now
    session.add(spell)
    close_words(session, spell, on=on)
    flush(session)
    _tell(session, "household:leave", spell, actor=actor, now=now)
    after = get_category(spell.category, on=spell.from_on).after
    if not after or not watched:
        return None
    watch = Entry(
        spell.household_id,
        after,
        on + timedelta(days=1),
        person_id=spell.person_id,
        source=spell.source,
        source_ref=spell.source_ref,
        reason=reason,
    )
    return enter(session, watch, actor=actor, now=now)


def enter_many(session: Session, entries: Sequence[Entry], /, *, actor: Actor, now: datetime) -> int:
    """A whole list of spells of households that are in none of these yet, in a few statements and one audit row for
    each `CHUNK`; a spell that runs already breaks a constraint and is a Conflict."""
    for some in chunks(entries, CHUNK):
        session.execute(insert(Spell), [_row(entry, _until(entry), now=now) for entry in some])
        body = {"spells": len(some)}
        audit.record(session, audit.Entry("household:enter_many", body=body), actor=actor, now=now)
    return len(entries)


def follow_many(session: Session, entries: Sequence[Entry], /, *, reason: str, actor: Actor, now: datetime) -> None:
    """What follows spells that came in as a list: who is in a guarantee again is watched no more as somebody who left
    it, and who was told with its last day is watched from then on, unless another guarantee takes its place."""
    for some in chunks([one for one in entries if _after(one)], CHUNK):
        spells: dict[tuple[str, str | None], list[Spell]] = {}
        homes = col(Spell.household_id).in_({one.household_id for one in some})
        for spell in session.exec(select(Spell).where(homes)):
            spells.setdefault((spell.household_id, spell.person_id), []).append(spell)
        for one in some:
            for spell in spells[one.household_id, one.person_id]:
                if spell.category == _after(one) and _runs(spell, one.from_on):
                    _stop(session, spell, on=one.from_on, actor=actor, now=now)
        flush(session)
        for one in some:
            on = one.to_on + timedelta(days=1) if one.to_on else None
            kept = on is not None and any(
                _runs(spell, on) and _after(spell) for spell in spells[one.household_id, one.person_id]
            )
            if on is not None and not kept:
                _begin_watch(session, one, on=on, reason=reason, actor=actor, now=now)


def _begin_watch(session: Session, left: Entry, *, on: date, reason: str, actor: Actor, now: datetime) -> None:
    """As long as a watch that began on that day lasts; one that would be over by now is none."""
    told: dict[str, Any] = {"person_id": left.person_id, "source": left.source, "source_ref": left.source_ref}
    watch = Entry(left.household_id, _after(left), on, reason=reason, **told)
    until = _until(watch)
    if until is None or until >= local_day(now):
        enter(session, watch, actor=actor, now=now)


def _after(spell: Entry | Spell) -> str:
    return get_category(spell.category, on=spell.from_on).after


def _runs(spell: Spell, on: date) -> bool:
    return spell.from_on <= on and (spell.to_on is None or spell.to_on >= on)


def _stop(session: Session, watch: Spell, *, on: date, actor: Actor, now: datetime) -> None:
    """A watch ends on the day before the guarantee begins anew."""
    watch.to_on, watch.ended_at = max(watch.from_on, on - timedelta(days=1)), now
    session.add(watch)
    _tell(session, "household:leave", watch, actor=actor, now=now)


def list_spells(session: Session, household_id: str, /) -> list[Spell]:
    """Everything a household was and is in, the newest first."""
    asked = select(Spell).where(col(Spell.household_id) == household_id)
    return list(session.exec(asked.order_by(col(Spell.from_on).desc(), col(Spell.category), col(Spell.id))))


def runs_on(on: date) -> ColumnElement[bool]:
    """The condition that a spell runs on a day."""
    return col(Spell.from_on).__le__(on) & or_(col(Spell.to_on).is_(None), col(Spell.to_on) >= on)


def known_on(on: date) -> ColumnElement[bool]:
    """The condition that a spell runs on a day and was written down by its end: a list may tell today of years ago."""
    return and_(runs_on(on), col(Spell.entered_at) <= end_of_day(on))


def categories_on(session: Session, household_ids: Iterable[str], /, *, on: date) -> dict[str, list[str]]:
    """Household ► its categories of that day, for one page of a list."""
    asked = select(Spell.household_id, Spell.category).where(col(Spell.household_id).in_(set(household_ids)))
    found: dict[str, set[str]] = {}
    for home, category in session.exec(asked.where(runs_on(on))):
        found.setdefault(home, set()).add(category)
    return {home: sorted(codes) for home, codes in found.items()}


def people_on(session: Session, people: Iterable[Person], /, *, on: date) -> dict[str, list[str]]:
    """Person ► its categories of that day, its own and its household's, for one page of a list."""
    known = list(people)
    homes = col(Spell.household_id).in_({person.household_id for person in known})
    asked = select(Spell.household_id, Spell.person_id, Spell.category).where(homes, runs_on(on))
    held: dict[str, list[tuple[str | None, str]]] = {}
    for home, who, category in session.exec(asked):
        held.setdefault(home, []).append((who, category))
    return {
        one.id: sorted({code for who, code in held.get(one.household_id, []) if who in (None, one.id)}) for one in known
    }


def benefits_on(session: Session, household_id: str, /, *, on: date) -> list[str]:
    """Which benefits the household's spells of that day are known to be, the newest first."""
    asked = select(Spell.benefit).where(Spell.household_id == household_id, Spell.benefit != "", runs_on(on))
    return list(session.exec(asked.order_by(col(Spell.from_on).desc(), col(Spell.id))))


def months_later(day: date, months: int, /) -> date:
    """The same day so many months on; the last of the month where there is no such day.

    >>> months_later(date(2026, 11, 30), 3), months_later(date(2026, 1, 15), 24)
    (datetime.date(2027, 2, 28), datetime.date(2028, 1, 15))
    """
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def _until(entry: Entry) -> date | None:
    try:
        rule = get_category(entry.category, on=entry.from_on)
    except UnknownCode as error:
        raise BadInput("bad_category", field="category") from error
    if entry.to_on is not None or not rule.months:
        return entry.to_on
    return months_later(entry.from_on, rule.months) - timedelta(days=1)


def _running(session: Session, entry: Entry) -> Spell | None:
    who = col(Spell.person_id).is_(None) if entry.person_id is None else col(Spell.person_id) == entry.person_id
    asked = select(Spell).where(
        col(Spell.household_id) == entry.household_id,
        col(Spell.category) == entry.category,
        who,
        runs_on(entry.from_on),
    )
    return session.exec(asked.with_for_update()).first()


def _row(entry: Entry, until: date | None, *, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "household_id": entry.household_id,
        "person_id": entry.person_id,
        "category": entry.category,
        "from_on": entry.from_on,
        "to_on": until,
        "source": entry.source,
        "source_ref": entry.source_ref,
        "reason": entry.reason,
        "benefit": entry.benefit if entry.category == REGISTERED else "",
        "entered_at": now,
    }


def _tell(session: Session, action: str, spell: Spell, *, actor: Actor, now: datetime) -> None:
    subject = spell.person_id or spell.household_id
    entry = audit.Entry(action, subject=subject, rule_id=spell.category)
    audit.record(session, entry, actor=actor, now=now)
