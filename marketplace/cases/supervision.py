"""Supervision (督办): the ladder of late steps, the board of what is late, and the month's times, frozen once out.

Enters: running clocks, ended items. Leaves: an escalation for each rung with the person who was told (80 % who holds
it, 100 % the street's verifier, 120 % the district's approver, 150 % the city); counts and pages made in SQL; a month
by office and item with mean, median and 90th percentile. Called by the worker and by the pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import String, cast, func, literal
from sqlalchemy import case as when
from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import local_day
from marketplace.cases import board, named, notice, silent
from marketplace.cases.models import CaseItem, CaseStep, Escalation
from marketplace.cases.models_months import MonthReport
from marketplace.cases.models_orders import PaymentOrder
from marketplace.clocks.models import Clock
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput
from marketplace.households.categories import months_later
from marketplace.policy import require
from marketplace.reference.words import list_codes

LEVELS = {1: Role.WORKER, 2: Role.VERIFIER, 3: Role.APPROVER, 4: Role.APPROVER}
"""Rung ► whose role is told; the fourth is for an approver of the whole city, the first for who holds the step."""
BATCH = 100


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Let public notices end, have silent households called, then climb the ladder; how much was done."""
    now = clock()
    return notice.over(database, now=now) + silent.sweep(database, now=now) + climb(database, now=now)


def climb(database: Database, /, *, now: datetime) -> int:
    """Write each rung that a late step has reached since the last time, one rung once; none is left out because nobody
    looked in between."""
    reached = (
        select(Clock.id, CaseStep.id, CaseStep.item_id, Clock.reminders, Clock.district_code)  # type: ignore[call-overload]
        .join(CaseStep, literal("item:") + col(CaseStep.item_id) == col(Clock.object_ref))
        .outerjoin(
            Escalation,
            (col(Escalation.step_id) == col(CaseStep.id)) & (col(Escalation.level) == col(Clock.reminders)),
        )
        .where(
            Clock.step == "case_step",
            col(Clock.ended_at).is_(None),
            Clock.reminders > 0,
            col(CaseStep.ended_at).is_(None),
            col(Escalation.id).is_(None),
        )
        .order_by(col(Clock.due_at), col(Clock.id))
        .limit(BATCH)
    )
    with database.reading() as session:
        found = session.exec(reached).all()
    for clock_id, step_id, item_id, reached_level, district in found:
        with database.transaction() as session:
            written = set(session.exec(select(Escalation.level).where(Escalation.step_id == step_id)))
            for level in sorted({*range(1, reached_level + 1)} - written):
                _tell(session, clock_id, step_id, item_id, level=level, district=district, now=now)
    return len(found)


def _tell(
    session: Session, clock_id: str, step_id: str, item_id: str, *, level: int, district: str, now: datetime
) -> None:
    role = LEVELS[level] if level > 1 else named.role_of(session.get_one(CaseStep, step_id))
    person = named.person_of(session, role, district="" if level == max(LEVELS) else district)
    row = Escalation(
        id=new_id(),
        step_id=step_id,
        item_id=item_id,
        level=level,
        account_id=person.id if person else None,
        raised_at=now,
    )
    session.add(row)
    clock = session.get_one(Clock, clock_id)
    clock.account_id = person.id if person else clock.account_id
    session.add(clock)
    flush(session)
    entry = audit.Entry("case:escalate", object_ref=item_id, rule_id=f"level-{level}")
    audit.record(session, entry, actor=SYSTEM, now=now)
    if person is not None:
        notices.post(session, "reminder_staff", key=f"rung:{row.id}", account_id=person.id, now=now)


def count_late(session: Session, /, *, actor: Actor, now: datetime) -> dict[str, int]:
    """District ► how many items are late."""
    asked = select(col(CaseItem.district_code), func.count()).where(*board.conditions(actor, now, late=True))
    return {row[0]: int(row[1]) for row in session.execute(asked.group_by(col(CaseItem.district_code)))}


@dataclass(frozen=True, slots=True)
class Times:
    """One office and item in one month, in working days that the offices had it; tenths of a day for the mean. What was
    paid late in the month is counted beside what ended in it."""

    office: str
    code: str
    holder: str
    ended: int
    late: int
    mean_tenths: int
    median: int
    p90: int
    asked_again: int = 0
    paid_late: int = 0


