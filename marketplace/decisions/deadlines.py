"""The rows of the board of deadlines in words: what waits, for whom, and where a member of staff acts on it.

Enters: one page of clocks. Leaves: rows with the need, the giver or the named person behind each, five queries however
many there are. A clock of a room above this one is shown by its step and number. Called by the board's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from marketplace.accounts.models import Account
from marketplace.clocks.models import Clock
from marketplace.decisions.models import Match
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation

ACTS = {
    "second_approval": "decisions.second",
    "call_household": "decisions.call",
    "visit_household": "decisions.call",
    "follow_up": "decisions.ask",
    "complaint": "decisions.settle",
    "late_delivery": "decisions.late_delivery",
    "reclaim": "decisions.drop_reclaim",
    "unclaimed": "needs.one",
    "match_review": "rights.review",
    "right_answer": "rights.task",
    "source_dispute": "rights.dispute",
}
"""Step ► the page on which somebody of the staff acts on it."""
NAMED = {"unclaimed": "need_id", "right_answer": "request_id", "source_dispute": "dispute_id"}
"""Step ► what its page calls the object; all others are about a match."""


@dataclass(frozen=True, slots=True)
class Row:
    """One running clock: `need` and `units` say what it is about, where that is known here."""

    clock: Clock
    need: Need | None = None
    units: int = 0
    organisation: Organisation | None = None
    officer: Account | None = None

    @property
    def endpoint(self) -> str:
        """The page to act on; empty where only the giver or the household can act."""
        return ACTS.get(self.clock.step, "")

    @property
    def address(self) -> dict[str, str]:
        """What that page's address needs."""
        if self.endpoint == "decisions.second":
            return {}
        return {NAMED.get(self.clock.step, "match_id"): self.clock.object_ref}


def rows_of(session: Session, clocks: Sequence[Clock], /) -> list[Row]:
    """The clocks with what is behind them, in the same order."""
    refs = [clock.object_ref for clock in clocks]
    matches = _by_id(session, Match, refs)
    needs = _by_id(session, Need, [*refs, *(match.need_id for match in matches.values())])
    givers = _by_id(session, Organisation, [clock.org_id for clock in clocks])
    people = _by_id(session, Account, [clock.account_id for clock in clocks])
    built = []
    for clock in clocks:
        match = matches.get(clock.object_ref)
        need = needs.get(match.need_id if match else clock.object_ref)
        units = match.units if match else need.gap_units - need.committed_units if need else 0
        built.append(Row(clock, need, units, givers.get(clock.org_id), people.get(clock.account_id)))
    return built


def _by_id(session: Session, kind: Any, ids: Iterable[str | None]) -> dict[str | None, Any]:
    wanted = {one for one in ids if one}
    return {row.id: row for row in session.exec(select(kind).where(col(kind.id).in_(wanted)))} if wanted else {}
