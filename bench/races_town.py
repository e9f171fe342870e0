"""The town of one piece of the race, and the count of what may not be.

What enters: a session of the kept database, the number of a piece. What leaves: households with needs of eight kinds,
rival givers and a proposed line for each giver and need; and, once the piece is over, every need and offer over its
units and every reservation within the waiting time of other aid, from the rows of the ledger and the order of the audit
chain alone. Called by `bench.races`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.db import chunks
from marketplace.households.register import source_index
from marketplace.ledger.models import LIVE, AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import ProposedLine, Run, RunState
from marketplace.reference.duplicate_rules import list_duplicate_rules
from marketplace.reference.needs import need_kind
from marketplace.sealed import vault_of
from tests import factories as make

GOODS = ("LIVING.FOOD_PACK", "LIVING.APPLIANCE")
"""Kinds with a waiting time: each household has two needs of the first, of which one only may be served."""
OTHERS = ("EDU.TUTORING", "PSY.COUNSEL", "SOCIAL.INCLUSION", "LEGAL.AID", "CHILD.GUARDIAN", "JOB.TRAINING")
KINDS = (GOODS[0], *GOODS, *OTHERS)
GIVERS, GAP, SHARE = 6, 10, 2
"""Six rivals offer two units each to a need that lacks ten: five of them fit."""
WAITS = {kind: row.days for row in list_duplicate_rules() if row.kind == "COOLDOWN" for kind in row.categories}
_ASKED = 500
_ACTS = ("aid:reserved", "aid:load", "aid:returned")


@dataclass(frozen=True, slots=True)
class Line:
    """A proposed line as the race handles it; `again` is how often it was proposed anew after a release."""

    id: str
    need_id: str
    offer_id: str
    household_id: str

    def anew(self, run_id: str, number: int) -> ProposedLine:
        """The same giver and need in a later run."""
        return ProposedLine(
            id=f"{run_id}-{number}"[:32],
            run_id=run_id,
            need_id=self.need_id,
            offer_id=self.offer_id,
            household_id=self.household_id,
            district_code="500103",
            urgency=2,
            units=SHARE,
        )


@dataclass(frozen=True, slots=True)
class Town:
    """What the processes of one piece race for: the lines of each household, the references that outsiders use."""

    piece: int
    lines: list[list[Line]]
    refs: list[str]
    givers: list[str]
    homes: list[str]


def build(session: Session, piece: int, /, *, homes: int) -> Town:
    """A new town; its ids begin with the number of the piece, so that none comes twice in a kept database."""
    make._number = count(piece * 10**7 + 1)  # type: ignore[assignment]
    givers = [make.an_organisation(session) for _ in range(GIVERS)]
    offers = {
        (giver.id, kind): make.an_offer(
            session, giver, category=kind, unit=need_kind(kind).unit, stock_units=homes * GAP * 2
        )
        for giver in givers
        for kind in dict.fromkeys(KINDS)
    }
    run = a_run(session, f"race-{piece}", piece * 10**7)
    town = Town(piece, [], [], [giver.id for giver in givers], [])
    for number in range(homes):
        _home(session, town, number, run=run, givers=givers, offers=offers)
    return town


def a_run(session: Session, run_id: str, number: int, /) -> Run:
    """A finished run, to which lines belong."""
    day = make.NOW.date()
    run = Run(id=run_id, number=number, state=RunState.DONE, as_of=day, created_by="race", created_at=make.NOW)
    session.add(run)
    session.flush()
    return run


def _home(
    session: Session,
    town: Town,
    number: int,
    *,
    run: Run,
    givers: Sequence[Organisation],
    offers: dict[tuple[str, str], Offer],
) -> None:
    ref = f"{town.piece}-{number}"
    home = make.a_household(session, phone=f"1{town.piece * 10**4 + number:010d}")
    home.source_index = source_index(vault_of(session), "test", ref)
    session.add(home)
    make.auto_match(session, home)
    needs = [make.a_need(session, home, category=kind, unit=need_kind(kind).unit, gap_units=GAP) for kind in KINDS]
    rows = [
        Line(f"line-{ref}-{at}-{giver.id[4:]}"[:32], need.id, offers[giver.id, need.category].id, home.id)
        for at, need in enumerate(needs)
        for giver in givers
    ]
    session.add_all(_as_row(row, run) for row in rows)
    session.flush()
    town.lines.append(rows)
    town.refs.append(ref)
    town.homes.append(home.id)


def _as_row(line: Line, run: Run) -> ProposedLine:
    row = line.anew(run.id, 0)
    row.id = line.id
    return row


def over_allocated(session: Session, /) -> list[str]:
    """Needs and offers of the whole database whose live ledger rows are more than their units."""
    found: list[str] = []
    for table, units, key in (
        (Need, col(Need.gap_units), col(LedgerEntry.need_id)),
        (Offer, col(Offer.stock_units), col(LedgerEntry.offer_id)),
    ):
        live = (
            select(key.label("key"), func.sum(LedgerEntry.units).label("units"))
            .where(col(LedgerEntry.state).in_(LIVE), key.is_not(None))
            .group_by(key)
            .subquery()
        )
        broken = select(table.id).join(live, live.c.key == col(table.id)).where(live.c.units > units)  # type: ignore[attr-defined]
        found += list(session.exec(broken))
    return found


def too_soon(session: Session, homes: Iterable[str], /) -> list[str]:
    """Reservations of ours that came while another live aid of the kind was within its waiting time."""
    rows = [row for some in chunks(sorted(homes), _ASKED) for row in _rows(session, some)]
    came, gone = _order(session, [row.id for row in rows])
    by_home: dict[tuple[str, str], list[LedgerEntry]] = {}
    for row in rows:
        by_home.setdefault((row.household_id, row.category), []).append(row)
    return [one.id for some in by_home.values() for one in _broken(some, came, gone)]


def _rows(session: Session, homes: Sequence[str]) -> list[LedgerEntry]:
    """All aid that counts or counted; what is told twice never does."""
    wanted = select(LedgerEntry).where(col(LedgerEntry.household_id).in_(homes))
    wanted = wanted.where(col(LedgerEntry.state) != AidState.REPEAT)
    return list(session.exec(wanted.where(col(LedgerEntry.category).in_(sorted(WAITS)))))


def _order(session: Session, ids: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """When each row came and when it was given back, as places in the audit chain."""
    came: dict[str, int] = {}
    gone: dict[str, int] = {}
    for some in chunks(ids, _ASKED):
        acts = select(audit.AuditRow.object_ref, audit.AuditRow.action, audit.AuditRow.seq)
        acts = acts.where(col(audit.AuditRow.object_ref).in_(some), col(audit.AuditRow.action).in_(_ACTS))
        for ref, action, seq in session.exec(acts.order_by(col(audit.AuditRow.seq))):
            if action == "aid:returned":
                gone[ref] = seq
            else:
                came.setdefault(ref, seq)
    return came, gone


def _broken(rows: Sequence[LedgerEntry], came: dict[str, int], gone: dict[str, int]) -> Iterator[LedgerEntry]:
    for ours in (row for row in rows if row.source == "platform"):
        wait = timedelta(days=WAITS[ours.category])
        for other in rows:
            other_need = other.need_id is None or other.need_id != ours.need_id
            there = came[other.id] < came[ours.id] < gone.get(other.id, 2**62)
            if other.id != ours.id and other_need and there and abs(ours.given_on - other.given_on) < wait:
                yield ours
                break
