"""What people write at a visit: kept entry by entry, laid together, chosen between, and finished.

Enters: changed fields with the version that their author last saw. Leaves: entries, of which one of each field
stands; two changes of one field are both kept and shown until a person chooses. A visit is finished when its outcome
stands and nothing lies beside. Other words that come after one of two people finished open it again, both beside;
what comes after the end is kept as late. Called by the form and by `parcels`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.service import list_people
from marketplace.reference.indicators import indicators
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of
from marketplace.visits import service
from marketplace.visits.merging import Standing, Verdict, merge
from marketplace.visits.models import WAITING, EntryState, HomeVisit, VisitEntry, VisitState

COLUMN = "visit_entry.note"
OUTCOME, NOTE = "outcome", "note"
LONGEST_NOTE = 400
LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class Change:
    """One field as somebody wrote it, and when, by the clock of the device."""

    value: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry for the page. `sealed`: a note that was not opened for this look; its words are not in `value`."""

    id: str
    field: str
    value: str
    author: str
    at: datetime
    beside: bool
    received: datetime
    sealed: bool = False


def version(session: Session, visit_id: str, /) -> int:
    """The number of the newest entry; 0 where nothing was written."""
    return session.exec(select(func.max(VisitEntry.no)).where(VisitEntry.visit_id == visit_id)).one() or 0


def write(
    session: Session, visit_id: str, changes: Mapping[str, Change], /, *, base: int, actor: Actor, now: datetime
) -> dict[str, Verdict]:
    """Lay somebody's changes onto what stands; nothing is lost on either side."""
    visit = service.open_visit(session, visit_id, actor=actor)
    return lay(session, visit, changes, base=base, actor=actor, now=now)


def lay(
    session: Session, visit: HomeVisit, changes: Mapping[str, Change], /, *, base: int, actor: Actor, now: datetime
) -> dict[str, Verdict]:
    """The same upon a locked visit; what comes after its end is kept as late."""
    for field, change in changes.items():
        _check(field, change.value)
    if not 0 <= base <= version(session, visit.id):
        raise BadInput("bad_input", field="base")
    held = {row.field: row for row in _rows(session, visit.id) if row.state is EntryState.STANDING}
    standing = {field: Standing(text_of(session, row), row.no) for field, row in held.items()}
    verdicts = merge(standing, {field: change.value for field, change in changes.items()}, base=base)
    if visit.state is not VisitState.OPEN:
        verdicts = {
            field: Verdict.SAME if verdict is Verdict.SAME else Verdict.BESIDE for field, verdict in verdicts.items()
        }
    for field, verdict in verdicts.items():
        if verdict is not Verdict.SAME:
            _keep(session, visit, field, changes[field], verdict, held.get(field), base=base, actor=actor, now=now)
    _tell(session, visit, verdicts, actor=actor, now=now)
    if visit.state is VisitState.SECOND and Verdict.BESIDE in verdicts.values():
        service.open_again(session, visit, actor=actor, now=now)
    return verdicts


def _check(field: str, value: str) -> None:
    if field == NOTE:
        sound = len(value) <= LONGEST_NOTE
    elif field == OUTCOME:
        sound = value == "" or value in list_codes("watch_result")
    else:
        sound = field in indicators() and (value == "" or _answers(field, value))
    if not sound:
        raise BadInput("bad_input", field=field if field in indicators() else "note")


def _answers(code: str, value: str) -> bool:
    """A whole number where only a visit can tell (1 or 0 for yes or no), else one of the three answers."""
    if not indicators()[code].found:
        return value in list_codes("visit_answer")
    if indicators()[code].value == "yes":
        return value in ("0", "1")
    return value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER


def _keep(
    session: Session,
    visit: HomeVisit,
    field: str,
    change: Change,
    verdict: Verdict,
    held: VisitEntry | None,
    *,
    base: int,
    actor: Actor,
    now: datetime,
) -> VisitEntry:
    beside = verdict is Verdict.BESIDE
    if held is not None and not beside:
        held.state = EntryState.PAST
        session.add(held)
        flush(session)
    row = VisitEntry(
        id=new_id(),
        visit_id=visit.id,
        no=version(session, visit.id) + 1,
        field=field,
        value="" if field == NOTE else change.value,
        state=_state(visit, beside),
        was_beside=beside,
        base=base,
        author=actor.id,
        written_at=min(change.at, now),
        received_at=now,
    )
    if field == NOTE and change.value:
        row.person_id = list_people(session, visit.household_id)[0].id
        row.note = vault_of(session).seal(session, row.person_id, column=COLUMN, text=change.value)
    session.add(row)
    flush(session)
    return row


def _state(visit: HomeVisit, beside: bool) -> EntryState:
    if not beside:
        return EntryState.STANDING
    return EntryState.BESIDE if visit.state in WAITING else EntryState.PAST


