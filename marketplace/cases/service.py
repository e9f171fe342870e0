"""A household's application: begun, saved and come back to, signed, sent in, looked at.

Enters: answers of the household or of somebody who helps it. Leaves: a draft, or a case with its items begun: one
application for everything it may be owed. What is known already is not asked again. Called by this room's pages, by
helpers' pages and by the demo.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.cases import once, papers, said, steps
from marketplace.cases.apart import cause_of, left_to_others, planned_for
from marketplace.cases.evaluate import MONEY, WANTS, Facts
from marketplace.cases.known import facts_of as facts_of
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState, PaperKind
from marketplace.cases.papers import keep_reading, require_draft, seal_paper, signed_as
from marketplace.cases.rules import FAST, item_rule
from marketplace.db import flush, new_id
from marketplace.drawing import read_strokes
from marketplace.errors import BadInput, NotFound
from marketplace.households import facts as people
from marketplace.households import guardians
from marketplace.households.models import Household, Person
from marketplace.households.service import contact_of, get_household, list_people
from marketplace.policy import require
from marketplace.proxies.models import HelpPower, PowerKind
from marketplace.readback.service import Heard
from marketplace.reference.words import list_codes

LONGEST_NAME = 40
NUMBERS = (*MONEY, "size")
"""What is answered with a number."""


def new_number() -> str:
    """A case number that tells nothing and cannot be guessed."""
    return f"SQ{secrets.randbelow(10**10):010d}"


def find_draft(session: Session, household_id: str, subject_id: str, /) -> Case | None:
    """What was begun for this person and not sent."""
    asked = select(Case).where(Case.household_id == household_id, Case.subject_id == subject_id)
    return session.exec(asked.where(Case.state == CaseState.DRAFT)).one_or_none()


def start(
    session: Session,
    household_id: str,
    /,
    *,
    channel: str = "phone",
    wanted: str = "",
    subject_id: str = "",
    actor: Actor,
    now: datetime,
) -> Case:
    """Begin an application, or come back to the one that lies there. A child's is signed by a verified guardian."""
    home = get_household(session, household_id)
    require(actor, "case:apply", household_id=home.id, district=home.district_code)
    power = _power_of(session, actor)
    person = _whom(session, home.id, subject_id or (power.subject_id if power else ""), actor=actor)
    if person is None or person.household_id != home.id:
        raise NotFound("person")
    signer = guardians.signer_for(session, person, actor=actor, now=now)
    if subject_id and actor.role is Role.HOUSEHOLD and signer != actor.id:
        raise NotFound("person")
    found = find_draft(session, home.id, person.id)
    if found is not None:
        papers.hand_over(session, found, signer, actor=actor, now=now)
        return _with(session, found, wanted, actor=actor, now=now)
    case = Case(
        id=new_id(),
        number=new_number(),
        household_id=home.id,
        subject_id=person.id,
        signer_id=signer,
        opened_by=actor.id,
        opened_for=actor.stood_for,
        opened_role=actor.role,
        proxy_id=power.id if power else None,
        channel=channel,
        district_code=home.district_code,
        office=home.street_code or home.district_code,
        answers={"only": [wanted]} if wanted in list_codes("aid_item") else {},
        created_at=now,
    )
    return _record(session, case, "case:start", actor=actor, now=now)


def _with(session: Session, draft: Case, wanted: str, *, actor: Actor, now: datetime) -> Case:
    """A draft for some items only, with the one whose code was scanned now; a draft without a choice has every item."""
    only = list(draft.answers.get("only") or ())
    if wanted not in list_codes("aid_item") or not only or wanted in only:
        return draft
    papers.keep_answers(session, draft, {"only": [*only, wanted]}, actor=actor, now=now)
    return _record(session, draft, "case:save", actor=actor, now=now)


def _whom(session: Session, household_id: str, person_id: str, *, actor: Actor) -> Person | None:
    """Who is named; else the person that is signed in; else whom messages reach."""
    if not person_id and actor.role is Role.HOUSEHOLD:
        person_id = actor.id if session.get(Person, actor.id) is not None else ""
    return session.get(Person, person_id) if person_id else first_of(session, household_id)


