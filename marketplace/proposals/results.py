"""What a finished run has to tell: who is served, who is left at zero and why, and what differs from the run before.

Enters: a stored run. Leaves: counts, pages of rows, and stories in words. Nothing is decided or written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.errors import NotFound
from marketplace.ledger.sentences import Sayings
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.proposals.models import LineState, ProposedLine, Run, RunState, UnservedReason
from marketplace.proposals.problem import Scope
from marketplace.reference.needs import MONEY
from marketplace.web.formats import day_in, yuan
from matching.eligibility import COVERED
from matching.plan import Reason
from matching.wording import sentences


@dataclass(frozen=True, slots=True)
class Share:
    """How many needs of one urgency had something open, and how many of them the run gives something."""

    urgency: int
    needs: int
    served: int


def shares(session: Session, run: Run, /) -> list[Share]:
    """Served and unserved needs by urgency, the most urgent first."""
    lines = (col(ProposedLine.run_id) == run.id, col(ProposedLine.free_stock).is_(False))
    served = dict(
        session.execute(
            select(Need.urgency, func.count(func.distinct(ProposedLine.need_id)))
            .join(ProposedLine, col(ProposedLine.need_id) == col(Need.id))
            .where(*lines)
            .group_by(col(Need.urgency))
        ).all()
    )
    nothing = dict(
        session.execute(
            select(Need.urgency, func.count())
            .join(UnservedReason, col(UnservedReason.need_id) == col(Need.id))
            .where(*_short(run), ~exists().where(*lines, col(ProposedLine.need_id) == col(Need.id)))
            .group_by(col(Need.urgency))
        ).all()
    )
    return [Share(u, served.get(u, 0) + nothing.get(u, 0), served.get(u, 0)) for u in (3, 2, 1, 0)]


def _short(run: Run) -> list[ColumnElement[bool]]:
    """The first reasons of needs that this run leaves something open of; what is covered already is none of them."""
    reason = UnservedReason
    return [col(reason.run_id) == run.id, col(reason.place) == 0, col(reason.code) != COVERED]


@dataclass(frozen=True, slots=True)
class Comparison:
    """This run against the last finished one of the same scope before it."""

    number: int
    kept: int
    gained: int
    lost: int
    links_kept: int
    links_changed: int


def against_last(session: Session, run: Run, /) -> Comparison | None:
    """Needs served by both or approved since, only by this run, only by the one before; None if there is none before.

    Lost is only what this run looked at and gives nothing: not what people decided, and no need that ended."""
    last = _last_alike(session, run)
    if last is None:
        return None
    now, earlier = _links(session, run.id), _links(session, last[0])
    served, before = ({need_id for need_id, _offer in links} for links in (now, earlier))
    approved = {pair[0] for pair, (_units, state) in earlier.items() if state is LineState.APPROVED}
    looked = served | set(session.exec(select(UnservedReason.need_id).where(*_short(run))))
    stale = ((pair, units) for pair, (units, state) in earlier.items() if state is LineState.STALE)
    announced = {pair: units for pair, units in stale if pair[0] in looked}
    kept = sum(now[pair][0] >= units for pair, units in announced.items() if pair in now)
    return Comparison(
        last[1],
        kept=len(served & before | approved),
        gained=len(served - before),
        lost=len({need_id for need_id, _offer in announced} - served - approved),
        links_kept=kept,
        links_changed=len(announced) - kept,
    )


def _last_alike(session: Session, run: Run) -> tuple[str, int] | None:
    """Id and number of the last finished run before this one that looked at the same districts and kinds."""
    ended = (RunState.DONE, RunState.CANCELLED)
    before = select(Run.id, Run.number, Run.scope).where(col(Run.number) < run.number, col(Run.state).in_(ended))
    rows = session.exec(before.order_by(col(Run.number).desc()))
    return next(((row[0], row[1]) for row in rows if _same_scope(row[2], run.scope)), None)


def _same_scope(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    mine, theirs = Scope.from_json(one), Scope.from_json(other)
    return set(mine.districts) == set(theirs.districts) and set(mine.categories) == set(theirs.categories)


def _links(session: Session, run_id: str) -> dict[tuple[str, str], tuple[int, str]]:
    """(need, offer) ► units and state of a run's own lines; stale ones were still undecided when the next run came."""
    line = ProposedLine
    columns = select(line.need_id, line.offer_id, line.units, line.state)
    own = (col(line.run_id) == run_id, col(line.free_stock).is_(False))
    return {(need, offer): (units, state) for need, offer, units, state in session.exec(columns.where(*own))}


