"""Asking about consent: which one is the newest, is it alive, whom does it let see. Nothing is changed here.

Enters: a household, a purpose and a recipient. Leaves: a head, a version, or ConsentMissing with the reason.
Being matched is the household's, and each adult has a word of its own in it (adr/0074): the base card may be matched
while one of them says yes, without anybody whom one of them leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace.consent.models import Consent, ConsentHead, ConsentState, Purpose
from marketplace.db import chunks, locked_rows, remembered
from marketplace.errors import ConsentMissing, NotFound

REFUSED_PAUSE = timedelta(days=90)
"""A refused request is not made again for this long."""
HOLDING = (ConsentState.ACTIVE, ConsentState.PAUSED)
"""What a household said yes to itself, or what a call-back confirmed; it may rest."""
ASKED_AT_ONCE = 500
LIVING = (ConsentState.PENDING_CHECK, *HOLDING)
SAID = (*HOLDING, ConsentState.REVOKED, ConsentState.REFUSED, ConsentState.EXPIRED)
"""A word about being matched: whom it left out stays out after it has ended, until the same adult says another one."""
Willing = tuple[str, int, frozenset[str]]
"""Chain and version of one living yes of a household, and whom any of its adults leaves out."""
MATCHES: list[Callable[[Session, str], object]] = []
"""The room of matches locks here those of a household that are open."""
_HEAD = select(ConsentHead).where(col(ConsentHead.chain_id) == bindparam("chain")).with_for_update()
_HEAD = _HEAD.execution_options(populate_existing=True)
"""Built once: every look and every change asks it."""


def find_head(
    session: Session, household_id: str, /, *, purpose: str, org_id: str = "", match_id: str = ""
) -> ConsentHead | None:
    """The living chain of this household, purpose, recipient and match (there is one at most), else one that waits for
    its call-back, else the newest."""
    state = col(ConsentHead.state)
    first = (state.in_(HOLDING).desc(), state.in_(LIVING).desc(), col(ConsentHead.valid_from).desc())
    statement = _of(household_id, purpose=purpose, org_id=org_id, match_id=match_id)
    return session.exec(statement.order_by(*first, col(ConsentHead.chain_id))).first()


def kept_out(session: Session, household_id: str, person_id: str | None, /) -> set[str]:
    """Organisations that this person's living yes to being matched leaves out, also where it rests or waits for its
    call-back, and those that its last word did: a yes that has ended, or a no."""
    voice = person_id or ""
    heads = living_heads(session, household_id, purpose=Purpose.AUTO_MATCH, match_id=voice)
    living = {org_id for head in heads for org_id in newest(session, head).excluded_org_ids}
    said = (word for word in _words(session, col(ConsentHead.household_id) == household_id) if word.voice == voice)
    last = max(said, key=_rank, default=None)
    return living.union(last.left_out if last is not None else ())


def living_heads(
    session: Session, household_id: str, /, *, purpose: str, org_id: str = "", match_id: str = ""
) -> list[ConsentHead]:
    """The one that holds, and the one that waits for its call-back, as far as there are any."""
    statement = _of(household_id, purpose=purpose, org_id=org_id, match_id=match_id)
    living = statement.where(col(ConsentHead.state).in_(LIVING))
    return list(session.exec(living.order_by(col(ConsentHead.chain_id))))


def _of(household_id: str, *, purpose: str, org_id: str, match_id: str) -> SelectOfScalar[ConsentHead]:
    return (
        select(ConsentHead)
        .where(col(ConsentHead.household_id) == household_id, col(ConsentHead.purpose) == Purpose(purpose))
        .where(col(ConsentHead.recipient_org_id) == org_id, col(ConsentHead.match_id) == match_id)
    )


def lock_head(session: Session, chain_id: str) -> ConsentHead:
    """The head, locked until the transaction ends, read anew."""
    head = session.exec(_HEAD, params={"chain": chain_id}).one_or_none()
    if head is None:
        raise NotFound("consent")
    return head


def newest(session: Session, head: ConsentHead) -> Consent:
    """The newest version of a chain."""
    consent = session.get(Consent, (head.chain_id, head.version))
    if consent is None:
        raise NotFound("consent")
    return consent


def is_alive(head: ConsentHead | None, now: datetime) -> bool:
    """Whether this consent permits anything at this moment; expiry is computed here, not waited for."""
    return head is not None and head.state is ConsentState.ACTIVE and head.valid_from <= now < head.valid_to


def was_refused_lately(
    session: Session,
    household_id: str,
    /,
    *,
    purpose: str,
    now: datetime,
    org_id: str | None = None,
    person_id: str | None = None,
) -> bool:
    """Whether the household (or this person of it) said no to this purpose (and recipient) within 90 days and has not
    said yes since; what was found to be never said counts for neither."""
    rows = select(Consent.state).where(
        col(Consent.household_id) == household_id,
        col(Consent.purpose) == Purpose(purpose),
        col(Consent.state).in_((ConsentState.REFUSED, ConsentState.ACTIVE)),
        col(Consent.state_at) > now - REFUSED_PAUSE,
        col(Consent.chain_id).not_in(select(ConsentHead.chain_id).where(col(ConsentHead.state) == ConsentState.VOID)),
    )
    if org_id is not None:
        rows = rows.where(col(Consent.recipient_org_id) == org_id)
    if person_id is not None:
        rows = rows.where(col(Consent.person_id) == person_id)
    last = session.exec(rows.order_by(col(Consent.state_at).desc(), col(Consent.audit_seq).desc()).limit(1)).first()
    return last is ConsentState.REFUSED


class _Word(NamedTuple):
    """What one adult said about being matched; `voice` is the person, empty where nobody is on record."""

    household_id: str
    voice: str
    chain_id: str
    version: int
    state: ConsentState
    valid_from: datetime
    valid_to: datetime
    audit_seq: int
    left_out: list[str]


def living_auto_match(session: Session, household_id: str, /, *, org_id: str, now: datetime) -> None:
    """A living yes to being matched in a household that does not leave this organisation out, its words locked; else
    ConsentMissing."""
    found = locked_word(session, household_id, now=now)
    if found is None:
        raise ConsentMissing("no_auto_match")
    if org_id in found[2]:
        raise ConsentMissing("organisation_excluded")


def locked_word(session: Session, household_id: str, /, *, now: datetime) -> Willing | None:
    """What the household's adults say about being matched, every living word locked in one order: whoever ends one of
    them, and whoever relies on one, waits for the other."""

    def read() -> Willing | None:
        session.exec(_living_words(household_id).with_for_update().execution_options(populate_existing=True)).all()
        return auto_match_of(session, household_id, now=now)

    return remembered(session, ("words", household_id, now), read)


def lock_all(session: Session, household_id: str, /) -> None:
    """Everything that the end of a consent of this household may touch, locked before the first act is written down and
    in the order that every room keeps: open matches, living consents, credentials, and the audit log last."""
    for lock in MATCHES:
        lock(session, household_id)
    lock_living(session, household_id)


def lock_living(session: Session, /, *household_ids: str) -> None:
    """All living consents of these households, read anew and locked in the order of their names."""
    found: list[str] = []
    for some in chunks(household_ids, ASKED_AT_ONCE):
        theirs = select(ConsentHead.chain_id).where(col(ConsentHead.household_id).in_(some))
        found += session.exec(theirs.where(col(ConsentHead.state).in_(LIVING)))
    locked_rows(session, ConsentHead, found)


def lock_with_all(session: Session, chain_id: str, /) -> ConsentHead:
    """One consent whose change may end or hold matches, locked after everything of its household that comes first."""
    head = session.get(ConsentHead, chain_id)
    if head is None:
        raise NotFound("consent")
    lock_all(session, head.household_id)
    return lock_head(session, chain_id)


def others_say_yes(session: Session, head: ConsentHead, /, *, now: datetime) -> bool:
    """Whether the household stays matched without this word, by another adult's."""
    others = session.exec(_living_words(head.household_id))
    return any(is_alive(one, now) for one in others if one.chain_id != head.chain_id)


