"""Of whom lists told, so that a list which tells of one member alone does not speak for the others.

Enters: what a list tells of each person. Leaves: what it means for households and people. A category of a person (`per`
in `monitoring_categories.csv`) is the person's own spell. A category of a household runs as long as the newest word on
anybody who lives there says so, in whichever list that word stood: so the newest word on each person is kept. Called by
`lists`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import insert, or_
from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.db import chunks
from marketplace.households.models import Listed, Person, Spell
from marketplace.reference.monitoring import is_personal

LISTED = "LISTED"
"""The reason of an end that a list told."""
_ASKED = 500
Word = tuple[str, str, str]
"""A household, the index of the ID number of one of its people (empty: none was told), and a category."""
Key = tuple[str, str | None, str]
"""A household, one of its people where the category is the person's own, and a category."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when somebody is in a category; no `to_on`: it has not ended."""

    from_on: date
    to_on: date | None = None
    benefit: str = ""


def joined(spans: Iterable[Span], /) -> Span:
    """What is told of several people of a household together: it is in as long as anybody of it is; of times that do
    not touch, the last one.

    >>> a, b = Span(date(2025, 1, 1)), Span(date(2025, 1, 1), date(2026, 10, 31))
    >>> joined([a, b]) == joined([b, a]) == a
    True
    """
    first, *rest = sorted(spans, key=lambda one: one.from_on)
    for one in rest:
        benefit = one.benefit or first.benefit
        if first.to_on is not None and one.from_on > first.to_on + timedelta(days=1):
            first = Span(one.from_on, one.to_on, benefit)
        else:
            until = None if first.to_on is None or one.to_on is None else max(first.to_on, one.to_on)
            first = Span(first.from_on, until, benefit)
    return first


def people_of(session: Session, told: Iterable[Word], /) -> dict[tuple[str, str], str]:
    """Household and number ► the person, for those who live there."""
    found: dict[tuple[str, str], str] = {}
    for some in chunks(sorted({index for _home, index, _category in told if index}), _ASKED):
        asked = select(Person.household_id, Person.id_number_index, Person.id)
        for home, index, person in session.exec(asked.where(col(Person.id_number_index).in_(some))):
            found[home, str(index)] = person
    return found


def laid_together(
    session: Session, told: Mapping[Word, Span], people: Mapping[tuple[str, str], str], /
) -> dict[Key, Span]:
    """The spans of people and of households, these with what earlier lists told of their other people."""
    spans: dict[Key, list[Span]] = {}
    for (home, index, category), span in told.items():
        own = people.get((home, index), index) if is_personal(category) else None  # an index: not registered yet
        spans.setdefault((home, own, category), []).append(span)
    spoken = {(people.get((home, index)), category): span for (home, index, category), span in told.items()}
    for some in chunks(sorted({home for home, own, _category in spans if own is None}), _ASKED):
        asked = select(Person.household_id, Listed).join(Person, col(Person.id) == col(Listed.person_id))
        asked = asked.where(col(Person.household_id).in_(some), col(Person.left_on).is_(None))
        for home, row in session.exec(asked):
            newer = spoken.get((row.person_id, row.category))
            if (home, None, row.category) in spans and (newer is None or _is_older(newer, row)):
                spans[home, None, row.category].append(Span(row.from_on, row.to_on))
    return {key: joined(those) for key, those in spans.items()}


def spells_by_key(session: Session, spans: Iterable[Key], /) -> dict[Key, list[Spell]]:
    """Everything that the households of these keys were and are in, the oldest first."""
    found: dict[Key, list[Spell]] = {}
    for some in chunks(sorted({home for home, _person, _category in spans}), _ASKED):
        asked = select(Spell).where(col(Spell.household_id).in_(some))
        for spell in session.exec(asked.order_by(col(Spell.from_on), col(Spell.id))):
            found.setdefault((spell.household_id, spell.person_id, spell.category), []).append(spell)
    return found


def is_same_stay(stay: Spell | Listed, span: Span, /) -> bool:
    """Whether a list tells of a time that is on record: a time that was over begins nothing beside it."""
    if stay.from_on == span.from_on:
        return True
    until = span.to_on or span.from_on
    return stay.from_on <= until and (stay.to_on is None or span.from_on < stay.to_on)


