"""Raise and answer: an appeal goes to somebody who had no hand in it, a demanded favour past the office that is named.

Enters: a household (or its helper) with a decision of its own, or anybody with a report. Leaves: one row with one clock
and, at the end, one answer. A report of favours is seen by no district's staff of the office it names: only staff of
the whole city and the protection officer open it. Called by this room's pages.
"""

from __future__ import annotations

import re
import secrets
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from marketplace import audit, notices
from marketplace.accounts import service as accounts
from marketplace.actors import PUBLIC, Actor, Role
from marketplace.appeals.decided import ITEM, MATCH, in_it, own_decision
from marketplace.appeals.models import Appeal, AppealKind, AppealState
from marketplace.calendar import local_day
from marketplace.cases.again import decide_again
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.consent.capacity import is_own, person_behind, require_own, voices
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

RECONSIDER_DAYS = 60
"""Within so many days of learning of a decision its reconsideration may be asked for (Reconsideration Law, art. 20)."""
DECIDE_DAYS = 60
"""So long the reviewing office has (art. 62); 30 in the simple procedure, and once 30 more in difficult cases."""
STEPS = {AppealKind.FAVOURS: "favours_answer"}
OFFICER_ONLY = ("city", "other")
"""A report that names these is opened by the protection officer alone: it may be about anybody of the city's staff."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
OUTCOMES = {
    AppealKind.APPEAL: (AppealState.UPHELD, AppealState.REJECTED),
    AppealKind.COMPLAINT: (AppealState.UPHELD, AppealState.ANSWERED),
    AppealKind.FAVOURS: (AppealState.UPHELD, AppealState.ANSWERED),
}


def raise_about(
    session: Session,
    object_id: str,
    kind: AppealKind,
    /,
    *,
    about: str = MATCH,
    speaker: str = "",
    words: str,
    actor: Actor,
    now: datetime,
) -> Appeal:
    """An appeal against a decision, or a complaint about how it went; the same one cannot wait twice. `about` says
    whether the decision is a match or an item of an application, `speaker` who said it to a worker."""
    decided = own_decision(session, about, object_id, actor=actor)
    if kind is AppealKind.FAVOURS:
        raise BadInput("bad_input", field="kind")
    _wordy(words)
    row = _new(kind, actor=actor, now=now)
    row.object_ref, row.household_id = decided.ref, decided.household_id
    row.district_code = decided.district_code
    row.decided_by, row.decided_for = decided.decided_by, decided.decided_for
    row.seconded_by, row.seconded_for = decided.seconded_by, decided.seconded_for
    row.complainant = _complaining(session, kind, speaker, actor=actor)
    waiting = select(Appeal.id).where(
        Appeal.household_id == row.household_id,
        Appeal.kind == kind,
        Appeal.object_ref == row.object_ref,
        Appeal.complainant == row.complainant,
        Appeal.state == AppealState.OPEN,
    )
    if session.exec(waiting).first() is not None:
        raise WrongState("appealed_already")
    return _store(session, row, words, holder=Holder(district_code=decided.district_code), actor=actor, now=now)


def report_favours(
    session: Session, /, *, district_code: str, office: str, words: str, network: str, actor: Actor, now: datetime
) -> tuple[Appeal, str]:
    """Anybody says that somebody demanded something. No name is asked, and none kept of whoever is signed in, nor of
    the request; the code opens the answer."""
    require(actor, "favours:report")
    accounts.count_try(session, "favours", network=network, now=now)
    if office not in list_codes("appeal_office"):
        raise BadInput("bad_input", field="office")
    _wordy(words)
    code = "".join(secrets.choice(LETTERS) for _place in range(12))
    row = _new(AppealKind.FAVOURS, actor=PUBLIC, now=now)
    row.district_code, row.office = district_code, office
    row.code_index = vault_of(session).index("favours-code", code)
    return _store(session, row, words, holder=Holder(), actor=PUBLIC, now=now), code


def _wordy(words: str) -> None:
    if not words.strip():
        raise BadInput("bad_input", field="words")


def _new(kind: AppealKind, *, actor: Actor, now: datetime) -> Appeal:
    return Appeal(id=new_id(), kind=kind, raised_by=actor.id, raised_at=now, due_at=now)


def _store(session: Session, row: Appeal, words: str, *, holder: Holder, actor: Actor, now: datetime) -> Appeal:
    vault = vault_of(session)
    vault.new_person(session, row.id)
    row.words = vault.seal(session, row.id, column="appeal.words", text=words.strip())
    step = STEPS.get(row.kind, "appeal_answer")
    row.due_at = clocks.start(session, step, row.id, holder=holder, now=now).due_at
    return _record(session, row, f"appeal:{row.kind.value}", actor=actor, now=now)


def answer(session: Session, appeal_id: str, state: AppealState, /, *, text: str, actor: Actor, now: datetime) -> bool:
    """A person answers who had no hand in it. Whether a new decision begins: only where an item's was wrong, and where
    there is something left to decide."""
    row = get_for_staff(session, appeal_id, "appeal:answer", actor=actor)
    session.refresh(row, with_for_update=True)
    if row.state is not AppealState.OPEN:
        raise WrongState("appeal_answered", state=row.state.value)
    if took_part(session, row, actor):
        raise NotAllowed("decided_it_oneself")
    if state not in OUTCOMES[row.kind] or not text.strip():
        raise BadInput("bad_input", field="text" if state in OUTCOMES[row.kind] else "state")
    row.state, row.answered_by, row.answered_at = state, actor.id, now
    row.answer = vault_of(session).seal(session, row.id, column="appeal.answer", text=text.strip())
    clocks.move_on(session, row.id, outcome=state.value, now=now)
    _record(session, row, "appeal:answer", actor=actor, now=now)
    wrong = state is AppealState.UPHELD and begins(row)
    anew = wrong and decide_again(session, row.object_ref.removeprefix(f"{ITEM}:"), actor=actor, now=now)
    if row.household_id is not None:
        notices.post(session, "appeal_answered", key=f"appeal:{row.id}", household_id=row.household_id, now=now)
    return anew


def begins(row: Appeal, /) -> bool:
    """Whether "upheld" has it decided anew: an appeal against an item. For a match nothing begins by itself."""
    return row.kind is AppealKind.APPEAL and row.object_ref.startswith(f"{ITEM}:")


def took_part(session: Session, row: Appeal, actor: Actor, /) -> bool:
    """Whether this reader, or whom it stands in for, made the decision, had it made or gave the first opinion; for a
    complaint, whether it had a hand in any step."""
    return bool(actor.people.intersection(_made_by(session, row)))


def deciders(session: Session, appeal_id: str, /) -> tuple[str, ...]:
    """Who had a hand in what it is about: none of them is named to answer it."""
    row = session.get(Appeal, appeal_id)
    return _made_by(session, row) if row is not None else ()


def _made_by(session: Session, row: Appeal) -> tuple[str, ...]:
    made = tuple(one for one in (row.decided_by, row.decided_for, row.seconded_by, row.seconded_for) if one)
    whole = row.kind is AppealKind.COMPLAINT
    return made + tuple(sorted(in_it(session, row.object_ref, whole=whole).difference(made)))


def take_back(
    session: Session, appeal_id: str, /, *, asks: str = "appeal:raise", actor: Actor, now: datetime
) -> Appeal:
    """The household does not want it any longer; `asks` is the right of a worker to whom it said so."""
    row = get_own(session, appeal_id, asks=asks, actor=actor, now=now)
    session.refresh(row, with_for_update=True)
    if row.state is not AppealState.OPEN:
        raise WrongState("appeal_answered", state=row.state.value)
    row.state = AppealState.WITHDRAWN
    clocks.move_on(session, row.id, outcome="withdrawn", now=now)
    return _record(session, row, "appeal:take_back", actor=actor, now=now)


def get_own(session: Session, appeal_id: str, /, *, asks: str = "appeal:raise", actor: Actor, now: datetime) -> Appeal:
    """One that this household raised; a complaint is of who made it, an appeal is about what the household shares."""
    row = session.get(Appeal, appeal_id)
    facts = {"household_id": row.household_id, "district": row.district_code} if row is not None else {}
    require(actor, asks, **facts)
    if row is None:
        raise NotFound("appeal")
    require_own(session, row.complainant or None, actor=actor, now=now)
    return row


def _complaining(session: Session, kind: AppealKind, speaker: str, *, actor: Actor) -> str:
    """Whose own a complaint is: who makes it, for whom a helper makes it, or who said it to a worker."""
    if kind is not AppealKind.COMPLAINT:
        return ""
    person = person_behind(session, actor.id)
    return person.id if person is not None else speaker


def find_by_code(session: Session, code: str, /, *, network: str, now: datetime) -> Appeal | None:
    """The report behind a code; tries are counted, and the caller commits them."""
    accounts.count_try(session, "favours-code", network=network, now=now)
    typed = re.sub(r"[\s-]", "", code).upper()
    wanted = select(Appeal).where(Appeal.code_index == vault_of(session).index("favours-code", typed))
    return session.exec(wanted).one_or_none()


def _visible(actor: Actor) -> list[ColumnElement[bool]]:
    """Appeals and complaints of the actor's districts; favours to those who belong to no district, and where the
    city's own people are named, or nobody knows who, to the protection officer alone."""
    kind, here = col(Appeal.kind), col(Appeal.district_code).in_(sorted(actor.districts))
    favours = kind == AppealKind.FAVOURS
    if actor.role is Role.PROTECTION_OFFICER:
        complaints = kind == AppealKind.COMPLAINT
        return [or_(favours, complaints & here if actor.districts else complaints)]
    return [here, ~favours] if actor.districts else [~favours | col(Appeal.office).not_in(OFFICER_ONLY)]


