"""Who is on call: a verifier and an approver between two moments, never the same person, no two pairs of one area.

Enters: what an approver plans for its own area, with the telephones under which the two are reached: a pair of the
whole city is planned and ended only by whoever serves the whole city, a district's by who serves that district. Leaves:
rows of `on_call` and letters to both of a pair. In a district its own pair answers; where it has none, the city's.
Called by `meetings.urgent`, `meetings.calling`, the sweeps of the night and the pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.accounts.models import Account
from marketplace.accounts.standins import reads_for
from marketplace.actors import Actor, Role
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.meetings.models import OnCall
from marketplace.organisations.service import is_mobile
from marketplace.policy import require
from marketplace.sealed import vault_of

LONGEST = timedelta(days=31)
VERIFIERS = (Role.WORKER, Role.VERIFIER)
SEATS = ("verifier", "approver")
CITY = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """A pair from one moment to another, for one district or the whole city, and where each is reached."""

    verifier_id: str
    approver_id: str
    starts_at: datetime
    ends_at: datetime
    verifier_phone: str = field(repr=False)
    approver_phone: str = field(repr=False)
    district_code: str = CITY


def people(session: Session, roles: Sequence[Role], /) -> list[Account]:
    """Active accounts of these roles, by name."""
    wanted = select(Account).where(col(Account.active).is_(True), col(Account.role).in_(list(roles)))
    return sorted(session.exec(wanted), key=lambda one: (one.display_name, one.id))


def fits(account: Account, district_code: str, /) -> bool:
    """Whether the account's area holds the whole of a shift's: for the city's, who serves every district."""
    return not account.districts or district_code in account.districts


def plan(session: Session, shift: Shift, /, *, actor: Actor, now: datetime) -> OnCall:
    """Put a pair on the roster."""
    require(actor, "roster:set", district=shift.district_code)
    _check_people(session, shift)
    for seat in SEATS:
        if not is_mobile(getattr(shift, f"{seat}_phone")):
            raise BadInput("phone_mobile", field=f"{seat}_phone")
    if not now - timedelta(days=1) < shift.ends_at or not shift.starts_at < shift.ends_at:
        raise BadInput("span_backwards", field="ends_on")
    if shift.ends_at - shift.starts_at > LONGEST:
        raise BadInput("span_too_long", field="ends_on")
    _one_at_a_time(session)
    if _overlaps(session, shift):
        raise BadInput("on_call_overlap", field="starts_on")
    row = OnCall(
        id=new_id(),
        verifier_id=shift.verifier_id,
        approver_id=shift.approver_id,
        district_code=shift.district_code,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        set_by=actor.id,
        set_at=now,
    )
    vault = vault_of(session)
    vault.new_person(session, row.id)
    for seat in SEATS:
        column, text = f"on_call.{seat}_phone", getattr(shift, f"{seat}_phone")
        setattr(row, f"{seat}_phone", vault.seal(session, row.id, column=column, text=text))
    session.add(row)
    _record(session, row, "roster:set", actor=actor, now=now)
    return row


def _check_people(session: Session, shift: Shift) -> None:
    if shift.verifier_id == shift.approver_id:
        raise BadInput("same_person", field="approver")
    for seat, roles in zip(SEATS, (VERIFIERS, (Role.APPROVER,)), strict=True):
        chosen = {one.id: one for one in people(session, roles)}.get(getattr(shift, f"{seat}_id"))
        if chosen is None:
            raise BadInput("officer_unknown", field=seat)
        if not fits(chosen, shift.district_code):
            raise BadInput("officer_elsewhere", field=seat)


def _one_at_a_time(session: Session) -> None:
    """Whoever plans locks the approvers, so that a pair that another head is just planning is seen before it is asked
    whether two pairs meet."""
    heads = select(Account.id).where(col(Account.role) == Role.APPROVER).order_by(col(Account.id))
    session.exec(heads.with_for_update()).all()


def _overlaps(session: Session, shift: Shift) -> bool:
    other = select(OnCall.id).where(col(OnCall.starts_at) < shift.ends_at, col(OnCall.ends_at) > shift.starts_at)
    return session.exec(other.where(col(OnCall.district_code) == shift.district_code)).first() is not None


