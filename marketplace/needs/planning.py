"""What storing checked rows would do.

What enters: checked rows of one source. What leaves: a `Plan` with the rows that are new, changed, the same, or
already open from another source; `storing` then does exactly that. Called by `imports` and `registry`. A need of
another source is never doubled; a referral that a register confirms gives way to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from marketplace.db import chunks
from marketplace.households.apart import people_by_number
from marketplace.households.gone import empty_homes
from marketplace.households.register import HouseholdFacts, PersonFacts
from marketplace.households.resolving import resolve_many
from marketplace.intake import CheckedRow, Fault, Stage
from marketplace.intake.places import is_town
from marketplace.needs.models import Need, NeedState
from marketplace.needs.table import period_of
from marketplace.sealed import Vault, vault_of

_ASKED = 500
_LIVE = (NeedState.UNVERIFIED, NeedState.HELD, NeedState.VERIFIED)

NeedKey = tuple[str, str, str, str, str]
"""Household, category, period, cause, person: open only once."""
Open = tuple[str, NeedState]
"""An open need and how it stands."""
NEW = "?"
"""A person whom nobody here knows yet."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database holds for one row of the source."""

    need_id: str
    content_hash: str
    committed_units: int
    person_id: str


@dataclass(slots=True)
class Planned:
    """A row with its index, the hash of its content, and its household's facts."""

    row: CheckedRow
    index: str
    content: str
    facts: HouseholdFacts = field(repr=False)
    known: Known | None = None


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them. `double` are open already from another source and stay out; so are `erased` rows
    of homes in which everybody was erased."""

    source: str
    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    same: int = 0
    erased: int = 0
    double: list[Planned] = field(default_factory=list)
    replaced: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        held = sum(bool(item.row.held) for item in (*self.new, *self.changed))
        unverified = sum(state_of(item.row) is NeedState.UNVERIFIED for item in (*self.new, *self.changed))
        return {
            "new": len(self.new),
            "changed": len(self.changed),
            "same": self.same,
            "double": len(self.double),
            "erased": self.erased,
            "held": held,
            "unverified": unverified,
        }


def plan(session: Session, rows: Sequence[CheckedRow], /, *, source: str) -> Plan:
    """Compare the rows with what is stored; O(rows), questions to the database in slices."""
    vault = vault_of(session)
    items = [_planned(vault, row, source=source) for row in rows]
    homes = resolve_many(session, households_of(items))
    empty = empty_homes(session, homes.values())
    known = _known(session, [item.index for item in items])
    found = Plan(source=source)
    for item in items:
        item.known = known.get(item.index)
        if item.known is not None and item.known.content_hash == item.content:
            found.same += 1
        elif homes[item.facts.key] in empty:
            found.erased += 1
        elif item.known is None:
            found.new.append(item)
        else:
            found.changed.append(item)
            _refuse_below_committed(item, item.known, found)
    _set_doubles_aside(session, found, homes)
    return found


def _planned(vault: Vault, row: CheckedRow, *, source: str) -> Planned:
    index = vault.index("need-source", f"{source}\x00{row.values['source_id']}")
    text = json.dumps(row.values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Planned(row, index, vault.index("need-content", text), household_facts(row.values, source=source))


def _known(session: Session, indexes: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for some in chunks(indexes, _ASKED):
        asked = select(
            col(Need.source_index),
            col(Need.id),
            col(Need.content_hash),
            col(Need.committed_units),
            col(Need.person_id),
        ).where(col(Need.source_index).in_(some))
        found.update((str(index), Known(*rest)) for index, *rest in session.execute(asked))
    return found


def _refuse_below_committed(item: Planned, known: Known, found: Plan) -> None:
    if item.row.values["gap_units"] < known.committed_units:
        params: dict[str, str | int] = {"committed": known.committed_units}
        fault = Fault(item.row.number, "gap", str(item.row.values["gap"]), "below_committed", params, Stage.ROWS)
        found.faults.append(fault)


def _set_doubles_aside(session: Session, found: Plan, homes: Mapping[tuple[str, str], str]) -> None:
    """Rows whose need is open already under another number, or, where a new one names nobody, for anybody of its home;
    an unverified one gives way to a verified row."""
    items = [*found.new, *found.changed]
    people = persons_of(session, items)
    keys = {
        item.index: (homes[item.facts.key], *_rest(item), person_of(item, people, homes[item.facts.key], unknown=NEW))
        for item in items
    }
    taken = _open_needs(session, {key[0] for key in keys.values()})
    alike = _for_anybody(taken)
    double = set()
    for item in items:
        *kind, whom = keys[item.index]
        anybody = item.known is None and not whom
        twin = alike.get(tuple(kind)) if anybody else taken.get(keys[item.index])
        if twin is None or (item.known is not None and item.known.need_id == twin[0]):
            continue
        if twin[1] is NeedState.UNVERIFIED and state_of(item.row) is NeedState.VERIFIED:
            found.replaced[twin[0]] = item.index
        else:
            double.add(item.index)
    found.double = [item for item in items if item.index in double]
    found.new = [item for item in found.new if item.index not in double]
    found.changed = [item for item in found.changed if item.index not in double]


def _for_anybody(taken: Mapping[NeedKey, Open]) -> dict[tuple[str, ...], Open]:
    """Household, category, period and cause ► an open need of the kind, whomever it is for; rather one that gives
    way to nobody."""
    found: dict[tuple[str, ...], Open] = {}
    for key, need in sorted(taken.items(), key=lambda one: one[1][1] is NeedState.UNVERIFIED):
        found.setdefault(key[:-1], need)
    return found


def _rest(item: Planned) -> tuple[str, str, str]:
    values = item.row.values
    return values["category"], period_of(values), values.get("cause") or ""


def persons_of(session: Session, items: Sequence[Planned], /) -> dict[str, tuple[str, str]]:
    """ID number of whom a need is for ► the person and its household, where the person is here."""
    return people_by_number(session, {item.row.values.get("person_id_number") or "" for item in items})


def person_of(item: Planned, people: Mapping[str, tuple[str, str]], household_id: str, /, *, unknown: str = "") -> str:
    """Whom of its household the need is for; who is somebody else's is nobody here. A changed row that names nobody
    takes no name away, nor does another name while aid for somebody is under way."""
    number = item.row.values.get("person_id_number") or ""
    person, home = people.get(number, (unknown if number else "", household_id))
    named = person if home == household_id else ""
    before = item.known.person_id if item.known else ""
    return before if before and (not named or (item.known and item.known.committed_units)) else named


def households_of(items: Sequence[Planned]) -> list[HouseholdFacts]:
    """Each household once, told by the row that says most about its people."""
    best: dict[tuple[str, str], HouseholdFacts] = {}
    for item in items:
        seen = best.get(item.facts.key)
        if seen is None or len(item.facts.people) > len(seen.people):
            best[item.facts.key] = item.facts
    return list(best.values())


def _open_needs(session: Session, homes: set[str]) -> dict[NeedKey, Open]:
    found: dict[NeedKey, Open] = {}
    for some in chunks(sorted(homes), _ASKED):
        asked = select(
            col(Need.household_id),
            col(Need.category),
            col(Need.period),
            col(Need.cause),
            col(Need.person_id),
            col(Need.id),
            col(Need.state),
        ).where(col(Need.household_id).in_(some), col(Need.state).in_(_LIVE))
        for *key, need_id, state in session.execute(asked):
            home, category, period, cause, person = key
            found[(home, category, period, cause, person)] = (need_id, NeedState(state))
    return found


def state_of(row: CheckedRow) -> NeedState:
    """Held where a person must look; verified where the row carries its proof; else not yet verified."""
    if row.held:
        return NeedState.HELD
    return NeedState.VERIFIED if int(row.values.get("verification_level") or 0) else NeedState.UNVERIFIED


def household_facts(values: Mapping[str, Any], *, source: str) -> HouseholdFacts:
    """The household and its people as one row tells them; without any personal field it has no people."""
    members = values.get("members")
    head = PersonFacts(
        name=values.get("head_name") or "",
        phone=values.get("phone") or "",
        id_number=values.get("head_id_number") or "",
        address=values.get("address") or "",
        payee_account=values.get("payee_account") or "",
        health=values.get("health_note") or "",
    )
    people = [head] if head != PersonFacts() else []
    others = members if isinstance(members, list) else []
    for number, (relation, name, digits) in enumerate(others, start=2):
        people.append(PersonFacts(f"m{number}", relation, False, name=name, id_number=digits or ""))
    street = values.get("street_code") or ""
    return HouseholdFacts(
        source=source,
        source_ref=values["household_ref"],
        district_code=values["district_code"],
        street_code=street,
        size=members if isinstance(members, int) else len(people),
        urban=is_town(street),
        people=tuple(people),
    )
