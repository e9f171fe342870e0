"""What a project report says: counted from the matches, papers and follow-ups of the project's offers.

Enters: a project and a period. Leaves: a plain dict, ready to be hashed: totals, kinds of need by district, photos that
households allow to be shown. Cells of fewer than ten households are hidden, and with a lone hidden one the smallest
other too, so that no difference from the total gives it away. Called by the projects' service.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace.calendar import HERE, local_day
from marketplace.decisions.models import FollowUp, Match, MatchState
from marketplace.needs.models import Need
from marketplace.proofs.models import Paper, PaperKind, ProjectOffer, ProjectReportKind
from marketplace.proofs.periods import Period
from marketplace.proofs.publicity import shown_photos
from marketplace.proposals.models import ProposedLine

SMALL = 10
GIVEN = (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED, MatchState.RECLAIMING)
BACK = (MatchState.RETURNED, MatchState.GIVEN_BACK, MatchState.RECLAIMED)


def count(session: Session, project_id: str, period: Period, /, *, now: datetime) -> dict[str, Any]:
    """The figures of one period; the same rows always give the same dict."""
    offers = list(session.exec(select(ProjectOffer.offer_id).where(ProjectOffer.project_id == project_id)))
    rows = _given(session, offers, period)
    cells = _cells(rows)
    return {
        "from": period.from_on.isoformat(),
        "to": period.to_on.isoformat(),
        "totals": _totals(rows) | _money_in(session, offers, period) | _returned(session, offers, period),
        "satisfaction": _satisfaction(session, offers, period),
        "cells": _hide(cells),
        "photos": [proof.id for proof in shown_photos(session, [row["match"] for row in rows], now=now)],
    } | _late(session, offers, period, now=now)


def _late(session: Session, offers: list[str], period: Period, *, now: datetime) -> dict[str, Any]:
    """What was promised in the project and arrived only after its last day: the final report tells it apart, so that
    no delivery is in no report; one that comes after it was filed makes a new version of it."""
    if period.kind is not ProjectReportKind.FINAL:
        return {}
    after = replace(period, from_on=period.to_on + timedelta(days=1), to_on=max(local_day(now), period.to_on))
    return {"late": _totals(_given(session, offers, after))}


def _moments(period: Period) -> tuple[datetime, datetime]:
    starts = datetime.combine(period.from_on, time(0), HERE).astimezone(UTC)
    return starts, datetime.combine(period.to_on + timedelta(days=1), time(0), HERE).astimezone(UTC)


def _given(session: Session, offers: list[str], period: Period) -> list[dict[str, Any]]:
    """What was delivered in the period and stayed with its household."""
    starts, ends = _moments(period)
    statement = (
        select(Match, Need, ProposedLine)
        .join(Need, col(Need.id) == col(Match.need_id))
        .join(ProposedLine, col(ProposedLine.id) == col(Match.line_id))
        .where(col(Match.offer_id).in_(offers), col(Match.state).in_(GIVEN))
        .where(col(Match.delivered_at) >= starts, col(Match.delivered_at) < ends)
        .order_by(col(Match.id))
    )
    return [
        {
            "match": match.id,
            "household": match.household_id,
            "category": need.category,
            "unit": need.unit,
            "district": match.district_code,
            "units": match.units,
            "fen": line.value_fen * match.units // line.units,
        }
        for match, need, line in session.exec(statement)
    ]


def _totals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "deliveries": len(rows),
        "households": len({row["household"] for row in rows}),
        "out_fen": sum(row["fen"] for row in rows),
    }


def _money_in(session: Session, offers: list[str], period: Period) -> dict[str, Any]:
    """Donations for these offers, by the receipts whose numbers the giver keeps here."""
    wanted = select(func.count(), func.coalesce(func.sum(Paper.amount_fen), 0)).select_from(Paper)
    wanted = wanted.where(col(Paper.offer_id).in_(offers), col(Paper.kind) == PaperKind.DONATION_RECEIPT)
    wanted = wanted.where(col(Paper.struck_at).is_(None))
    wanted = wanted.where(col(Paper.issued_on) >= period.from_on, col(Paper.issued_on) <= period.to_on)
    number, fen = session.exec(wanted).one()
    return {"receipts": number, "in_fen": int(fen)}


def _returned(session: Session, offers: list[str], period: Period) -> dict[str, Any]:
    starts, ends = _moments(period)
    wanted = select(func.count()).select_from(Match).where(col(Match.offer_id).in_(offers), col(Match.state).in_(BACK))
    wanted = wanted.where(col(Match.updated_at) >= starts, col(Match.updated_at) < ends)
    return {"returned": session.exec(wanted).one()}


def _satisfaction(session: Session, offers: list[str], period: Period) -> dict[str, Any]:
    """How many answered and the mean in hundredths; hidden under ten answers like every other small number."""
    starts, ends = _moments(period)
    wanted = select(FollowUp.satisfaction).join(Match, col(Match.id) == col(FollowUp.match_id))
    wanted = wanted.where(col(Match.offer_id).in_(offers))
    marks = list(session.exec(wanted.where(col(FollowUp.created_at) >= starts, col(FollowUp.created_at) < ends)))
    if len(marks) < SMALL:
        return {"hidden": True}
    return {"answers": len(marks), "hundredths": sum(marks) * 100 // len(marks)}


def _cells(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kind of need by district, in a fixed order."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["category"], row["district"], row["unit"]].append(row)
    return [
        {
            "category": category,
            "district": district,
            "unit": unit,
            "deliveries": len(group),
            "households": len({row["household"] for row in group}),
            "units": sum(row["units"] for row in group),
            "fen": sum(row["fen"] for row in group),
        }
        for (category, district, unit), group in sorted(groups.items())
    ]


def _hide(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    small = {index for index, cell in enumerate(cells) if cell["households"] < SMALL}
    others = [index for index in range(len(cells)) if index not in small]
    if len(small) == 1 and others:
        small.add(min(others, key=lambda index: (cells[index]["households"], index)))
    named = ("category", "district", "unit")
    return [
        {name: cell[name] for name in named} | {"hidden": True} if index in small else cell
        for index, cell in enumerate(cells)
    ]


def first_day_of(day: date, /) -> datetime:
    """Midnight in China after a day: the limit of a clock that ends with it."""
    return datetime.combine(day + timedelta(days=1), time(0), HERE).astimezone(UTC)
