"""How two people change a rule against helping twice.

Enters: a draft by one person, a decision by another. Leaves: drafts, and rules in force that end the older one; `book`
reads them. Called by the pages of rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger.book import ALWAYS, SETS, together
from marketplace.ledger.models import OverlapRule, RuleState
from marketplace.policy import require
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes
from matching.overlap_rules import CHARITY, PAYERS

MOST_DAYS = 3650
MOST_UNITS = 10**12


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to change: only the values that change are filled. `excepted` are programmes that may be
    added although the rule forbids it; `by_person` are the kinds (``*``: all) in which it counts for a person and not
    for the household; `may_except` says whether a district may except a need; `apart` are the groups of programmes that
    exclude each other, `order` the payers of a cost, the first first."""

    code: str
    district_code: str
    valid_from: date
    source: str
    days: int | None = None
    limits: Mapping[str, int] | None = None
    off: bool = False
    categories: frozenset[str] | None = None
    programmes: frozenset[str] | None = None
    excepted: frozenset[str] | None = None
    by_person: frozenset[str] | None = None
    may_except: bool | None = None
    apart: tuple[frozenset[str], ...] | None = None
    order: tuple[str, ...] | None = None

    @property
    def terms(self) -> dict[str, object]:
        """The values that change, as they are kept."""
        sets = {name: getattr(self, name) for name in SETS}
        plain = {"days": self.days, "limits": None if self.limits is None else dict(self.limits)}
        told: dict[str, object] = {name: value for name, value in plain.items() if value is not None}
        told |= {name: sorted(codes) for name, codes in sets.items() if codes is not None}
        told |= {"apart": [sorted(group) for group in self.apart]} if self.apart is not None else {}
        told |= {"order": list(self.order)} if self.order is not None else {}
        told |= {"off": True} if self.off else {}
        return told if self.may_except is None else {**told, "may_except": self.may_except}


def history(session: Session, code: str, /) -> list[OverlapRule]:
    """Every change of a rule that anybody drafted, the newest first."""
    wanted = select(OverlapRule).where(col(OverlapRule.code) == code)
    return list(session.exec(wanted.order_by(col(OverlapRule.drafted_at).desc(), col(OverlapRule.id))))


def drafts(session: Session, /) -> list[OverlapRule]:
    """What waits for a second person, the oldest first."""
    wanted = select(OverlapRule).where(col(OverlapRule.state) == RuleState.DRAFT)
    return list(session.exec(wanted.order_by(col(OverlapRule.drafted_at), col(OverlapRule.id))))


def get_change(session: Session, rule_id: str, /, *, lock: bool = False) -> OverlapRule:
    """One change, or NotFound."""
    found = session.get(OverlapRule, rule_id, with_for_update=lock, populate_existing=True)
    if found is None:
        raise NotFound("overlap_rule")
    return found


def draft(session: Session, wanted: Draft, /, *, actor: Actor, now: datetime) -> OverlapRule:
    """Write a change down; it changes nothing until another person approves it."""
    require(actor, "rule:draft")
    _check(wanted, today=local_day(now))
    row = OverlapRule(
        id=new_id(),
        code=wanted.code,
        district_code=wanted.district_code,
        terms=together(_standing(session, wanted), wanted.terms),
        source=wanted.source.strip(),
        valid_from=wanted.valid_from,
        state=RuleState.DRAFT,
        drafted_by=actor.id,
        drafted_at=now,
    )
    session.add(row)
    flush(session)
    _record(session, row, "rule:draft", actor=actor, now=now)
    return row


def _standing(session: Session, wanted: Draft) -> dict[str, object]:
    """What an earlier change for the same district says and the new one does not touch; a rest ends unless repeated. A
    change that is to hold from a later day is neither brought forward nor undone: the new one begins no earlier."""
    for row in session.exec(
        select(OverlapRule).where(
            col(OverlapRule.code) == wanted.code,
            col(OverlapRule.district_code) == wanted.district_code,
            col(OverlapRule.state) == RuleState.ACTIVE,
        )
    ):
        if row.valid_from > wanted.valid_from:
            raise BadInput("later_change", field="valid_from")
        return {name: value for name, value in row.terms.items() if name != "off"}
    return {}


def _check(wanted: Draft, *, today: date) -> None:
    try:
        rule = duplicate_rule(wanted.code)
    except UnknownCode as error:
        raise NotFound("overlap_rule") from error
    if not wanted.source.strip():
        raise BadInput("source_missing", field="source")
    if wanted.valid_from < today:
        raise BadInput("date_in_past", field="valid_from")
    if wanted.days is not None and not (rule.days and 1 <= wanted.days <= MOST_DAYS):
        raise BadInput("days_outside", field="days")
    if wanted.limits is not None and not all(0 <= limit <= MOST_UNITS for limit in wanted.limits.values()):
        raise BadInput("limit_outside", field="limit")
    _check_sets(wanted, rule)
    _check_groups(wanted, rule)
    _check_persons(wanted, rule)
    if protects(rule):
        _check_protection(wanted, rule)
    if not wanted.terms:
        raise BadInput("nothing_changed", field="days")