def _living_words(household_id: str) -> SelectOfScalar[ConsentHead]:
    words = select(ConsentHead).where(
        col(ConsentHead.household_id) == household_id,
        col(ConsentHead.purpose) == Purpose.AUTO_MATCH,
        col(ConsentHead.state).in_(LIVING),
    )
    return words.order_by(col(ConsentHead.chain_id))


def is_to_be_asked(session: Session, household_id: str, now: datetime, /) -> bool:
    """Whether nobody of a household has said a word about being matched that lives, waits for its call-back or rests,
    and it said no to nobody lately."""
    words = session.exec(_living_words(household_id))
    said = any(head.valid_to > now for head in words)
    return not said and not was_refused_lately(session, household_id, purpose=Purpose.AUTO_MATCH, now=now)


def all_auto_match(session: Session, *, now: datetime) -> dict[str, Willing]:
    """Every household of which an adult's yes to being matched lives; one query."""
    return _willing(_words(session), now=now)


def auto_match_of(session: Session, household_id: str, /, *, now: datetime) -> Willing | None:
    """What `all_auto_match` holds of one household."""
    return auto_match_among(session, (household_id,), now=now).get(household_id)


def auto_match_among(session: Session, household_ids: Iterable[str], /, *, now: datetime) -> dict[str, Willing]:
    """What `all_auto_match` holds of these households; one query for each few hundred."""
    found: dict[str, Willing] = {}
    for some in chunks(sorted(set(household_ids)), ASKED_AT_ONCE):
        found |= _willing(_words(session, col(ConsentHead.household_id).in_(some)), now=now)
    return found


