"""Rules as data: loaded from the table, drafted anew by a person, tried on the past, switched on by a second person.

Enters: the text of a rule with its thresholds, colour and source, from staff or from `warning_rules.csv`. Leaves:
versions of a rule, of which one at most is active. No rule is active without a trial and without a second person.
Called by the pages of rules and by the demonstration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.policy import require
from marketplace.reference.tables import rows
from marketplace.signals.language import RuleFault, read_rule
from marketplace.signals.models import Colour, Rule, RuleClass, RuleState
from marketplace.signals.parts import Anyone, Condition, parts_of

PER = ("household", "person", "feed")
PROPOSAL = "D"
"""The mark of what nobody has looked up: a proposal."""
FEED_TEXT = "feed_age() > fresh_days()"


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a person writes: everything of a rule that is not its history."""

    code: str
    cls: str
    per: str
    colour: str
    text: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    quiet_days: int = 90
    source: str = "DESIGN"
    mark: str = PROPOSAL
    follow_up: str = "VISIT"


def told_rules() -> list[RuleText]:
    """The rules of the table."""
    return [
        RuleText(
            code=row["code"],
            cls=row["cls"],
            per=row["per"],
            colour=row["colour"],
            text=row["text"],
            thresholds=read_thresholds(row["thresholds"]),
            quiet_days=int(row["quiet_days"]),
            source=row["source"],
            mark=row["mark"],
            follow_up=row["follow_up"],
        )
        for row in rows("warning_rules")
    ]


def read_thresholds(text: str, /) -> dict[str, float]:
    """Thresholds as people write them.

    >>> read_thresholds("x=10000; ratio=0.5")
    {'x': 10000.0, 'ratio': 0.5}
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = part.partition("=")
        try:
            number = float(value)
        except ValueError as error:
            raise BadInput("bad_threshold", field="thresholds") from error
        if not equals or not name.strip().isidentifier() or not 0 <= number < 1e10:
            raise BadInput("bad_threshold", field="thresholds")
        found[name.strip()] = number
    return found


def tree_of(rule: Rule | RuleText, /) -> Condition:
    """The rule's tree; a rule about feeds has the one text that such a rule can have."""
    return read_rule(rule.text, rule.thresholds)


def check_text(told: RuleText, /) -> None:
    """BadInput with the field that is wrong, before anything is stored."""
    if told.per not in PER or told.cls not in set(RuleClass) or told.colour not in set(Colour):
        raise BadInput("bad_input", field="per")
    if (told.per == "feed") != (told.text.strip() == FEED_TEXT):
        raise BadInput("rule_about_feeds", field="text")
    try:
        tree = tree_of(told)
        if told.per == "person" and any(isinstance(part, Anyone) for part in parts_of(tree)):
            raise RuleFault("not_a_condition", "anyone")
    except RuleFault as error:
        raise BadInput(error.code, field="text", word=error.word) from error


def draft(session: Session, told: RuleText, /, *, actor: Actor, now: datetime) -> Rule:
    """A new version of a rule, not yet at work."""
    require(actor, "warning:draft")
    check_text(told)
    asked = select(func.max(Rule.version)).where(col(Rule.code) == told.code)
    newest = session.exec(asked).one() or 0
    rule = Rule(
        id=new_id(),
        code=told.code,
        version=newest + 1,
        kind=RuleClass(told.cls),
        per=told.per,
        colour=Colour(told.colour),
        text=told.text.strip(),
        thresholds=dict(told.thresholds),
        quiet_days=told.quiet_days,
        source=told.source,
        mark=told.mark,
        follow_up=told.follow_up,
        drafted_by=actor.id,
        created_at=now,
    )
    session.add(rule)
    flush(session)
    _tell(session, "warning:draft", rule, actor=actor, now=now)
    return rule


def draft_table(session: Session, /, *, actor: Actor, now: datetime) -> list[Rule]:
    """Draft every rule of the table that has no version yet."""
    known = set(session.exec(select(Rule.code)))
    return [draft(session, told, actor=actor, now=now) for told in told_rules() if told.code not in known]


def get_rule(session: Session, rule_id: str, /, *, lock: bool = False) -> Rule:
    """The rule, or NotFound."""
    found = session.get(Rule, rule_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("warning_rule")
    return found


def list_rules(session: Session, /) -> list[Rule]:
    """The newest version of each rule, and the active one where another is newer."""
    found = session.exec(select(Rule).order_by(col(Rule.code), col(Rule.version).desc())).all()
    shown: dict[str, list[Rule]] = {}
    for rule in found:
        held = shown.setdefault(rule.code, [])
        if not held or rule.state is RuleState.ACTIVE:
            held.append(rule)
    return [rule for held in shown.values() for rule in held]


def list_versions(session: Session, code: str, /) -> list[Rule]:
    """Every version of a rule, the newest first."""
    return list(session.exec(select(Rule).where(col(Rule.code) == code).order_by(col(Rule.version).desc())))


def active_rules(session: Session, /) -> list[Rule]:
    """The rules at work, in the order of their codes."""
    asked = select(Rule).where(col(Rule.state) == RuleState.ACTIVE)
    return list(session.exec(asked.order_by(col(Rule.code))))


def activate(session: Session, rule_id: str, /, *, actor: Actor, now: datetime) -> Rule:
    """Switch a tried rule on; the version before it is retired. Never by who drafted or tried it."""
    require(actor, "warning:activate")
    rule = get_rule(session, rule_id, lock=True)
    if rule.state is not RuleState.TRIED:
        raise WrongState("rule_not_tried")
    if {rule.drafted_by, rule.tried_by} & actor.people:
        raise NotAllowed("second_person", action="warning:activate")
    for older in session.exec(select(Rule).where(col(Rule.code) == rule.code, col(Rule.state) == RuleState.ACTIVE)):
        _retire(session, older, now=now)
    flush(session)
    rule.state, rule.activated_by, rule.valid_from = RuleState.ACTIVE, actor.id, local_day(now)
    session.add(rule)
    flush(session)
    _tell(session, "warning:activate", rule, actor=actor, now=now)
    return rule


def retire(session: Session, rule_id: str, /, *, actor: Actor, now: datetime) -> Rule:
    """Switch a rule off; its open alerts stay until people close them."""
    require(actor, "warning:retire")
    rule = get_rule(session, rule_id, lock=True)
    if rule.state is not RuleState.ACTIVE:
        raise WrongState("rule_not_active")
    _retire(session, rule, now=now)
    flush(session)
    _tell(session, "warning:retire", rule, actor=actor, now=now)
    return rule


def _retire(session: Session, rule: Rule, *, now: datetime) -> None:
    rule.state, rule.valid_to = RuleState.RETIRED, local_day(now)
    session.add(rule)


def _tell(session: Session, action: str, rule: Rule, *, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=rule.id, rule_id=rule.code, body={"version": rule.version})
    audit.record(session, entry, actor=actor, now=now)
