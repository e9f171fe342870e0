"""What the rules against helping twice say about a need of ours: the facts gathered, the judge asked.

Enters: needs, givers, a day. Leaves: a `Verdict` of `matching`, or an error with the code of the rule that binds; and
the exceptions that a district allows. Approval asks with the household locked, so that no other giver, process or
feed can slip in between the question and the reservation. Called by decisions, the problem of a run, pages and
commands.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.households.related import is_related
from marketplace.ledger import bills
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerEntry, OverlapException
from marketplace.ledger.rules import Book
from marketplace.needs.models import Need
from marketplace.needs.service import today_of
from marketplace.policy import require
from marketplace.reference.duplicate_rules import list_duplicate_rules
from marketplace.reference.words import list_codes
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Bill, Given, Rule, Verdict

EXCEPTION_DAYS = 90
"""How long an exception that a district allows can be used."""


def given(entry: LedgerEntry, /) -> Given:
    """A ledger row in the words of the judge."""
    return Given(
        household_id=entry.household_id,
        category=entry.category,
        units=entry.units,
        given_on=entry.given_on,
        giver=entry.org_id or entry.giver or entry.source,
        payer=entry.payer,
        programme=entry.programme,
        cause=entry.cause,
        need_id=entry.need_id or "",
        ref=entry.id,
    )


def asked(
    need: Need,
    /,
    *,
    giver: str,
    units: int,
    on: date,
    household: Household | None = None,
    related: bool = False,
    excepted: frozenset[str] = frozenset(),
    bill: Bill | None = None,
) -> Asked:
    """Aid for a need in the words of the judge."""
    return Asked(
        household_id=need.household_id,
        category=need.category,
        units=units,
        on=on,
        open_units=need.gap_units - need.committed_units,
        giver=giver,
        programme=programme_of(need.tags),
        cause=need.cause,
        need_id=need.id,
        starts_on=need.valid_from,
        ends_on=need.valid_to,
        members=max(1, household.size if household else 1),
        related=related,
        statuses=frozenset({household.kind}) if household and household.kind else frozenset(),
        excepted=excepted,
        bill=bill,
    )


def programme_of(tags: Iterable[str], /) -> str:
    """The government programme that a need's tags name, if any."""
    known = frozenset(list_codes("aid_programme"))
    return next((tag for tag in sorted(tags) if tag in known), "")


def verdict(session: Session, need: Need, /, *, org_id: str, units: int, on: date, lock: bool = False) -> Verdict:
    """What may be given of `units` from this giver to this need today. With `lock` nobody else can write aid of the
    household until the transaction ends."""
    household = session.get(Household, need.household_id, with_for_update=lock, populate_existing=lock)
    rows = [given(entry) for entry in ledger.live_aid(session, household_ids=[need.household_id])]
    question = asked(
        need,
        giver=org_id,
        units=units,
        on=on,
        household=household,
        related=bool(org_id) and is_related(session, need.household_id, org_id=org_id),
        excepted=exceptions_of(session, need.id, on=on),
        bill=bills.bills_of(session, [need.id]).get(need.id),
    )
    return judge(question, past=rows, rules=_rules(session, need, on=on))


def _rules(session: Session, need: Need, *, on: date) -> tuple[Rule, ...]:
    return Book(session, on=on).about(need.district_code, need.category, programme_of(need.tags))


def refuse_overlap(session: Session, need: Need, /, *, org_id: str, units: int, on: date, lock: bool) -> Verdict:
    """The verdict, or WrongState with the code of the rule that would be broken."""
    found = verdict(session, need, org_id=org_id, units=units, on=on, lock=lock)
    if found.allowed < units:
        raise OverlapFound(found, need_id=need.id)
    return found


class OverlapFound(WrongState):
    """A rule against helping twice forbids it; `verdict` has the rows behind it."""

    def __init__(self, verdict: Verdict, /, *, need_id: str) -> None:
        super().__init__(verdict.code, allowed=verdict.allowed)
        self.verdict, self.need_id = verdict, need_id


def exceptions_of(session: Session, need_id: str, /, *, on: date) -> frozenset[str]:
    """The rules from which a district has excepted a need, as of a day."""
    wanted = select(OverlapException.code).where(
        col(OverlapException.need_id) == need_id, col(OverlapException.valid_to) > on
    )
    return frozenset(session.exec(wanted))


def all_exceptions(session: Session, /, *, on: date) -> dict[str, frozenset[str]]:
    """Need ► the rules from which it is excepted."""
    found: dict[str, frozenset[str]] = {}
    wanted = select(OverlapException).where(col(OverlapException.valid_to) > on)
    for row in session.exec(wanted):
        found[row.need_id] = found.get(row.need_id, frozenset()) | {row.code}
    return found


def allow(
    session: Session, need_id: str, code: str, /, *, reason: str, actor: Actor, now: datetime
) -> OverlapException:
    """A district allows one need what the rule forbids; never whoever verified the need, and only where the rule itself
    leaves that open."""
    need = session.get(Need, need_id, with_for_update=True)
    if need is None:
        raise NotFound("need")
    require(actor, "rule:except", district=need.district_code)
    if code not in {rule.code for rule in list_duplicate_rules() if rule.may_except}:
        raise BadInput("no_exception", field="code")
    if need.verifier_id == actor.id:
        raise WrongState("verifier_is_approver")
    if not reason.strip():
        raise BadInput("reason_missing", field="reason")
    row = OverlapException(
        id=new_id(),
        code=code,
        need_id=need.id,
        household_id=need.household_id,
        valid_to=today_of(now) + timedelta(days=EXCEPTION_DAYS),
        reason=reason.strip()[:200],
        allowed_by=actor.id,
        allowed_at=now,
    )
    session.add(row)
    flush(session)
    entry = audit.Entry("rule:except", object_ref=need.id, subject=need.household_id, rule_id=code)
    audit.record(session, entry, actor=actor, now=now)
    return row