def _words(session: Session, *where: ColumnElement[bool]) -> Iterable[_Word]:
    head, said = ConsentHead, Consent
    which = (head.household_id, head.match_id, head.chain_id, head.version)
    lives = (head.state, head.valid_from, head.valid_to)
    statement = (
        select(*which, *lives, said.audit_seq, said.excluded_org_ids)  # type: ignore[call-overload]
        .join(said, (col(head.chain_id) == col(said.chain_id)) & (col(head.version) == col(said.version)))
        .where(col(head.purpose) == Purpose.AUTO_MATCH, col(head.state).in_(SAID), *where)
    )
    return (_Word(*row) for row in session.exec(statement))


def _willing(words: Iterable[_Word], *, now: datetime) -> dict[str, Willing]:
    """The yes with the first name speaks for its household; of each adult only the last word counts."""
    last: dict[tuple[str, str], _Word] = {}
    for word in words:
        key = (word.household_id, word.voice)
        if key not in last or _rank(word) > _rank(last[key]):
            last[key] = word
    found: dict[str, Willing] = {}
    left_out: dict[str, frozenset[str]] = {}
    for word in sorted(last.values(), key=lambda word: word.chain_id):
        home = word.household_id
        left_out[home] = left_out.get(home, frozenset()).union(word.left_out)
        if word.state is ConsentState.ACTIVE and word.valid_from <= now < word.valid_to:
            found.setdefault(home, (word.chain_id, word.version, frozenset()))
    return {home: (chain_id, version, left_out[home]) for home, (chain_id, version, _none) in found.items()}


def _rank(word: _Word) -> tuple[bool, int]:
    """A yes that holds, else what was written down last: a yes with help begins a day after it was confirmed."""
    return word.state in HOLDING, word.audit_seq


def list_of_household(session: Session, household_id: str, /) -> list[Consent]:
    """The newest version of every chain of the household, newest first."""
    statement = (
        select(Consent)
        .join(
            ConsentHead,
            (col(ConsentHead.chain_id) == col(Consent.chain_id)) & (col(ConsentHead.version) == col(Consent.version)),
        )
        .where(col(Consent.household_id) == household_id)
        .order_by(col(Consent.state_at).desc(), col(Consent.chain_id))
    )
    return list(session.exec(statement))
