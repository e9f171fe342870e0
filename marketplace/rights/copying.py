"""Everything the house knows of one person and its household, as plain values: to see, to print, to take elsewhere.

Enters: the person who asks. Leaves: a dictionary that becomes JSON, with the person's own details opened and those of
others left out; and the way back, so that another installation can take the file in. The look is written into the
chain first. Called by this room's pages.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.audit import AuditRow
from marketplace.consent.ask import list_of_household
from marketplace.consent.capacity import letters_of, of_voices, voices
from marketplace.decisions.service import matches_of_household
from marketplace.errors import BadInput
from marketplace.households.models import Household, Person
from marketplace.households.register import SEALED, HouseholdFacts, PersonFacts
from marketplace.ledger.service import aid_of_household
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.rights.explaining import needs_of
from marketplace.rights.service import own_requests, read
from marketplace.sealed import Unreadable, vault_of
from marketplace.sharing.looks import staff_looks
from marketplace.sharing.service import disclosures_of
from marketplace.signals.forgetting import told_of

SCHEMA = "shanqiao-household-copy/1"


def write_look(session: Session, person: Person, /, *, purpose: str, actor: Actor, now: datetime) -> None:
    """Write down that the person's data are opened for itself; nothing is opened before."""
    require(actor, "right:copy", household_id=person.household_id)
    entry = audit.Entry(
        "right:copy",
        subject=person.id,
        purpose=purpose,
        decision="permit",
        fields=SEALED,
    )
    audit.record(session, entry, actor=actor, now=now)


def copy_of(session: Session, person: Person, /, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The whole copy; the caller has written the look and committed it."""
    require(actor, "right:copy", household_id=person.household_id)
    home = session.get_one(Household, person.household_id)
    heard = voices(session, actor=actor, now=now)
    return {
        "schema": SCHEMA,
        "made_at": now.isoformat(),
        "household": {
            "number": home.id,
            "source": home.source,
            "district": home.district_code,
            "street": home.street_code,
            "people": home.size,
        },
        "person": {"relation": person.relation, "sex": person.sex.value, **_opened(session, person)},
        "needs": [_need(need) for need in needs_of(session, home.id)],
        **_acts(session, home.id, heard=heard, actor=actor, now=now),
        **told_of(session, home.id, heard=heard),
    }


def _opened(session: Session, person: Person) -> dict[str, str]:
    found, vault = {}, vault_of(session)
    for field in SEALED:
        sealed = getattr(person, field)
        if sealed is not None:
            try:
                found[field] = vault.open(session, person.id, column=f"person.{field}", sealed=sealed)
            except Unreadable:
                continue
    return found


def _looks(session: Session, home: str, *, heard: frozenset[str] | None) -> dict[str, list[dict[str, Any]]]:
    return {
        "looks_of_givers": [
            {"at": one.at.isoformat(), "who": one.recipient_org_id, "purpose": one.purpose, "details": one.data_fields}
            for one in disclosures_of(session, home, heard=heard)
        ],
        "looks_of_staff": [
            {"at": row.at, "who": row.actor_role, "act": row.action, "details": row.fields.split(","), "why": _why(row)}
            for row in staff_looks(session, home, heard=heard)
        ],
    }


def _why(look: AuditRow) -> str:
    """The code of the reason that was given for a look, or of the purpose of a file."""
    return look.rule_id or look.purpose


def _need(need: Need) -> dict[str, Any]:
    return {
        "kind": need.category,
        "unit": need.unit,
        "gap": need.gap_units,
        "given_or_under_way": need.committed_units,
        "urgency": need.urgency,
        "verification_level": need.verification_level,
        "state": need.state.value,
        "came_in": need.created_at.isoformat(),
    }


def _matches(session: Session, home: str) -> list[dict[str, Any]]:
    needs = {need.id: need for need in needs_of(session, home)}
    return [
        {
            "kind": needs[one.need_id].category,
            "unit": needs[one.need_id].unit,
            "units": one.units,
            "state": one.state.value,
            "since": one.created_at.isoformat(),
        }
        for one in matches_of_household(session, home)
    ]


def _acts(
    session: Session, home: str, *, heard: frozenset[str] | None, actor: Actor, now: datetime
) -> dict[str, list[dict[str, Any]]]:
    return {
        "consents": [
            {
                "purpose": one.purpose.value,
                "recipient": one.recipient_name,
                "details": one.data_fields,
                "from": one.valid_from.isoformat(),
                "to": one.valid_to.isoformat(),
                "state": one.state.value,
                "notice_sha256": one.notice_sha256,
            }
            for one in of_voices(list_of_household(session, home), heard)
        ],
        **_looks(session, home, heard=heard),
        "matches": _matches(session, home),
        "aid": [
            {"kind": one.category, "units": one.units, "on": one.given_on.isoformat(), "state": one.state.value}
            for one in aid_of_household(session, home)
        ],
        "letters": [
            {"letter": one.letter, "at": one.created_at.isoformat()}
            for one in letters_of(session, home, actor=actor, now=now)
        ],
        "requests": [
            {
                "right": one.kind.value,
                "at": one.asked_at.isoformat(),
                "state": one.state.value,
                "words": read(session, one, "words"),
                "answer": read(session, one, "answer"),
            }
            for one in own_requests(session, home, actor=actor, now=now)
        ],
    }


def as_json(copy: dict[str, Any], /) -> str:
    """The file that is taken along."""
    return json.dumps(copy, ensure_ascii=False, indent=1, sort_keys=True)


def facts_of(text: str, /) -> HouseholdFacts:
    """What another installation registers from such a file; anything that is not one is BadInput."""
    try:
        copy = json.loads(text)
        home, person = copy["household"], copy["person"]
        if copy["schema"] != SCHEMA:
            raise ValueError(copy["schema"])
        own = PersonFacts(relation=person["relation"], **{name: person.get(name, "") for name in SEALED})
        return HouseholdFacts(
            source="moved-here",
            source_ref=home["number"],
            district_code=home["district"],
            street_code=home["street"],
            size=int(home["people"]),
            people=(own,),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput("bad_input", field="file") from error
