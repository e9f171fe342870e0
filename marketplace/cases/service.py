"""A household's application: begun, saved and come back to, signed, sent in, looked at, taken back.

Enters: answers of the household or of somebody who helps it. Leaves: a draft, or a case with its items begun: one
application for everything it may be owed. What is known already is not asked again. Called by this room's pages, by
helpers' pages and by the demo.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from adapters.pictures import NotAPicture, clean_jpeg
from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases import steps
from marketplace.cases.evaluate import MONEY, WANTS, Facts, plan
from marketplace.cases.models import ENDED, Case, CaseItem, CasePaper, CaseState, ItemState, PaperKind
from marketplace.clocks import service as clocks
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import facts as people
from marketplace.households.models import Person
from marketplace.households.service import contact_of, get_household
from marketplace.policy import require
from marketplace.reference.words import label, list_codes
from marketplace.sealed import vault_of

COLUMN = "aid_paper.body"
WORDING = "2026-11"
"""The version of the authorisation's words (核查授权书); it is kept with each signature."""
LONGEST_NAME = 40
MOST_PAPERS = 12


def new_number() -> str:
    """A case number that tells nothing and cannot be guessed."""
    return f"SQ{secrets.randbelow(10**10):010d}"


def find_draft(session: Session, household_id: str, /) -> Case | None:
    """What the household had begun and not sent."""
    asked = select(Case).where(Case.household_id == household_id, Case.state == CaseState.DRAFT)
    return session.exec(asked).one_or_none()


def start(
    session: Session,
    household_id: str,
    /,
    *,
    channel: str = "phone",
    proxy_id: str | None = None,
    wanted: str = "",
    actor: Actor,
    now: datetime,
) -> Case:
    """Begin an application, or come back to the one that lies there."""
    home = get_household(session, household_id)
    require(actor, "case:apply", household_id=home.id, district=home.district_code)
    found, person = find_draft(session, home.id), contact_of(session, home.id)
    if found is not None:
        return found
    if person is None:
        raise NotFound("person")
    case = Case(
        id=new_id(),
        number=new_number(),
        household_id=home.id,
        subject_id=person.id,
        opened_by=actor.id,
        opened_role=actor.role,
        proxy_id=proxy_id,
        channel=channel,
        district_code=home.district_code,
        office=home.street_code or home.district_code,
        answers={"only": [wanted]} if wanted in list_codes("aid_item") else {},
        created_at=now,
    )
    return _record(session, case, "case:start", actor=actor, now=now)


def save(session: Session, case: Case, answers: Mapping[str, Any], /, *, actor: Actor, now: datetime) -> Case:
    """Keep some answers; only known questions, only codes and whole numbers."""
    _draft(case, actor=actor)
    for name, value in answers.items():
        if name in MONEY or name == "size":
            sound = value is None or (isinstance(value, int) and 0 <= value <= 10**12)
        elif name == "wants":
            sound = bool(value) and set(value) <= set(WANTS)
        else:
            sound = name in ("ticks", "label") and set(_several(value)) <= set(list_codes(f"case_{name}"))
        if not sound:
            raise BadInput("bad_input", field=name)
    case.answers = {**case.answers, **answers}
    return _record(session, case, "case:save", actor=actor, now=now)


def _several(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) and value else list(value or ())


def add_photo(session: Session, case: Case, data: bytes, /, *, kind: PaperKind, actor: Actor, now: datetime) -> None:
    """A photo of a card or a bill: drawn anew without place and time, then sealed."""
    _draft(case, actor=actor)
    try:
        text = base64.b64encode(clean_jpeg(data)).decode()
    except NotAPicture as error:
        raise BadInput("not_a_picture", field="photo") from error
    _seal(session, case, text, kind=kind, actor=actor, now=now)


def correct_number(session: Session, case: Case, number: str, /, *, actor: Actor, now: datetime) -> None:
    """The number as the person reads it from the card; its check digit must fit."""
    _draft(case, actor=actor)
    person = session.get_one(Person, case.subject_id)
    try:
        people.correct(session, person, "id_number", number, actor=actor, now=now)
    except BadInput as error:
        raise BadInput(error.code, field="id_number") from error


def sign(
    session: Session,
    case: Case,
    name: str,
    /,
    *,
    all_classes: bool,
    hand_on: bool,
    kind: PaperKind = PaperKind.TYPED,
    actor: Actor,
    now: datetime,
) -> Case:
    """The authorisation to check the household's means, signed by the person with a typed name (witnessed where she
    cannot write). To look at all classes and to hand on what stays uncovered are two switches of their own."""
    _draft(case, actor=actor)
    plain = " ".join(name.split())
    if not 1 <= len(plain) <= LONGEST_NAME or not plain.isprintable():
        raise BadInput("bad_line", field="typed_name")
    _seal(session, case, plain, kind=kind, actor=actor, now=now)
    case.signed_at, case.all_classes, case.hand_on = now, all_classes, hand_on
    return _record(session, case, "case:sign", actor=actor, now=now)


