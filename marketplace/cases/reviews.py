"""Looking again at what was granted (定期核查): when, by whom, and what was found.

Enters: a granted item, the clock, a worker's finding. Leaves: a day in the interval of the family's class, a clock for
the street's staff from a month before, the next day after each look. Nothing is cut here: where things have changed an
application for this one item begins on the old answers and papers, a short way to a new decision, and the family is
told; what was granted is paid meanwhile. Called by `granted`, the worker and the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases import once, steps
from marketplace.cases.models import OPEN, Case, CaseItem, CaseState, ItemState
from marketplace.cases.models_reviews import ItemReview
from marketplace.cases.rules import path_of, review_months, steps_of
from marketplace.cases.service import NUMBERS, new_number, sound
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import kin
from marketplace.households.categories import months_later
from marketplace.policy import require
from marketplace.reference.words import list_codes

STEP = "item_review"
AHEAD = timedelta(days=30)
LEAST = timedelta(days=7)
SAME, CHANGED = "same", "changed"
PATH, UNPAID = "REVIEW", "REVIEW_CLASS"
"""The short way to a new decision: of what is paid, and of a class, which pays nothing itself."""
SOON = 1
"""Months until the next look where the last one found that things have changed."""
BATCH = 100


def plan(session: Session, item: CaseItem, /, *, actor: Actor = SYSTEM, now: datetime) -> ItemReview | None:
    """The first look at an item that is granted now, once; a family with somebody registered as out of work is class
    B."""
    waiting = select(ItemReview).where(ItemReview.item_id == item.id, col(ItemReview.done_at).is_(None))
    if (known := session.exec(waiting).one_or_none()) is not None:
        return known
    ticks = session.get_one(Case, item.case_id).answers.get("ticks") or ()
    kind = "B" if "jobless" in ticks and _months(item, "B", now=now) else "A"
    months = _months(item, kind, now=now)
    return _next(session, item, kind, months=months, actor=actor, now=now) if months else None


def _months(item: CaseItem, kind: str, *, now: datetime) -> int:
    return review_months(item.code, kind, district=item.district_code, on=local_day(now))


def classes_of(item: CaseItem, /, *, now: datetime) -> list[str]:
    """The classes that an item has an interval for."""
    return [kind for kind in list_codes("review_class") if _months(item, kind, now=now)]


def _next(session: Session, item: CaseItem, kind: str, *, months: int, actor: Actor, now: datetime) -> ItemReview:
    row = ItemReview(
        id=new_id(),
        item_id=item.id,
        household_id=item.household_id,
        district_code=item.district_code,
        kind=kind,
        due_on=months_later(local_day(now), months),
    )
    return _record(session, row, "review:plan", actor=actor, now=now)


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Tell the street's staff, a month ahead, whom to look at; how many."""
    now = clock()
    soon = select(ItemReview.id).where(
        col(ItemReview.done_at).is_(None),
        col(ItemReview.opened_at).is_(None),
        col(ItemReview.due_on) <= local_day(now) + AHEAD,
    )
    with database.reading() as session:
        ids = session.exec(soon.order_by(col(ItemReview.due_on), col(ItemReview.id)).limit(BATCH)).all()
    for review_id in ids:
        with database.transaction() as session:
            _open(session, review_id, now=now)
    return len(ids)


def _open(session: Session, review_id: str, *, now: datetime) -> None:
    row = session.get_one(ItemReview, review_id, with_for_update=True, populate_existing=True)
    if row.opened_at is not None or row.done_at is not None:
        return
    row.opened_at = now
    clock = clocks.start(session, STEP, _ref(row), holder=Holder(district_code=row.district_code), now=now)
    clocks.set_last_day(session, clock, max(row.due_on, local_day(now) + LEAST))
    _record(session, row, "review:open", actor=SYSTEM, now=now)


def _ref(row: ItemReview) -> str:
    return f"review:{row.item_id}"


