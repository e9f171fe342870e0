"""Making, checking, stopping a power; a helper never becomes the household, it acts beside it under its own id.

Enters: a person who hands over a code, or a signed paper that a worker records and another member of staff checks.
Leaves: a power, the household told of it by letter, every session under it dead when it is stopped. Called by this
room's pages and by the worker.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from marketplace import audit, notices
from marketplace.accounts import codes
from marketplace.accounts import service as accounts
from marketplace.accounts.models import SignInCode
from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.guardians import is_minor
from marketplace.households.models import Household, Person
from marketplace.households.service import has_own_phone
from marketplace.liveness.dead import is_told_dead
from marketplace.policy import require
from marketplace.proxies.heard import get_power
from marketplace.proxies.models import UNTOLD, HelpPower, PowerKind, PowerState, Signed
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

STEP = "power_check"
ONCE_FOR = timedelta(hours=24)
LONGEST = timedelta(days=3 * 366)
MANY = 3
"""A helper of more households than this is shown to staff as a warning; it is not stopped by it."""
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PHONE = re.compile(r"1\d{10}")


@dataclass(frozen=True, slots=True)
class Paper:
    """What a written power names, as it stands on the paper."""

    name: str
    phone: str
    helper_kind: str
    matters: tuple[str, ...]
    acts: tuple[str, ...]
    ends_at: datetime
    signed: Signed
    evidence: str
    witnesses: str = ""


def invite(
    session: Session, person_id: str, /, *, helper_kind: str, acts: tuple[str, ...], actor: Actor, now: datetime
) -> tuple[HelpPower, str]:
    """A power for one day and the code that the person hands to the helper; of the code only an index is kept."""
    person = _person(session, person_id)
    require(actor, "power:invite", household_id=person.household_id)
    if actor.id != person.id and session.get(Person, actor.id) is not None:
        raise WrongState("own_helper_only")
    _known("helper_kind", (helper_kind,), field="helper_kind")
    _known("power_act", acts, field="acts")
    code = "".join(secrets.choice(LETTERS) for _place in range(8))
    power = HelpPower(
        id=new_id(),
        kind=PowerKind.ONCE,
        state=PowerState.INVITED,
        household_id=person.household_id,
        subject_id=person.id,
        district_code=session.get_one(Household, person.household_id).district_code,
        helper_kind=helper_kind,
        matters=list(list_codes("power_matter")),
        acts=list(acts),
        starts_at=now,
        ends_at=now + ONCE_FOR,
        code_index=vault_of(session).index("helper-code", code),
        told_to=now,
        recorded_by=actor.id,
        recorded_at=now,
    )
    return record(session, power, "power:invite", actor=actor, now=now), code


def knock(
    session: Session, code: str, /, *, name: str, phone: str, network: str, now: datetime
) -> tuple[HelpPower, SignInCode]:
    """The helper shows the code and says who it is; digits go to its telephone. The same telephone may come back that
    day, another one may not once somebody is in."""
    accounts.count_try(session, "helper-code", network=network, now=now)
    index = vault_of(session).index("helper-code", re.sub(r"[\s-]", "", code).upper())
    power = session.exec(select(HelpPower).where(HelpPower.code_index == index).with_for_update()).one_or_none()
    mine = vault_of(session).index("phone", plain_phone(phone))
    gone = power is None or power.state is PowerState.ENDED or now >= power.ends_at
    if power is None or gone or (power.state is PowerState.ACTIVE and power.phone_index != mine):
        raise NotAllowed("helper_code_wrong")
    if power.state is PowerState.INVITED:
        _refuse_own(session, power, phone)
        _seal_helper(session, power, name=name, phone=phone)
        session.add(power)
        flush(session)
    digits = codes.new_code(session, mine, network=network, now=now)
    params = {"code_id": digits.id, "power_id": power.id}
    notices.post(session, "sign_in_code", key=f"code:{digits.id}", params=params, now=now)
    return power, digits


def accept(session: Session, power_id: str, typed: str, /, *, code_id: str, now: datetime) -> str:
    """The digits are right: the telephone is the helper's own. The household is told, and this is the session."""
    power = session.get(HelpPower, power_id, with_for_update=True, populate_existing=True)
    if power is None or not codes.code_fits(session, power.phone_index, typed, code_id=code_id, now=now):
        raise NotAllowed("digits_wrong")
    if power.state is PowerState.INVITED and now < power.ends_at:
        power.state = PowerState.ACTIVE
        record(session, power, "power:accept", actor=_as_helper(power), now=now)
        tell(session, power, "helper_named", now=now)
    return open_session(session, power, now=now)


