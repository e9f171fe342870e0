"""What a person without a page says to an offer, and the second call: a yes counts when somebody else heard it too.

Enters: a reading by a worker (call, visit, counter, slip), or a person's own message from its own telephone. Leaves:
the same states as if the household had pressed the button. A no, and whether something arrived, counts at once; a
yes that opens personal data waits for the second call, and falls where the text has changed since. Called by the pages
of this room and by `sms` and `slips`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.answers import texts
from marketplace.cases import counter, handing_on
from marketplace.cases.withdrawing import is_over, is_running, withdraw_item
from marketplace.cases.withdrawing import withdraw as withdraw_case
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.consent import service as consent
from marketplace.consent.ask import LIVING, lock_all
from marketplace.consent.models import ConsentHead
from marketplace.consent.service import Capture
from marketplace.decisions import seeing, service, withdrawing
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.policy import require
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SecondCall, SignedBy
from marketplace.readback.service import Heard
from marketplace.reference.words import list_codes

DENIED = "denied_answer"
ACCEPT, DECLINE, RECEIVED, MISSING, WITHDRAW = "accept", "decline", "received", "not_received", "withdraw"
TAKE_BACK, TAKE_ITEM, HAND_ON = "withdraw_case", "withdraw_item", "hand_on_yes"
WAITS = (TAKE_BACK, TAKE_ITEM, HAND_ON)
"""What is said about an application and counts only when the second call has confirmed it."""
ACTS = {
    MatchState.AWAITING_HOUSEHOLD: (ACCEPT, DECLINE),
    MatchState.DELIVERED: (RECEIVED, MISSING),
    MatchState.IN_DELIVERY: (WITHDRAW,),
}
"""What can be said to a match in which state."""
CHANNELS = {"call": "phone", "counter": "counter", "home_visit": "home_visit", "slip": "slip"}
"""How it was read ► the channel that the consent keeps."""


def person_of(session: Session, match: Match, /) -> Person:
    """Who answers for the household: whom messages reach, else its head."""
    people = list_people(session, match.household_id)
    if not people:
        raise NotFound("person")
    return people[0]


def waiting(session: Session, /, *, actor: Actor, offset: int = 0, limit: int = 50) -> list[Match]:
    """Matches of the actor's districts to which a household can say something now: first what it is asked, then what is
    under way and can be taken back; the oldest first."""
    require(actor, "reading:match", district=next(iter(sorted(actor.districts)), ""))
    wanted = select(Match).where(col(Match.state).in_(ACTS))
    if actor.districts:
        wanted = wanted.where(col(Match.district_code).in_(sorted(actor.districts)))
    order = (col(Match.state) == MatchState.IN_DELIVERY, col(Match.updated_at), col(Match.id))
    return list(session.exec(wanted.order_by(*order).offset(offset).limit(limit)))


def say(
    session: Session,
    match_id: str,
    act: str,
    heard: Heard,
    /,
    *,
    reason_code: str = "other",
    data_fields: Sequence[str] = (),
    actor: Actor,
    now: datetime,
) -> ReadBack:
    """A worker read an offer aloud and the person answered."""
    match = service.get_match(session, match_id, action="reading:match", actor=actor)
    if act not in ACTS.get(match.state, ()):
        raise WrongState("match_moved_on", state=match.state.value)
    lock_all(session, match.household_id)  # before the reading is written down
    person, ref = person_of(session, match), f"match:{match.id}"
    if act == ACCEPT and any(row.second is SecondCall.DUE for row in readback.of_object(session, ref)):
        raise WrongState("second_call_first")
    if not set(data_fields) <= set(seeing.fields_to_ask(session, match, person.id)):
        raise BadInput("field_above_ceiling", field="data_fields")
    answer = {"data_fields": list(data_fields)} if act == ACCEPT else {}
    basis = texts.basis_of(session, match, person.id, lang=heard.script.lang)
    row = readback.keep(
        session, person, heard, act=act, ref=ref, always=act == ACCEPT, answer=answer, basis=basis, actor=actor, now=now
    )
    if act != ACCEPT:
        how = _capture(row, authenticated_by="helper")
        do(session, match, act, reason_code=reason_code, actor=actor, now=now, capture=how)
    return row


def _capture(row: ReadBack, *, authenticated_by: str) -> Capture:
    """How the answer was heard, for the consent that keeps it."""
    return Capture(
        channel=CHANNELS[row.channel],
        authenticated_by=authenticated_by,
        signature_kind=row.signed.value,
        evidence=row.evidence,
        helper_id=row.read_by,
    )


def do(
    session: Session,
    match: Match,
    act: str,
    /,
    *,
    reason_code: str,
    actor: Actor,
    now: datetime,
    capture: Capture | None = None,
) -> None:
    """Everything but a yes: it takes nothing from the household and counts at once."""
    if act == DECLINE:
        asks = "reading:match" if actor.household_id is None else "match:decline"
        service.household_declines(
            session, match.id, reason_code=reason_code, asks=asks, actor=actor, now=now, capture=capture
        )
    elif act == RECEIVED:
        service.confirm(session, match.id, actor=actor, now=now)
    elif act == MISSING:
        service.not_received(session, match.id, actor=actor, now=now)
    elif act == WITHDRAW:
        chain_id = match.consent_chain_id or _base_card(session, match, actor=actor, now=now)
        withdrawing.withdraw_consent(session, chain_id, actor=actor, now=now)
    else:
        raise BadInput("bad_input", field="act")


def _base_card(session: Session, match: Match, *, actor: Actor, now: datetime) -> str:
    head = consent.own_word(session, session.get_one(Household, match.household_id), actor=actor, now=now)
    if head is None:
        raise NotFound("consent")
    return head.chain_id


def second(session: Session, reading_id: str, /, *, confirmed: bool, actor: Actor, now: datetime) -> ReadBack:
    """Somebody else asked again. Confirmed: a yes to an offer counts from now, unless what was read out has changed; an
    application that the person takes back ends, and what stays uncovered may be written down. Denied: a yes by voice
    never counted; an application that the person did not want is taken back while nothing came of it, and so is a yes
    by text message, which counted already. For anything else that counted already a task opens for a person."""
    row = readback.get_reading(session, reading_id, "reading:second", actor=actor)
    lock_all(session, row.household_id)
    if confirmed and row.act == ACCEPT and not is_as_read(session, row):
        raise WrongState("text_changed")
    row = readback.take_second(session, reading_id, confirmed=confirmed, actor=actor, now=now)
    follow = _confirmed if confirmed else _denied
    follow(session, row, row.object_ref.rpartition(":")[2], actor=actor, now=now)
    return row


def _confirmed(session: Session, row: ReadBack, ref: str, /, *, actor: Actor, now: datetime) -> None:
    if row.act == ACCEPT and row.signed is not SignedBy.CODE:
        _accept(session, row, ref, actor=actor, now=now)
    elif row.act == TAKE_BACK and not is_over(session, ref):
        withdraw_case(session, ref, asks="reading:second", actor=actor, now=now)
    elif row.act == TAKE_ITEM and is_running(session, ref):
        withdraw_item(session, ref, asks="reading:second", actor=actor, now=now)
    elif row.act == HAND_ON and handing_on.is_sayable(session, ref):
        handing_on.say(session, ref, yes=True, said_by=row.person_id, asks="reading:second", actor=actor, now=now)


def _denied(session: Session, row: ReadBack, ref: str, /, *, actor: Actor, now: datetime) -> None:
    if row.act == ACCEPT and row.signed is SignedBy.CODE:
        _take_back(session, ref, actor=actor, now=now)
    elif row.act == counter.ACT and not counter.has_counted(session, ref):
        counter.take_back(session, ref, actor=actor, now=now)
    elif row.act not in (ACCEPT, *WAITS):
        _hand_over(session, row, ref, actor=actor, now=now)


def _hand_over(session: Session, row: ReadBack, ref: str, *, actor: Actor, now: datetime) -> None:
    """A no, an arrival, an objection or a withdrawal that was not said: a no about privacy is void, so that the giver
    may be matched again. The rest stands, because it has moved things on: a person of the district puts it right."""
    if row.act == DECLINE:
        consent.void_refusals(session, ref, asks="reading:second", actor=actor, now=now)
    clocks.start(session, DENIED, row.id, holder=Holder(district_code=row.district_code), now=now)


def is_open(session: Session, row: ReadBack, /) -> bool:
    """Whether what the second call denied still waits for a person."""
    return any(clock.step == DENIED for clock in clocks.running_of(session, row.id))


def denied(session: Session, /, *, actor: Actor) -> list[ReadBack]:
    """Denied answers of the actor's districts that wait for a person, the oldest first."""
    require(actor, "reading:list", district=next(iter(sorted(actor.districts)), ""))
    waits = select(Clock.object_ref).where(col(Clock.step) == DENIED, col(Clock.ended_at).is_(None))
    wanted = select(ReadBack).where(col(ReadBack.id).in_(waits))
    if actor.districts:
        wanted = wanted.where(col(ReadBack.district_code).in_(sorted(actor.districts)))
    return list(session.exec(wanted.order_by(col(ReadBack.second_at), col(ReadBack.id)).limit(50)))