def times_of(session: Session, month: str, /) -> list[Times]:
    """The month from the rows themselves: one statement gives each office and item with its days, read in the index."""
    days = func.aggregate_strings(cast(col(CaseItem.days_taken), String), ",")
    late = func.sum(when((col(CaseItem.late_cause) != "", 1), else_=0))
    group = (col(CaseItem.office), col(CaseItem.code))
    again = func.sum(when((col(CaseItem.stops) > 1, 1), else_=0))
    held = [func.sum(when((col(CaseItem.late_with) == code, 1), else_=0)) for code in list_codes("case_holder")]
    asked = select(*group, days, late, again, *held)  # type: ignore[call-overload]
    asked = asked.where(CaseItem.month == month).group_by(*group).order_by(*group)
    late_paid = _paid_late(session, month)
    ended = [_times(*row, paid_late=late_paid.pop((row[0], row[1]), 0)) for row in session.execute(asked)]
    only_paid = [Times(*key, "", 0, 0, 0, 0, 0, paid_late=many) for key, many in late_paid.items()]
    return sorted(ended + only_paid, key=lambda row: (row.office, row.code))


def _paid_late(session: Session, month: str) -> dict[tuple[str, str], int]:
    """Office and item ► how many orders were paid late in the month."""
    group = (col(PaymentOrder.office), col(PaymentOrder.code))
    asked = select(*group, func.count()).where(PaymentOrder.month == month, PaymentOrder.late_cause != "")
    return {(row[0], row[1]): int(row[2]) for row in session.execute(asked.group_by(*group))}


def _times(office: str, code: str, listed: str, late: int, again: int, *held: int, paid_late: int = 0) -> Times:
    """Mean, median and 90th percentile of one office and item; the holder is who held most of what was late.

    >>> _times("500103", "DIBAO", "9,1,4", 1, 0, 1)
    Times(office='500103', code='DIBAO', holder='TOWNSHIP', ended=3, late=1, mean_tenths=47, median=4, p90=9, \
asked_again=0, paid_late=0)
    """
    days = sorted(map(int, listed.split(",")))
    n, most = len(days), max(map(int, held))
    holder = list_codes("case_holder")[[int(one) for one in held].index(most)] if most else ""
    mean, median, p90 = round(10 * sum(days) / n), days[(n + 1) // 2 - 1], days[-(-9 * n // 10) - 1]
    return Times(office, code, holder, n, int(late), mean, median, p90, int(again), paid_late)


def publish(session: Session, month: str, /, *, actor: Actor, now: datetime) -> MonthReport:
    """Freeze a month that is over; a correction is a new version, the old one stays (a trigger sees to it)."""
    require(actor, "case:publish")
    if month >= f"{local_day(now):%Y-%m}":
        raise BadInput("month_runs", field="month")
    return _freeze(session, month, actor=actor, now=now)


def publish_due(database: Database, /, *, now: datetime) -> int:
    """Every month that is over is published by the house itself: nobody whose times it tells has to want it. From the
    first in which something ended; one without an end is published as such, and one missed before follows."""
    with database.reading() as session:
        owed = _unpublished(session, before=f"{local_day(now):%Y-%m}")
    if owed:
        with database.transaction() as session:
            for month in owed:
                _freeze(session, month, actor=SYSTEM, now=now)
    return len(owed)


def _unpublished(session: Session, *, before: str) -> list[str]:
    month = session.exec(select(func.min(CaseItem.month)).where(CaseItem.month != "")).one() or before
    known, found = {report.month for report in published(session)}, list[str]()
    while month < before:
        found += [month] if month not in known else []
        month = f"{months_later(date.fromisoformat(f'{month}-01'), 1):%Y-%m}"
    return found


def _freeze(session: Session, month: str, *, actor: Actor, now: datetime) -> MonthReport:
    rows = [asdict(row) for row in times_of(session, month)]
    known = published(session, month)
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    report = MonthReport(
        id=new_id(),
        month=month,
        version=known[0].version + 1 if known else 1,
        rows=rows,
        sha256=sha256(text.encode()).hexdigest(),
        published_by=actor.id,
        published_at=now,
    )
    session.add(report)
    flush(session)
    entry = audit.Entry("case:publish", object_ref=report.id, rule_id=month)
    audit.record(session, entry, actor=actor, now=now)
    return report


def published(session: Session, month: str = "", /) -> list[MonthReport]:
    """What was published, of one month or of all, the newest first."""
    asked = select(MonthReport).order_by(col(MonthReport.month).desc(), col(MonthReport.version).desc())
    return list(session.exec(asked.where(MonthReport.month == month) if month else asked))


def latest_rung(session: Session, item_ids: list[str], /) -> dict[str, int]:
    """Item ► the highest rung it has reached."""
    asked = select(col(Escalation.item_id), func.max(col(Escalation.level))).where(
        col(Escalation.item_id).in_(item_ids)
    )
    return {row[0]: int(row[1]) for row in session.execute(asked.group_by(col(Escalation.item_id)))}