def get_review(session: Session, item_id: str, /, *, actor: Actor) -> ItemReview:
    """The next look at an item of the actor's districts; any other looks missing."""
    asked = select(ItemReview).where(ItemReview.item_id == item_id, col(ItemReview.done_at).is_(None))
    row = session.exec(asked).one_or_none()
    require(actor, "case:handle", district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("review")
    return row


def finish(
    session: Session,
    item_id: str,
    outcome: str,
    /,
    *,
    kind: str,
    finding: str,
    numbers: Mapping[str, int | None] | None = None,
    actor: Actor,
    now: datetime,
) -> ItemReview:
    """Somebody looked: nothing has changed, or it has, and these are the household's numbers now. Either way the next
    look has its day."""
    row = get_review(session, item_id, actor=actor)
    session.refresh(row, with_for_update=True)
    if row.opened_at is None:
        raise WrongState("review_early")
    kin.refuse_close(session, row.household_id, actor=actor)
    item = session.get_one(CaseItem, row.item_id)
    if outcome not in list_codes("review_outcome") or kind not in classes_of(item, now=now):
        raise BadInput("bad_input", field="outcome")
    if not finding.strip():
        raise BadInput("bad_line", field="finding")
    told = _told(numbers or {})
    row.outcome, row.finding, row.kind = outcome, finding.strip()[:400], kind
    row.done_by, row.done_at = actor.id, now
    clocks.end(session, _ref(row), outcome=outcome, now=now)
    _record(session, row, "review:finish", actor=actor, now=now)
    if outcome == CHANGED:
        _decide_anew(session, item, told, actor=actor, now=now)
        notices.post(session, "review_changed", key=f"review:{row.id}", household_id=row.household_id, now=now)
    months = SOON if outcome == CHANGED else _months(item, kind, now=now)
    _next(session, item, kind, months=months, actor=actor, now=now)
    return row


def _told(numbers: Mapping[str, int | None]) -> dict[str, int]:
    """The numbers that were typed in; those left empty stay as they were."""
    told = {name: value for name, value in numbers.items() if value is not None}
    for name, value in told.items():
        if name not in NUMBERS or not sound(name, value):
            raise BadInput("bad_input", field=name)
    return told


def _decide_anew(session: Session, item: CaseItem, numbers: Mapping[str, int], *, actor: Actor, now: datetime) -> None:
    """One application for this item alone, signed already, on the numbers of now; where the item is being decided
    anew already, that one gets the numbers."""
    old = session.get_one(Case, item.case_id)
    runs = item if item.state in OPEN else once.open_besides(session, item)
    if runs is not None:
        case = session.get_one(Case, runs.case_id)
        case.answers = {**case.answers, **numbers}
        session.add(case)
        return
    kept = old.model_dump(exclude={"id", "number", "decided_at", "decision", "proxy_id"})
    told: dict[str, Any] = {"opened_by": actor.id, "opened_for": actor.stood_for, "opened_role": actor.role}
    told |= {"channel": "review", "review_of": item.id}
    told["answers"] = {**old.answers, **numbers, once.APART: {}}
    case = Case(
        **{**kept, **told, "id": new_id(), "number": new_number(), "state": CaseState.OPEN},
    )
    case.created_at = case.submitted_at = now
    session.add(case)
    kept = item.model_dump(
        include={"household_id", "code", "department", "district_code", "office", "cause", "once_for"}
    )
    again = CaseItem(**kept, id=new_id(), case_id=case.id, path=_path(item, now=now), after=[], state=ItemState.WAITING)
    session.add(again)
    flush(session)
    steps.begin(session, again, now=now)
    entry = audit.Entry("case:submit", object_ref=case.id, subject=case.household_id, rule_id=item.id)
    audit.record(session, entry, actor=actor, now=now)


def _path(item: CaseItem, *, now: datetime) -> str:
    here: dict[str, Any] = {"district": item.district_code, "on": local_day(now)}
    paid = any(one.code == steps.PAYMENT for one in steps_of(path_of(item.code, **here).name, **here))
    return PATH if paid else UNPAID


def report_change(session: Session, item_id: str, /, *, actor: Actor, now: datetime) -> ItemReview:
    """The family tells that something has changed (R2.21): somebody looks now, not on the day that was named."""
    asked = select(ItemReview).where(ItemReview.item_id == item_id, col(ItemReview.done_at).is_(None))
    row = session.exec(asked.with_for_update()).one_or_none()
    home, district = (row.household_id, row.district_code) if row is not None else (None, None)
    require(actor, "case:answer", household_id=home, district=district)
    if row is None:
        raise NotFound("review")
    row.due_on = min(row.due_on, local_day(now) + AHEAD)
    _record(session, row, "review:report", actor=actor, now=now)
    _open(session, row.id, now=now)
    return row


def stop(session: Session, item_id: str, /, *, outcome: str, actor: Actor = SYSTEM, now: datetime) -> None:
    """Another decision took its place, or it is over: this item is not looked at any more."""
    asked = select(ItemReview).where(ItemReview.item_id == item_id, col(ItemReview.done_at).is_(None))
    for row in session.exec(asked):
        row.outcome, row.done_by, row.done_at = outcome, actor.id, now
        clocks.end(session, _ref(row), outcome=outcome, now=now)
        _record(session, row, "review:finish", actor=actor, now=now)


def list_due(
    session: Session, /, *, actor: Actor, offset: int = 0, limit: int = 50
) -> tuple[Sequence[ItemReview], int]:
    """What somebody was told to look at in the actor's districts, the first to be late first; and how many."""
    require(actor, "case:list")
    wanted = [col(ItemReview.done_at).is_(None), col(ItemReview.opened_at).is_not(None)]
    if actor.districts:
        wanted.append(col(ItemReview.district_code).in_(sorted(actor.districts)))
    order = (col(ItemReview.due_on), col(ItemReview.id))
    total = session.exec(select(func.count()).select_from(ItemReview).where(*wanted)).one()
    return session.exec(select(ItemReview).where(*wanted).order_by(*order).offset(offset).limit(limit)).all(), total


def of_item(session: Session, item_id: str, /) -> list[ItemReview]:
    """All looks at an item, the next one first."""
    asked = select(ItemReview).where(ItemReview.item_id == item_id)
    return list(session.exec(asked.order_by(col(ItemReview.due_on).desc(), col(ItemReview.id))))


def next_days(session: Session, item_ids: Sequence[str], /) -> dict[str, date]:
    """Item ► the day of its next look, for the household's page."""
    asked = select(col(ItemReview.item_id), col(ItemReview.due_on))
    asked = asked.where(col(ItemReview.item_id).in_(item_ids), col(ItemReview.done_at).is_(None))
    return dict(session.exec(asked).all())


def _record(session: Session, row: ItemReview, act: str, *, actor: Actor, now: datetime) -> ItemReview:
    session.add(row)
    flush(session)
    entry = audit.Entry(act, object_ref=row.id, subject=row.household_id, decision=row.outcome, rule_id=row.kind)
    audit.record(session, entry, actor=actor, now=now)
    return row
