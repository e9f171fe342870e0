"""A letter with one offer and one code: printed and posted, answered by text message or by sending the slip back.

Enters: a worker who prints it, later the code with an answer. Leaves: the answer done once, or a plain reason why not.
Called by this room's pages and by `sms`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.answers import service as answers
from marketplace.answers import texts
from marketplace.answers.models import CodeState, OfferCode
from marketplace.consent.service import Capture
from marketplace.db import flush, new_id
from marketplace.decisions import seeing, service
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Person
from marketplace.households.reaching import require_open
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack
from marketplace.readback.service import Heard, Script
from marketplace.sealed import Sealed, vault_of

COLUMN = "offer_code.script"
GOOD_FOR = timedelta(days=15)
YES, NO, STOP = "1", "2", "9"
"""What stands on the slip: one digit for each answer."""
MEANS = {
    (MatchState.AWAITING_HOUSEHOLD, YES): answers.ACCEPT,
    (MatchState.AWAITING_HOUSEHOLD, NO): answers.DECLINE,
    (MatchState.DELIVERED, YES): answers.RECEIVED,
    (MatchState.DELIVERED, NO): answers.MISSING,
    (MatchState.IN_DELIVERY, STOP): answers.WITHDRAW,
}


def code_text(session: Session, code_id: str, /) -> str:
    """The eight digits of a code; made from its id, so that nothing but an index has to be kept."""
    return f"{int(vault_of(session).index('offer-code', code_id)[:13], 16) % 10**8:08d}"


def make_slip(session: Session, match_id: str, script: Script, /, *, actor: Actor, now: datetime) -> OfferCode:
    """A new code for what a match asks now, with the words of its letter; an older one of the same match is void from
    now on."""
    match = service.get_match(session, match_id, action="reading:match", actor=actor)
    if match.state not in answers.ACTS:
        raise WrongState("match_moved_on", state=match.state.value)
    person, code_id = answers.person_of(session, match), new_id()
    require_open(session, person, "address")
    for old in session.exec(select(OfferCode).where(OfferCode.match_id == match.id, OfferCode.state == CodeState.OPEN)):
        old.state = CodeState.VOID
        session.add(old)
    row = OfferCode(
        id=code_id,
        match_id=match.id,
        household_id=match.household_id,
        person_id=person.id,
        match_state=match.state,
        code_index=vault_of(session).index("offer-code-text", code_text(session, code_id)),
        data_fields=list(seeing.fields_to_ask(session, match, person.id)),
        lang=script.lang,
        template=script.template,
        template_version=script.version,
        script=_sealed(session, person.id, script),
        basis_sha256=texts.basis_of(session, match, person.id, lang=script.lang),
        made_by=actor.id,
        made_at=now,
        ends_at=now + GOOD_FOR,
    )
    return _record(session, row, "slip:make", actor=actor, now=now)


def _sealed(session: Session, person_id: str, script: Script) -> Sealed:
    text = json.dumps(script.lines, ensure_ascii=False)
    return vault_of(session).seal(session, person_id, column=COLUMN, text=text)


def letter_of(session: Session, row: OfferCode, /) -> Script:
    """The words of a letter as it was printed; none where they are erased."""
    text = vault_of(session).open_if_kept(session, row.person_id, column=COLUMN, sealed=row.script)
    return Script(row.template, row.template_version, row.lang, tuple(json.loads(text or "[]")))


def need_code(session: Session, digits: str, /) -> OfferCode:
    """The code with these digits; NotFound where there is none."""
    row = find_code(session, digits)
    if row is None:
        raise NotFound("slip")
    return row


def find_code(session: Session, digits: str, /) -> OfferCode | None:
    """The code with these digits, whatever its state."""
    index = vault_of(session).index("offer-code-text", digits)
    return session.exec(select(OfferCode).where(OfferCode.code_index == index).with_for_update()).one_or_none()


def get_slip(session: Session, code_id: str, /, *, actor: Actor) -> OfferCode:
    """One slip of the actor's districts."""
    row = session.get(OfferCode, code_id)
    if row is None:
        raise NotFound("slip")
    service.get_match(session, row.match_id, action="reading:match", actor=actor)
    return row


def slips_of(session: Session, match_id: str, /) -> list[OfferCode]:
    """The slips of a match, the newest first."""
    wanted = select(OfferCode).where(OfferCode.match_id == match_id)
    return list(session.exec(wanted.order_by(col(OfferCode.made_at).desc(), col(OfferCode.id))))


def meaning(session: Session, row: OfferCode, digit: str, /, *, now: datetime) -> str:
    """What this digit means under this code now; WrongState where it is too late, used, or means nothing."""
    match = session.get_one(Match, row.match_id)
    act = MEANS.get((match.state, digit), "")
    if act == answers.WITHDRAW and row.state is not CodeState.VOID:
        return act
    if row.state is not CodeState.OPEN or now >= row.ends_at or match.state is not row.match_state:
        raise WrongState("slip_over")
    if texts.basis_of(session, match, row.person_id, lang=row.lang) != row.basis_sha256:
        raise WrongState("slip_over")
    if not act:
        raise WrongState("slip_unclear")
    return act


def came_back(
    session: Session, row: OfferCode, digit: str, heard: Heard, /, *, actor: Actor, now: datetime
) -> ReadBack:
    """A worker scans or types a slip that came back by post; a yes is asked again like every other."""
    act = meaning(session, row, digit, now=now)
    fields = row.data_fields if act == answers.ACCEPT else ()
    reading = answers.say(session, row.match_id, act, heard, data_fields=fields, actor=actor, now=now)
    _use(session, row, act, actor=actor, now=now)
    return reading


def by_own_phone(session: Session, row: OfferCode, digit: str, /, *, now: datetime) -> str:
    """The person itself answered from its own telephone with the code of its own letter: it counts at once, and one in
    so many is asked about it by somebody other than who sent the letter."""
    act = meaning(session, row, digit, now=now)
    me = Actor(id=row.person_id, role=Role.HOUSEHOLD, household_id=row.household_id)
    match = session.get_one(Match, row.match_id)
    if act == answers.ACCEPT:
        service.household_accepts(
            session,
            match.id,
            data_fields=row.data_fields,
            agrees_to_share=True,
            agrees_to_terms=True,
            person_id=row.person_id,
            actor=me,
            now=now,
            capture=Capture(channel="sms", lang=row.lang, authenticated_by="phone_and_code", signature_kind="code"),
        )
    else:
        answers.do(session, match, act, reason_code="other", actor=me, now=now)
    person, letter = session.get_one(Person, row.person_id), letter_of(session, row)
    told: Any = {"act": act, "ref": f"match:{match.id}", "basis": row.basis_sha256, "sent_by": row.made_by}
    readback.keep_own(session, person, letter, **told, actor=me, now=now)
    _use(session, row, act, actor=me, now=now)
    return act


def _use(session: Session, row: OfferCode, act: str, *, actor: Actor, now: datetime) -> None:
    row.state, row.answer, row.used_by, row.used_at = CodeState.USED, act, actor.id, now
    _record(session, row, "slip:use", actor=actor, now=now)


def _record(session: Session, row: OfferCode, action: str, *, actor: Actor, now: datetime) -> OfferCode:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, rule_id=row.answer)
    audit.record(session, entry, actor=actor, now=now)
    return row
