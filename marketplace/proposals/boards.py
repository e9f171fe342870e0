"""The board of the last run, kept by each process, and the facts of one need that is held against it.

Enters: a session and a need. Leaves: the run whose prices count, its `matching.board.Board`, and a `Newcomer` with what
the database knows of the household; what is left of offers is asked anew each time, for that may have changed. Called
by `proposals.quotes`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from threading import Lock

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, func, not_, select

from marketplace.calendar import local_day
from marketplace.consent.ask import auto_match_of
from marketplace.households.apart import People, people_of
from marketplace.households.related import related_pairs
from marketplace.households.same import same_as
from marketplace.ledger import service as ledger
from marketplace.ledger.book import Book
from marketplace.ledger.hits import set_apart
from marketplace.ledger.models import AidState, LedgerEntry, OverlapRule
from marketplace.ledger.overlap import exceptions_of, programme_of, verdict
from marketplace.needs.models import Need
from marketplace.offers.models import Offer, OfferState
from marketplace.organisations.models import Agreement, AgreementState, Organisation, OrganisationState
from marketplace.proposals import overrides
from marketplace.proposals.models import LineState, ProposedLine, Run, RunPrice, RunState
from marketplace.proposals.pins import refused
from marketplace.proposals.problem import Scope, policy_of
from marketplace.proposals.supply import posted
from marketplace.proposals.wanted import one_need
from matching.board import Board, Held, Newcomer
from matching.model import Ban, CoolOff, PastAid, Problem
from matching.overlap_rules import Verdict
from matching.plan import Price

FINISHED = (RunState.DONE, RunState.CANCELLED)
MOST_RUNS = 20
"""Finished runs that are searched for one whose scope holds the need, the newest first."""
MOST_BOARDS = 4
Consent = tuple[str, int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """One need against the board of its run; `consent` is the household's living yes to matching, `kept_back` the units
    by offer that staff pinned for other needs and that nothing is proposed of yet."""

    run: Run
    board: Board
    newcomer: Newcomer
    consent: Consent | None
    kept_back: Mapping[str, int]
    open_units: int
    ruled: Verdict
    """What the rules against helping twice allow of what is open."""


def last_run(session: Session, need: Need, /) -> Run | None:
    """The newest finished run whose scope holds this need."""
    return next((run for run in _newest(session) if _holds(Scope.from_json(run.scope), need)), None)


def last_runs(session: Session, /) -> list[tuple[Run, list[ColumnElement[bool]]]]:
    """The newest finished runs, each with the conditions on the needs whose `last_run` it is."""
    found: list[tuple[Run, list[ColumnElement[bool]]]] = []
    newer: dict[Scope, ColumnElement[bool]] = {}
    for run in _newest(session):
        scope = Scope.from_json(run.scope)
        if scope in newer:
            continue
        found.append((run, [*scope.needs(), *(not_(needs) for needs in newer.values())]))
        if not scope.needs():
            break
        newer[scope] = and_(*scope.needs())
    return found


def came_to_its_end() -> ColumnElement[bool]:
    """The runs whose prices count: not those that a person stopped, who left parts of the city unpriced."""
    return and_(col(Run.state).in_(FINISHED), not_(and_(col(Run.state) == RunState.CANCELLED, col(Run.cancel_asked))))


def _newest(session: Session) -> list[Run]:
    newest = select(Run).where(came_to_its_end()).order_by(col(Run.number).desc()).limit(MOST_RUNS)
    return list(session.exec(newest))


def _holds(scope: Scope, need: Need) -> bool:
    here = not scope.districts or need.district_code in scope.districts
    return here and (not scope.categories or need.category in scope.categories)


def standing_of(session: Session, need: Need, /, *, anew: bool = False, now: datetime) -> Standing | None:
    """Everything a quote for this need is made of, `anew` as if nothing were proposed for it; None before the first
    run."""
    run = last_run(session, need)
    if run is None:
        return None
    board = board_of(session, run, as_of=local_day(now))
    consent = auto_match_of(session, need.household_id, now=now)
    staff = overrides.standing(session, about=need, now=now)
    open_units = need.gap_units - need.committed_units
    ruled = Verdict(open_units)
    if open_units > 0:
        ruled = verdict(session, need, org_id="", units=open_units, on=local_day(now))
    newcomer = _newcomer(session, need, consent, bans=staff.bans, left=ruled.allowed, anew=anew, on=local_day(now))
    others = [pin for pin in staff.pins if pin.need_id != need.id]
    return Standing(run, board, newcomer, consent, overrides.kept_back(session, others), open_units, ruled)


class _Boards:
    """The newest boards of this process; a change of any offer or giver makes a new one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Board] = OrderedDict()
        self._lock = Lock()

    def get(self, session: Session, run: Run, *, as_of: date) -> Board:
        key = (str(session.get_bind().engine.url), run.id, as_of, *_stamp(session))
        with self._lock:
            board = self._kept.get(key)
        if board is None:
            board = _built(session, run, as_of=as_of)
            with self._lock:
                self._kept[key] = board
                while len(self._kept) > MOST_BOARDS:
                    self._kept.popitem(last=False)
        return board


