"""Text messages that come in: one digit and the code of a letter answer one offer; everything else gets a plain reply.

Enters: messages of the gateway after the last one read. Leaves: answers done, one row each, and a letter back to a
household that could be recognised. A message from a telephone that nobody here has gets no reply. Called by the worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session, func, select

from adapters.sms_in import IncomingSms, SmsInbox
from marketplace import notices
from marketplace.accounts import service as accounts
from marketplace.answers import slips
from marketplace.answers.models import SmsIn
from marketplace.db import Database
from marketplace.errors import DomainError, NotAllowed
from marketplace.households.models import Person
from marketplace.sealed import vault_of

FORM = re.compile(r"\D*([129])\D*(\d{8})\D*")
KEPT, LATE, WRONG, NOBODY = "kept", "late", "wrong", "nobody"
LETTERS = {KEPT: "sms_kept", LATE: "sms_late", WRONG: "sms_wrong"}


def sweep(database: Database, inbox: SmsInbox, /, *, clock: Callable[[], datetime]) -> int:
    """Read what came in since the last time; each message in a transaction of its own."""
    with database.reading() as session:
        after = session.exec(select(func.max(SmsIn.seq))).one() or 0
    found = inbox.messages(after=after)
    for message in sorted(found, key=lambda one: one.seq):
        with database.transaction() as session:
            if message.seq > after:
                take(session, message, now=clock())
    return len(found)


def take(session: Session, message: IncomingSms, /, *, now: datetime) -> SmsIn:
    """Do what one message says, and answer it."""
    index = vault_of(session).index("phone", re.sub(r"[\s-]|^\+?86(?=1\d{10}$)", "", message.sender))
    people = session.exec(select(Person).where(Person.phone_index == index).order_by(Person.id)).all()
    row = SmsIn(seq=message.seq, outcome=NOBODY, read_at=now)
    if people:
        row.outcome, row.code_id = _outcome(session, message.text, people, index, now=now)
        key, to = f"sms:{message.seq}", people[0].household_id
        notices.post(session, LETTERS[row.outcome], key=key, household_id=to, now=now)
    session.add(row)
    return row


def _outcome(
    session: Session, text: str, people: Sequence[Person], index: str, *, now: datetime
) -> tuple[str, str | None]:
    """The answer, bound to the code of a letter and to the telephone of the very person it went to."""
    try:
        accounts.count_try(session, "sms-code", network=index, now=now)
    except NotAllowed:
        return WRONG, None
    told = FORM.fullmatch(text.strip())
    code = slips.find_code(session, told[2]) if told else None
    if told is None or code is None or code.person_id not in {person.id for person in people}:
        return WRONG, None
    try:
        with session.begin_nested():
            slips.by_own_phone(session, code, told[1], now=now)
    except DomainError:
        return LATE, code.id
    return KEPT, code.id
