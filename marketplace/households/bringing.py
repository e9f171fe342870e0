"""Households and people coming into the register by a list, before any of them has asked for anything.

Enters: the bytes of a table with a row for each person. Leaves: a checked upload whose counts say what storing would
do; then households, people and the categories that begin. A household that is known is told by its own source anew,
and gets from another source only the members whom nobody knows yet. A member who is on record in another household is
left there, and told of in a number; so is a category of a person's own whose row has no ID number, and whoever was
erased. The same table again changes nothing. Called by the desk of the register and by the command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.errors import BadInput
from marketplace.households import members
from marketplace.households.foreseen import would
from marketplace.households.gone import erased_refs
from marketplace.households.listed import Span, Word, believed, joined
from marketplace.households.lists import correct, span_of, store_spells
from marketplace.households.models import Household
from marketplace.households.register import HouseholdFacts, PersonFacts, known_homes, register_many
from marketplace.households.resolving import holders, resolve_many
from marketplace.households.table import people_schema
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    CheckedRow,
    Fault,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
    source_name,
)
from marketplace.intake.places import is_town
from marketplace.policy import require
from marketplace.reference.monitoring import is_personal
from marketplace.sealed import number_index, vault_of

ACTION = "register:bring"


@dataclass(slots=True)
class Plan:
    """What storing would do: households, members to be added to those of another source, categories."""

    told: list[HouseholdFacts] = field(default_factory=list, repr=False)
    joining: list[tuple[str, PersonFacts]] = field(default_factory=list, repr=False)
    spells: dict[Word, Span] = field(default_factory=dict, repr=False)
    counts: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    source: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
    as_of: date | None = None,
) -> tuple[ImportBatch, Checked]:
    """The dry run: nothing is stored but the sealed batch and what it would do. `as_of`: the day for which the list
    tells."""
    require(actor, ACTION)
    if as_of is not None and as_of > local_day(now):
        raise BadInput("date_in_future", field="as_of")
    checked = check_table(data, people_schema(today=local_day(now)), mapping=mapping)
    found = plan(session, checked.rows, source=source_name(source), as_of=as_of, actor=actor)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.PEOPLE,
        file_name=file_name,
        data=data,
        source=source,
        actor=actor,
        now=now,
    )


def confirm_import(
    session: Session, batch_id: str, /, *, as_of: date | None = None, actor: Actor, now: datetime
) -> Mapping[str, int]:
    """Store the checked rows, if what would be done is still what was shown."""
    require(actor, ACTION)
    batch = get_batch(session, batch_id, kind=ImportKind.PEOPLE, actor=actor)
    found = plan(session, rows_of(session, batch), source=batch.source, as_of=as_of, actor=actor)
    refuse_changes(batch, found)
    register_many(session, found.told, actor=actor, now=now)
    for home, person in found.joining:
        members.put_in(session, session.get_one(Household, home), person, actor=actor, now=now)
    correct(session, found.spells, as_of=as_of, actor=actor, now=now)
    store_spells(session, found.spells, source=batch.source, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts


def plan(
    session: Session, rows: Sequence[CheckedRow], /, *, source: str, as_of: date | None = None, actor: Actor
) -> Plan:
    """Compare the rows with who is known. People of districts that the actor does not serve are left out; a head whose
    number is known under another name comes in without it, and a person looks."""
    ours = [row for row in rows if not actor.districts or actor.serves(row.values["district_code"])]
    homes: dict[str, list[CheckedRow]] = {}
    for row in ours:
        homes.setdefault(row.values["household_ref"], []).append(row)
    listed = [_household(ref, people, source=source) for ref, people in homes.items()]
    lives = _lives(session, listed)
    facts = _not_erased(session, listed, lives)
    ids = resolve_many(session, facts)
    known = known_homes(session, ids.values())
    found = Plan()
    spans: dict[Word, list[Span]] = {}
    elsewhere = new_people = unnamed = 0
    for item in facts:
        home = ids[item.key]
        stay = (item.people[0], *(one for one in item.people[1:] if lives.get(one.id_number, home) == home))
        fresh = [one for one in stay if not one.id_number or one.id_number not in lives]
        elsewhere += len(item.people) - len(stay)
        if home in known and known[home].source not in (source, "referral"):
            found.joining += [(home, one) for one in fresh if one.id_number]
            new_people += sum(bool(one.id_number) for one in fresh)
        else:
            found.told.append(_only(item, stay))
            new_people += len(fresh) if home not in known else sum(bool(one.id_number) for one in fresh)
        rows_here = [row for row in homes[item.source_ref] if _number(row) in {one.id_number for one in stay}]
        unnamed += _told(session, rows_here, home, spans)
    found.spells = believed(session, {key: joined(told) for key, told in spans.items()}, as_of=as_of)
    counted = dict(zip(("begun", "ended", "corrected"), would(session, found.spells, as_of=as_of), strict=True))
    new = sum(ids[item.key] not in known for item in found.told)
    found.counts = {
        "new": new,
        "known": len(facts) - new,
        "people": new_people,
        **counted,
        "elsewhere": elsewhere,
        "erased": sum(len(item.people) for item in listed) - sum(len(item.people) for item in facts),
        "unnamed": unnamed,
        "others": len(rows) - len(ours),
    }
    return found


def _number(row: CheckedRow) -> str:
    return row.values.get("id_number") or ""


def _told(session: Session, rows: Sequence[CheckedRow], home: str, spans: dict[Word, list[Span]]) -> int:
    """Put down in `spans` what the rows tell of categories; how many are one person's own and name no number."""
    unnamed = 0
    for row in rows:
        index = number_index(vault_of(session), _number(row)) if _number(row) else ""
        for category in row.values.get("categories") or ():
            if is_personal(category) and not index:
                unnamed += 1
            else:
                spans.setdefault((home, index, category), []).append(span_of(row))
    return unnamed


