"""The books of one giver and month: what was matched, accepted, paid and came back, and the bank against the ledger.

Enters: a giver and a month. Leaves: figures, and for each match on which bank and ledger differ one row with its
cause. The bank's side is made of what the bank said about lines, the ledger's side of the ledger's own rows. What the
bank moved stands in the month of its day (`booking`), so that a month's figures are those of the bank's statement. A
match is compared in the month in which it was paid, else in the one in which it was handed over. Nothing is written
here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.decisions.models import Match, MatchState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.payments.models import BankResult, LineState, PaymentBatch, PaymentLine, ResultKind, is_ordered
from marketplace.payments.twice import HANDED_OVER
from marketplace.reference.needs import MONEY

SIGN = {ResultKind.PAID: 1, ResultKind.FAILED: 0, ResultKind.RETURNED: -1, ResultKind.RECLAIMED: -1}
_BACK = {LineState.RETURNED, LineState.RECLAIMED}


@dataclass(frozen=True, slots=True)
class Figure:
    """How many, and how much together."""

    count: int = 0
    fen: int = 0

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.count + other.count, self.fen + other.fen)


@dataclass(frozen=True, slots=True)
class Difference:
    """A match on which the bank and the ledger do not say the same, and why; or on which they do, but somebody said
    that it was handed over before the bank paid, so that it may have been given twice (`fen` is 0)."""

    match_id: str
    reference: str
    bank_fen: int
    ledger_fen: int
    cause: str

    @property
    def fen(self) -> int:
        """What the bank says beyond the ledger."""
        return self.bank_fen - self.ledger_fen


@dataclass(frozen=True, slots=True)
class Books:
    """One month of one giver. `bank_fen` and `ledger_fen` compare the grants paid in it, whenever something came back;
    `moved_fen` is what the bank's statement of the month says. `open` is what is still to be paid at this moment,
    whatever month it was accepted in; `late` what of the figures the bank did in a month that was closed by then."""

    month: str
    matched: Figure
    accepted: Figure
    ordered: Figure
    paid: Figure
    failed: Figure
    returned: Figure
    reclaimed: Figure
    late: Figure
    dropped: Figure
    at_bank: Figure
    open: Figure
    bank_fen: int
    ledger_fen: int
    differences: tuple[Difference, ...] = field(default=())

    @property
    def moved_fen(self) -> int:
        """What left the bank account in this month less what came back in it."""
        return self.paid.fen - self.returned.fen - self.reclaimed.fen

    @property
    def difference_fen(self) -> int:
        """What the bank says beyond the ledger, in all."""
        return self.bank_fen - self.ledger_fen

    @property
    def explained_fen(self) -> int:
        """The same, added up from the rows that have a cause."""
        return sum(row.fen for row in self.differences)

    def kept(self) -> dict[str, object]:
        """The figures as they are frozen when the month is closed."""
        return asdict(self)


def books_of(session: Session, org_id: str, month: str, /) -> Books:
    """The books of a month as they stand now."""
    matches = _money_matches(session, org_id)
    lines, results = _lines(session, org_id), _results(session, org_id)
    states: dict[LineState, Figure] = defaultdict(Figure)
    kinds: dict[ResultKind, Figure] = defaultdict(Figure)
    for line, line_month in lines:
        if line_month == month:
            states[line.state] += Figure(1, line.amount_fen)
    booked = [told for some in results.values() for told in some if told.month == month]
    for told in booked:
        kinds[told.kind] += Figure(1, told.amount_fen)
    rows = _compared(matches, lines, results, month)
    return Books(
        month=month,
        matched=_sum(m.units for m, _e in matches if _in(m.created_at, month)),
        accepted=_sum(
            m.units for m, _e in matches if m.consent_chain_id is not None and _in(m.household_answered_at, month)
        ),
        ordered=_sum(line.amount_fen for line, of in lines if of == month and line.ordered),
        paid=kinds[ResultKind.PAID],
        failed=kinds[ResultKind.FAILED],
        returned=kinds[ResultKind.RETURNED],
        reclaimed=kinds[ResultKind.RECLAIMED],
        late=_sum(SIGN[told.kind] * told.amount_fen for told in booked if f"{told.on_day:%Y-%m}" != month),
        dropped=states[LineState.DROPPED],
        at_bank=states[LineState.WAITING],
        open=_sum(m.units for m, _e in matches if m.state is MatchState.IN_DELIVERY),
        bank_fen=sum(row.bank_fen for row in rows),
        ledger_fen=sum(row.ledger_fen for row in rows),
        differences=tuple(row for row in rows if row.cause),
    )


def months_of(session: Session, org_id: str, /) -> list[str]:
    """Every month that has a batch, an answer of the bank or a hand-over of money, the newest first."""
    batches = select(PaymentBatch.month).where(col(PaymentBatch.org_id) == org_id).distinct()
    told = select(BankResult.month).where(col(BankResult.org_id) == org_id).distinct()
    months = {*session.exec(batches), *session.exec(told)}
    months |= {f"{local_day(m.delivered_at):%Y-%m}" for m, _e in _money_matches(session, org_id) if m.delivered_at}
    return sorted(months, reverse=True)


def _money_matches(session: Session, org_id: str) -> list[tuple[Match, LedgerEntry]]:
    wanted = (
        select(Match, LedgerEntry)
        .join(Need, col(Need.id) == col(Match.need_id))
        .join(LedgerEntry, col(LedgerEntry.id) == col(Match.ledger_entry_id))
        .where(col(Match.org_id) == org_id, col(Need.unit) == MONEY)
        .order_by(col(Match.id))
    )
    return [(match, entry) for match, entry in session.exec(wanted)]


def _lines(session: Session, org_id: str) -> list[tuple[PaymentLine, str]]:
    """Every line with the month of its batch, the oldest batch first."""
    wanted = (
        select(PaymentLine, PaymentBatch.month)
        .join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
        .where(col(PaymentLine.org_id) == org_id)
        .order_by(col(PaymentBatch.number), col(PaymentLine.reference))
    )
    return [(line, month) for line, month in session.exec(wanted)]


def _results(session: Session, org_id: str) -> dict[str, list[BankResult]]:
    found: dict[str, list[BankResult]] = defaultdict(list)
    for result in session.exec(select(BankResult).where(col(BankResult.org_id) == org_id)):
        found[result.line_id].append(result)
    return found


def _compared(
    matches: list[tuple[Match, LedgerEntry]],
    lines: list[tuple[PaymentLine, str]],
    results: dict[str, list[BankResult]],
    month: str,
) -> list[Difference]:
    """Bank and ledger for each match of the month."""
    bank: dict[str, int] = defaultdict(int)
    home: dict[str, tuple[str, PaymentLine]] = {}
    twice = {line.match_id for line, _of in lines if line.state is LineState.PAID_TWICE}
    for line, _line_month in lines:
        for told in results.get(line.id, ()):
            bank[line.match_id] += SIGN[told.kind] * told.amount_fen
            if told.kind is ResultKind.PAID:
                home[line.match_id] = (told.month, line)
    rows = []
    for match, entry in matches:
        found = home.get(match.id)
        paid_in = found[0] if found is not None else ""
        paid_line = found[1] if found is not None else None
        handed_in = f"{local_day(match.delivered_at):%Y-%m}" if match.delivered_at else ""
        if (paid_in or handed_in) != month:
            continue
        ledger = entry.units if entry.state is AidState.DELIVERED else 0
        cause = "paid_twice" if match.id in twice else _cause(match, paid_line, bank[match.id], ledger)
        reference = paid_line.reference if paid_line is not None else ""
        rows.append(Difference(match.id, reference, bank[match.id], ledger, cause))
    return rows


def _cause(match: Match, line: PaymentLine | None, bank: int, ledger: int) -> str:
    if bank == ledger:
        return "handed_over_too" if bank and line is not None and line.reason_code == HANDED_OVER else ""
    if line is None:
        return "no_bank_result"
    if line.state in _BACK:
        return "came_back_later"
    if match.state is MatchState.RETURNED:
        return "not_received"
    if match.state in (MatchState.GIVEN_BACK, MatchState.RECLAIMED):
        return "back_without_bank"
    return "amounts_differ" if ledger else "paid_after_end"


def _in(moment: datetime | None, month: str) -> bool:
    return moment is not None and f"{local_day(moment):%Y-%m}" == month


def _sum(amounts: Iterable[int]) -> Figure:
    total = Figure()
    for fen in amounts:
        total += Figure(1, fen)
    return total


def totals_of_givers(session: Session, month: str, /) -> list[tuple[str, Figure, Figure, Figure]]:
    """For staff: giver, what its batches of the month ordered, and what the bank paid and failed in the month."""
    ordered = (
        select(col(PaymentLine.org_id), func.count(), func.sum(col(PaymentLine.amount_fen)))
        .join(PaymentBatch, col(PaymentBatch.id) == col(PaymentLine.batch_id))
        .where(col(PaymentBatch.month) == month, is_ordered())
        .group_by(col(PaymentLine.org_id))
    )
    found: dict[str, dict[ResultKind | None, Figure]] = defaultdict(lambda: defaultdict(Figure))
    for org_id, count, fen in session.execute(ordered):
        found[org_id][None] = Figure(int(count), int(fen))
    told = (
        select(col(BankResult.org_id), col(BankResult.kind), func.count(), func.sum(col(BankResult.amount_fen)))
        .where(col(BankResult.month) == month)
        .group_by(col(BankResult.org_id), col(BankResult.kind))
    )
    for org_id, kind, count, fen in session.execute(told):
        found[org_id][kind] = Figure(int(count), int(fen))
    return [
        (org_id, sums[None], sums[ResultKind.PAID], sums[ResultKind.FAILED]) for org_id, sums in sorted(found.items())
    ]


def months_with_payments(session: Session, /) -> list[str]:
    """Every month of which `totals_of_givers` has something to say, the newest first."""
    batches = session.exec(select(PaymentBatch.month).distinct())
    return sorted({*batches, *session.exec(select(BankResult.month).distinct())}, reverse=True)
