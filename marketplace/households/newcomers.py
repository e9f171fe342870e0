"""Somebody who was never here: nothing is written down before a code has proved the telephone.

Enters: the first page of an application, later the telephone that its browser proved. Leaves: a closed text that this
browser keeps for a while, then a household of one person. A number that anybody may type must not become a household:
its owner's code would open an invented home. Called by `cases.views_apply` and the way in by telephone.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from marketplace.accounts.codes import CODE_LIFE
from marketplace.actors import Actor
from marketplace.households.gone import newcomer_ref
from marketplace.households.models import Person
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.service import find_person_by_phone, opened_by
from marketplace.intake.places import is_town
from marketplace.sealed import Unreadable, Vault, vault_of

SOURCE = "self"
KEPT = "newcomer"
"""Under this name the browser keeps the text, and under this purpose it is closed."""
LASTS = timedelta(minutes=30)


def kept_text(vault: Vault, /, *, name: str, phone: str, district: str, street: str, now: datetime) -> str:
    """What somebody wrote on the first page, closed so that the browser's next user reads nothing in it."""
    told = {"name": name, "phone": phone, "district": district, "street": street, "at": now.isoformat()}
    return base64.urlsafe_b64encode(vault.seal_blob(KEPT, json.dumps(told).encode())).decode()


def _told(vault: Vault, text: str, phone_index: str, now: datetime) -> dict[str, Any]:
    """What was written for this telephone a short while ago; nothing where it is another's, or too old."""
    try:
        told: dict[str, Any] = json.loads(vault.open_blob(KEPT, base64.urlsafe_b64decode(text))) if text else {}
    except (Unreadable, ValueError):
        return {}
    fits = told and vault.index("phone", told["phone"]) == phone_index
    return told if fits and now - datetime.fromisoformat(told["at"]) < LASTS else {}


def number_of(session: Session, text: str, phone_index: str, /, *, now: datetime) -> str:
    """The number to which a newcomer's code goes; empty where nobody of this browser applied by it, or where it is
    somebody's here."""
    return str(_newcomer(session, text, phone_index, now).get("phone", ""))


def _newcomer(session: Session, text: str, phone_index: str, now: datetime) -> dict[str, Any]:
    """What was written for this telephone, where nobody here has it; else nothing."""
    told = _told(vault_of(session), text, phone_index, now)
    return told if told and find_person_by_phone(session, told["phone"]) is None else {}


def come_in(session: Session, text: str, phone_index: str, /, *, actor: Actor, now: datetime) -> Person | None:
    """The telephone was proved: write down who applied by it, and return that person. A code that was sent in time is
    good as long as it lives."""
    told = _newcomer(session, text, phone_index, now - CODE_LIFE)
    if not told:
        return None
    person = PersonFacts(name=told["name"], phone=told["phone"])
    place: Any = {"street_code": told["street"], "urban": is_town(told["street"])}
    ref = newcomer_ref(session, SOURCE, phone_index)
    home = HouseholdFacts(SOURCE, ref, told["district"], size=1, people=(person,), **place)
    register_many(session, [home], actor=actor, now=now)
    return opened_by(session, phone_index, now=now)