def list_appeals(session: Session, /, *, actor: Actor, offset: int, limit: int) -> list[Appeal]:
    """What this reader may answer: open ones first, then by limit."""
    require(actor, "appeal:list", district=next(iter(sorted(actor.districts)), ""))
    order = (col(Appeal.state) != AppealState.OPEN, col(Appeal.due_at), col(Appeal.id))
    wanted = select(Appeal).where(*_visible(actor)).order_by(*order)
    return list(session.exec(wanted.offset(offset).limit(limit)))


def get_for_staff(session: Session, appeal_id: str, action: str, /, *, actor: Actor) -> Appeal:
    """One of them; whatever this reader may not see looks missing."""
    require(actor, action, district=next(iter(sorted(actor.districts)), ""))
    row = session.exec(select(Appeal).where(Appeal.id == appeal_id, *_visible(actor))).one_or_none()
    if row is None:
        raise NotFound("appeal")
    return row


def own_appeals(session: Session, household_id: str, /, *, ref: str = "", actor: Actor, now: datetime) -> list[Appeal]:
    """What the household has raised, as far as the one who reads may: no complaint of another adult."""
    heard = voices(session, actor=actor, now=now)
    found = of_household(session, household_id, ref=ref)
    return [row for row in found if is_own(row.complainant or None, heard)]