_BOARDS = _Boards()


def board_of(session: Session, run: Run, /, *, as_of: date) -> Board:
    """The board of this run on this day: from memory, or built from the offers and the prices that were stored."""
    return _BOARDS.get(session, run, as_of=as_of)


def _stamp(session: Session) -> tuple[object, ...]:
    """What differs when an offer was posted, changed or paused, a giver came, went or set itself a budget, or two
    people changed a rule against helping twice or put another agreement in force."""
    active = select(func.count()).where(col(Organisation.state) == OrganisationState.ACTIVE).scalar_subquery()
    budget = select(func.coalesce(func.sum(Organisation.yearly_budget_fen), -1)).scalar_subquery()
    rules = select(func.count()).where(col(OverlapRule.decided_at).is_not(None)).scalar_subquery()
    agreed = select(func.count()).where(col(Agreement.state) == AgreementState.APPROVED).scalar_subquery()
    found = select(func.count(), func.max(Offer.updated_at), active, budget).add_columns(rules, agreed)
    found = found.select_from(Offer)
    return tuple(session.execute(found).one())


def _built(session: Session, run: Run, *, as_of: date) -> Board:
    resources, earmarks = posted(session, as_of=as_of)
    problem = Problem(
        policy=policy_of(run.policy, as_of),
        needs=(),
        resources=resources,
        earmarks=earmarks,
        cooloffs=tuple(CoolOff(category, days) for category, days in Book(session, on=as_of).cool_offs().items()),
    )
    rows = session.exec(select(RunPrice).where(RunPrice.run_id == run.id))
    prices = (Price(1, row.kind, row.ref, row.household_id, row.price) for row in rows)
    return Board(problem, prices=prices, scale=int(run.certificate.get("price_scale", 1)))


def _newcomer(
    session: Session, need: Need, consent: Consent | None, *, bans: Iterable[Ban], left: int, on: date, anew: bool
) -> Newcomer:
    """What the board is told of one need. The rules against helping twice as they stand in its district, which the
    board's own waiting times may not be, cut it to what is `left` or close every offer."""
    active = select(Organisation.id).where(col(Organisation.state) == OrganisationState.ACTIVE)
    organisations = frozenset(session.exec(active)) if consent and consent[2] else frozenset[str]()
    same = same_as(session, [need.household_id])
    homes, one = same.of(need.household_id), same.one(need.household_id)
    aid = list(ledger.live_aid(session, household_ids=sorted(homes)))
    people = people_of(session, homes, same=same)
    held = [row for row in _held(session, homes) if not anew or row.need_id != need.id]
    open_units = need.gap_units - need.committed_units
    if open_units > left == 0:
        bans = (*bans, Ban(need.id, overrides.ALL, "rule"))
    gap = need.gap_units - open_units + left if left else need.gap_units
    given = [Held("", offer_id, need.category, units, 0) for offer_id, units in sorted(_had(need, aid).items())]
    return Newcomer(
        replace(one_need(need, consent, organisations=organisations), household_id=one, gap=gap),
        past=tuple(_past(_waited_for(session, need, aid, people=people, on=on), home=one)),
        banned=frozenset(
            (*_closed(session, need, homes=homes, aid=aid, held=held), *_banned(session, need, bans=bans))
        ),
        held=(*held, *given),
    )


def _waited_for(
    session: Session, need: Need, aid: Iterable[LedgerEntry], *, people: People, on: date
) -> list[LedgerEntry]:
    """Without what somebody certainly another got of a kind whose waiting time counts for a person, and without what a
    person called no duplicate or a district excepts: the board's own waiting times are a household's and know nothing
    of that; the rules as asked above hold this need's."""
    rules = Book(session, on=on).about(need.district_code, need.category, programme_of(need.tags))
    cool = [rule for rule in rules if rule.kind == "COOLDOWN"]
    if any(rule.may_except and rule.code in exceptions_of(session, need.id, on=on) for rule in cool):
        return [row for row in aid if row.category != need.category]
    others = people.others(need.person_id) if any(rule.of_person(need.category) for rule in cool) else frozenset()
    apart = set_apart(session, [need.id]).get(need.id, frozenset())
    free = {row_id for code, row_id in apart if code in {rule.code for rule in cool}}
    return [
        row
        for row in aid
        if row.category != need.category or (people.one(row.person_id) not in others and row.id not in free)
    ]


