"""Service records of volunteers: the certificate's figures and the table to take away (Charity Law, article 66).

Enters: a volunteer, or a giver and a period. Leaves: sums and rows of time, content, minutes and rating. Nothing in
them tells whom somebody served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from adapters.tabular_writer import Column, write_xlsx
from marketplace.appointments import volunteers
from marketplace.appointments.models import ServiceRecord, Volunteer, VolunteerState
from marketplace.appointments.table import volunteer_schema
from marketplace.calendar import HERE
from marketplace.reference.words import label

HEADS = (
    ("志愿者编号", "Registration number", "text"),
    ("姓名", "Name", "text"),
    ("服务日期", "Day", "date"),
    ("开始时间", "Begun at", "text"),
    ("分钟", "Minutes", "number"),
    ("服务类别", "Kind of service", "text"),
    ("服务内容", "Content", "text"),
    ("评价(1-5)", "Rating (1-5)", "number"),
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one volunteer has served: sums over the records that stand, and the records themselves, the newest first."""

    records: tuple[ServiceRecord, ...]
    minutes: int
    by_kind: tuple[tuple[str, int], ...]
    rating_hundredths: int | None
    void: tuple[ServiceRecord, ...] = ()
    """What was recorded and is disputed or struck: kept, with its reason, and counted nowhere."""

    @property
    def hours(self) -> str:
        """Hours with one decimal, cut and never rounded up.

        >>> Certificate((), 119, (), None).hours
        '1.9'
        """
        tenths = self.minutes // 6
        return f"{tenths // 10}.{tenths % 10}"

    @property
    def rating(self) -> str:
        """The mean rating with two decimals; empty while nobody has rated."""
        if self.rating_hundredths is None:
            return ""
        return f"{self.rating_hundredths // 100}.{self.rating_hundredths % 100:02d}"


def certificate_of(session: Session, volunteer: Volunteer, /) -> Certificate:
    """All records of a volunteer that were not disputed, and apart from them those that were."""
    wanted = select(ServiceRecord).where(col(ServiceRecord.volunteer_id) == volunteer.id)
    every = session.exec(wanted.order_by(col(ServiceRecord.started_at).desc(), col(ServiceRecord.id))).all()
    records = tuple(record for record in every if not record.void)
    minutes: Counter[str] = Counter()
    for record in records:
        minutes[record.category] += record.minutes
    ratings = [record.rating for record in records if record.rating is not None]
    mean = sum(ratings) * 100 // len(ratings) if ratings else None
    void = tuple(record for record in every if record.void)
    return Certificate(records, sum(minutes.values()), tuple(minutes.most_common()), mean, void)


def minutes_of(session: Session, ids: list[str], /) -> dict[str, int]:
    """Volunteer ► minutes served, for a page of the register."""
    wanted = select(ServiceRecord).where(col(ServiceRecord.volunteer_id).in_(ids), col(ServiceRecord.void).is_(False))
    found: Counter[str] = Counter()
    for record in session.exec(wanted):
        found[record.volunteer_id] += record.minutes
    return dict(found)


def records_file(
    session: Session, org_id: str, /, *, first: date | None = None, last: date | None = None, lang: str, mark: str = ""
) -> bytes:
    """The giver's records as XLSX, by day; the period is of local days, both ends in it."""
    english = lang.startswith("en")
    columns = [Column(en if english else zh, kind=kind) for zh, en, kind in HEADS]  # type: ignore[arg-type]
    return write_xlsx(columns, _rows(session, org_id, first=first, last=last, lang=lang), mark=mark)


def register_file(session: Session, org_id: str, /, *, lang: str, mark: str = "") -> bytes:
    """The giver's register as XLSX with the headings of the import, so that what is changed in it comes back. Without
    those who have ended, and without ID numbers, which are not kept."""
    english = lang.startswith("en")
    heads = [column for column in volunteer_schema(today=date.min).columns if column.name != "id_number"]
    kinds = {"date": "date"}
    columns = [Column(one.en if english else one.zh, kind=kinds.get(one.kind, "text")) for one in heads]  # type: ignore[arg-type]
    return write_xlsx(columns, _register(session, org_id, lang=lang), mark=mark)


def _register(session: Session, org_id: str, *, lang: str) -> Iterator[tuple[Any, ...]]:
    for one in volunteers.list_volunteers(session, org_id, state=None, limit=100_000):
        if one.state is not VolunteerState.ENDED:
            yield (
                one.registration_no,
                volunteers.plain(session, one, "name"),
                volunteers.plain(session, one, "phone"),
                "；".join(label("skill", code, lang=lang) for code in one.skills),
                label("health_fit", one.health.value, lang=lang),
                volunteers.plain(session, one, "insurance_no"),
                one.insured_from,
                one.insured_to,
            )


def _rows(
    session: Session, org_id: str, *, first: date | None, last: date | None, lang: str
) -> Iterator[tuple[Any, ...]]:
    people = {one.id: one for one in volunteers.list_volunteers(session, org_id, state=None, limit=100_000)}
    names = volunteers.names_of(session, people.values())
    wanted = select(ServiceRecord).where(col(ServiceRecord.org_id) == org_id, col(ServiceRecord.void).is_(False))
    for record in session.exec(wanted.order_by(col(ServiceRecord.started_at), col(ServiceRecord.id))):
        day = record.on
        if (first is None or day >= first) and (last is None or day <= last):
            yield (
                people[record.volunteer_id].registration_no,
                names[record.volunteer_id],
                day,
                _clock(record.started_at),
                record.minutes,
                label("need", record.category, lang=lang),
                label("service_content", record.content, lang=lang),
                record.rating,
            )


def _clock(moment: datetime) -> str:
    return moment.astimezone(HERE).strftime("%H:%M")
