"""What the rules against helping twice say about a need of ours: the facts gathered, the judge asked.

Enters: needs, givers, a day. Leaves: a `Verdict` of `matching`, or an error with the code of the rule that binds; and
the exceptions that a district allows. Approval asks with the household locked: nobody slips in before the reservation.
A rule of a person leaves out what went to another one, where both are named. Called by decisions, runs and pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select, union_all

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id, remembered
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.apart import People, people_of
from marketplace.households.kin import refuse_close
from marketplace.households.models import Household
from marketplace.households.related import is_related
from marketplace.households.same import Same, lock_homes, same_as
from marketplace.ledger import service as ledger
from marketplace.ledger.book import Book
from marketplace.ledger.claiming import shows_papers_first
from marketplace.ledger.hits import set_apart
from marketplace.ledger.models import PROMISED, HitState, LedgerEntry, OverlapException, OverlapHit
from marketplace.ledger.moved import moved_aid
from marketplace.ledger.shared import bills_in, papered_in
from marketplace.needs.models import Need
from marketplace.organisations.givers import Givers, givers_of
from marketplace.organisations.programmes import plain
from marketplace.policy import require
from marketplace.reference.events import known
from marketplace.reference.words import list_codes
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Bill, Given, Rule, Verdict

NOBODY = People()
EXCEPTION_DAYS = 90
"""How long an exception that a district allows can be used."""


def given(
    entry: LedgerEntry, /, *, household_id: str = "", givers: Givers | None = None, people: People = NOBODY
) -> Given:
    """A ledger row in the words of the judge, told of the household, the person and the giver that it counts for."""
    called = givers or Givers()
    return Given(
        household_id=household_id or entry.household_id,
        category=entry.category,
        units=entry.units,
        given_on=entry.given_on,
        giver=called.one(entry.org_id or "") or called.called(entry.giver) or entry.source,
        payer=entry.payer,
        programme=entry.programme,
        cause=known(entry.cause),
        need_id=entry.need_id or "",
        ref=entry.id,
        person=people.one(entry.person_id),
        project=plain(entry.project),
    )


@dataclass(frozen=True, slots=True)
class Homes:
    """A household as the rules see it: with all that count with it, their people counted once."""

    ids: frozenset[str]
    members: int
    kinds: frozenset[str]
    rural: bool


def homes_of(session: Session, household_id: str, /, *, lock: bool = False) -> Homes:
    """The household and those that count with it. With `lock` their rows are held until the transaction ends."""
    if lock:
        return remembered(session, ("held", household_id), lambda: _held(session, [household_id])[household_id])
    same = same_as(session, [household_id])
    return counted(_rows(session, same.of(household_id)), same)


def hold_homes(session: Session, household_ids: Sequence[str], /) -> None:
    """Lock many at once, in one order, with all that count with any; within the same act `homes_of` knows them."""
    found = _held(session, household_ids)
    for home in household_ids:
        remembered(session, ("held", home), partial(found.__getitem__, home))


def _held(session: Session, household_ids: Sequence[str]) -> dict[str, Homes]:
    """Which households count as one is asked again once they are locked: a verdict may have come meanwhile. Then all
    are let go and locked anew with those that came to them, in one order."""
    wanted = frozenset[str]().union(*map(same_as(session, household_ids).of, household_ids))
    while True:
        held = session.begin_nested()
        by_id = {row.id: row for row in lock_homes(session, wanted)}
        same = same_as(session, household_ids, fresh=True)
        if not (more := wanted.union(*map(same.of, household_ids)) - wanted):
            held.commit()
            return {home: counted([by_id[one] for one in sorted(same.of(home))], same) for home in household_ids}
        held.rollback()
        wanted |= more


def counted(rows: Sequence[Household], same: Same, /) -> Homes:
    """Several records of one household as the rules see them."""
    members = sum(row.size for row in rows) - same.twice(rows[0].id)
    kinds = frozenset(row.kind for row in rows if row.kind)
    return Homes(same.of(rows[0].id), max(1, members), kinds, not any(row.urban for row in rows))


def _rows(session: Session, ids: Iterable[str]) -> list[Household]:
    return list(session.exec(select(Household).where(col(Household.id).in_(ids)).order_by(col(Household.id))))


def aid_of(
    session: Session, homes: Homes, /, *, household_id: str, own: str = "", people: People = NOBODY
) -> list[Given]:
    """The live aid of all of them, told as this household's, with what their people had elsewhere before. Beside a row
    that is reserved already (`own`) stands neither itself nor what we promised after it: of two promises the earlier
    one is kept. What was promised in another year never reckoned with it."""
    rows = list(ledger.live_aid(session, household_ids=sorted(homes.ids)))
    mine = next((row for row in rows if row.id == own), None)
    if mine is not None:
        rows = [row for row in rows if row.id != own and not _promised_after(row, mine)]
    moved = [(row, who) for row, who, _home in moved_aid(session, homes.ids) if row.household_id not in homes.ids]
    givers = givers_of(session, reported([*rows, *(row for row, _who in moved)]))
    told = [given(entry, household_id=household_id, givers=givers, people=people) for entry in rows]
    return told + [before(given(row, household_id=household_id, givers=givers), people.one(who)) for row, who in moved]


def before(row: Given, person: str, /) -> Given:
    """What a person had in another household before."""
    return replace(row, person=person, moved=True)


def _promised_after(row: LedgerEntry, mine: LedgerEntry) -> bool:
    ours = row.source == ledger.PLATFORM and row.state in PROMISED
    one_year = row.given_on.year == mine.given_on.year
    return ours and one_year and (row.created_at, row.id) > (mine.created_at, mine.id)


def reported(rows: Iterable[LedgerEntry], /) -> set[str]:
    """The names of givers that are no organisation here, as far as the rows tell."""
    return {row.giver for row in rows if not row.org_id and row.giver}


def bill_of(session: Session, need: Need, homes: Homes, /) -> Bill | None:
    """The need's bill, or the one that it shares with a like need of the household or of one that counts as it."""
    return remembered(session, ("bills", homes.ids), lambda: bills_in(session, homes.ids)).get(need.id)


