"""One organisation or two? Whoever comes in is compared with all others; what is not clear is a task for a person.

Enters: an organisation that was registered or applied; a pair and a verdict; another name. Leaves: pairs, decided with
a reason and taken back at any time, and the alias table. Nothing is moved: what a verdict means for aid is asked of
`organisations.givers`. Called by `service`, the staff's pages and the demo.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.organisations import reported_names
from marketplace.organisations.models import Organisation, OrganisationAlias, OrganisationPair, PairState
from marketplace.policy import require
from marketplace.reference.words import list_codes
from matching.identity_organisations import Verdict, compare_organisations, name_key

REASONS = "organisation_pair_reason"
MOST_MINUTES = 600


def on_code(session: Session, code: str, name: str, /) -> tuple[Organisation | None, int]:
    """Who has this code already and is meant by this name, or the number of a new row. A department, branch or campus
    mostly stands under the code of its whole: its name says so, and it comes in beside it."""
    asked = select(Organisation).where(col(Organisation.credit_code) == code).order_by(col(Organisation.part))
    known = list(session.exec(asked))
    called = next((one for one in known if name_key(one.name) == name_key(name)), None)
    if called is not None or not known:
        return called, 0
    said = compare_organisations((known[0].name, code), (name, code))
    return (None, known[-1].part + 1) if said is Verdict.PART else (known[0], 0)


def compare(session: Session, organisation: Organisation, /, *, now: datetime) -> int:
    """Raise a pair for every other organisation that may be this one or part of it; returns how many."""
    names = {row.key: row for row in session.exec(select(OrganisationAlias))}
    _keep_own_name(session, organisation, names, now=now)
    aliases = {row.name: session.get_one(Organisation, row.org_id).name for row in names.values() if not row.own}
    others = select(Organisation).where(col(Organisation.id) != organisation.id).order_by(col(Organisation.id))
    raised = 0
    for other in session.exec(others).all():
        said = compare_organisations(_told(organisation), _told(other), aliases=aliases)
        if said is not Verdict.DIFFERENT:
            raised += _raise(session, organisation, other, said=said, now=now)
    flush(session)
    return raised


def _told(organisation: Organisation) -> tuple[str, str]:
    return organisation.name, organisation.credit_code


def _keep_own_name(
    session: Session, organisation: Organisation, names: dict[str, OrganisationAlias], *, now: datetime
) -> None:
    key = name_key(organisation.name)[:120]
    if key and key not in names:
        session.add(_alias(organisation, organisation.name, key, own=True, by="-", now=now))
        flush(session)
        reported_names.forget(session, key)


def _alias(organisation: Organisation, name: str, key: str, *, own: bool, by: str, now: datetime) -> OrganisationAlias:
    return OrganisationAlias(
        id=new_id(), key=key, name=name[:120], org_id=organisation.id, own=own, added_by=by, added_at=now
    )


def _raise(session: Session, organisation: Organisation, other: Organisation, *, said: Verdict, now: datetime) -> bool:
    one, two = sorted((organisation, other), key=lambda row: row.id)
    facts = "|".join((*_told(one), *_told(two)))[:300]
    asked = select(OrganisationPair).where(OrganisationPair.one_id == one.id, OrganisationPair.two_id == two.id)
    held = session.exec(asked).first()
    if held is not None and held.facts == facts:
        return False
    held = held or OrganisationPair(id=new_id(), one_id=one.id, two_id=two.id, said="", facts="", raised_at=now)
    held.said, held.facts, held.raised_at = said.name.lower(), facts, now
    if held.state is PairState.DIFFERENT:
        held.state, held.reason = PairState.OPEN, ""
    session.add(held)
    return True


def list_pairs(
    session: Session, state: PairState, /, *, actor: Actor, offset: int, limit: int
) -> tuple[list[OrganisationPair], int]:
    """One page of the pairs of one state, the newest first, and how many there are."""
    require(actor, "organisation:list")
    wanted = select(OrganisationPair).where(col(OrganisationPair.state) == state)
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    page = wanted.order_by(col(OrganisationPair.raised_at).desc(), col(OrganisationPair.id))
    return list(session.exec(page.offset(offset).limit(limit))), total


def count_open(session: Session, /) -> int:
    """How many pairs wait for a person."""
    asked = select(func.count()).select_from(OrganisationPair).where(col(OrganisationPair.state) == PairState.OPEN)
    return session.exec(asked).one()


def get_pair(session: Session, pair_id: str, /, *, actor: Actor, lock: bool = False) -> OrganisationPair:
    """One pair, for staff."""
    require(actor, "organisation:list")
    found = session.get(OrganisationPair, pair_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("organisation_pair")
    return found


def false_alarms(session: Session, /) -> tuple[int, int]:
    """How many pairs turned out to be two organisations, and how many minutes looking at them took."""
    asked = select(func.count(), func.sum(OrganisationPair.minutes))
    number, minutes = session.exec(asked.where(col(OrganisationPair.state) == PairState.DIFFERENT)).one()
    return int(number), int(minutes or 0)


def decide(
    session: Session,
    pair_id: str,
    /,
    *,
    verdict: PairState,
    whole_id: str,
    reason: str,
    minutes: int = 0,
    actor: Actor,
    now: datetime,
) -> OrganisationPair:
    """Same, part of one of the two, or different, with a reason from the list and the minutes it took; once, until it
    is taken back."""
    require(actor, "organisation:same")
    found = get_pair(session, pair_id, actor=actor, lock=True)
    if found.state is not PairState.OPEN:
        raise WrongState("pair_decided")
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
    wholes = (found.one_id, found.two_id) if verdict is PairState.PART else ("",)
    if verdict is PairState.OPEN or whole_id not in wholes:
        raise BadInput("bad_input", field="verdict")
    if not 0 <= minutes <= MOST_MINUTES:
        raise BadInput("minutes_outside", field="minutes")
    found.minutes += minutes
    return _move(session, found, verdict, whole_id=whole_id or None, reason=reason, actor=actor, now=now)


def undo(session: Session, pair_id: str, /, *, reason: str, actor: Actor, now: datetime) -> OrganisationPair:
    """Take a verdict back: the pair is open again and has no effect."""
    require(actor, "organisation:same")
    found = get_pair(session, pair_id, actor=actor, lock=True)
    if found.state is PairState.OPEN:
        raise WrongState("pair_open")
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
    return _move(session, found, PairState.OPEN, whole_id=None, reason=reason, actor=actor, now=now)


def _move(
    session: Session,
    found: OrganisationPair,
    state: PairState,
    *,
    whole_id: str | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> OrganisationPair:
    found.state, found.whole_id, found.reason = state, whole_id, reason
    found.decided_by, found.decided_at = actor.id, now
    session.add(found)
    flush(session)
    body = {"verdict": state.value, "one": found.one_id, "two": found.two_id, "whole": whole_id or ""}
    entry = audit.Entry("organisation:pair", object_ref=found.id, rule_id=reason, body=body)
    audit.record(session, entry, actor=actor, now=now)
    return found


def aliases_of(session: Session, org_id: str, /) -> list[OrganisationAlias]:
    """Every name under which an organisation is known, its own first."""
    asked = select(OrganisationAlias).where(col(OrganisationAlias.org_id) == org_id)
    return sorted(session.exec(asked), key=lambda row: (not row.own, row.name))


def add_alias(session: Session, org_id: str, /, *, name: str, actor: Actor, now: datetime) -> OrganisationAlias:
    """Another name: aid that is reported under it counts as this organisation's."""
    require(actor, "organisation:same")
    organisation, key = session.get(Organisation, org_id), name_key(name)[:120]
    if organisation is None:
        raise NotFound("organisation")
    if not key:
        raise BadInput("bad_input", field="name")
    if session.exec(select(OrganisationAlias).where(OrganisationAlias.key == key)).first() is not None:
        raise Conflict("alias_taken", field="name")
    row = _alias(organisation, name.strip(), key, own=False, by=actor.id, now=now)
    session.add(row)
    flush(session)
    reported_names.forget(session, key)
    _told_of_alias(session, row, "organisation:alias", actor=actor, now=now)
    return row


def drop_alias(session: Session, alias_id: str, /, *, actor: Actor, now: datetime) -> str:
    """Take a name away; the own one stays. Returns the organisation."""
    require(actor, "organisation:same")
    row = session.get(OrganisationAlias, alias_id)
    if row is None or row.own:
        raise NotFound("organisation_alias")
    session.delete(row)
    flush(session)
    _told_of_alias(session, row, "organisation:alias_drop", actor=actor, now=now)
    return row.org_id


def _told_of_alias(session: Session, row: OrganisationAlias, act: str, *, actor: Actor, now: datetime) -> None:
    audit.record(session, audit.Entry(act, object_ref=row.org_id), actor=actor, now=now)


def pairs_of(session: Session, org_id: str, /) -> list[OrganisationPair]:
    """What one organisation may be, or was found to be, to others."""
    either = or_(col(OrganisationPair.one_id) == org_id, col(OrganisationPair.two_id) == org_id)
    return list(session.exec(select(OrganisationPair).where(either).order_by(col(OrganisationPair.id))))
