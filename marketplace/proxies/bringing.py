"""A letter to a household without a telephone: its standing agent is told, or else somebody brings it.

Enters: a letter for which the outbox found no address. Leaves: whether somebody goes there with it. Such a household
has no page of its own either, for its page opens with a telephone. Called by `wiring` while the outbox is sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, cast
from sqlmodel import Session, col, select

from marketplace.households.reaching import anybody_said
from marketplace.notices import Notice
from marketplace.proxies import agents
from marketplace.proxies.models import HelpPower, PowerKind, PowerState
from marketplace.visits import letters


def bring(session: Session, notice: Notice, now: datetime, /) -> bool:
    """Whether somebody has to bring it; then a visit is asked for. Where somebody said how it may be reached nobody
    comes to the door: the letter waits on the page. What no agent is told is brought though there is one."""
    home = notice.household_id
    if home is None or anybody_said(session, home):
        return False
    if notice.letter not in agents.NOT_COPIED and _agent_is_told(session, home, notice.letter, now=now):
        return False
    letters.ask(session, notice, now=now)
    return True


def _agent_is_told(session: Session, household_id: str, letter: str, *, now: datetime) -> bool:
    """Whether some power names what the letter is about."""
    wanted = select(HelpPower).where(
        HelpPower.household_id == household_id,
        HelpPower.state == PowerState.ACTIVE,
        HelpPower.kind == PowerKind.STANDING,
        col(HelpPower.ends_at) > now,
        cast(col(HelpPower.acts), String).contains('"notices"'),
    )
    return any(agents.hears(power, letter) for power in session.exec(wanted))
