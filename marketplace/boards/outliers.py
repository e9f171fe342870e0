"""Who approved what for whom more often than the rest explains: approver × giver × township, or × village, to look at.

Enters: staff who may look, how fine, and a day. Leaves: the cells of the last year whose number lies far above what any
two of the three explain together, each with that number. A cell of fewer than ten households is neither shown nor
judged. Nothing follows by itself. Called by `views_outliers`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from marketplace.actors import Actor
from marketplace.decisions.models import Match
from marketplace.households.models import Household
from marketplace.policy import require

PERIOD = timedelta(days=365)
SMALL = 10
SIGMAS_TENTHS = 25
"""Above by two and a half times the spread of a count (its square root); our own value."""
VILLAGE = 12
"""How many digits a village's code has; a street's has nine."""
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One approver, giver and township (or village) of a district: matches, their households, and what to expect."""

    approver_id: str
    org_id: str
    district: str
    street: str
    matches: int
    households: int
    expected_tenths: int


@dataclass(frozen=True, slots=True)
class Look:
    """What stands out, and how many cells were looked at and left aside because they are small."""

    cells: tuple[Cell, ...]
    judged: int
    small: int


def outliers(session: Session, /, *, by: str = "street", actor: Actor, now: datetime) -> Look:
    """The cells that stand out within the actor's districts, the farthest first; by village only homes whose village
    the register knows are counted."""
    require(actor, "board:outliers", district=next(iter(sorted(actor.districts)), ""))
    found = _counted(session, by=by, actor=actor, now=now)
    numbers = {key: matches for key, (matches, _homes) in found.items()}
    large = [key for key, (_matches, homes) in found.items() if homes >= SMALL]
    cells = [
        Cell(*key, matches=numbers[key], households=found[key][1], expected_tenths=tenths)
        for key, tenths in zip(large, expected(numbers, large), strict=True)
    ]
    far = [cell for cell in cells if _is_far(cell)]
    far.sort(key=lambda cell: (cell.expected_tenths - 10 * cell.matches, cell.approver_id, cell.org_id, cell.street))
    return Look(tuple(far), judged=len(large), small=len(found) - len(large))


def _counted(session: Session, *, by: str = "street", actor: Actor, now: datetime) -> dict[Key, tuple[int, int]]:
    place = col(Household.village_code) if by == "village" else col(Household.street_code)
    key = (col(Match.approver_id), col(Match.org_id), col(Match.district_code), place)
    asked = select(*key, func.count(), func.count(func.distinct(col(Match.household_id))))  # type: ignore[call-overload]
    asked = asked.join(Household, col(Household.id) == col(Match.household_id))
    asked = asked.where(col(Match.created_at) > now - PERIOD)
    if by == "village":
        asked = asked.where(place != "")
    if actor.districts:
        asked = asked.where(col(Match.district_code).in_(sorted(actor.districts)))
    return {tuple(row[:4]): (int(row[4]), int(row[5])) for row in session.execute(asked.group_by(*key))}


def expected(numbers: dict[Key, int], keys: Sequence[Key], /) -> list[int]:
    """For each key, in tenths, the most that two of the three explain within the district: the approver's own givers,
    the approver's own townships, or the giver's own townships, spread as the district spreads the third.

    Who looks after one township, or works with one giver, does not stand out by that alone.
    """
    sums: Counter[tuple[str, ...]] = Counter()
    for (approver, giver, district, street), number in numbers.items():
        for part in _parts(approver, giver, street):
            sums[(district, *part)] += number
    found = []
    for approver, giver, district, street in keys:
        whole = sums[(district, "")]
        pairs = (
            (sums[(district, "ag", approver, giver)], sums[(district, "v", street)]),
            (sums[(district, "av", approver, street)], sums[(district, "g", giver)]),
            (sums[(district, "gv", giver, street)], sums[(district, "a", approver)]),
        )
        found.append(max(10 * both * third // whole for both, third in pairs))
    return found


def _parts(approver: str, giver: str, street: str) -> list[tuple[str, ...]]:
    return [
        ("",),
        ("a", approver),
        ("g", giver),
        ("v", street),
        ("ag", approver, giver),
        ("av", approver, street),
        ("gv", giver, street),
    ]


def _is_far(cell: Cell) -> bool:
    """Whole numbers only: (n - e)² > z² · e, with n and e in tenths and z in tenths."""
    above = 10 * cell.matches - cell.expected_tenths
    return above > 0 and 10 * above * above > SIGMAS_TENTHS * SIGMAS_TENTHS * max(cell.expected_tenths, 10)


def rows_of(session: Session, key: Key, /, *, actor: Actor, now: datetime, most: int = 200) -> tuple[list[Match], int]:
    """The newest matches of one cell that is large enough to be shown, and how many it has; none of a small one."""
    approver, giver, district, street = key
    require(actor, "board:outliers", district=district)
    place = col(Household.village_code) if len(street) == VILLAGE else col(Household.street_code)
    wanted = (
        col(Match.approver_id) == approver,
        col(Match.org_id) == giver,
        col(Match.district_code) == district,
        col(Match.created_at) > now - PERIOD,
        col(Match.household_id).in_(select(Household.id).where(place == street)),
    )
    matches, homes = session.exec(
        select(func.count(), func.count(func.distinct(col(Match.household_id)))).select_from(Match).where(*wanted)
    ).one()
    if homes < SMALL:
        return [], 0
    newest = select(Match).where(*wanted).order_by(col(Match.created_at).desc(), col(Match.id)).limit(most)
    return list(session.exec(newest)), matches