@dataclass(frozen=True, slots=True)
class Unserved:
    """A need that this run leaves without, or without enough, the reasons, and the resource that came nearest."""

    need: Need
    covered_units: int
    sentences: tuple[str, ...]
    nearest_offer: str


def count_unserved(session: Session, run: Run, /, *, actor: Actor, code: str = "") -> int:
    """How many needs a page of `list_unserved` is cut from."""
    statement = select(func.count()).select_from(UnservedReason).join(Need, col(Need.id) == col(UnservedReason.need_id))
    return session.exec(statement.where(*_unserved_where(run, actor=actor, code=code))).one()


def codes_of(session: Session, run: Run, /, *, actor: Actor) -> dict[str, int]:
    """First reason code ► how many needs at zero have it, the most frequent first."""
    statement = (
        select(UnservedReason.code, func.count())
        .join(Need, col(Need.id) == col(UnservedReason.need_id))
        .where(*_unserved_where(run, actor=actor, code=""))
        .group_by(col(UnservedReason.code))
        .order_by(func.count().desc(), col(UnservedReason.code))
    )
    return {str(row[0]): int(row[1]) for row in session.execute(statement)}


def list_unserved(
    session: Session, run: Run, /, *, actor: Actor, lang: str, offset: int, limit: int, code: str = ""
) -> list[Unserved]:
    """One page, the most urgent first."""
    page = session.execute(
        select(Need, UnservedReason.covered_units)
        .join(UnservedReason, col(UnservedReason.need_id) == col(Need.id))
        .where(*_unserved_where(run, actor=actor, code=code))
        .order_by(col(Need.urgency).desc(), col(Need.id))
        .offset(offset)
        .limit(limit)
    ).all()
    ids = [need.id for need, _covered in page]
    rows = session.exec(
        select(UnservedReason)
        .where(col(UnservedReason.run_id) == run.id, col(UnservedReason.need_id).in_(ids))
        .order_by(col(UnservedReason.need_id), col(UnservedReason.place))
    ).all()
    names = names_of(session, [(row.offer_id, row.detail) for row in rows])
    needs = {need.id: need for need, _covered in page}
    told: dict[str, list[str]] = {}
    nearest: dict[str, str] = {}
    sayings = Sayings(session, on=run.as_of, lang=lang)
    for row in rows:
        need = needs[row.need_id]
        rules = sayings.about(need.district_code, need.category)
        words = sentence(row.code, row.offer_id, row.detail, names=names, unit=need.unit, lang=lang, rules=rules)
        told.setdefault(row.need_id, []).append(words)
        nearest[row.need_id] = nearest.get(row.need_id) or row.offer_id or ""
    return [Unserved(need, covered, tuple(told.get(need.id, ())), nearest.get(need.id, "")) for need, covered in page]


def _unserved_where(run: Run, *, actor: Actor, code: str) -> list[Any]:
    """The first reasons of needs at zero within the actor's districts; joined with need."""
    wanted: list[Any] = [
        col(UnservedReason.run_id) == run.id,
        col(UnservedReason.place) == 0,
        col(UnservedReason.covered_units) == 0,
    ]
    if actor.districts:
        wanted.append(col(Need.district_code).in_(sorted(actor.districts)))
    if code:
        wanted.append(col(UnservedReason.code) == code)
    return wanted