def of_household(session: Session, household_id: str, /, *, ref: str = "") -> list[Appeal]:
    """What a household has raised, the newest first; with `ref` about one decision."""
    wanted = select(Appeal).where(Appeal.household_id == household_id)
    if ref:
        wanted = wanted.where(Appeal.object_ref == ref)
    return list(session.exec(wanted.order_by(col(Appeal.raised_at).desc(), col(Appeal.id))))


def read(session: Session, row: Appeal, field: str, /) -> str:
    """Words or answer in plain text; empty where there is none."""
    sealed = getattr(row, field)
    return vault_of(session).open_if_kept(session, row.id, column=f"appeal.{field}", sealed=sealed)


def look(session: Session, row: Appeal, /, *, actor: Actor, now: datetime) -> None:
    """Opening somebody's words is written down first."""
    _record(session, row, "appeal:look", actor=actor, now=now)


def reconsider_by(decided_at: datetime, /) -> date:
    """The last day on which reconsideration of a decision of this day may be asked for."""
    return local_day(decided_at) + timedelta(days=RECONSIDER_DAYS)


def _record(session: Session, row: Appeal, action: str, *, actor: Actor, now: datetime) -> Appeal:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id or "", rule_id=row.kind.value)
    audit.record(session, entry, actor=actor, now=now)
    return row
