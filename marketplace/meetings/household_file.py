"""One household, one file (一户一档): everything the house knows of what was asked, decided, given and seen. What other
rooms have about it they hang into `households.filed`.

Enters: a household, a member of staff and a purpose from the list. Leaves: frozen values for the page, after the look
has been written into the audit chain. No sealed field is opened here: names stay masked, and are revealed one at a time
at the need, by the ordinary door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.audit import AuditRow
from marketplace.consent.ask import list_of_household
from marketplace.consent.models import Consent
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.models import LineDecision, Match
from marketplace.errors import BadInput
from marketplace.households import service as households
from marketplace.households.filed import Entry, on_file
from marketplace.households.models import Household, Person
from marketplace.households.same import same_as
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerEntry
from marketplace.meetings.models import Duty, MeetingRow, UrgentApproval
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.policy import require
from marketplace.proposals.models import ProposedLine, Run, UnservedReason
from marketplace.sharing.looks import staff_looks
from marketplace.sharing.models import Disclosure
from marketplace.sharing.service import disclosures_of

PURPOSES = ("review", "complaint", "household_asked", "handover", "supervision")


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run that looked at a need of this household: what it proposed, or the first reason why not."""

    run: Run
    need: Need
    line: ProposedLine | None
    code: str


@dataclass(frozen=True, slots=True)
class File:
    """The whole file."""

    household: Household
    people: tuple[tuple[Person, str], ...]
    needs: Sequence[Need]
    consents: Sequence[Consent]
    runs: tuple[RunSeen, ...]
    decisions: Mapping[str, Sequence[LineDecision]]
    cards: Sequence[Card]
    aid: Sequence[LedgerEntry]
    letters: Sequence[Notice]
    disclosures: Sequence[Disclosure]
    looks: Sequence[AuditRow]
    meetings: Sequence[MeetingRow]
    duties: Sequence[Duty]
    urgent: Sequence[UrgentApproval]
    parts: Sequence[tuple[str, Sequence[Entry], str]]
    others: Sequence[Household]


def household_of(session: Session, household_id: str, /, *, actor: Actor) -> Household:
    """The household, if its district is the actor's."""
    found = session.get(Household, household_id)
    require(actor, "household:file", district=found.district_code if found is not None else None)
    return households.get_household(session, household_id)


def write_look(session: Session, household_id: str, /, *, purpose: str, actor: Actor, now: datetime) -> None:
    """Write down who opens the file and for what; nobody reads it before."""
    home = household_of(session, household_id, actor=actor)
    if purpose not in PURPOSES:
        raise BadInput("purpose_missing", field="purpose")
    entry = audit.Entry("household:file", subject=home.id, purpose=purpose, decision="permit", rule_id=purpose)
    audit.record(session, entry, actor=actor, now=now)


def open_file(session: Session, household_id: str, /, *, actor: Actor) -> File:
    """Gather the file; the caller has written the look."""
    home = household_of(session, household_id, actor=actor)
    people = households.list_people(session, home.id)
    needs = _needs(session, home.id)
    ids = [need.id for need in needs]
    matches = session.exec(select(Match).where(Match.household_id == home.id).order_by(col(Match.created_at).desc()))
    runs = tuple(_runs(session, needs))
    return File(
        household=home,
        people=tuple((person, households.masked_name(session, person)) for person in people),
        needs=needs,
        consents=list_of_household(session, home.id),
        runs=runs,
        decisions=_decisions(session, [seen.line.id for seen in runs if seen.line is not None]),
        cards=cards_of(session, matches.all()),
        aid=ledger.aid_of_household(session, home.id),
        letters=notices.of_household(session, home.id),
        disclosures=disclosures_of(session, home.id),
        looks=staff_looks(session, home.id),
        meetings=session.exec(select(MeetingRow).where(col(MeetingRow.need_id).in_(ids))).all(),
        duties=session.exec(select(Duty).where(col(Duty.need_id).in_(ids)).order_by(col(Duty.made_at).desc())).all(),
        urgent=session.exec(select(UrgentApproval).where(UrgentApproval.household_id == home.id)).all(),
        parts=on_file(session, home.id),
        others=_others(session, home.id),
    )


def _others(session: Session, household_id: str) -> Sequence[Household]:
    """Other records that count as the same home: each has a file of its own, with a look of its own."""
    ids = same_as(session, [household_id]).of(household_id) - {household_id}
    return session.exec(select(Household).where(col(Household.id).in_(ids)).order_by(col(Household.id))).all()


def _needs(session: Session, household_id: str) -> Sequence[Need]:
    statement = select(Need).where(Need.household_id == household_id)
    return session.exec(statement.order_by(col(Need.created_at).desc(), col(Need.id))).all()


def _runs(session: Session, needs: Sequence[Need]) -> list[RunSeen]:
    """Every line and every first reason against, the newest run first."""
    known = {need.id: need for need in needs}
    lines = session.execute(
        select(Run, ProposedLine)
        .join(ProposedLine, col(ProposedLine.run_id) == col(Run.id))
        .where(col(ProposedLine.need_id).in_(known))
    )
    without = session.execute(
        select(Run, UnservedReason)
        .join(UnservedReason, col(UnservedReason.run_id) == col(Run.id))
        .where(col(UnservedReason.need_id).in_(known), UnservedReason.place == 0)
    )
    seen = [RunSeen(run, known[line.need_id], line, "") for run, line in lines]
    seen += [RunSeen(run, known[reason.need_id], None, reason.code) for run, reason in without]
    return sorted(seen, key=lambda row: (-row.run.number, row.need.id, row.line.id if row.line else ""))


def _decisions(session: Session, line_ids: list[str]) -> dict[str, list[LineDecision]]:
    statement = select(LineDecision).where(col(LineDecision.line_id).in_(line_ids))
    found: dict[str, list[LineDecision]] = {}
    for row in session.exec(statement.order_by(col(LineDecision.audit_seq))):
        found.setdefault(row.line_id, []).append(row)
    return found