def _power_of(session: Session, actor: Actor) -> HelpPower | None:
    return session.get(HelpPower, actor.id) if actor.role is Role.HELPER else None


def first_of(session: Session, household_id: str) -> Person | None:
    """Whom messages reach, else the head of a household without a telephone."""
    return contact_of(session, household_id) or next(iter(list_people(session, household_id)), None)


def save(session: Session, case: Case, answers: Mapping[str, Any], /, *, actor: Actor, now: datetime) -> Case:
    """Keep some answers; only known questions, only codes and whole numbers."""
    require_draft(session, case, actor=actor)
    for name, value in answers.items():
        if not sound(name, value):
            raise BadInput("bad_input", field=name)
    papers.keep_answers(session, case, answers, actor=actor, now=now)
    return _record(session, case, "case:save", actor=actor, now=now)


def sound(name: str, value: Any, /) -> bool:
    """Whether this is an answer to a question that is asked: codes and whole numbers only."""
    if name in NUMBERS:
        return value is None or (isinstance(value, int) and 0 <= value <= 10**12)
    if name == "wants":
        return bool(value) and set(value) <= set(WANTS)
    return name in ("ticks", "label") and set(_several(value)) <= set(list_codes(f"case_{name}"))


def _several(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) and value else list(value or ())


def correct_number(session: Session, case: Case, number: str, /, *, actor: Actor, now: datetime) -> None:
    """The number as the person reads it from the card; its check digit must fit."""
    require_draft(session, case, actor=actor)
    person = session.get_one(Person, case.subject_id)
    before = person.id_number_index
    try:
        people.correct(session, person, "id_number", number, actor=actor, now=now)
    except BadInput as error:
        raise BadInput(error.code, field="id_number") from error
    if person.id_number_index != before:
        papers.unsign(session, case, actor=actor, now=now)


def sign(
    session: Session,
    case: Case,
    name: str,
    /,
    *,
    all_classes: bool,
    hand_on: bool,
    drawn: str = "",
    heard: Heard | None = None,
    actor: Actor,
    now: datetime,
) -> Case:
    """The authorisation to check the household's means, signed by the person (or a child's guardian) with a typed name
    or with `drawn` strokes of a finger; by an agent only under a written power; taken down by staff only as `heard`:
    read aloud and signed there, and the reading is kept with it. To look at all classes and to hand on what stays
    uncovered are two switches of their own."""
    require_draft(session, case, actor=actor)
    signer = guardians.signer_for(session, session.get_one(Person, case.subject_id), actor=actor, now=now)
    papers.hand_over(session, case, signer, actor=actor, now=now)
    if not may_sign(session, case, heard=heard, actor=actor, now=now):
        raise BadInput("signs_itself", field="typed_name")
    if actor.role is Role.HELPER and hand_on and "offers" not in _matters(session, actor):
        raise BadInput("not_for_agents", field="hand_on")
    if heard is not None:
        answer = {"all_classes": all_classes, "hand_on": hand_on}
        keep_reading(session, case, heard, answer=answer, actor=actor, now=now)
    kind, text = (PaperKind.DRAWN, read_strokes(drawn)) if drawn else (signed_as(actor, heard), _written(name))
    seal_paper(session, case, text, kind=kind, owner=case.signer_id, actor=actor, now=now)
    case.signed_at, case.all_classes, case.hand_on = now, all_classes, hand_on
    return _record(session, case, "case:sign", actor=actor, now=now)


def may_sign(session: Session, case: Case, /, *, heard: Heard | None = None, actor: Actor, now: datetime) -> bool:
    """Whether this signature would be the person's own, one that staff read aloud for and `heard`, or an agent's whose
    written power names this person and applications. Staff never sign for anybody; a helper for one day fills in and
    does not sign; nor does another of the household."""
    if actor.role is Role.HELPER:
        power = _power_of(session, actor)
        named = power is not None and power.kind is PowerKind.STANDING and power.subject_id == case.subject_id
        return named and case.signer_id == case.subject_id and "applications" in _matters(session, actor)
    if actor.role is not Role.HOUSEHOLD:
        return heard is not None
    return session.get(Person, actor.id) is None or actor.id == papers.signer_of(session, case, now=now)