def _not_erased(session: Session, listed: Sequence[HouseholdFacts], lives: Mapping[str, str]) -> list[HouseholdFacts]:
    """Households without whom was erased here; one of whom nobody else is told is left out whole."""
    erased, found = erased_refs(session, listed), []
    for item in listed:
        told = [one for one in item.people if one.id_number in lives or (item.source_ref, one.ref) not in erased]
        found += [_only(item, tuple(told))] if told else []
    return found


def _only(item: HouseholdFacts, people: tuple[PersonFacts, ...]) -> HouseholdFacts:
    where: dict[str, Any] = {"village_code": item.village_code, "urban": item.urban}
    return HouseholdFacts(item.source, item.source_ref, item.district_code, item.street_code, people=people, **where)


def _household(ref: str, rows: Sequence[CheckedRow], *, source: str) -> HouseholdFacts:
    """A household as its rows tell it, the head first: by its number the household is found again."""
    ordered = sorted(rows, key=lambda row: (row.values["relation"] != "HEAD", row.number))
    street = next((row.values["street_code"] for row in ordered if row.values.get("street_code")), "")
    reached = next((row for row in ordered if row.values.get("phone")), ordered[0])
    people = tuple(_person(row, contact=row is reached) for row in ordered)
    district = ordered[0].values["district_code"]
    village = next((row.values["village_code"] for row in ordered if row.values.get("village_code")), "")
    return HouseholdFacts(source, ref, district, street, village, urban=is_town(street), people=people)


def _person(row: CheckedRow, *, contact: bool) -> PersonFacts:
    told = {name: str(row.values.get(name) or "") for name in ("name", "phone", "id_number", "address", "birth_on")}
    return PersonFacts(
        ref=row.values.get("person_ref") or told["id_number"] or told["name"],
        relation=row.values["relation"],
        contact=contact,
        name=told["name"],
        phone=told["phone"],
        id_number=told["id_number"],
        address=told["address"],
        birth_date=told["birth_on"],
    )


def _lives(session: Session, facts: Sequence[HouseholdFacts]) -> dict[str, str]:
    """ID number ► the household of whoever carries it."""
    vault = vault_of(session)
    indexes = {
        number_index(vault, one.id_number): one.id_number for item in facts for one in item.people if one.id_number
    }
    return {indexes[index]: home for index, (home, _name) in holders(session, indexes).items()}
