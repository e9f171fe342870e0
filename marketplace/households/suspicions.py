"""A suspicion is a task: two rows may be one person, and a person decides.

What enters: a member of staff, a pair and a verdict with its reason. What leaves: the pair decided. Called by this
room's pages. Nothing is moved or deleted when two rows are called the same, so it can be undone at any time, and aid
goes on meanwhile; what the verdict means for aid is asked of `households.same`. Deciding takes the lock of both
households, so that an approval under way sees it or is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from marketplace import audit, policy
from marketplace.actors import Actor
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.kin import refuse_close
from marketplace.households.models import Household, Person, Suspicion, SuspicionState
from marketplace.households.reaching import closed_fields
from marketplace.households.same import lock_homes
from marketplace.households.verdicts import against, homes_of
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

WAITING = (SuspicionState.OPEN, SuspicionState.LATER)
FINAL = (SuspicionState.SAME, SuspicionState.DIFFERENT)
REASONS = "suspicion_reason"
MOST_MINUTES = 600
SHOWN = ("name", "id_number", "birth_date", "phone", "address")
"""The fields that are shown side by side, once, for a reason."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two rows."""

    person: Person
    household: Household


def list_suspicions(
    session: Session, state: SuspicionState, /, *, actor: Actor, offset: int, limit: int
) -> tuple[list[Suspicion], int]:
    """One page of the pairs in the actor's districts, the likeliest first, and how many there are."""
    wanted = and_(_to_look_at() if state is SuspicionState.OPEN else col(Suspicion.state) == state, _near(actor))
    total = session.exec(select(func.count()).select_from(Suspicion).where(wanted)).one()
    order = (col(Suspicion.score).desc(), col(Suspicion.raised_at), col(Suspicion.id))
    asked = select(Suspicion).where(wanted).order_by(*order).offset(offset).limit(limit)
    return list(session.exec(asked).all()), total


def _to_look_at() -> ColumnElement[bool]:
    """Pairs to look at: nobody has decided, or facts have changed since two were called the same."""
    return or_(col(Suspicion.state) == SuspicionState.OPEN, col(Suspicion.changed_at).is_not(None))


def count_by_state(session: Session, /, *, actor: Actor) -> dict[SuspicionState, int]:
    """How many pairs of the actor's districts stand in each state."""
    asked = select(Suspicion.state, func.count()).where(_near(actor)).group_by(col(Suspicion.state))
    return {SuspicionState(state): int(number) for state, number in session.exec(asked)}


def minutes_of_false_alarms(session: Session, /, *, actor: Actor) -> int:
    """How long looking at the pairs took that turned out to be two people, in the actor's districts."""
    wanted = (col(Suspicion.state) == SuspicionState.DIFFERENT, _near(actor))
    return int(session.exec(select(func.sum(Suspicion.minutes)).where(*wanted)).one() or 0)


def _near(actor: Actor) -> ColumnElement[bool]:
    if not actor.districts:
        return col(Suspicion.id).is_not(None)
    served = sorted(actor.districts)
    return or_(col(Suspicion.one_district).in_(served), col(Suspicion.two_district).in_(served))


def is_near(suspicion: Suspicion, /, *, actor: Actor) -> bool:
    """Whether the actor serves one of the two districts."""
    return not actor.districts or not actor.districts.isdisjoint((suspicion.one_district, suspicion.two_district))


def count_waiting(session: Session, /, *, actor: Actor) -> int:
    """How many pairs wait for somebody in the actor's districts."""
    wanted = and_(_to_look_at(), _near(actor))
    return int(session.exec(select(func.count()).select_from(Suspicion).where(wanted)).one())


