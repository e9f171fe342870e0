"""The sixteen questions, one by one, without a database: each says no where it must, and none says yes to nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode, Purpose
from marketplace.sharing.pipeline import QUESTIONS, Facts, Ruling, effective, rule

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _head(**over: Any) -> ConsentHead:
    kept = {
        "chain_id": "c", "version": 1, "household_id": "h", "purpose": Purpose.GOODS, "recipient_org_id": "o",
        "match_id": "m", "state": ConsentState.ACTIVE, "valid_from": NOW - HOUR, "valid_to": NOW + HOUR,
    }  # fmt: skip
    return ConsentHead(**(kept | over))


def _consent(**over: Any) -> Consent:
    kept = {"data_fields": ["name", "phone"], "mode": Mode.VIEW, "fetch": "", "max_reads": None, "min_interval_s": None}
    return Consent(**(kept | over))


def _facts(**over: Any) -> Facts:
    return replace(Facts(now=NOW, org_id="o", purpose="GOODS", head=_head(), consent=_consent(), match_id="m"), **over)


NO: list[tuple[str, dict[str, Any]]] = [
    ("UNAUTHENTICATED", {"authenticated": False}),
    ("UNAUTHENTICATED", {"org_id": None}),
    ("CLIENT_SUSPENDED", {"client_active": False}),
    ("SCOPE", {"scope_granted": False}),
    ("ROLE", {"role_allowed": False}),
    ("TENANT", {"own_object": False}),
    ("NO_CONSENT", {"head": None}),
    ("NO_CONSENT", {"consent": None}),
    *(("STATE", {"head": _head(state=state)}) for state in ConsentState if state is not ConsentState.ACTIVE),
    ("PERIOD", {"now": NOW - 2 * HOUR}),
    ("PERIOD", {"now": NOW + HOUR}),
    ("RECIPIENT", {"org_id": "other"}),
    ("PURPOSE", {"purpose": "PUBLICITY"}),
    ("PURPOSE", {"match_id": "other"}),
    ("FIELDS", {"wanted": frozenset({"name", "health"})}),
    ("FIELDS", {"wanted": frozenset()}),
    ("MODE", {"mode": Mode.STORE}),
    ("MODE", {"consent": _consent(mode=Mode.QUERY)}),
    ("READ_LIMIT", {"consent": _consent(fetch="once"), "reads": 1}),
    ("READ_LIMIT", {"consent": _consent(max_reads=3), "reads": 3}),
    ("READ_LIMIT", {"consent": _consent(min_interval_s=60), "last_read_at": NOW - timedelta(seconds=59)}),
    ("POLICY_CEILING", {"org_purposes": frozenset({"MEDICAL"})}),
    ("RECIPIENT_OVERDUE", {"overdue": True}),
    ("AUDIT_STALE", {"audit_fresh": False}),
]


def test_all_is_well_where_nothing_is_wrong() -> None:
    assert rule(_facts()) == Ruling(True, "OK", ("name", "phone"))
    assert rule(_facts(wanted=frozenset({"phone"}), match_id=None)) == Ruling(True, "OK", ("phone",))
    assert rule(_facts(now=NOW - HOUR)).allow, "the first moment belongs to the period"


@pytest.mark.threat("T02")
@pytest.mark.parametrize(("reason", "wrong"), NO)
def test_one_wrong_fact_is_a_no_with_its_own_reason(reason: str, wrong: dict[str, Any]) -> None:
    assert rule(_facts(**wrong)) == Ruling(False, reason)


@pytest.mark.parametrize(
    "right",
    [
        {"consent": _consent(fetch="once")},
        {"consent": _consent(max_reads=3), "reads": 2},
        {"consent": _consent(min_interval_s=60), "last_read_at": NOW - timedelta(seconds=60)},
        {"consent": _consent(min_interval_s=60)},
        {"consent": _consent(mode=Mode.STORE), "mode": Mode.STORE},
        {"consent": _consent(mode=Mode.QUERY), "mode": Mode.QUERY},
        {"mode": Mode.QUERY},
        {"last_read_at": NOW},
        {"org_purposes": frozenset({"GOODS"})},
    ],
)
def test_what_is_just_within_its_bound_is_a_yes(right: dict[str, Any]) -> None:
    assert rule(_facts(**right)).allow


@pytest.mark.threat("T02")
def test_whatever_a_question_cannot_answer_is_a_no() -> None:
    """Each question by itself, with nothing known: the order of the questions is no crutch of theirs."""
    nothing = Facts(now=NOW, org_id=None, purpose="NO_SUCH", authenticated=False)
    told = {reason: holds(nothing) for reason, holds in QUESTIONS}
    asked_of_a_consent = {"NO_CONSENT", "STATE", "PERIOD", "RECIPIENT", "PURPOSE", "FIELDS", "MODE", "READ_LIMIT"}
    assert {reason for reason, yes in told.items() if not yes} == asked_of_a_consent | {
        "UNAUTHENTICATED", "POLICY_CEILING",
    }  # fmt: skip
    assert effective(nothing) == ()


def test_the_first_no_decides_in_the_order_of_the_house_s_law() -> None:
    order = [reason for reason, _ in QUESTIONS]
    assert len(order) == 16
    for place, (reason, wrong) in enumerate(NO):
        for later, also in NO[place + 1 :]:
            if order.index(later) > order.index(reason) and not set(wrong) & set(also):
                assert rule(_facts(**wrong, **also)).reason == reason, (reason, later)


def test_a_field_above_the_ceiling_is_never_effective_even_if_it_was_consented() -> None:
    facts = _facts(consent=_consent(data_fields=["name", "id_number"]))
    assert effective(facts) == ("name",)
    assert rule(replace(facts, wanted=frozenset({"id_number"}))).reason == "POLICY_CEILING"