def _past(aid: Iterable[LedgerEntry], *, home: str) -> Iterator[PastAid]:
    for row in aid:
        yield PastAid(home, row.category, row.units, row.given_on, row.state.value, row.need_id)


def _held(session: Session, homes: frozenset[str]) -> Iterator[Held]:
    """What is proposed to the household, or to one that counts as the same, and undecided."""
    statement = (
        select(ProposedLine.need_id, ProposedLine.offer_id, Need.category, func.sum(ProposedLine.units))
        .join(Need, col(Need.id) == col(ProposedLine.need_id))
        .where(col(ProposedLine.household_id).in_(homes), col(ProposedLine.state) == LineState.PROPOSED)
        .group_by(col(ProposedLine.need_id), col(ProposedLine.offer_id), col(Need.category))
        .order_by(col(ProposedLine.need_id), col(ProposedLine.offer_id))
    )
    for need_id, offer_id, category, units in session.execute(statement):
        yield Held(need_id, offer_id, category, int(units), int(units))


def _had(need: Need, aid: Iterable[LedgerEntry]) -> Counter[str]:
    """Units by offer that the household, or one that counts as the same, was given of this need's kind."""
    had = Counter[str]()
    for row in aid:
        if row.offer_id and row.category == need.category:
            had[row.offer_id] += row.units
    return had


def _closed(
    session: Session, need: Need, *, homes: frozenset[str], aid: list[LedgerEntry], held: list[Held]
) -> Iterator[str]:
    """Offers that this need may not draw on: refused before, less than their least step left of the household's share,
    a line or a match of this very pair under way, or of a giver to whom the household is related."""
    yield from sorted(offer_id for _need_id, offer_id in refused(session, [need.id]))
    had = _had(need, aid)
    for offer in session.exec(select(Offer).where(col(Offer.id).in_(sorted(had)))) if had else ():
        most, least = offer.max_per_household, max(offer.lot, offer.min_per_need, 1)
        if most is not None and most - had[offer.id] < least:
            yield offer.id
    running = (AidState.RESERVED, AidState.APPROVED, AidState.DELIVERED)
    yield from (row.offer_id for row in aid if row.offer_id and row.need_id == need.id and row.state in running)
    yield from (row.resource_id for row in held if row.need_id == need.id)
    related = [org_id for home in sorted(homes) for _home, org_id in related_pairs(session, household_id=home)]
    theirs = select(Offer.id).where(col(Offer.org_id).in_(related), col(Offer.category) == need.category)
    yield from session.exec(theirs) if related else ()


def _banned(session: Session, need: Need, *, bans: Iterable[Ban]) -> Iterator[str]:
    """Offers that staff banned for this need; a ban of every offer names all of its kind."""
    for ban in bans:
        if ban.need_id not in (need.id, overrides.ALL):
            continue
        if ban.resource_id == overrides.ALL:
            yield from session.exec(select(Offer.id).where(Offer.category == need.category))
        else:
            yield ban.resource_id


def stock_left(session: Session, *, category: str = "", offer_ids: Iterable[str] = ()) -> dict[str, int]:
    """Units that are neither committed nor proposed of every open offer of one category, or of these offers only; what
    is not named has none. By category the database is told two words instead of hundreds of ids."""
    of_interest = col(Offer.category) == category if category else col(Offer.id).in_(list(offer_ids))
    open_ones = (
        select(Offer.id, Offer.stock_units, Offer.committed_units)
        .join(Organisation, col(Organisation.id) == col(Offer.org_id))
        .where(of_interest, col(Offer.state) == OfferState.OPEN)
        .where(col(Offer.stock_units) > col(Offer.committed_units))
        .where(col(Organisation.state) == OrganisationState.ACTIVE)
    )
    left = {row[0]: row[1] - row[2] for row in session.execute(open_ones)}
    proposed = (
        select(ProposedLine.offer_id, func.sum(ProposedLine.units))
        .where(col(ProposedLine.offer_id).in_(select(Offer.id).where(of_interest)))
        .where(col(ProposedLine.state) == LineState.PROPOSED)
        .group_by(col(ProposedLine.offer_id))
    )
    for offer_id, units in session.execute(proposed):
        if offer_id in left:
            left[offer_id] = max(0, left[offer_id] - int(units))
    return left
