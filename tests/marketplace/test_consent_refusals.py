"""Every no that the rooms of consent and policy can say, each met once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from marketplace import policy
from marketplace.actors import Actor, Role
from marketplace.consent import ask, changes, evidence
from marketplace.consent import service as consent
from marketplace.consent.capacity import verify_guardian
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.consent.versions import require_area
from marketplace.db import Database
from marketplace.errors import BadInput, ConsentMissing, DomainError, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.organisations.models import OrganisationKind
from marketplace.reference.words import list_codes
from tests import factories as make

AREA = frozenset({"500103"})
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=AREA)
VERIFIER = Actor(id="verifier-9", role=Role.VERIFIER, districts=AREA)
OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)
VOID = next(iter(list_codes("consent_void")))


@pytest.fixture
def household(session: Session) -> Household:
    return make.a_household(session)


def yes(session: Session, household: Household, now: datetime, **over: object) -> Consent:
    actor = make.as_household(household)
    return consent.give_auto_match(session, household, actor=actor, now=now, **over)  # type: ignore[arg-type]


def test_without_a_living_consent_nothing_is_matched_and_an_excluded_giver_never_is(
    session: Session, household: Household, now: datetime
) -> None:
    assert ask.auto_match_of(session, household.id, now=now) is None
    with pytest.raises(ConsentMissing, match="no_auto_match"):
        ask.living_auto_match(session, household.id, org_id="o", now=now)
    given = yes(session, household, now, excluded_org_ids=["o"])
    with pytest.raises(ConsentMissing, match="organisation_excluded"):
        ask.living_auto_match(session, household.id, org_id="o", now=now)
    ask.living_auto_match(session, household.id, org_id="p", now=now)
    assert ask.auto_match_of(session, household.id, now=now) == (given.chain_id, 1, frozenset({"o"}))
    with pytest.raises(ConsentMissing, match="no_auto_match"):
        ask.living_auto_match(session, household.id, org_id="p", now=given.valid_to)


def test_what_is_not_there_is_not_found(session: Session, household: Household, now: datetime) -> None:
    with pytest.raises(NotFound):
        ask.lock_head(session, "nowhere")
    with pytest.raises(NotFound):
        evidence.look(session, "nowhere", actor=VERIFIER, now=now)
    head = session.get_one(ConsentHead, yes(session, household, now).chain_id)
    head.version = 9
    with pytest.raises(NotFound):
        ask.newest(session, head)
    with pytest.raises(NotFound):
        require_area(session, WORKER, "consent:check", household_id="nowhere")


def test_a_guardian_is_an_adult_of_the_child_s_household_with_evidence(
    session: Session, household: Household, now: datetime
) -> None:
    adult, child = make.a_person(session, household), make.a_person(session, household, phone="10000000009")
    adult.birth_year, child.birth_year = 1980, 2016
    stranger = make.a_person(session, make.a_household(session), phone="10000000010")

    def verify(guardian_id: str, child_id: str, evidence: str = "register") -> object:
        return verify_guardian(session, child_id, guardian_id=guardian_id, evidence=evidence, actor=VERIFIER, now=now)

    for guardian_id in ("nobody", stranger.id):
        with pytest.raises(NotFound):
            verify(guardian_id, child.id)
    for guardian_id, child_id in ((child.id, adult.id), (child.id, child.id)):
        with pytest.raises(BadInput, match="not_a_guardian"):
            verify(guardian_id, child_id)
    with pytest.raises(BadInput, match="evidence_missing"):
        verify(adult.id, child.id, evidence="")


def test_only_what_waits_is_checked_and_only_what_lives_is_ended(
    session: Session, household: Household, now: datetime
) -> None:
    given = yes(session, household, now)
    checks: list[Callable[..., object]] = [consent.confirm_assisted, changes.reject_assisted]
    for check in checks:
        with pytest.raises(WrongState, match="consent_not_pending"):
            check(session, given.chain_id, actor=WORKER, now=now)
    with pytest.raises(BadInput, match="reason_missing"):
        changes.void(session, given.chain_id, reason_code="no such reason", actor=OFFICER, now=now)
    actor = make.as_household(household)
    with pytest.raises(WrongState, match="consent_living"):
        consent.refuse_auto_match(session, household, actor=actor, now=now)
    gone = consent.withdraw(session, given.chain_id, actor=actor, now=now)
    assert gone.state is ConsentState.REVOKED
    assert consent.close(session, given.chain_id, actor=actor, now=now) is None
    with pytest.raises(WrongState, match="consent_not_living"):
        changes.void(session, given.chain_id, reason_code=VOID, actor=OFFICER, now=now)
    with pytest.raises(WrongState, match="consent_not_living"):
        consent.exclude(session, given.chain_id, excluded_org_ids=["o"], actor=actor, now=now)
    assert consent.refuse_auto_match(session, household, actor=actor, now=now).state is ConsentState.REFUSED


@pytest.mark.parametrize(
    ("kind", "purpose", "field", "days", "code"),
    [
        (OrganisationKind.INSURER, "GOODS", "name", 30, "not_for_insurers"),
        (OrganisationKind.CHARITY, "MED_AID", "name", 30, "purpose_above_ceiling"),
        (OrganisationKind.CHARITY, "GOODS", "diagnosis_group", 30, "field_above_ceiling"),
        (OrganisationKind.CHARITY, "GOODS", "name", 0, "consent_too_long"),
        (OrganisationKind.CHARITY, "GOODS", "name", 9_999, "consent_too_long"),
    ],
)
def test_nothing_above_the_agreement_the_purpose_or_the_longest_term_is_given(
    session: Session,
    household: Household,
    now: datetime,
    kind: OrganisationKind,
    purpose: str,
    field: str,
    days: int,
    code: str,
) -> None:
    with pytest.raises(BadInput, match=code):
        consent.give_for_match(
            session,
            household,
            organisation=make.an_organisation(session, kind=kind, purposes=["GOODS"]),
            match_id="m",
            purpose=purpose,
            data_fields=[field],
            actor=make.as_household(household),
            now=now,
            days=days,
        )


def test_the_sweep_goes_on_after_a_consent_that_somebody_changed_meanwhile(
    sqlite_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_database.transaction() as session:
        for _number in range(2):
            yes(session, make.a_household(session), now, days=1)
    real, calls = ask.lock_with_all, []

    def busy(session: Session, chain_id: str) -> ConsentHead:
        calls.append(chain_id)
        if len(calls) == 1:
            raise NotFound("consent")
        return real(session, chain_id)

    monkeypatch.setattr(changes, "lock_with_all", busy)
    later = now + timedelta(days=2)
    assert changes.sweep(sqlite_database, clock=lambda: later) == 1
    assert changes.sweep(sqlite_database, clock=lambda: later) == 1
    monkeypatch.setattr(changes, "lock_head", real)
    with sqlite_database.transaction() as session:
        assert not changes._expire(session, calls[0], now=later), "once"


def test_the_policy_s_verdicts_name_their_rule() -> None:
    """Who the matrix does not name, who serves another district, who asks for another's row."""
    outside = Actor(id="w", role=Role.WORKER, districts=frozenset({"500101"}))
    cases = [
        (Actor(id="h", role=Role.HOUSEHOLD, household_id="h1"), "consent:check", {}, False),
        (outside, "consent:check", {"district": "500103"}, False),
        (outside, "consent:check", {}, False),
        (WORKER, "consent:check", {"district": "500103"}, True),
        (Actor(id="h", role=Role.HOUSEHOLD, household_id="h1"), "consent:give", {"household_id": "h1"}, True),
        (Actor(id="h", role=Role.HOUSEHOLD, household_id="h1"), "consent:give", {"household_id": "h2"}, False),
        (Actor(id="h", role=Role.HOUSEHOLD, household_id="h1"), "consent:give", {}, False),
    ]
    for actor, action, row, allowed in cases:
        said = policy.decide(actor, action, **row)
        assert (said.allow, said.rule.split(":")[0]) == (allowed, "consent")
        if not allowed:
            with pytest.raises(DomainError):
                policy.require(actor, action, **row)
