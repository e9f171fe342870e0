"""Staff put a household, or one of its people, into a category of the register by hand.

Enters: a household of the actor's district, a category, whose it is, from which day and on which ground. Leaves: a
spell as a list would begin it; where the cases of a category are decided by two, only after a second person's yes. The
words stay on record with the ground and both names. What a class brings without an application is begun by
`cases.by_label`, as after a list; no other aid begins or ends by it. Called by the pages of the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.households import categories
from marketplace.households.models import AskState, CategoryAsk, Household
from marketplace.households.service import list_people, require_household
from marketplace.policy import require
from marketplace.reference.monitoring import follows, get_category, is_personal
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes

HAND, GROUNDS = "hand", "enter_ground"
AGREE_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody of the staff writes down."""

    category: str
    from_on: date
    ground: str
    person_id: str | None = None
    benefit: str = ""


def by_hand(codes: Sequence[str], /, *, on: date) -> list[str]:
    """Those categories that people may write down: what follows an exit begins by itself."""
    return [code for code in codes if not follows(code) and _known(code, on)]


def ask(session: Session, household_id: str, words: Words, /, *, actor: Actor, now: datetime) -> CategoryAsk:
    """Write it down; it begins at once, or waits for a second person."""
    home = require_household(session, household_id, "register:enter", actor=actor)
    session.get_one(Household, home.id, with_for_update=True)
    _check(session, home, words, now=now)
    row = CategoryAsk(
        id=new_id(),
        household_id=home.id,
        person_id=words.person_id,
        category=words.category,
        benefit=words.benefit if words.category == categories.REGISTERED else "",
        from_on=words.from_on,
        ground=words.ground,
        asked_by=actor.id,
        asked_for=actor.stood_for,
        asked_at=now,
    )
    _free(session, row, now=now)
    _saved(session, row, "register:ask", actor=actor, now=now)
    if not get_category(row.category, on=row.from_on).two:
        _enter(session, row, actor=actor, now=now)
    return row


def decide(session: Session, ask_id: str, /, *, agrees: bool, actor: Actor, now: datetime) -> CategoryAsk:
    """Somebody who neither wrote it down nor stands in for who did says yes or no, within a week."""
    row = session.get(CategoryAsk, ask_id, with_for_update=True, populate_existing=True)
    home = session.get(Household, row.household_id) if row is not None else None
    require(actor, "register:agree", district=home.district_code if home is not None else None)
    if row is None:
        raise NotFound("category_ask")
    if state_of(row, now=now) is not AskState.ASKED:
        raise WrongState("entry_decided")
    if actor.people & {row.asked_by, row.asked_for}:
        raise NotAllowed("entry_own")
    if agrees:
        session.get_one(Household, row.household_id, with_for_update=True)
        if row.person_id and row.person_id not in {one.id for one in list_people(session, row.household_id)}:
            raise WrongState("member_left")
        _free(session, row, now=now)
    row.decided_by, row.decided_at = actor.id, now
    if agrees:
        return _enter(session, row, actor=actor, now=now)
    row.state = AskState.REFUSED
    return _saved(session, row, "register:refuse", actor=actor, now=now)


def state_of(row: CategoryAsk, /, *, now: datetime) -> AskState:
    """The state as it is now: what nobody agreed to in time is refused."""
    over = row.state is AskState.ASKED and now >= row.asked_at + AGREE_WITHIN
    return AskState.REFUSED if over else row.state


def list_asks(session: Session, household_id: str, /) -> Sequence[CategoryAsk]:
    """All that was written down of a household by hand, the newest first."""
    asked = select(CategoryAsk).where(CategoryAsk.household_id == household_id)
    return session.exec(asked.order_by(col(CategoryAsk.asked_at).desc(), col(CategoryAsk.id))).all()


def waiting(session: Session, /, *, actor: Actor, now: datetime, limit: int = 50) -> Sequence[CategoryAsk]:
    """What waits for a second person in the actor's districts, the oldest first."""
    asked = select(CategoryAsk).join(Household, col(Household.id) == col(CategoryAsk.household_id))
    asked = asked.where(CategoryAsk.state == AskState.ASKED, CategoryAsk.asked_at > now - AGREE_WITHIN)
    if actor.districts:
        asked = asked.where(col(Household.district_code).in_(sorted(actor.districts)))
    return session.exec(asked.order_by(col(CategoryAsk.asked_at), col(CategoryAsk.id)).limit(limit)).all()


def _known(code: str, on: date) -> bool:
    try:
        get_category(code, on=on)
    except UnknownCode:
        return False
    return True


def _check(session: Session, home: Household, words: Words, *, now: datetime) -> None:
    if not by_hand([words.category], on=words.from_on):
        raise BadInput("bad_category", field="category")
    if words.from_on > local_day(now):
        raise BadInput("date_in_future", field="from_on")
    if words.ground not in list_codes(GROUNDS):
        raise BadInput("reason_missing", field="ground")
    if words.benefit not in ("", *categories.BENEFITS):
        raise BadInput("bad_input", field="benefit")
    people = {one.id for one in list_people(session, home.id)}
    if is_personal(words.category) and words.person_id not in people:
        raise BadInput("person_missing", field="person_id")
    if not is_personal(words.category) and words.person_id is not None:
        raise BadInput("person_needless", field="person_id")


def _free(session: Session, row: CategoryAsk, *, now: datetime) -> None:
    """Of one category one time runs at once, and one wish waits."""
    for spell in categories.list_spells(session, row.household_id):
        same = (spell.category, spell.person_id) == (row.category, row.person_id)
        if same and (spell.to_on is None or spell.to_on >= row.from_on):
            raise Conflict("already_in_category", field="category")
    for other in list_asks(session, row.household_id):
        same = (other.category, other.person_id) == (row.category, row.person_id) and other.id != row.id
        if same and state_of(other, now=now) is AskState.ASKED:
            raise Conflict("entry_waits", field="category")


def _enter(session: Session, row: CategoryAsk, *, actor: Actor, now: datetime) -> CategoryAsk:
    own: dict[str, Any] = {"person_id": row.person_id, "source": HAND, "source_ref": row.id, "benefit": row.benefit}
    categories.enter(
        session, categories.Entry(row.household_id, row.category, row.from_on, **own), actor=actor, now=now
    )
    row.state = AskState.ENTERED
    return _saved(session, row, "register:agree", actor=actor, now=now) if row.decided_by else row


def _saved(session: Session, row: CategoryAsk, action: str, *, actor: Actor, now: datetime) -> CategoryAsk:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, rule_id=row.category, purpose=row.ground)
    audit.record(session, entry, actor=actor, now=now)
    return row
