"""The workers of a street: who goes there first, where nobody goes to a household yet (大数据比对 + 铁脚板摸排).

Enters: streets, and the steps of which each worker may hold many. Leaves: for one street after another the worker
named for it who holds the fewest of these steps; none where nobody is named for it. A street gives no right: what
somebody may see is told by districts alone. Called by the alerts, before a reminder looks in the whole district.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, func, select

from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.clocks.models import Clock


class Workers:
    """The workers named for some streets, with the number of running steps that each holds."""

    def __init__(self, session: Session, streets: Collection[str], /, *, steps: Collection[str]) -> None:
        wanted, able = set(streets) - {""}, (col(Account.role) == Role.WORKER, col(Account.active).is_(True))
        named = [one for one in session.exec(select(Account).where(*able)) if wanted & {*one.streets}] if wanted else []
        self._of = {street: sorted(one.id for one in named if street in one.streets) for street in wanted}
        self._held: dict[str, int] = dict.fromkeys((one.id for one in named), 0)
        held = select(col(Clock.account_id), func.count()).where(col(Clock.account_id).in_(self._held))
        held = held.where(col(Clock.step).in_(steps), col(Clock.ended_at).is_(None)).group_by(col(Clock.account_id))
        if named:
            self._held |= {account: many for account, many in session.exec(held) if account is not None}

    def next_for(self, street: str, /) -> str | None:
        """The worker of this street who holds the fewest steps, with this one from now on."""
        chosen = min(self._of.get(street, ()), key=lambda one: (self._held[one], one), default=None)
        if chosen is not None:
            self._held[chosen] += 1
        return chosen