def _as_helper(power: HelpPower) -> Actor:
    return Actor(id=power.id, role=Role.HELPER, household_id=power.household_id)


def open_session(session: Session, power: HelpPower, /, *, now: datetime) -> str:
    """A session under a living power."""
    if power.state is not PowerState.ACTIVE or not power.starts_at <= now < power.ends_at:
        raise NotAllowed("power_not_in_force")
    reads_only, ends, named = "answer" not in power.acts, power.ends_at, power.matters
    return accounts.open_for_helper(
        session, power.id, power.household_id, until=ends, reads_only=reads_only, matters=named, now=now
    )


def record_paper(session: Session, person_id: str, paper: Paper, /, *, actor: Actor, now: datetime) -> HelpPower:
    """A worker writes a signed power down; it opens nothing before another member of staff has checked it. For a minor
    the guardians act by law."""
    person = _person(session, person_id)
    home = session.get_one(Household, person.household_id)
    require(actor, "power:record", district=home.district_code)
    if is_minor(person, now=now) or is_told_dead(session, person.id):
        raise BadInput("minor_gives_no_power" if is_minor(person, now=now) else "person_died", field="person")
    _check_paper(paper, now=now)
    power = HelpPower(
        id=new_id(),
        kind=PowerKind.STANDING,
        state=PowerState.PENDING,
        household_id=home.id,
        subject_id=person.id,
        district_code=home.district_code,
        helper_kind=paper.helper_kind,
        matters=list(paper.matters),
        acts=list(paper.acts),
        starts_at=now,
        ends_at=paper.ends_at,
        signed=paper.signed,
        evidence=paper.evidence,
        told_to=now,
        recorded_by=actor.id,
        recorded_at=now,
    )
    _refuse_own(session, power, paper.phone)
    _seal_helper(session, power, name=paper.name, phone=paper.phone)
    if paper.witnesses:
        power.witnesses = vault_of(session).seal(session, power.id, column="help_power.witnesses", text=paper.witnesses)
    record(session, power, "power:record", actor=actor, now=now)
    clocks.start(session, STEP, power.id, holder=Holder(district_code=home.district_code), now=now)
    return power


def _check_paper(paper: Paper, *, now: datetime) -> None:
    _known("helper_kind", (paper.helper_kind,), field="helper_kind")
    _known("power_matter", paper.matters, field="matters")
    _known("power_act", paper.acts, field="acts")
    if not now < paper.ends_at <= now + LONGEST:
        raise BadInput("power_term", field="ends_on")
    if not paper.evidence.strip():
        raise BadInput("bad_input", field="evidence")
    names = {one.strip() for one in re.split(r"[,，、;；]", paper.witnesses)} - {""}
    if paper.signed is Signed.WITNESSES and len(names) < 2:
        raise BadInput("two_witnesses", field="witnesses")


def _refuse_own(session: Session, power: HelpPower, phone: str) -> None:
    """Nobody is its own agent."""
    mine = vault_of(session).index("phone", plain_phone(phone))
    if session.get_one(Person, power.subject_id).phone_index == mine:
        raise BadInput("helper_is_the_person", field="phone")


def _known(table: str, codes: tuple[str, ...], *, field: str) -> None:
    if not codes or not set(codes) <= set(list_codes(table)):
        raise BadInput("bad_input", field=field)


def plain_phone(text: str, /) -> str:
    """Eleven digits, or BadInput."""
    phone = re.sub(r"[\s-]|^\+86", "", text)
    if not PHONE.fullmatch(phone):
        raise BadInput("phone_wrong", field="phone")
    return phone


