"""What the rules against helping twice say about one piece of aid.

What enters: `Asked`, the household's live aid as `Given`, and the `Rule`s in force. What leaves: a `Verdict`: how many
units may be given at most, and for each rule that binds the rows behind it. Pure and without order: rows and rules may
come in any sequence. Called by the ledger room before a run, in the approval's transaction and for late reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from matching.overlap_bill import Rows, on_bill, residual
from matching.overlap_like import alike, of_year, same_cause, same_month, same_need
from matching.overlap_rules import (
    CHARITY,
    PAPERS,
    Asked,
    Bill,
    Finding,
    Given,
    Rule,
    Verdict,
    for_school,
)


def judge(asked: Asked, /, *, past: Iterable[Given], rules: Iterable[Rule]) -> Verdict:
    """How much of `asked` may be given. O(rows × rules that look at its category or programme).

    Examples
    --------
    >>> from datetime import date
    >>> goods = Rule("D08", "COOLDOWN", frozenset({"rice"}), days=180)
    >>> had = Given("h1", "rice", 2, date(2026, 3, 1))
    >>> judge(Asked("h1", "rice", 5, date(2026, 6, 1)), past=[had], rules=[goods]).allowed
    0
    >>> judge(Asked("h1", "rice", 5, date(2026, 9, 1)), past=[had], rules=[goods]).allowed
    5
    """
    known = tuple(rules)
    untouched = frozenset().union(*(rule.programmes for rule in known if rule.kind == "FORBID_OFFSET"))
    if asked.programme in untouched:
        known = tuple(rule for rule in known if rule.kind == "CONFLICT_OF_INTEREST")
    rows = [row for row in past if row.household_id == asked.household_id and row.programme not in untouched]
    found = [
        finding
        for rule in known
        if looks_at(rule, asked) and not (rule.may_except and rule.code in asked.excepted)
        if (finding := _SAYS[rule.kind](rule, asked, _heard(rule, asked, rows))) is not None
    ]
    binding = sorted((f for f in found if not f.warns and f.allowed < asked.units), key=lambda f: (f.allowed, f.code))
    allowed = max(0, min([asked.units, *(finding.allowed for finding in binding)]))
    return Verdict(allowed, tuple(binding), tuple(sorted((f for f in found if f.warns), key=lambda f: f.code)))


def _heard(rule: Rule, asked: Asked, rows: Rows) -> Rows:
    """The rows that a rule is told of: to a rule that counts for a person, not those that name somebody else; to one
    that counts for the household, not what somebody had before it lived here."""
    if rule.of_person(asked.category):
        rows = [row for row in rows if row.person not in asked.others]
    else:
        rows = [row for row in rows if not row.moved]
    return [row for row in rows if (rule.code, row.ref) not in asked.apart] if asked.apart else rows


def looks_at(rule: Rule, asked: Asked, /) -> bool:
    """Whether the rule is about aid of this category or programme."""
    if rule.kind == "CONFLICT_OF_INTEREST":
        return True
    if rule.categories:
        return asked.category in rule.categories and (
            not rule.programmes or rule.kind in _BY_BOTH or _named(rule, asked)
        )
    return _named(rule, asked)


_BY_BOTH = ("MUTEX", "MUTEX_YEAR")
"""Kinds whose programmes widen the rule to other channels; for all others they narrow it."""


def _named(rule: Rule, asked: Asked) -> bool:
    return asked.programme in rule.programmes.union(*rule.apart) if asked.programme else False


def _limit(rule: Rule, allowed: int, because: Iterable[Given] = ()) -> Finding:
    latest = sorted(because, key=lambda row: (row.given_on, row.ref), reverse=True)
    return Finding(rule.code, rule.kind, max(0, allowed), tuple(latest))


def _waterfall(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    bill = asked.bill
    if bill is None or asked.payer not in rule.order:
        missing = bill is None and asked.documented and asked.payer == CHARITY
        return Finding(rule.code, rule.kind, 0, waits=(PAPERS,)) if missing else None
    before = rule.order[: rule.order.index(asked.payer)]
    waits = tuple(payer for payer in before if payer in bill.waiting)
    held = _held(bill, rows, asked)
    own = sum(row.units for row in held if row.payer == asked.payer)
    left = 0 if waits else residual(bill, held, before=before) - own
    return Finding(rule.code, rule.kind, max(0, left), _limit(rule, left, held).because, waits=waits)


def _held(bill: Bill, rows: Rows, asked: Asked) -> tuple[Given, ...]:
    return on_bill(bill, rows, category=asked.category, cause=asked.cause)


def _cap_100(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    """All help together at most the cost; until papers show one, at most the rule's limit for a year's like cause."""
    bill = asked.bill
    if bill is not None:
        held = _held(bill, rows, asked)
        return _limit(rule, residual(bill, held, before=rule.order), held)
    limit = rule.limit(asked.category)
    if limit is None or asked.programme in rule.excepted:
        return None
    had = [row for row in of_year(rule, asked, rows) if same_cause(row, asked)]
    return _limit(rule, limit - sum(row.units for row in had), had)


def _warn(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    """Temporary aid that has not paid yet may become smaller; without papers nobody has heard it."""
    bill, aid = asked.bill, "TEMPORARY_AID"
    heard = bill is not None and aid not in bill.waiting and aid not in bill.expected
    if heard or asked.payer != CHARITY:
        return None
    return Finding(rule.code, rule.kind, asked.units, (), warns=True, amount=asked.units, waits=(aid,))


def _lifetime(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    cap = rule.limit(asked.category)
    if cap is None or not asked.giver or asked.payer != CHARITY:
        return None
    had = [row for row in rows if row.category == asked.category and _one_project(row, asked)]
    return _limit(rule, cap - sum(row.units for row in had), had)


def _one_project(row: Given, asked: Asked) -> bool:
    """By the charity's programme where both are told of one, whoever runs it; else by giver."""
    if row.project and asked.project:
        return row.project == asked.project
    return row.giver == asked.giver