def drop(session: Session, row_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Take a pair off that has not begun; one that has begun ends now, so that the roster still tells who it was."""
    row = get_planned(session, row_id, actor=actor, now=now, lock=True)
    forget_phones(session, row)
    if row.starts_at < now:
        row.ends_at = now
    else:
        session.delete(row)
    _record(session, row, "roster:drop", actor=actor, now=now)


def correct_phones(
    session: Session, row_id: str, /, *, verifier: str = "", approver: str = "", actor: Actor, now: datetime
) -> OnCall:
    """Another telephone for one or both of a pair that is on call or will be; an empty one stays as it is. The row of
    the log says whose, and never the number."""
    row = get_planned(session, row_id, actor=actor, now=now, lock=True)
    typed = {seat: number for seat, number in zip(SEATS, (verifier, approver), strict=True) if number}
    for seat, number in typed.items():
        if not is_mobile(number):
            raise BadInput("phone_mobile", field=f"{seat}_phone")
    if not typed:
        raise BadInput("phone_mobile", field="verifier_phone")
    vault = vault_of(session)
    if row.verifier_phone is None and row.approver_phone is None:
        vault.erase(session, row.id)
        flush(session)
        vault.new_person(session, row.id)
    for seat, number in typed.items():
        setattr(row, f"{seat}_phone", vault.seal(session, row.id, column=f"on_call.{seat}_phone", text=number))
    session.add(row)
    _record(session, row, "roster:phone", rule="_".join(typed), actor=actor, now=now)
    return row


def get_planned(session: Session, row_id: str, /, *, actor: Actor, now: datetime, lock: bool = False) -> OnCall:
    """A pair of the actor's area that is on call or will be; one of another area looks like a missing one."""
    row = session.get(OnCall, row_id, with_for_update=True if lock else None, populate_existing=lock)
    require(actor, "roster:set", district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("on_call")
    if row.ends_at <= now:
        raise WrongState("on_call_over")
    return row


def forget_phones(session: Session, row: OnCall, /) -> None:
    """The telephones of a shift that is over are kept no longer."""
    row.verifier_phone = row.approver_phone = None
    session.add(row)
    vault_of(session).erase(session, row.id)


def on_call_at(session: Session, now: datetime, /, *, district: str) -> OnCall | None:
    """The pair that answers for this district at this moment."""
    return answers_for(running(session, now, districts=(district,)), district)


def answers_for(shifts: Sequence[OnCall], district: str, /) -> OnCall | None:
    """Of the pairs that run, in the order of `running`: the district's own, else the city's."""
    mine = [row for row in shifts if row.district_code in (CITY, district)]
    return mine[-1] if mine else None


def running(session: Session, now: datetime, /, *, districts: Collection[str] = ()) -> list[OnCall]:
    """The pairs on call now, the city's first; of the others those of `districts`, or all where none is named."""
    wanted = select(OnCall).where(col(OnCall.starts_at) <= now, col(OnCall.ends_at) > now)
    if districts:
        wanted = wanted.where(col(OnCall.district_code).in_({CITY, *districts}))
    return list(session.exec(wanted.order_by(col(OnCall.district_code), col(OnCall.starts_at))))


def list_shifts(session: Session, /, *, now: datetime) -> list[OnCall]:
    """The last week's pairs and all that come, the earliest first."""
    since = now - timedelta(days=7)
    wanted = select(OnCall).where(col(OnCall.ends_at) > since)
    return list(session.exec(wanted.order_by(col(OnCall.starts_at), col(OnCall.district_code))))


def call(session: Session, row: OnCall, letter: str, /, *, key: str, now: datetime) -> None:
    """Write to both of a pair: by text message to the telephone of the roster, and on the page of who reads for it."""
    for seat, account_id in _seats(row):
        reader = reads_for(session, account_id, now=now)
        params = {"shift_id": row.id, "seat": seat}
        notices.post(session, letter, key=f"{key}:{account_id}", account_id=reader, params=params, now=now)


def _seats(row: OnCall) -> Iterator[tuple[str, str]]:
    yield from zip(SEATS, (row.verifier_id, row.approver_id), strict=True)


def phone_of(session: Session, shift_id: str, seat: str, /) -> str:
    """Where one of a pair is reached; empty where the telephone is gone. Asked when a letter leaves."""
    row = session.get(OnCall, shift_id)
    if row is None or seat not in SEATS:
        return ""
    column = f"{seat}_phone"
    return vault_of(session).open_if_kept(session, row.id, column=f"on_call.{column}", sealed=getattr(row, column))


def _record(session: Session, row: OnCall, action: str, *, rule: str = "", actor: Actor, now: datetime) -> None:
    body = {"from": row.starts_at.isoformat(), "to": row.ends_at.isoformat(), "district": row.district_code}
    audit.record(session, audit.Entry(action, object_ref=row.id, rule_id=rule, body=body), actor=actor, now=now)
    flush(session)
