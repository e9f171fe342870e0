"""From a worker's note or a message to kinds of need that it may speak of; a person decides.

Enters: free text in Chinese or English. Leaves: suggestions, the surest first, each with its confidence and the words
that led to it. Nothing is kept: the text never reaches a table, a log or an address. The rules are the table
`reference/data/need_words.csv`: a rule counts where one sentence holds a word of each of its parts; clauses that say
"not needed" or "done already" are left out first. Called by the page of `needs.noting` and by `bench/notes.py`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import rows

LONGEST = 2_000
"""Characters of a note that are read."""
SENTENCES = re.compile(r"[。！？!?；;\n]+|\.(?=\s|$)")
CLAUSES = re.compile(r"[，,、：:]+")
STILL_SHORT = re.compile(r"不够|not enough|没解决|没有解决")
"""Words that look like "enough" or "done" and say the contrary."""
SPECIAL = {
    "MEDICAL.CHILD_LEUKEMIA": "MEDICAL.MAJOR",
    "MEDICAL.CHILD_CHD": "MEDICAL.MAJOR",
    "EDU.UNIVERSITY_ENTRY": "EDU.TERM_SUPPORT",
}
"""A kind made for one cause ► the general kind, which is then not suggested beside it."""
LEAST = 2
"""Weight below which nothing is suggested."""
RIGHT = {2: 0.45, 3: 0.65, 4: 0.9}
"""Weight ► share of suggestions that were right on notes that the rules were not made for (`bench/notes.py`)."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A kind of need, the share of such suggestions that were right (0 to 1), and the words that led to it."""

    code: str
    confidence: float
    words: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class _Rule:
    code: str
    parts: tuple[re.Pattern[str], ...]
    weight: int


def suggest(text: str) -> list[Suggestion]:
    """Kinds of need that a note may speak of, the surest first; none for a note without any."""
    weights, words = defaultdict[str, int](int), defaultdict[str, list[str]](list)
    for sentence in SENTENCES.split(text[:LONGEST]):
        said = _without_denials(sentence)
        for rule in _rules():
            found = [part.search(said) for part in rule.parts]
            if all(found):
                weights[rule.code] += rule.weight
                words[rule.code] += [hit[0] for hit in found if hit]
    for special, general in SPECIAL.items():
        if weights.get(special, 0) >= LEAST:
            weights.pop(general, None)
    kept = sorted((code for code, weight in weights.items() if weight >= LEAST), key=lambda code: -weights[code])
    return [Suggestion(code, _share(weights[code]), tuple(dict.fromkeys(words[code])), weights[code]) for code in kept]


def _share(weight: int) -> float:
    return RIGHT[min(weight, max(RIGHT))]


def _without_denials(sentence: str) -> str:
    """The sentence without the clauses that say that something is not needed or done already."""
    denials = _denials()
    kept = (
        clause
        for clause in CLAUSES.split(sentence)
        if STILL_SHORT.search(clause.lower()) or not any(denial.search(clause) for denial in denials)
    )
    return "，".join(kept)


@cache
def _rules() -> tuple[_Rule, ...]:
    found = (row for row in rows("need_words") if row["code"] != "-")
    return tuple(_Rule(row["code"], _parts(row), int(row["weight"])) for row in found)


def _parts(row: Mapping[str, str]) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(part, row["language"]) for part in row["words"].split(" + "))


@cache
def _denials() -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(row["words"], row["language"]) for row in rows("need_words") if row["code"] == "-")


def _pattern(alternatives: str, language: str) -> re.Pattern[str]:
    """Any of the alternatives; in English whole words, where ``*`` stands for the rest of a word."""
    words = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in alternatives.split("|"))
    return re.compile(rf"\b(?:{words})\b" if language == "en" else f"(?:{words})", re.IGNORECASE)