def protects(rule: DuplicateRule, /) -> bool:
    """Rules that the law sets up for the household, not for the purse: they never rest and are never narrowed."""
    return rule.kind in ALWAYS


def _check_protection(wanted: Draft, rule: DuplicateRule) -> None:
    narrowed = wanted.programmes is not None and not rule.programmes <= wanted.programmes
    if wanted.off or wanted.may_except or narrowed:
        raise BadInput("rule_protects", field="off")


def _check_sets(wanted: Draft, rule: DuplicateRule) -> None:
    """A rule keeps its shape: it looks at categories or at programmes as before, at one of them at least; what may be
    added all the same may be nothing."""
    kinds, programmes = {kind.code for kind in list_need_kinds()}, set(list_codes("aid_programme"))
    known = {"categories": (rule.categories, kinds), "programmes": (_programmes(rule), programmes)}
    known["excepted"] = (rule.excepted, programmes)
    for name, (before, codes) in known.items():
        told: frozenset[str] | None = getattr(wanted, name)
        enough = told or name == "excepted"
        if told is not None and not (before and enough and told <= codes):
            raise BadInput("codes_outside", field=name)


def _check_groups(wanted: Draft, rule: DuplicateRule) -> None:
    """As many groups as before, of known programmes, none in two; one that stands alone has two at least. All payers
    keep their place in the order but those that moved, and charity stays the last (R5.01)."""
    if wanted.apart is not None:
        told = [code for group in wanted.apart for code in group]
        least = 2 if len(rule.apart) == 1 else 1
        whole = len(wanted.apart) == len(rule.apart) and all(len(group) >= least for group in wanted.apart)
        if not (whole and len(told) == len(set(told)) and set(told) <= set(list_codes("aid_programme"))):
            raise BadInput("codes_outside", field="first_group")
    if wanted.order is not None and not (
        has_order(rule) and sorted(wanted.order) == sorted(PAYERS) and wanted.order[-1] == CHARITY
    ):
        raise BadInput("codes_outside", field="moves")


def has_order(rule: DuplicateRule, /) -> bool:
    """Whether a rule says in which order payers pay."""
    return rule.kind == "WATERFALL"


def counts(rule: DuplicateRule, /) -> bool:
    """Whether a rule counts what somebody had, for a person or for the household. The others protect, warn, look at one
    grant alone, or count the heads of the household."""
    return not protects(rule) and rule.kind not in ("WARN", "CAP") and not rule.per_member


def _check_persons(wanted: Draft, rule: DuplicateRule) -> None:
    """Every kind, none, or some of those that a rule of kinds may look at."""
    kinds = {kind.code for kind in list_need_kinds()} if rule.categories else set()
    if wanted.by_person and not (wanted.by_person == {"*"} or wanted.by_person <= kinds):
        raise BadInput("codes_outside", field="by_person")
    if wanted.by_person is not None and not counts(rule):
        raise BadInput("codes_outside", field="by_person")


def _programmes(rule: DuplicateRule) -> frozenset[str]:
    """Programmes that may be changed; groups that exclude each other are of one piece."""
    return frozenset() if rule.apart else rule.programmes


def approve(session: Session, rule_id: str, /, *, actor: Actor, now: datetime) -> OverlapRule:
    """A second person puts a change in force; the one before it, for the same district, ends on that day."""
    row = _waiting(session, rule_id, actor=actor)
    if row.valid_from < local_day(now):
        raise WrongState("date_in_past")
    for older in session.exec(
        select(OverlapRule).where(
            col(OverlapRule.code) == row.code,
            col(OverlapRule.district_code) == row.district_code,
            col(OverlapRule.state) == RuleState.ACTIVE,
        )
    ):
        if older.valid_from > row.valid_from:
            raise WrongState("later_change")
        older.valid_to, older.state = max(older.valid_from, row.valid_from), RuleState.ENDED
        session.add(older)
    return _decide(session, row, RuleState.ACTIVE, "rule:approve", actor=actor, now=now)


def refuse(session: Session, rule_id: str, /, *, actor: Actor, now: datetime) -> OverlapRule:
    """A second person says no; the draft stays in the history."""
    row = _waiting(session, rule_id, actor=actor)
    return _decide(session, row, RuleState.REFUSED, "rule:refuse", actor=actor, now=now)


def _waiting(session: Session, rule_id: str, *, actor: Actor) -> OverlapRule:
    require(actor, "rule:approve")
    row = get_change(session, rule_id, lock=True)
    if row.state is not RuleState.DRAFT:
        raise WrongState("rule_decided")
    if row.drafted_by in actor.people:
        raise WrongState("same_person_twice")
    return row


def _decide(
    session: Session, row: OverlapRule, state: RuleState, action: str, *, actor: Actor, now: datetime
) -> OverlapRule:
    row.state, row.decided_by, row.decided_at = state, actor.id, now
    session.add(row)
    flush(session)
    _record(session, row, action, actor=actor, now=now)
    return row


def _record(session: Session, row: OverlapRule, action: str, *, actor: Actor, now: datetime) -> None:
    audit.record(session, audit.Entry(action, object_ref=row.id, rule_id=row.code), actor=actor, now=now)
