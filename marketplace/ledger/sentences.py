"""What a rule against helping twice says to people, from the rule as it stands: days, limits, programmes, exceptions.

Enters: a rule in force on a day in a district, the language, and the kind of need where it is about one. Leaves: one
sentence, or two where staff have changed what the rule looks at. An edited rule says the edited number. Called by
pages, the right to an explanation, reasons of runs, and the command that explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session

from marketplace.ledger.book import Book, rule_of
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule, list_duplicate_rules
from marketplace.reference.words import label
from marketplace.web.formats import yuan
from matching.overlap_rules import Rule

YEAR = 365
WATERFALL = "D01"
"""The rule that says in which order a cost is paid."""
_OF_KIND = ("这类需求的上限", "the limit of this kind of need")
_EXCEPTION = ("；区县可以特别批准再次帮助。", "; the district may allow an exception.")
_LOOKS_AT = ("目前适用于：{names}。", " It now looks at: {names}.")
_WHOM = ("同一个人（没有写明为谁的，对同一个家庭）", "one person (where nobody is named, one household)")
_NOTHING = ("没有哪一项", "nothing")
_HOME = ("同一个家庭", "one household")
_FOR_HOME = ("目前按家庭计算。", " It now counts for the household.")
_FOR_PERSON = ("目前写明为谁的按个人计算。", " Where a person is named, it now counts for that person.")
_FOR_SOME = (
    "目前只有{names}写明为谁的按个人计算。",
    " Only in these, where a person is named, it now counts for that person: {names}.",
)
_APART = ("目前互相排斥的是：{names}。", " These exclude each other now: {names}.")
_AGAINST = ("目前{first}与{second}不同时享受。", " Now {first} are not received together with {second}.")
_ORDER = ("目前的付款顺序：{names}。", " They pay in this order now: {names}.")
_ADDED = ("目前可以另外享受：{names}。", " These may now be added: {names}.")
_SETS = (("categories", "need", _LOOKS_AT), ("programmes", "aid_programme", _LOOKS_AT))


def sentence(rule: Rule, /, *, lang: str, category: str = "") -> str:
    """The rule in words; `category` is the kind of need that it is told about.

    >>> sentence(rule_of(duplicate_rule("D08")), lang="en")
    'The same kind of goods is given once in 180 days.'
    """
    row, at = duplicate_rule(rule.code), 1 if lang.startswith("en") else 0
    text = (row.sentence_zh, row.sentence_en)[at]
    told = text.format(
        span=_span(rule.days, at=at),
        limit=_limit(rule, category, at=at),
        country=_amount(rule.limit("", rural=True)),
        whom=(_WHOM if rule.of_person(category) or (not category and rule.by_person) else _HOME)[at],
        programmes=_names(rule.programmes, "aid_programme", lang=lang),
        excepted=_names(rule.excepted, "aid_programme", lang=lang) if rule.excepted else _NOTHING[at],
    )
    if rule.may_except:
        told = told.rstrip("。.") + _EXCEPTION[at]
    return told + "".join(_changed(row, rule, text, lang=lang, at=at))


def _changed(row: DuplicateRule, rule: Rule, text: str, *, lang: str, at: int) -> Iterable[str]:
    """What the rule looks at where that is not what the house began with and the sentence does not say it itself."""
    house = rule_of(row)
    for name, table, words in _SETS:
        if getattr(rule, name) != getattr(house, name) and f"{{{name}}}" not in text:
            yield words[at].format(names=_names(getattr(rule, name), table, lang=lang))
    if rule.apart != house.apart:
        groups = [_names(group, "aid_programme", lang=lang) for group in rule.apart]
        yield (
            _AGAINST[at].format(first=groups[0], second=groups[1])
            if len(groups) > 1
            else _APART[at].format(names=groups[0])
        )
    if rule.order != house.order:
        yield _ORDER[at].format(names=_comma(lang).join(label("payer", code, lang=lang) for code in rule.order))
    if rule.excepted != house.excepted and "{excepted}" not in text:
        yield _ADDED[at].format(names=_names(rule.excepted, "aid_programme", lang=lang))
    if rule.by_person != house.by_person and "{whom}" not in text:
        if "*" in rule.by_person:
            yield _FOR_PERSON[at]
        elif not rule.by_person:
            yield _FOR_HOME[at]
        else:
            yield _FOR_SOME[at].format(names=_names(rule.by_person, "need", lang=lang))


def _span(days: int, *, at: int) -> str:
    """Whole years as months or years, all else as days."""
    years, rest = divmod(days, YEAR)
    if rest or not years:
        return (f"{days}天", "1 day" if days == 1 else f"{days} days")[at]
    return ("12个月", "12 months")[at] if years == 1 else (f"{years}年", f"{years} years")[at]


def _limit(rule: Rule, category: str, *, at: int) -> str:
    """The limit for the kind of need, or the one that all kinds have; otherwise that there is one."""
    own = rule.limit(category) if category in rule.categories or not rule.categories else None
    limits = {rule.limit(one) for one in rule.categories}
    if own is None and len(limits) == 1:
        own = limits.pop()
    return _OF_KIND[at] if own is None else _amount(own)


def _amount(fen: int | None) -> str:
    """Every rule with a limit is about money."""
    return "" if fen is None else yuan(fen)


def _names(codes: Iterable[str], table: str, *, lang: str) -> str:
    return _comma(lang).join(label(table, code, lang=lang) for code in sorted(codes)) or "—"


def _comma(lang: str) -> str:
    return ", " if lang.startswith("en") else "、"


def standing(session: Session, code: str, /, *, on: date, district: str) -> Rule:
    """The rule on that day in that district; one that rests as the house's table has it."""
    return standing_in(Book(session, on=on), code, district=district)


def standing_in(book: Book, code: str, /, *, district: str) -> Rule:
    """The same by a book that is read already."""
    return next((rule for rule in book.of(district) if rule.code == code), rule_of(duplicate_rule(code)))


class Sayings:
    """What the rules of one day say, for reasons that name a rule by its code: read once, asked for many needs."""

    def __init__(self, session: Session, /, *, on: date, lang: str) -> None:
        self._book, self._lang = Book(session, on=on), lang
        self._told: dict[tuple[str, str], dict[str, str]] = {}

    def about(self, district: str, category: str, /) -> dict[str, str]:
        """Code ► the rule's words about a kind of need in a district, without the last full stop."""
        key = (district, category)
        if key not in self._told:
            book = {rule.code: rule for rule in self._book.of(district)}
            rules = (book.get(row.code, rule_of(row)) for row in list_duplicate_rules())
            self._told[key] = {
                rule.code: sentence(rule, lang=self._lang, category=category).rstrip("。.") for rule in rules
            }
        return self._told[key]
