"""A message in English sent after a disaster: words of such messages weigh for or against five kinds of need.

Enters: the text of a message. Leaves: suggestions as `reading` makes them; of the five kinds of the table only those
whose points reach its line, with the words that spoke for them. The table is `reference/data/message_points.csv`: whole
points for each word, learned by `bench/messages.py` from every second message of a published collection; what the rules
of `reading` found is a word among others. Notes about a household are not read by it. Called by the page of `noting`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from marketplace.needs.reading import LONGEST, Suggestion, suggest
from marketplace.reference.tables import rows

FOUND, SURE, LINE, RIGHT = "(found)", "(sure)", "(line)", "(right)"
"""Rows that are no words: the rules found the kind; they were sure; points that suggest it; how often it was right."""
SURE_WEIGHT = 4
BESIDE = {"EMERGENCY.SHELTER": "HOUSING.RENT", "MEDICAL.MAJOR": "MEDICAL.LONGTERM_DRUG"}
"""Kind of the table ► the kind of which the rules may speak in its place."""
_ENDINGS = re.compile(r"(ing|ed|es|s)$")


@dataclass(slots=True)
class _Table:
    words: dict[str, int] = field(default_factory=dict)
    line: int = 0
    right: float = 0.0


def stems(text: str, /) -> dict[str, str]:
    """The words of a text without their endings ► as they stand there first.

    >>> stems("Tents needed; we need water")
    {'tent': 'Tents', 'need': 'needed', 'water': 'water'}
    """
    found: dict[str, str] = {}
    for word in re.findall(r"[A-Za-z]{3,}", text[:LONGEST]):
        low = word.lower()
        found.setdefault(_ENDINGS.sub("", low) if len(low) > 4 else low, word)
    return found


def features(words: Mapping[str, str], rules: Iterable[Suggestion], code: str, /) -> dict[str, str]:
    """Everything that can have points for a kind, of the `stems` of a text and what the rules say of it ► the words in
    which it stands there."""
    weight = max([one.weight for one in rules if one.code in (code, BESIDE.get(code))], default=0)
    told = {FOUND: ""} if weight else {}
    return {**words, **told, **({SURE: ""} if weight >= SURE_WEIGHT else {})}


def suggest_of_message(text: str, /) -> list[Suggestion]:
    """Kinds of need that a message may speak of, the surest first."""
    table, rules, stemmed = _table(), suggest(text), stems(text)
    kept = [one for one in rules if one.code not in {*table, *BESIDE.values()}]
    by_rules = {one.code: one.words for one in rules}
    for code, points in table.items():
        there = features(stemmed, rules, code)
        here = {what: points.words[what] for what in there if what in points.words}
        if sum(here.values()) >= points.line:
            spoken = (word for what, word in there.items() if word and here.get(what, 0) > 0)
            words = tuple(dict.fromkeys((*by_rules.get(code, ()), *spoken)))
            kept.append(Suggestion(code, points.right, words, sum(here.values())))
    return sorted(kept, key=lambda one: -one.confidence)


@cache
def _table() -> dict[str, _Table]:
    found: dict[str, _Table] = {}
    for row in rows("message_points"):
        of_kind = found.setdefault(row["code"], _Table())
        if row["word"] == LINE:
            of_kind.line = int(row["points"])
        elif row["word"] == RIGHT:
            of_kind.right = int(row["points"]) / 100
        else:
            of_kind.words[row["word"]] = int(row["points"])
    return found