def submit(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> list[CaseItem]:
    """Send it in: every item that may be owed is begun, or waits for the result it needs."""
    _draft(case, actor=actor)
    facts = facts_of(session, case)
    if case.signed_at is None:
        raise BadInput("not_signed", field="typed_name")
    if not facts.wants and not case.answers.get("only"):
        raise BadInput("bad_input", field="wants")
    planned = plan(facts, district=case.district_code, on=local_day(now), only=case.answers.get("only") or ())
    if not planned:
        raise BadInput("nothing_fits", field="wants")
    case.state, case.submitted_at = CaseState.OPEN, now
    session.add(case)
    flush(session)
    items = [_item(session, case, one.code, path=one.path, after=one.after, facts=facts, now=now) for one in planned]
    _record(session, case, "case:submit", actor=actor, now=now)
    notices.post(session, "case_received", key=f"case:{case.id}", household_id=case.household_id, now=now)
    return items


def _item(
    session: Session, case: Case, code: str, /, *, path: str, after: Sequence[str], facts: Facts, now: datetime
) -> CaseItem:
    item = CaseItem(
        id=new_id(),
        case_id=case.id,
        household_id=case.household_id,
        code=code,
        department=department_of(code),
        path=path,
        district_code=case.district_code,
        office=case.office,
        after=list(after),
        state=ItemState.WAITING,
        cause="illness" if "illness" in facts.wants else "accident" if "accident" in facts.wants else "",
        asked_fen=facts.medical_fen if code in ("LINSHI", "YILIAO_JIUZHU") else 0,
    )
    session.add(item)
    flush(session)
    if not after:
        steps.begin(session, item, now=now)
    return item


def department_of(code: str, /) -> str:
    """The department that owns an item."""
    from marketplace.reference.tables import rows

    return next(row["department"] for row in rows("aid_items") if row["code"] == code)


def facts_of(session: Session, case: Case, /) -> Facts:
    """What the household told, with what the house knew already."""
    home = get_household(session, case.household_id)
    return Facts.read(case.answers, size=home.size, urban=home.urban)


def withdraw(session: Session, case_id: str, /, *, actor: Actor, now: datetime) -> Case:
    """The household takes its application back; what was granted stays granted."""
    case = get_case(session, case_id, actor=actor, asks="case:withdraw")
    if case.state not in (CaseState.DRAFT, CaseState.OPEN):
        raise WrongState("case_closed")
    for item in list_items(session, case.id):
        if item.state not in ENDED:
            item.state = ItemState.WITHDRAWN
            session.add(item)
            clocks.end(session, steps.clock_ref(item.id), outcome="withdrawn", now=now)
    for step in steps.list_steps(session, case.id):
        if step.ended_at is None and step.code != "payment":
            step.ended_at, step.ended_by, step.outcome = now, actor.id, "withdrawn"
            step.stopped_at, step.left_days = None, None
            session.add(step)
    if case.state is CaseState.DRAFT:
        case.signed_at, case.submitted_at = case.signed_at or now, now
    case.state = CaseState.WITHDRAWN
    return _record(session, case, "case:withdraw", actor=actor, now=now)


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
    return sorted(found, key=lambda one: order.index(one.code))


def _draft(case: Case, *, actor: Actor) -> None:
    require(actor, "case:apply", household_id=case.household_id, district=case.district_code)
    if case.state is not CaseState.DRAFT:
        raise WrongState("case_sent")


def _seal(session: Session, case: Case, text: str, *, kind: PaperKind, actor: Actor, now: datetime) -> None:
    asked = select(CasePaper).where(CasePaper.case_id == case.id)
    if len(session.exec(asked).all()) >= MOST_PAPERS:
        raise BadInput("enough_papers", field="photo")
    sealed = vault_of(session).seal(session, case.subject_id, column=COLUMN, text=text)
    paper = CasePaper(
        id=new_id(),
        case_id=case.id,
        kind=kind,
        person_id=case.subject_id,
        body=sealed,
        size_bytes=len(text),
        wording=WORDING if kind in (PaperKind.TYPED, PaperKind.DRAWN, PaperKind.WITNESSED) else "",
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(paper)
    flush(session)
    entry = audit.Entry("case:paper", object_ref=paper.id, subject=case.household_id, rule_id=kind.value)
    audit.record(session, entry, actor=actor, now=now)


def _record(session: Session, case: Case, act: str, *, actor: Actor, now: datetime) -> Case:
    session.add(case)
    flush(session)
    entry = audit.Entry(act, object_ref=case.id, subject=case.household_id, rule_id=case.proxy_id or "")
    audit.record(session, entry, actor=actor, now=now)
    return case


def item_word(code: str, /, *, lang: str) -> str:
    """An item's name."""
    return label("aid_item", code, lang=lang)