def get_suspicion(session: Session, suspicion_id: str, /, *, actor: Actor, rule: str, lock: bool = False) -> Suspicion:
    """The pair, if one of its two rows lives where the actor serves; NotFound otherwise."""
    found = session.get(Suspicion, suspicion_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("not_found")
    try:
        policy.require(actor, rule, district=found.one_district)
    except (NotAllowed, NotFound):
        policy.require(actor, rule, district=found.two_district)
    return found


def sides(session: Session, suspicion: Suspicion, /) -> tuple[Side, Side]:
    """Both rows with their households."""
    people = [session.get_one(Person, person_id) for person_id in (suspicion.one_id, suspicion.two_id)]
    one, two = (Side(person, session.get_one(Household, person.household_id)) for person in people)
    return one, two


def agreement_of(suspicion: Suspicion, /) -> list[tuple[str, str]]:
    """Field and word, for the fields of which at least one side tells something."""
    pairs = [part.partition(":") for part in suspicion.agreement.split(",") if part]
    return [(name, word) for name, _, word in pairs if word != "untold"]


def open_sides(
    session: Session, suspicion_id: str, /, *, reason: str, actor: Actor, now: datetime
) -> list[tuple[str, str | None, str | None]]:
    """The fields of both rows in plain text, for a reason from the list; an audit row for each is written first. None
    for what may not be opened, because somebody there said how it may be reached."""
    if reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    suspicion = get_suspicion(session, suspicion_id, actor=actor, rule="suspicion:decide")
    pair = sides(session, suspicion)
    closed = [closed_fields(session, side.person) for side in pair]
    for side, kept in zip(pair, closed, strict=True):
        entry = audit.Entry(
            "suspicion:open",
            object_ref=suspicion.id,
            subject=side.person.id,
            purpose="no_duplicates",
            decision="revealed",
            rule_id=reason,
            fields=tuple(name for name in SHOWN if name not in kept),
        )
        audit.record(session, entry, actor=actor, now=now)
    one, two = (
        [None if name in kept else _open(session, side, name) for name in SHOWN]
        for side, kept in zip(pair, closed, strict=True)
    )
    return list(zip(SHOWN, one, two, strict=True))


def _open(session: Session, side: Side, name: str) -> str:
    sealed = getattr(side.person, name)
    if sealed is None:
        return ""
    return vault_of(session).open(session, side.person.id, column=f"person.{name}", sealed=sealed)


def decide(
    session: Session,
    suspicion_id: str,
    /,
    *,
    verdict: SuspicionState,
    reason: str,
    minutes: int = 0,
    actor: Actor,
    now: datetime,
) -> Suspicion:
    """Same, different or later, with a reason from the list and the minutes it took; WrongState where somebody has
    decided already, or where verdicts about other pairs say the contrary."""
    if verdict is SuspicionState.OPEN:
        raise BadInput("bad_input", field="verdict")
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
    if not 0 <= minutes <= MOST_MINUTES:
        raise BadInput("minutes_outside", field="minutes")
    found = get_suspicion(session, suspicion_id, actor=actor, rule="suspicion:decide", lock=True)
    if found.state not in WAITING and found.changed_at is None:
        raise WrongState("suspicion_decided")
    if verdict is SuspicionState.LATER and found.state is SuspicionState.SAME:
        raise BadInput("still_one", field="verdict")
    refuse_close_pair(session, found, actor=actor)
    lock_homes(session, homes_of(session, found))
    if against(session, found, verdict):
        raise WrongState("verdicts_contrary")
    found.minutes += minutes
    return _move(session, found, verdict, reason=reason, actor=actor, now=now, action=f"suspicion:{verdict.value}")


def refuse_close_pair(session: Session, found: Suspicion, /, *, actor: Actor) -> None:
    """Who is close to the household of either row says nothing about the two."""
    for side in sides(session, found):
        refuse_close(session, side.household.id, actor=actor)


def undo(session: Session, suspicion_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Suspicion:
    """Take a decision back: the pair is open again, and two rows called the same count as two people again."""
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
    found = get_suspicion(session, suspicion_id, actor=actor, rule="suspicion:decide", lock=True)
    if found.state in WAITING:
        raise WrongState("suspicion_open")
    refuse_close_pair(session, found, actor=actor)
    return _move(session, found, SuspicionState.OPEN, reason=reason, actor=actor, now=now, action="suspicion:undo")


def _move(
    session: Session,
    found: Suspicion,
    state: SuspicionState,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    action: str,
) -> Suspicion:
    lock_homes(session, {side.household.id for side in sides(session, found)})
    found.state, found.reason, found.decided_by, found.decided_at = state, reason, actor.id, now
    found.aid_seen_at = found.changed_at = None
    session.add(found)
    session.flush()
    for person_id in (found.one_id, found.two_id):
        entry = audit.Entry(action, object_ref=found.id, subject=person_id, rule_id=reason)
        audit.record(session, entry, actor=actor, now=now)
    return found