@dataclass(frozen=True, slots=True)
class Story:
    """One proposed line with everything its page tells."""

    line: ProposedLine
    need: Need
    offer: Offer
    organisation: Organisation
    run: Run
    sentences: tuple[str, ...]
    runner_up: Offer | None


def story_of(session: Session, line_id: str, /, *, actor: Actor, lang: str) -> Story:
    """The line's facts and reasons; a line outside the actor's districts looks like a missing one."""
    line = session.get(ProposedLine, line_id)
    if line is None or not actor.serves(line.district_code):
        raise NotFound("proposed_line")
    require(actor, "run:view")
    names = names_of(session, [(line.offer_id, reason) for reason in line.reasons])
    other = next((str(reason["runner_up"]) for reason in line.reasons if "runner_up" in reason), "")
    offer, need = session.get_one(Offer, line.offer_id), session.get_one(Need, line.need_id)
    run = session.get_one(Run, line.run_id)
    rules = Sayings(session, on=run.as_of, lang=lang).about(need.district_code, need.category)
    return Story(
        line=line,
        need=need,
        offer=offer,
        organisation=session.get_one(Organisation, offer.org_id),
        run=run,
        sentences=tuple(
            sentence(str(reason["code"]), line.offer_id, reason, names=names, unit=offer.unit, lang=lang, rules=rules)
            for reason in line.reasons
        ),
        runner_up=session.get(Offer, other) if other else None,
    )


def titles_of(session: Session, offer_ids: Iterable[str], /) -> dict[str, str]:
    """Id ► title of those that are offers."""
    wanted = select(Offer.id, Offer.title).where(col(Offer.id).in_(set(offer_ids)))
    return dict(session.exec(wanted).all())


def names_of(session: Session, told: list[tuple[str, Mapping[str, Any]]], /) -> dict[str, str]:
    """Id ► name of every offer and organisation that these reasons mention."""
    ids = {offer_id for offer_id, _detail in told if offer_id}
    for _offer_id, detail in told:
        for value in detail.values():
            ids.update(str(value).split(";"))
    names: dict[str, str] = {}
    for offer_id, title in titles_of(session, ids).items():
        names[offer_id] = f"「{title}」"
    for org_id, name in session.execute(
        select(Organisation.id, Organisation.name).where(col(Organisation.id).in_(ids))
    ):
        names[org_id] = name
    return names


def sentence(
    code: str,
    offer_id: str,
    detail: Mapping[str, Any],
    /,
    *,
    names: Mapping[str, str],
    unit: str,
    lang: str,
    rules: Mapping[str, str],
) -> str:
    """One stored reason in plain words, with names in place of ids and yuan in place of fen; `rules` are the words of
    the rules against helping twice, by code."""
    plain = {key: _plain(key, value, names=names, unit=unit) for key, value in detail.items() if key != "code"}
    if "until" in plain:
        plain["until"] = day_in(date.fromisoformat(plain["until"]), language=lang)
    told = sentences(Reason("", names.get(offer_id, offer_id), code, plain), lang, rules=rules)
    return ONE_UNIT.sub("1 unit", MONEY_WORDS.sub(r"\1", told))


MONEY_WORDS = re.compile(r"(¥[\d,.]+) ?(?:个单位|units|more units|个)")
ONE_UNIT = re.compile(r"(?<![\d.,])1 units")
AMOUNTS = ("units", "left", "limit", "short_by", "step", "pinned", "delivered", "approved", "reserved")


def _plain(key: str, value: Any, *, names: Mapping[str, str], unit: str) -> Any:
    if key == "by":
        return value
    if key == "extra_cost":
        return yuan(value)
    if isinstance(value, str):
        return "、".join(names.get(part, part) for part in value.split(";"))
    return yuan(value) if unit == MONEY and key in AMOUNTS else value
