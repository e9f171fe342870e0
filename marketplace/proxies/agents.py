"""Standing agents: how they come in, what they are told, who helps conspicuously many, and the end of terms.

Enters: a telephone with a code, the clock. Leaves: a session; a neutral message for each letter to the household, until
the power ends; a list of warnings. Called by this room's pages, by the worker, and by the composer of letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, or_
from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.accounts import codes
from marketplace.accounts.models import SignInCode
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database, flush
from marketplace.errors import BadInput
from marketplace.households.models import Household, Person
from marketplace.households.service import mask, masked_name
from marketplace.notices import Notice
from marketplace.policy import require
from marketplace.proxies import heard, service
from marketplace.proxies.models import HelpPower, PowerKind, PowerState
from marketplace.reference.words import list_codes

BATCH = 200
NOT_COPIED = ("sign_in_code", "agent_told", "helper_named", "helper_ended", "right_answered")
"""Letters that are the person's own affair."""
TOLD_OF = {
    "applications": (
        *("case_decided", "case_objected", "case_paid", "case_received", "case_unsigned", "case_waits"),
        *("label_begun", "larger_begun", "papers_missing", "register_told", "appeal_answered"),
    ),
    "offers": (
        *("appeal_answered", "confirm_receipt", "consent_ended", "consent_recorded", "consent_reminder"),
        "consent_rests",
        *("consent_withdrawn", "delivery_expected", "delivery_late", "help_done", "match_approved", "match_cancelled"),
        *("match_expired", "match_held", "match_lowered", "match_part", "need_lapsed", "need_open_again"),
        *("need_settled", "need_verified", "reminder_household", "visit_agreed", "visit_changed", "visit_proposed"),
    ),
    "papers": ("claim_answered", "papers_missing", "account_needed", "payment_failed", "payment_paid"),
    "checks": ("check_done", "check_due"),
}
"""Matter of a power ► the letters that are about it. What is in none, such as an incident, every agent is told."""
OF_90_DAYS = timedelta(days=90)


def living_of_phone(session: Session, phone_index: str, /, *, now: datetime) -> list[HelpPower]:
    """The standing powers of this telephone that are in force."""
    wanted = select(HelpPower).where(
        HelpPower.phone_index == phone_index,
        HelpPower.kind == PowerKind.STANDING,
        HelpPower.state == PowerState.ACTIVE,
        col(HelpPower.starts_at) <= now,
        col(HelpPower.ends_at) > now,
    )
    return list(session.exec(wanted.order_by(col(HelpPower.starts_at), HelpPower.id))) if phone_index else []


def phone_index_of(session: Session, actor: Actor, /, *, now: datetime) -> str:
    """Of the agent who is signed in, under a power in force; empty for everybody else, and for a helper of one day,
    whose telephone opens nothing."""
    power = session.get(HelpPower, actor.id) if actor.role is Role.HELPER else None
    if power is None or power.kind is not PowerKind.STANDING or power.state is not PowerState.ACTIVE:
        return ""
    return power.phone_index if power.starts_at <= now < power.ends_at else ""


def send_code(session: Session, phone_index: str, /, *, network: str, now: datetime) -> SignInCode:
    """Send digits to an agent's telephone; for a telephone of nobody nothing is sent, and the page says the same."""
    code = codes.new_code(session, phone_index, network=network, now=now)
    powers = living_of_phone(session, phone_index, now=now)
    if powers:
        params = {"code_id": code.id, "power_id": powers[0].id}
        notices.post(session, "sign_in_code", key=f"code:{code.id}", params=params, now=now)
    return code


def enter(session: Session, phone_index: str, typed: str, /, *, code_id: str, now: datetime) -> list[HelpPower]:
    """For whom the holder of this telephone may act, if the digits are right."""
    if not codes.code_fits(session, phone_index, typed, code_id=code_id, now=now):
        return []
    return living_of_phone(session, phone_index, now=now)


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """End what has run its term, then tell agents what their households were told; returns how much was done."""
    now = clock()
    return _end_terms(database, now=now) + _tell_agents(database, now=now)


def _end_terms(database: Database, *, now: datetime) -> int:
    over = (col(HelpPower.state) != PowerState.ENDED) & (col(HelpPower.ends_at) <= now)
    with database.reading() as session:
        ids = session.exec(select(HelpPower.id).where(over).limit(BATCH)).all()
    for power_id in ids:
        with database.transaction() as session:
            power = session.get_one(HelpPower, power_id, with_for_update=True, populate_existing=True)
            if power.state is not PowerState.ENDED:
                service.end(session, power, reason="term", action="power:term", actor=SYSTEM, now=now)
    return len(ids)


def _tell_agents(database: Database, *, now: datetime) -> int:
    with database.reading() as session:
        if not _untold(session, now=now):
            return 0
    with database.transaction() as session:
        found = _untold(session, now=now)
        for power, letter in found:
            key, params = f"agent:{power.id}:{letter.id}"[:100], {"power_id": power.id}
            notices.post(session, "agent_told", key=key, params=params, now=now)
            power.told_to = max(power.told_to, letter.created_at)
            session.add(power)
        flush(session)
        return len(found)


