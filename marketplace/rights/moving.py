"""A household moved: what still waits of it, in whatever room, goes along to its new place (adr/0081).

Enters: a household that lives elsewhere now, and the district it left. Leaves: the district (and street) of every row
that waits for somebody, as each room says of its tables (`held`), and of every clock that runs for one; one act for the
caller to write, that says how many rows of which table. What is over stays where it was answered. Called by the
register, for each change of a household's place: `sweeps` hands it over.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, select

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.clocks import service as clocks
from marketplace.clocks.steps import Side
from marketplace.held import Held
from marketplace.households.models import Household
from marketplace.rights.held import ROOMS


def follow(session: Session, home: Household, /, *, was: str, now: datetime) -> list[audit.Entry]:
    """Take along what waits, and the clocks of what goes along; a row of which a clock waits for staff still waits.
    Returns the act to be written once everything has gone along."""
    going = [held for held in ROOMS if held.home is not None and held.follows is not False]
    running = _running(session, home, going, was=was) if was != home.district_code else {}
    waiting = {home.id, *(key for key, some in running.items() if any(one.side is Side.STAFF for one in some))}
    moved = {held.table.__name__: _take(session, held, home, waiting, now=now) for held in going}
    keys = waiting.union(*moved.values())
    _move_clocks(session, home, [one for key, some in running.items() if key in keys for one in some], now=now)
    body: dict[str, Any] = {table: len(rows) for table, rows in sorted(moved.items()) if rows}
    return [audit.Entry("household:move", subject=home.id, body=body)]


def _running(session: Session, home: Household, going: list[Held], *, was: str) -> dict[str, list[clocks.Running]]:
    """Object ► the clocks that run for it in the old district; an object is named alone or after a word and a colon."""
    found: dict[str, list[clocks.Running]] = {home.id: []}
    for held in going:
        found |= {str(key): [] for _home, key in session.execute(held.of([home.id], held.key))}
    for clock in clocks.running_in(session, was):
        found.get(clock.object_ref.rpartition(":")[2], []).append(clock)
    return {key: some for key, some in found.items() if some}


def _take(session: Session, held: Held, home: Household, clocked: set[str], *, now: datetime) -> set[str]:
    """Give the rows of one table that go along their new place; which they were."""
    goes = held.goes(now)
    if goes is None:
        return set()
    which = held.of([home.id], held.key).where(or_(goes, held.key.in_(sorted(clocked))))
    keys = {key for _home, key in session.execute(which)}
    place = {"district_code": home.district_code}
    if "street_code" in held.table.model_fields:
        place["street_code"] = home.street_code
    if "office" in held.table.model_fields:
        place["office"] = home.street_code or home.district_code
    session.execute(update(held.table).where(held.key.in_(keys)).values(**place))
    return keys


def _move_clocks(session: Session, home: Household, running: list[clocks.Running], *, now: datetime) -> None:
    """The clocks go along; whoever serves the new district too keeps what it holds."""
    if running:
        stay = {one.id for one in session.exec(select(Account)) if one.works_in(home.district_code)}
        clocks.move_to(session, [one.id for one in running], home.district_code, stay=stay, now=now)