def _unless_residual(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    like = [row for row in rows if alike(row, asked)]
    others = [row for row in like if row.payer == CHARITY and row.giver != asked.giver and not same_need(row, asked)]
    if not others or asked.payer != CHARITY:
        return None
    held = _held(asked.bill, rows, asked) if asked.bill else ()
    left = residual(asked.bill, held, before=rule.order) if asked.bill else 0
    elsewhere = sum(row.units for row in others if row not in held)
    return _limit(rule, left - elsewhere, others)


def _by_year(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    had = [row for row in rows if row.given_on.year == asked.on.year and not same_need(row, asked)]
    apart = frozenset().union(*(group for group in rule.apart if asked.programme in group)) - {asked.programme}
    against = [
        row
        for row in had
        if row.programme in apart
        or (row.category == asked.category and row.programme == asked.programme and same_cause(row, asked))
    ]
    return _limit(rule, 0, against) if against else None


def _floor(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    floor = rule.limit(asked.category)
    if floor is None:
        return None
    year = [row for row in rows if row.given_on.year == asked.on.year and same_cause(row, asked)]
    had = [row for row in year if row.category == asked.category or for_school(row)]
    return _limit(rule, floor - sum(row.units for row in had), had)


def _cooldown(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    had = [
        row
        for row in rows
        if row.category == asked.category and not same_need(row, asked)
        if 0 <= (asked.on - row.given_on).days < rule.days
    ]
    if not had:
        return None
    until = max(row.given_on for row in had) + timedelta(days=rule.days)
    return Finding(rule.code, rule.kind, 0, _limit(rule, 0, had).because, until=until)


def _service(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    had = [
        row
        for row in rows
        if row.category == asked.category and not same_need(row, asked)
        if (asked.starts_on is None or asked.starts_on <= row.given_on)
        if (asked.ends_on is None or row.given_on < asked.ends_on)
    ]
    return _limit(rule, (asked.open_units or asked.units) - sum(row.units for row in had), had) if had else None


def _mutex(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    had = [row for row in rows if not same_need(row, asked)]
    if rule.apart:
        against = frozenset().union(*(group for group in rule.apart if asked.programme not in group))
        had = [row for row in had if row.programme in against and same_month(row, asked)]
        return _limit(rule, 0, had) if had or asked.statuses & against else None
    had = [row for row in had if same_cause(row, asked) and _bars(rule, row, asked)]
    return _limit(rule, 0, had) if had else None


def _bars(rule: Rule, row: Given, asked: Asked) -> bool:
    """Aid of the rule's own programmes does; other aid of the category within the rule's days, if it has any, and for
    ever what is known to be for one event, by its day or number."""
    told = all(cause.partition(":")[2].partition("/")[0] for cause in (row.cause, asked.cause))
    fresh = told or not rule.days or (asked.on - row.given_on).days < rule.days
    return row.programme in rule.programmes or (row.category == asked.category and fresh)


def _once_a_year(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    if asked.programme in rule.excepted:
        return None
    had = of_year(rule, asked, rows)
    if rule.per_member:
        own = [row for row in had if asked.person and row.person == asked.person]
        left = asked.members - sum(row.units for row in had)
        return _limit(rule, min(left, 1 - sum(row.units for row in own)) if asked.person else left, own or had)
    had = [row for row in had if not same_need(row, asked) and same_cause(row, asked)]
    return _limit(rule, 0, had) if had else None


def _cap(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    """One grant never over the limit; a limit that nobody has set yet allows nothing."""
    had = [row for row in rows if row.programme == asked.programme and same_need(row, asked)]
    return _limit(rule, (rule.limit(asked.category, rural=asked.rural) or 0) - sum(row.units for row in had), had)


def _best_of(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    """Of several classes that somebody belongs to the highest pays, not the sum: what other classes paid of this cost
    is taken off. What the class itself paid before was for its own costs. Payers do not tell kinds of illness apart."""
    about = _held(asked.bill, rows, asked) if asked.bill else tuple(row for row in rows if alike(row, asked))
    had = [row for row in about if row.programme in rule.programmes - {asked.programme}]
    return _limit(rule, asked.units - sum(row.units for row in had), had) if had else None


def _except(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    if asked.programme in rule.excepted:
        return None
    had = [row for row in rows if row.programme in rule.programmes - rule.excepted and same_month(row, asked)]
    return _limit(rule, 0, had) if had else None


def _never_offset(_rule: Rule, _asked: Asked, _rows: Rows) -> Finding | None:
    """It limits nothing: `judge` leaves its rows out of every other rule's reckoning."""
    return None


def _related(rule: Rule, asked: Asked, _rows: Rows) -> Finding | None:
    return _limit(rule, 0) if asked.related else None


def _one_thing(rule: Rule, asked: Asked, rows: Rows) -> Finding | None:
    """Charity's help under another kind that may be the same thing, for an event that both tell of: a person says. What
    papers tie together is counted there, and papers of their own tell two apart. Where papers show the cost, what is
    left of it beside such help may be given."""
    near = frozenset().union(*(group for group in rule.alike if asked.category in group)) - {asked.category}
    held = _held(asked.bill, rows, asked) if asked.bill else ()
    own = asked.papered if asked.need_id in asked.papered else frozenset()
    had = [
        row
        for row in rows
        if row.category in near and row.payer == CHARITY and row not in held and row.need_id not in own
        if row.cause and asked.cause and same_cause(row, asked)
        if 0 <= (asked.on - row.given_on).days < rule.days
    ]
    if not had or asked.payer != CHARITY:
        return None
    left = residual(asked.bill, held, before=rule.order) if asked.bill else 0
    return _limit(rule, left - sum(row.units for row in had), had)


_SAYS: dict[str, Callable[[Rule, Asked, Rows], Finding | None]] = {
    "WATERFALL": _waterfall,
    "CAP_100": _cap_100,
    "WARN": _warn,
    "LIFETIME_CAP": _lifetime,
    "MUTEX_UNLESS_RESIDUAL": _unless_residual,
    "MUTEX_YEAR": _by_year,
    "FLOOR_TOTAL": _floor,
    "COOLDOWN": _cooldown,
    "MUTEX_SERVICE": _service,
    "MUTEX": _mutex,
    "ONCE_PER_YEAR": _once_a_year,
    "CAP": _cap,
    "BEST_OF": _best_of,
    "MUTEX_EXCEPT": _except,
    "FORBID_OFFSET": _never_offset,
    "CONFLICT_OF_INTEREST": _related,
    "ONE_THING": _one_thing,
}
