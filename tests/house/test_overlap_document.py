"""docs/overlap.md says what the table of rules says, word for word."""

from __future__ import annotations

from pathlib import Path

from marketplace.ledger.book import rule_of
from marketplace.ledger.sentences import sentence
from marketplace.reference.duplicate_rules import REACHES, DuplicateRule, list_duplicate_rules
from matching.overlap_rules import KINDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "overlap.md"


def line(row: DuplicateRule) -> str:
    """One line of the document's table."""
    values = [f"{row.days} days"] if row.days else []
    values += [f"{category} {units}" for category, units in row.limits.items()]
    says = " ".join(sentence(rule_of(row), lang=lang) for lang in ("zh_Hans", "en"))
    return (
        f"| {row.code} {row.zh} {row.en} | {row.kind} | {row.source}, {row.mark} | {'; '.join(values) or '–'} "
        f"| {says} | {REACHES[row.kind]} |"
    )


def test_every_rule_stands_in_the_document_as_it_stands_in_the_table() -> None:
    told = [text for text in DOCUMENT.read_text(encoding="utf-8").splitlines() if text.startswith("| D")]
    assert told == [line(row) for row in list_duplicate_rules()]


def test_every_kind_says_how_it_reaches_the_allocator() -> None:
    assert set(REACHES) == set(KINDS)