def _matters(session: Session, actor: Actor) -> frozenset[str]:
    power = _power_of(session, actor)
    return frozenset(power.matters) if power is not None else frozenset()


def _written(name: str) -> str:
    plain = " ".join(name.split())
    if not plain:
        raise BadInput("sign_missing", field="typed_name")
    if not 1 <= len(plain) <= LONGEST_NAME or not plain.isprintable():
        raise BadInput("bad_line", field="typed_name")
    return plain


def submit(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> list[CaseItem]:
    """Send it in: every item that may be owed is begun, or waits for the result it needs. What another application
    has open, or what was granted and still runs, is left to that one. The household is locked: of two that are sent at
    once the second sees the first."""
    require_draft(session, case, actor=actor)
    session.get_one(Household, case.household_id, with_for_update=True)
    facts = facts_of(session, case, on=local_day(now))
    papers.require_signed(session, case, actor=actor, now=now)
    if not facts.wants and not case.answers.get("only"):
        raise BadInput("bad_input", field="wants")
    apart = left_to_others(session, case, facts, now=now)
    planned = planned_for(case, facts, apart, now=now)
    if not planned:
        raise BadInput("nothing_new", field="wants")
    case.state, case.submitted_at = CaseState.OPEN, now
    case.answers = {**case.answers, once.APART: {code: item.id for code, item in apart.items()}}
    session.add(case)
    flush(session)
    items = [add_item(session, case, one.code, path=one.path, after=one.after, facts=facts, now=now) for one in planned]
    _record(session, case, "case:submit", actor=actor, now=now)
    said.tell(session, case, actor=actor, now=now)
    notices.post(session, "case_received", key=f"case:{case.id}", household_id=case.household_id, now=now)
    return items


def add_item(
    session: Session, case: Case, code: str, /, *, path: str, after: Sequence[str], facts: Facts, now: datetime
) -> CaseItem:
    """One item of a case that is sent: it begins, or waits."""
    on = local_day(now)
    item = CaseItem(
        id=new_id(),
        case_id=case.id,
        household_id=case.household_id,
        code=code,
        department=item_rule(code, district=case.district_code, on=on).department,
        path=path,
        district_code=case.district_code,
        office=case.office,
        after=list(after),
        state=ItemState.WAITING,
        cause=cause_of(facts),
        once_for=once.key_of(code, case, cause=cause_of(facts), on=on),
        asked_fen=facts.medical_fen if code in ("LINSHI", "YILIAO_JIUZHU") else 0,
    )
    session.add(item)
    flush(session)
    if not after:
        steps.begin(session, item, now=now)
    return item


def get_case(session: Session, case_id: str, /, *, actor: Actor, asks: str = "case:view") -> Case:
    """The case, if the actor may see it; a foreign one looks like a missing one."""
    found = session.get(Case, case_id)
    if found is None:
        raise NotFound("case")
    require(actor, asks, household_id=found.household_id, district=found.district_code)
    return found


def list_cases(session: Session, household_id: str, /) -> list[Case]:
    """A household's cases, the newest first."""
    order = (col(Case.created_at).desc(), col(Case.id))
    return list(session.exec(select(Case).where(Case.household_id == household_id).order_by(*order)))


def list_items(session: Session, case_id: str, /) -> list[CaseItem]:
    """The items of a case in the table's order."""
    found = session.exec(select(CaseItem).where(CaseItem.case_id == case_id)).all()
    order = list_codes("aid_item")
    return sorted(found, key=lambda one: (order.index(one.code), one.path != FAST))


def _record(session: Session, case: Case, act: str, *, actor: Actor, now: datetime) -> Case:
    session.add(case)
    flush(session)
    entry = audit.Entry(act, object_ref=case.id, subject=case.household_id, rule_id=case.proxy_id or "")
    audit.record(session, entry, actor=actor, now=now)
    return case