def _tell(session: Session, visit: HomeVisit, verdicts: Mapping[str, Verdict], *, actor: Actor, now: datetime) -> None:
    fields = tuple(field for field, verdict in verdicts.items() if verdict is not Verdict.SAME)
    if fields:
        rule = Verdict.BESIDE.value if Verdict.BESIDE in verdicts.values() else Verdict.TAKEN.value
        entry = audit.Entry("visit:write", object_ref=visit.id, subject=visit.household_id, rule_id=rule, fields=fields)
        audit.record(session, entry, actor=actor, now=now)


def choose(session: Session, entry_id: str, /, *, actor: Actor, now: datetime) -> VisitEntry:
    """One of several words for a field counts from now on; the others are kept as past."""
    row = session.get(VisitEntry, entry_id)
    visit = service.open_visit(session, row.visit_id if row is not None else "", actor=actor)
    if row is None or row.state is EntryState.PAST:
        raise NotFound("visit_entry")
    text = text_of(session, row)
    for one in _rows(session, visit.id):
        if one.field == row.field and one.state is not EntryState.PAST:
            one.state = EntryState.PAST
            session.add(one)
    flush(session)
    base = version(session, visit.id)
    chosen = _keep(session, visit, row.field, Change(text, now), Verdict.TAKEN, None, base=base, actor=actor, now=now)
    entry = audit.Entry("visit:choose", object_ref=visit.id, subject=visit.household_id, fields=(row.field,))
    audit.record(session, entry, actor=actor, now=now)
    return chosen


def complete(
    session: Session, visit_id: str, /, *, letters: Sequence[str] = (), actor: Actor, now: datetime
) -> HomeVisit:
    """Everything is written down; `letters` stood on the page and were brought."""
    visit = service.open_visit(session, visit_id, actor=actor)
    if beside(session, visit.id):
        raise WrongState("choose_first")
    outcome = values(session, visit.id).get(OUTCOME, "")
    if not outcome:
        raise BadInput("outcome_missing", field=OUTCOME)
    return service.finish(session, visit, outcome, letters=letters, actor=actor, now=now)


def look(session: Session, visit_id: str, /, *, reason: str, actor: Actor, now: datetime) -> HomeVisit:
    """Somebody wants to read the notes of a visit: why is asked, and the look is written down first."""
    visit = service.get_visit(session, visit_id, actor=actor, asks="visit:look")
    if reason not in list_codes("reveal_reason"):
        raise BadInput("reason_missing", field="reason")
    entry = audit.Entry("visit:note_look", object_ref=visit.id, subject=visit.household_id, rule_id=reason)
    audit.record(session, entry, actor=actor, now=now)
    return visit


def values(session: Session, visit_id: str, /, *, opened: bool = False) -> dict[str, str]:
    """Field ► the value that counts; the note only after `look`."""
    rows = (row for row in _rows(session, visit_id) if row.state is EntryState.STANDING)
    return {row.field: text_of(session, row) for row in rows if opened or row.note is None}


def words_of(session: Session, visit_id: str, /, *, actor: Actor) -> dict[str, Change]:
    """What somebody had written on a visit already, each field's newest; not where somebody else's word counts."""
    rows = _rows(session, visit_id)
    others = {row.field for row in rows if row.state is EntryState.STANDING and row.author != actor.id}
    own = (row for row in rows if row.author == actor.id and row.field not in others)
    return {row.field: Change(text_of(session, row), row.written_at) for row in own}


def values_at(session: Session, visit_id: str, base: int, /) -> dict[str, str]:
    """Field ► what counted when the visit had this version: what a form that was opened then showed."""
    rows = (row for row in _rows(session, visit_id) if row.no <= base and not row.was_beside)
    return {row.field: text_of(session, row) for row in rows}


def beside(session: Session, visit_id: str, /, *, opened: bool = False) -> dict[str, list[Shown]]:
    """Field ► all its words, where there are several: what stands and what lies beside; notes only after `look`."""
    rows = [row for row in _rows(session, visit_id) if row.state is not EntryState.PAST]
    open_ones = {row.field for row in rows if row.state is EntryState.BESIDE}
    found: dict[str, list[Shown]] = {}
    for row in rows:
        if row.field in open_ones:
            found.setdefault(row.field, []).append(_shown(session, row, opened=opened))
    return found


def all_of(session: Session, visit_id: str, /, *, opened: bool = False) -> list[Shown]:
    """Every entry that was ever made; notes only after `look`."""
    return [_shown(session, row, opened=opened) for row in _rows(session, visit_id)]


def _shown(session: Session, row: VisitEntry, *, opened: bool) -> Shown:
    beside, sealed = row.state is EntryState.BESIDE, row.note is not None and not opened
    text = "" if sealed else text_of(session, row)
    return Shown(row.id, row.field, text, row.author, row.written_at, beside, row.received_at, sealed)


def _rows(session: Session, visit_id: str) -> list[VisitEntry]:
    return list(session.exec(select(VisitEntry).where(VisitEntry.visit_id == visit_id).order_by(col(VisitEntry.no))))


def text_of(session: Session, row: VisitEntry, /) -> str:
    """The words of an entry; a note is opened from its envelope."""
    if row.note is None or row.person_id is None:
        return row.value
    return vault_of(session).open(session, row.person_id, column=COLUMN, sealed=row.note)