def _untold(session: Session, *, now: datetime) -> list[tuple[HelpPower, Notice]]:
    """Letters to households since each agent was last told; a full batch leaves those of its last moment for the next,
    and one of a single moment holds them all, so that none of them is skipped."""
    wanted = (
        select(HelpPower, Notice)
        .join(Notice, col(Notice.household_id) == col(HelpPower.household_id))
        .where(
            HelpPower.state == PowerState.ACTIVE,
            HelpPower.kind == PowerKind.STANDING,
            col(HelpPower.ends_at) > now,
            col(Notice.created_at) > col(HelpPower.told_to),
            col(Notice.letter).not_in(NOT_COPIED),
            cast(col(HelpPower.acts), String).contains('"notices"'),
            or_(col(Notice.letter).not_in([one for some in TOLD_OF.values() for one in some]), *_in_power()),
        )
        .order_by(col(Notice.created_at), col(Notice.id))
        .limit(BATCH)
    )
    found = [(power, letter) for power, letter in session.exec(wanted)]
    if len(found) < BATCH:
        return found
    last = found[-1][1].created_at
    before = [pair for pair in found if pair[1].created_at < last]
    of_last = wanted.where(col(Notice.created_at) == last).limit(None)
    return before or [(power, letter) for power, letter in session.exec(of_last)]


def _in_power() -> list[ColumnElement[bool]]:
    """The conditions that a letter is about a matter that the power names."""
    named = cast(col(HelpPower.matters), String)
    return [named.contains(f'"{matter}"') & col(Notice.letter).in_(some) for matter, some in TOLD_OF.items()]


def hears(power: HelpPower, letter: str, /) -> bool:
    """The same of one power: whether the letter is about a matter that it names, or about none."""
    about = {matter for matter, some in TOLD_OF.items() if letter in some}
    return not about or bool(about.intersection(power.matters))


def phone_of(session: Session, power_id: str, /) -> str:
    """Where an agent is reached, while its power is in force, and a helper of one day who shows the code."""
    power = session.get(HelpPower, power_id)
    if power is None or power.state not in (PowerState.ACTIVE, PowerState.INVITED):
        return ""
    return service.opened(session, power, "phone")


def list_powers(session: Session, /, *, actor: Actor, offset: int, limit: int) -> list[HelpPower]:
    """Powers within the actor's districts: what waits for a check first, then the newest."""
    require(actor, "power:list", district=next(iter(sorted(actor.districts)), ""))
    wanted = select(HelpPower).where(col(HelpPower.state) != PowerState.INVITED)
    if actor.districts:
        wanted = wanted.where(col(HelpPower.district_code).in_(sorted(actor.districts)))
    order = (col(HelpPower.state) != PowerState.PENDING, col(HelpPower.recorded_at).desc(), col(HelpPower.id))
    return list(session.exec(wanted.order_by(*order).offset(offset).limit(limit)))


@dataclass(frozen=True, slots=True)
class Acting:
    """One who acts for somebody at home, or could, with both names masked."""

    power: HelpPower
    name: str
    person: str


def acting_for(session: Session, household_id: str, /, *, actor: Actor) -> list[Acting]:
    """For staff whom a person rings up: every power of the household that can be stopped."""
    home = session.get(Household, household_id)
    require(actor, "power:list", district=home.district_code if home is not None else None)
    found = []
    for power in heard.of_household(session, household_id, actor=actor):
        if power.state is not PowerState.ENDED:
            name = mask(service.opened(session, power, "name"))
            found.append(Acting(power, name, masked_name(session, session.get(Person, power.subject_id))))
    return found


def households_helped(session: Session, phone_indexes: set[str], /, *, now: datetime) -> Counter[str]:
    """For how many households each of these telephones acts now or came in for a day of the last ninety, in the whole
    city."""
    now_in_force = (col(HelpPower.state) == PowerState.ACTIVE) & (col(HelpPower.ends_at) > now)
    came_in = (col(HelpPower.kind) == PowerKind.ONCE) & (col(HelpPower.state) != PowerState.INVITED)
    of_late = came_in & (col(HelpPower.starts_at) > now - OF_90_DAYS)
    wanted = select(HelpPower.phone_index, HelpPower.household_id).where(
        col(HelpPower.phone_index).in_(phone_indexes - {""}), now_in_force | of_late
    )
    return Counter(phone for phone, _home in session.exec(wanted.distinct()))


def look(session: Session, power_id: str, /, *, reason: str, actor: Actor, now: datetime) -> tuple[str, str]:
    """The names of the agent and of the witnesses, for staff; why is asked, and the household sees the look."""
    power = heard.get_power(session, power_id, "power:list", actor=actor)
    if reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    entry = audit.Entry("power:look", object_ref=power.id, subject=power.household_id, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
    return service.opened(session, power, "name") or "—", service.opened(session, power, "witnesses")