def believed(session: Session, told: Mapping[Word, Span], /, *, as_of: date | None) -> dict[Word, Span]:
    """What a list tells, less what no list says anew: where it tells nobody's end, an end that is known of that person
    stands against a list without a day or of an earlier one, and what people or a case have ended against every list.
    A list that knows of a time after that end is believed, if its household is in the category again."""
    people, latest = people_of(session, told), dict[Key, date]()
    for (home, _index, category), span in told.items():
        last = span.to_on or span.from_on
        latest[home, None, category] = max(latest.get((home, None, category), last), last)
    spells, kept = spells_by_key(session, latest), _kept(session, people.values())
    found = dict(told)
    for (home, index, category), span in told.items():
        if span.to_on is not None or is_personal(category):
            continue
        key = (home, None, category)
        row, stays = kept.get((people.get((home, index), ""), category)), spells.get(key, [])
        again = any(one.ended_at is None and one.to_on is None for one in stays)
        until = _ended_in_a_list(row, span, as_of=as_of)
        if until is None or (again and latest[key] > until):
            until = None if again else _ended_by_people(stays, span)
        if until is not None:
            found[home, index, category] = Span(span.from_on, until, span.benefit)
    return found


def _ended_in_a_list(row: Listed | None, span: Span, *, as_of: date | None) -> date | None:
    """The end that is known of a person, unless a list of a day on which that was known tells otherwise."""
    if row is None or row.to_on is None or not is_same_stay(row, span):
        return None
    return row.to_on if as_of is None or as_of < local_day(row.told_at) else None


def _ended_by_people(stays: Iterable[Spell], span: Span) -> date | None:
    last = next((one for one in reversed(list(stays)) if is_same_stay(one, span)), None)
    return last.to_on if last is not None and last.ended_at is not None and last.reason != LISTED else None


def _kept(session: Session, people: Iterable[str]) -> dict[tuple[str, str], Listed]:
    found: dict[tuple[str, str], Listed] = {}
    for some in chunks(sorted(people), _ASKED):
        for row in session.exec(select(Listed).where(col(Listed.person_id).in_(some))):
            found[row.person_id, row.category] = row
    return found


def close_words(session: Session, spell: Spell, /, *, on: date) -> None:
    """The household's spell ends: what earlier lists told of its people does not begin it again."""
    if spell.person_id is not None:
        return
    people = select(Person.id).where(Person.household_id == spell.household_id)
    told = select(Listed).where(Listed.category == spell.category, col(Listed.person_id).in_(people))
    for row in session.exec(told.where(or_(col(Listed.to_on).is_(None), col(Listed.to_on) > on))).all():
        if row.from_on > on:
            session.delete(row)
        else:
            row.to_on = on
            session.add(row)


def _is_older(span: Span, row: Listed) -> bool:
    """Whether it was over before what is known of the person began."""
    return span.to_on is not None and span.to_on < row.from_on


def remember(
    session: Session, told: Mapping[Word, Span], people: Mapping[tuple[str, str], str], /, *, now: datetime
) -> None:
    """Keep the newest word on each person of a household's category."""
    words = {
        (people[home, index], category): span
        for (home, index, category), span in told.items()
        if (home, index) in people and not is_personal(category)
    }
    known: set[tuple[str, str]] = set()
    for some in chunks(sorted({person for person, _category in words}), _ASKED):
        for row in session.exec(select(Listed).where(col(Listed.person_id).in_(some))):
            span = words.get((row.person_id, row.category))
            known.add((row.person_id, row.category))
            if span is not None and not _is_older(span, row) and (row.from_on, row.to_on) != (span.from_on, span.to_on):
                row.from_on, row.to_on, row.told_at = span.from_on, span.to_on, now
                session.add(row)
    fresh = [
        {"person_id": person, "category": category, "from_on": span.from_on, "to_on": span.to_on, "told_at": now}
        for (person, category), span in words.items()
        if (person, category) not in known
    ]
    if fresh:
        session.execute(insert(Listed), fresh)
