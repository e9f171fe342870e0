"""The role matrix, cell by cell, beside what was asked for (docs/access.csv); each difference has a written reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from marketplace import policy
from marketplace.actors import GIVERS, Role

ROOT = Path(__file__).parents[2]
COLUMNS = {
    "H": Role.HOUSEHOLD,
    "PX": Role.HELPER,
    "TW": Role.WORKER,
    "CV": Role.VERIFIER,
    "CA": Role.APPROVER,
    "DP": Role.PROTECTION_OFFICER,
    "CC": Role.CHARITY_WORKER,
    "CM": Role.CHARITY_MANAGER,
    "IO": Role.INSURER,
    "AU": Role.AUDITOR,
    "SE": Role.SECURITY_ADMIN,
    "OP": Role.OPERATOR,
    "PU": Role.PUBLIC,
}
with (ROOT / "docs" / "access.csv").open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))

SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "marketplace").rglob("*.py"))]


def _scopes(acts: str, role: Role) -> list[str]:
    """The scope words under which the role may do any of these acts; `*` where everybody may."""
    found = []
    for act in acts.split(";") if acts else ():
        roles = policy.matrix()[act]
        found += ["*"] if "*" in roles else [roles[role.value]] if role.value in roles else []
    return found


def _excused(differs: str) -> set[str]:
    """The columns for which a reason is written."""
    told = [part.partition(":") for part in differs.split("|") if part.strip()]
    assert all(reason.strip() for _columns, _colon, reason in told)
    return {column for columns, _colon, _reason in told for column in columns.split()}


@pytest.mark.threat("T18")
@pytest.mark.threat("T23")
@pytest.mark.parametrize("row", ROWS, ids=[row["what"] for row in ROWS])
def test_each_cell_is_as_asked_or_has_its_reason(row: dict[str, str]) -> None:
    different = set()
    for column, role in COLUMNS.items():
        scopes = _scopes(row["acts"], role)
        if bool(scopes) != (row[column] != "-"):
            different.add(column)
        if row[column] == "own":
            assert set(scopes) <= {"own"}, column
    assert different == _excused(row["differs"])


def _pairs(text: str) -> dict[str, str]:
    """The act of the first person and the act of the second."""
    return dict(part.split(">") for part in text.split(";") if part)


@pytest.mark.threat("T24")
@pytest.mark.threat("T18")
@pytest.mark.parametrize("row", [row for row in ROWS if row["two"]], ids=lambda row: str(row["what"]))
def test_where_two_people_are_asked_there_are_two_or_a_written_reason(row: dict[str, str]) -> None:
    """Each act of a cell marked with two people either has its second act, whose rule refuses the people of the first,
    or says why one person is enough; neither list names an act that is not there."""
    asked = {COLUMNS[column].value for column in row["two"].split()}
    held = {act for act in row["acts"].split(";") if asked & policy.matrix()[act].keys()}
    second = _pairs(row["second"])
    told = [part.strip() for part in row["alone"].split(" | ") if part.strip()]
    alone = {act: why for act, _colon, why in (part.partition(": ") for part in told)}
    assert all(len(why) > 30 for why in alone.values())
    assert held == set(second) | set(alone)
    assert not set(second) & set(alone)
    for act in second.values():
        assert policy.matrix()[act], act
        assert any(f'"{act}"' in text and "actor.people" in text for text in SOURCES), act


def test_every_cell_with_two_people_is_compared() -> None:
    assert {row["what"]: row["two"] for row in ROWS if row["two"]} == {
        "Ask for an emergency disclosure": "TW CV CA",
        "Approve a match": "CA",
        "Export": "TW CV CA CC CM IO",
        "Register an organisation, its keys and scopes": "CA SE",
        "Rotate keys, suspend an account": "SE",
        "Change rules, weights, ceilings": "CA",
        "Erase a person": "DP SE",
    }


def test_there_are_all_rows_and_no_role_sees_people_and_keeps_the_keys() -> None:
    assert len(ROWS) * len(COLUMNS) == 325
    for role in Role:
        sees = _scopes("household:view;household:reveal;match:deliver;payee:list", role)
        keeps = _scopes("account:close;demand:publish;notice:dead_letters", role)
        assert not (sees and keeps), role


SEES = (
    *("match:deliver", "match:view", "match:answer", "emergency:look", "proof:view", "proof:add", "payment:view"),
    *("payment:file", "report:rows", "claim:list", "appointment:view", "volunteer:list", "need:refer", "aid:report"),
)
"""Acts by which people of a giver see or bring in something of a household."""
KEEPS = ("team:view", "team:change", "client:ask", "client:list", "client:retire_key")
"""Acts by which they keep accounts and keys."""


def test_of_a_giver_s_people_nobody_sees_households_and_keeps_accounts_or_keys() -> None:
    acts = {role: {act for act, roles in policy.matrix().items() if role.value in roles} for role in GIVERS}
    assert set(SEES) | set(KEEPS) <= policy.matrix().keys()
    assert [role for role, held in acts.items() if held & set(KEEPS)] == [Role.GIVER_ADMIN]
    assert not acts[Role.GIVER_ADMIN] & set(SEES)
    rooms = {act.partition(":")[0] for act in acts[Role.GIVER_ADMIN]}
    assert rooms == {"account", "standin", "team", "client", "organisation"}, "and nothing else at all"
    assert acts[Role.GIVER_ADMIN] & {act for act in acts[Role.GIVER_ADMIN] if act.startswith("organisation:")} == {
        "organisation:own"
    }


@pytest.mark.threat("T25")
def test_nobody_holds_an_act_that_overrides_a_consent() -> None:
    [row] = [row for row in ROWS if row["what"] == "Override consent"]
    assert row["acts"] == ""
    assert not [act for act in policy.matrix() if act.startswith("consent:") and "override" in act]
