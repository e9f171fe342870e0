"""Where a letter goes and what it says, found out at the moment of sending.

Enters: a notice of the outbox. Leaves: the message with its address and its words, or None where there is no address;
`WillNeverWork` for a sign-in code that is no good any more. `wiring` hands `compose` to the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlmodel import Session

from adapters.ports import Channel, Message
from marketplace.accounts.codes import code_to_send, number_of
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent.ask import list_of_household
from marketplace.households.service import reachable
from marketplace.meetings import roster
from marketplace.notices import Notice
from marketplace.organisations.models import Organisation
from marketplace.organisations.service import is_mobile
from marketplace.proxies import agents
from marketplace.sealed import vault_of
from marketplace.visits import letters as on_paper
from marketplace.web import catalogues, letters

AT_NIGHT = ("urgent_asked",)
"""Letters that go to a giver's contact on call."""


def compose(
    settings: Settings, session: Session, notice: Notice, *, clock: Callable[[], datetime] = utc_now
) -> Message | None:
    """Resolve one letter: the household's telephone or the organisation's address, and the neutral words."""
    params = on_paper.blanks(session, notice)
    if "code_id" in notice.params:
        params["code"] = code_to_send(session, str(notice.params["code_id"]), now=clock())
    language, words = _language_of(session, notice.household_id), settings.instance / "i18n"
    letter = letters.render(notice.letter, language=language, link=settings.base_url, words=words, params=params)
    write = partial(_message, notice, letter=letter, params=params)
    if notice.household_id is not None:
        phone = _phone_of(session, notice.household_id, notice.params)
        return write(channel="sms", address=phone) if phone else None
    if "newcomer" in notice.params:
        return write(channel="sms", address=number_of(session, str(notice.params["code_id"])))
    if "power_id" in notice.params:
        phone = agents.phone_of(session, str(notice.params["power_id"]))
        return write(channel="sms", address=phone) if phone else None
    if "shift_id" in notice.params:
        phone = roster.phone_of(session, str(notice.params["shift_id"]), str(notice.params["seat"]))
        return write(channel="sms", address=phone) if phone else None
    organisation = session.get(Organisation, notice.org_id) if notice.org_id else None
    if organisation is None:
        return None
    address = (organisation.on_call_contact if notice.letter in AT_NIGHT else "") or organisation.contact
    if is_mobile(address):
        return write(channel="sms", address=address)
    return write(channel="email", address=address) if "@" in address else None


def _language_of(session: Session, home_id: str | None) -> str:
    """The language in which the household last gave a consent; Chinese for everybody else."""
    return next((one.lang for one in (list_of_household(session, home_id) if home_id else ())), catalogues.DEFAULT)


on_paper.LANGUAGE_OF.append(_language_of)


def _message(
    notice: Notice, *, letter: letters.Letter, params: dict[str, str], channel: Channel, address: str
) -> Message:
    return Message(
        channel=channel,
        idempotency_key=notice.id,
        template_code=notice.letter,
        address=address,
        subject=letter.subject if channel == "email" else "",
        body=letter.body if channel == "email" else letter.sms,
        params=params,
    )


def _phone_of(session: Session, household_id: str, params: dict[str, Any]) -> str:
    """Where a letter goes; digits that somebody asked for to that person only, what is about one rather to that one."""
    asked_by, about, rather = (str(params.get(name, "")) for name in ("person_id", "about", "rather"))
    person = reachable(session, household_id, asked_by=asked_by, about=about, rather=rather)
    if person is None or person.phone is None:
        return ""
    return vault_of(session).open(session, person.id, column="person.phone", sealed=person.phone)