def programme_of(tags: Iterable[str], /) -> str:
    """The government programme that a need's tags name, if any."""
    return next(iter(sorted(set(tags).intersection(list_codes("aid_programme")))), "")


def verdict(
    session: Session,
    need: Need,
    /,
    *,
    org_id: str,
    project: str = "",
    units: int,
    on: date,
    lock: bool = False,
    own: str = "",
) -> Verdict:
    """What may be given of `units` from this giver to this need today. With `lock` nobody else can write aid of the
    household until the transaction ends. `own` is the ledger row of the same units where they are reserved already."""
    homes = homes_of(session, need.household_id, lock=lock)
    people = people_of(session, homes.ids) if need.person_id else NOBODY
    question = Asked(
        household_id=need.household_id,
        category=need.category,
        units=units,
        on=on,
        open_units=need.gap_units - need.committed_units + (units if own else 0),
        giver=givers_of(session).one(org_id),
        programme=programme_of(need.tags),
        cause=known(need.cause),
        need_id=need.id,
        starts_on=need.valid_from,
        ends_on=need.valid_to,
        members=homes.members,
        rural=homes.rural,
        related=bool(org_id) and any(is_related(session, home, org_id=org_id) for home in sorted(homes.ids)),
        statuses=homes.kinds,
        excepted=exceptions_of(session, need.id, on=on),
        apart=set_apart(session, [need.id]).get(need.id, frozenset()),
        documented=shows_papers_first(need.category),
        bill=bill_of(session, need, homes),
        project=plain(session.get_one(LedgerEntry, own).project if own else project),
        person=people.one(need.person_id),
        others=people.others(need.person_id),
        papered=remembered(session, ("papered", homes.ids), lambda: papered_in(session, homes.ids)),
    )
    past = aid_of(session, homes, household_id=need.household_id, own=own, people=people)
    return judge(question, past=past, rules=_rules(session, need, on=on))


def _rules(session: Session, need: Need, *, on: date) -> tuple[Rule, ...]:
    book = remembered(session, ("rules", on), lambda: Book(session, on=on))
    return book.about(need.district_code, need.category, programme_of(need.tags))


def refuse_overlap(
    session: Session,
    need: Need,
    /,
    *,
    org_id: str,
    project: str = "",
    units: int,
    on: date,
    lock: bool,
    own: str = "",
) -> Verdict:
    """The verdict, or WrongState with the code of the rule that would be broken."""
    found = verdict(session, need, org_id=org_id, project=project, units=units, on=on, lock=lock, own=own)
    if found.allowed < units:
        raise OverlapFound(found, need_id=need.id)
    return found


def refuse_judge(session: Session, need_id: str, /, *, actor: Actor) -> None:
    """Whoever made a rule say yes to a need, by calling a hit no duplicate or by an exception, does not approve it."""
    called = select(OverlapHit.id).where(
        col(OverlapHit.need_id) == need_id, col(OverlapHit.decided_by).in_(actor.people)
    )
    allowed = select(OverlapException.id).where(
        col(OverlapException.need_id) == need_id, col(OverlapException.allowed_by).in_(actor.people)
    )
    called = called.where(col(OverlapHit.state) == HitState.FALSE_ALARM)
    if session.execute(union_all(called, allowed)).first() is not None:
        raise WrongState("hit_judge_is_approver")


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
    for row in session.exec(select(OverlapException).where(col(OverlapException.valid_to) > on)):
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
    refuse_close(session, need.household_id, actor=actor)
    if code not in {rule.code for rule in Book(session, on=local_day(now)).of(need.district_code) if rule.may_except}:
        raise BadInput("no_exception", field="code")
    if need.vouched_by & actor.people:
        raise WrongState("verifier_is_approver")
    if not reason.strip():
        raise BadInput("reason_missing", field="reason")
    if code in exceptions_of(session, need.id, on=local_day(now)):
        raise WrongState("exception_stands")
    row = OverlapException(
        id=new_id(),
        code=code,
        need_id=need.id,
        household_id=need.household_id,
        valid_to=local_day(now) + timedelta(days=EXCEPTION_DAYS),
        reason=reason.strip()[:200],
        allowed_by=actor.id,
        allowed_at=now,
    )
    session.add(row)
    flush(session)
    entry = audit.Entry("rule:except", object_ref=need.id, subject=need.household_id, rule_id=code)
    audit.record(session, entry, actor=actor, now=now)
    return row