def settle(session: Session, reading_id: str, /, *, outcome: str, actor: Actor, now: datetime) -> ReadBack:
    """Somebody who did not read it first has talked to the household and the giver; how it ended."""
    row = readback.get_reading(session, reading_id, "reading:settle", actor=actor)
    if row.readers & actor.people:
        raise NotAllowed("two_people_needed")
    if outcome not in list_codes("denied_outcome"):
        raise BadInput("reason_missing", field="outcome")
    if not clocks.end(session, row.id, outcome=outcome, now=now, step=DENIED):
        raise WrongState("second_call_over")
    entry = audit.Entry("reading:settle", object_ref=row.id, subject=row.household_id, rule_id=outcome)
    audit.record(session, entry, actor=actor, now=now)
    return row


def is_as_read(session: Session, row: ReadBack, /) -> bool:
    """Whether the offer is still the one that was read out; who answered by text message held the letter itself."""
    kind, _colon, ref = row.object_ref.partition(":")
    if kind != "match" or row.signed is SignedBy.CODE:
        return True
    match = session.get_one(Match, ref)
    return texts.basis_of(session, match, row.person_id, lang=row.lang) == row.basis_sha256


def _take_back(session: Session, match_id: str, *, actor: Actor, now: datetime) -> None:
    """The consent that a denied text message gave ends at once, where it still holds."""
    match = session.get_one(Match, match_id)
    head = session.get(ConsentHead, match.consent_chain_id or "")
    if head is not None and head.state in LIVING:
        withdrawing.withdraw_consent(session, head.chain_id, actor=actor, now=now)


def _accept(session: Session, row: ReadBack, match_id: str, *, actor: Actor, now: datetime) -> None:
    """The consent names both people: who read it first and who heard it again. It comes into force a day later."""
    capture = _capture(row, authenticated_by="second_call")
    match = service.household_accepts(
        session,
        match_id,
        data_fields=row.answer["data_fields"],
        agrees_to_share=True,
        agrees_to_terms=True,
        person_id=row.person_id,
        asks="reading:second",
        actor=actor,
        now=now,
        capture=capture,
    )
    consent.confirm_assisted(session, match.consent_chain_id or "", actor=actor, now=now)