def _seal_helper(session: Session, power: HelpPower, *, name: str, phone: str) -> None:
    if not name.strip():
        raise BadInput("bad_input", field="name")
    vault = vault_of(session)
    if power.name is None:
        vault.new_person(session, power.id)
    power.name = vault.seal(session, power.id, column="help_power.name", text=name.strip())
    power.phone = vault.seal(session, power.id, column="help_power.phone", text=plain_phone(phone))
    power.phone_index = vault.index("phone", plain_phone(phone))


def confirm(session: Session, power_id: str, /, *, actor: Actor, now: datetime) -> HelpPower:
    """A second member of staff asked the person and saw the paper: the power is in force, the household is told."""
    power = _pending(session, power_id, actor=actor)
    power.state, power.checked_by, power.checked_at, power.told_to = PowerState.ACTIVE, actor.id, now, now
    clocks.move_on(session, power.id, outcome="confirmed", now=now)
    record(session, power, "power:confirm", actor=actor, now=now)
    tell(session, power, "helper_named", now=now)
    return power


def refuse(session: Session, power_id: str, /, *, actor: Actor, now: datetime) -> HelpPower:
    """The person does not want it, or the paper does not hold."""
    power = _pending(session, power_id, actor=actor)
    return end(session, power, reason="refused", action="power:refuse", actor=actor, now=now)


def _pending(session: Session, power_id: str, *, actor: Actor) -> HelpPower:
    power = get_power(session, power_id, "power:check", actor=actor)
    session.refresh(power, with_for_update=True)
    if power.state is not PowerState.PENDING:
        raise WrongState("power_moved_on", state=power.state.value)
    if power.recorded_by in actor.people:
        raise NotAllowed("two_people_needed")
    return power


def stop(session: Session, power_id: str, /, *, objected: bool = False, actor: Actor, now: datetime) -> HelpPower:
    """The person stops it, on the page or by a call to staff; it needs no reason and works at once."""
    power = get_power(session, power_id, "power:stop", actor=actor)
    session.refresh(power, with_for_update=True)
    if power.state is PowerState.ENDED:
        raise WrongState("power_moved_on", state=power.state.value)
    reason = "objected" if objected else "stopped" if actor.household_id else "by_phone"
    return end(session, power, reason=reason, action="power:stop", actor=actor, now=now)


def end(session: Session, power: HelpPower, /, *, reason: str, action: str, actor: Actor, now: datetime) -> HelpPower:
    """Over: every session under it is dead, its clock stands still, both sides are told."""
    told = power.state is PowerState.ACTIVE and reason not in UNTOLD
    if power.state is PowerState.INVITED:
        power.phone_index = ""  # typed, but nobody came in by it
    power.state, power.ended_at, power.ended_by, power.end_reason = PowerState.ENDED, now, actor.id, reason
    accounts.end_helper(session, power.id)
    clocks.move_on(session, power.id, outcome=reason, now=now)
    record(session, power, action, actor=actor, now=now)
    if told:
        tell(session, power, "helper_ended", now=now)
    return power


def tell(session: Session, power: HelpPower, letter: str, /, *, now: datetime) -> None:
    """The household is told of every helper that comes or goes: rather by the telephone of the very person that is
    helped, where it has one of its own."""
    looked = f":{power.checked_at:%y%m%d%H%M%S%f}" if letter == "helper_named" and power.checked_at else ""
    key, person = f"{letter}:{power.id}{looked}", session.get_one(Person, power.subject_id)
    here = person.household_id == power.household_id and has_own_phone(session, person, now=now)
    params = {"rather": person.id} if here else {}
    notices.post(session, letter, key=key, household_id=power.household_id, params=params, now=now)


def opened(session: Session, power: HelpPower, field: str, /) -> str:
    """One sealed field of a power; empty where there is none."""
    sealed = getattr(power, field)
    return vault_of(session).open_if_kept(session, power.id, column=f"help_power.{field}", sealed=sealed)


def _person(session: Session, person_id: str) -> Person:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("person")
    return person


def record(session: Session, power: HelpPower, action: str, /, *, actor: Actor, now: datetime) -> HelpPower:
    """One row of the chain: who acted, for whom."""
    session.add(power)
    flush(session)
    why = power.end_reason or power.kind.value
    entry = audit.Entry(action, object_ref=power.id, subject=power.subject_id, rule_id=why)
    audit.record(session, entry, actor=actor, now=now)
    return power
