"""docs/security.md says what the code does: each figure in it is read from the constant that it speaks of."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from adapters import http, pictures
from adapters.tabular_faults import Limits
from marketplace.accounts import codes, guessable, limits, service
from marketplace.app import _flask_settings
from marketplace.config import demo_settings
from marketplace.sharing import clients, gate
from marketplace.web import live

TEXT = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _sentences(folder: Path) -> list[str]:
    set_here, table = demo_settings(folder, seed=1), Limits()
    flask = _flask_settings(set_here)
    window, longest = _minutes(limits.WINDOW), _minutes(limits.LONGEST_LOCK) // 60
    hashing = service.HASHING
    return [
        f"{limits.MOST_TRIES} in {window} minutes, then locked for {window} minutes",
        f"twice as long, at most {longest} hours",
        f"{limits.MOST_OF_NETWORK} in {window} minutes",
        (
            f"{codes.CODE_TRIES} in {window} minutes; a code lives {_minutes(codes.CODE_LIFE)} minutes and takes "
            f"{codes.CODE_TRIES} wrong tries"
        ),
        (
            f"{flask['MAX_CONTENT_LENGTH'] >> 20} MB; form fields together {flask['MAX_FORM_MEMORY_SIZE'] >> 10} KB, "
            f"at most {flask['MAX_FORM_PARTS']} parts"
        ),
        (
            f"{table.max_bytes // 10**6} MB, unpacked {table.max_unpacked_bytes // 10**6} MB, {table.max_rows:,} rows, "
            f"{table.max_columns} columns, {table.max_cells:,} cells"
        ),
        f"{pictures.MOST_PIXELS:,} pixels; kept with at most {pictures.LONGEST_SIDE:,} pixels a side",
        f"{live.STREAMS}, each at most {live.LONGEST_S:.0f} seconds",
        f"{set_here.partner_daily_reads:,} rows a day for each organisation and purpose",
        f"{gate.LONGEST:,} characters, {gate.LIFE_S} seconds",
        f"up to {set_here.second_approver_fen:,} fen a match; on call at night {set_here.urgent_cap_fen:,} fen",
        f"{_minutes(service.IDLE)} minutes idle, {_minutes(service.LONGEST) // 60} hours at most",
        f"| {_minutes(service.LONGEST_HOUSEHOLD) // 60} hours at most |",
        f"a proof of the last {_minutes(service.FRESH)} minutes",
        f"A password has {guessable.SHORTEST} to {guessable.LONGEST}",
        f"Argon2id ({hashing['memory_cost'] >> 10} MiB, {hashing['time_cost']} pass, {hashing['parallelism']} lane)",
        f"at most {http.Patience().attempts} attempts, and reads at most {http._MOST_BYTES // 10**6} MB",
        f"at most three, {clients.OVERLAP.days} days beside each other",
    ]


def test_the_page_on_security_says_what_the_code_does(tmp_path: Path) -> None:
    plain = re.sub(r"\s+", " ", TEXT)
    assert [said for said in _sentences(tmp_path) if said not in plain] == []
    assert type(service.HASHER).__name__ == "PasswordHasher"
    assert service.HASHER.type.name == "ID"


@pytest.mark.parametrize(
    "heading",
    [
        "What comes in, and the rule for it",
        "Limits",
        "Files that people send",
        "Ways in",
        "Keys and ciphers",
        "Whom it calls, and who calls it",
        "Classes of data",
        "What costs much, and what keeps it from stopping the house",
        "Logs",
        "Libraries",
    ],
)
def test_each_part_that_the_requirements_ask_for_is_there(heading: str) -> None:
    part = TEXT.split(f"\n## {heading}\n", 1)
    assert len(part) == 2, heading
    assert len(part[1].split("\n## ", 1)[0].split()) > 40, f"{heading} says nothing"
