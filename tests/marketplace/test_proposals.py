"""A run, from the preview to the stored lines: what it reads, what it keeps, and what it must never propose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from marketplace import audit, jobs
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.organisations.models import OrganisationState
from marketplace.proposals import boards, results
from marketplace.proposals import service as proposals
from marketplace.proposals.models import LineState, ProposedLine, Run, RunState, UnservedReason
from marketplace.proposals.problem import Scope, build_problem, policy_of
from matching.model import Announced
from tests import factories as make


def a_run(database: Database, actor: Actor, now: datetime, *, scope: Scope | None = None) -> Run:
    with database.transaction() as session:
        run = proposals.start_run(session, scope or Scope(), policy={}, as_of=now.date(), actor=actor, now=now)
    handlers = {proposals.JOB: lambda ref: proposals.work(database, ref, clock=lambda: now, actor=SYSTEM)}
    assert jobs.work_once(database, handlers, clock=lambda: now)
    while jobs.work_once(database, handlers, clock=lambda: now):
        pass
    with database.reading() as session:
        return proposals.get_run(session, run.id)


def lines_of(database: Database, run: Run) -> list[ProposedLine]:
    with database.reading() as session:
        return list(
            session.exec(select(ProposedLine).where(ProposedLine.run_id == run.id).order_by(col(ProposedLine.need_id)))
        )


def reasons_of(database: Database, run: Run) -> dict[str, list[str]]:
    with database.reading() as session:
        rows = session.exec(select(UnservedReason).where(UnservedReason.run_id == run.id))
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row.need_id, []).append(row.code)
        return found


def test_a_run_proposes_aid_with_reasons_and_a_proof(database: Database, verifier: Actor, now: datetime) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        need = make.a_need(session, household)
        offer = make.an_offer(session, make.an_organisation(session))
    run = a_run(database, verifier, now)
    assert (run.state, run.needs_count, run.lines_count, run.zero_count) == (RunState.DONE, 1, 1, 0)
    assert run.certificate["gap"] == 0
    assert run.certificate["status"] == "optimal"
    (line,) = lines_of(database, run)
    assert (line.need_id, line.offer_id, line.units, line.state) == (need.id, offer.id, 10, LineState.PROPOSED)
    assert 1 <= len(line.reasons) <= 4
    with database.reading() as session:
        assert audit.verify(session).bad_seq == 0


def test_the_most_urgent_household_comes_first_when_stock_is_short(
    database: Database, verifier: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        urgent, calm = (make.a_household(session, phone=f"1000000000{i}") for i in (1, 2))
        for household in (urgent, calm):
            make.auto_match(session, household)
        first = make.a_need(session, urgent, urgency=3)
        last = make.a_need(session, calm, urgency=0)
        make.an_offer(session, make.an_organisation(session), stock_units=10)
    run = a_run(database, verifier, now)
    assert [(line.need_id, line.units) for line in lines_of(database, run)] == [(first.id, 10)]
    assert run.zero_count == 1
    assert reasons_of(database, run)[last.id]


@pytest.mark.parametrize("why", ["no_consent", "excluded", "held", "covered", "closed_offer", "suspended"])
def test_what_a_run_must_never_propose(database: Database, verifier: Actor, now: datetime, why: str) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        organisation = make.an_organisation(session, state="suspended" if why == "suspended" else "active")
        offer = make.an_offer(session, organisation, state="closed" if why == "closed_offer" else "open")
        if why != "no_consent":
            excluded = [organisation.id] if why == "excluded" else []
            make.auto_match(session, household, excluded_org_ids=excluded)
        need = make.a_need(session, household, state=NeedState.HELD if why == "held" else NeedState.VERIFIED)
        if why == "covered":
            _past_aid(session, need.household_id, need.category, need_id=need.id, units=10, now=now)
        assert offer.id
    run = a_run(database, verifier, now)
    assert lines_of(database, run) == []
    if why in ("no_consent", "excluded", "covered"):
        assert reasons_of(database, run)[need.id]


def _past_aid(
    session: Session,
    household_id: str,
    category: str,
    *,
    now: datetime,
    units: int = 1,
    need_id: str | None = None,
    given_on: date | None = None,
) -> None:
    session.add(
        LedgerEntry(
            id=f"aid-{household_id}-{units}",
            source="government",
            source_index=f"government-{household_id}",
            household_id=household_id,
            need_id=need_id,
            category=category,
            units=units,
            given_on=given_on or now.date(),
            state=AidState.DELIVERED,
            created_at=now,
            updated_at=now,
        )
    )


@pytest.mark.parametrize(("days_ago", "proposed"), [(10, 0), (400, 1)])
def test_a_household_in_its_cool_off_waits(
    database: Database, verifier: Actor, now: datetime, days_ago: int, proposed: int
) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        need = make.a_need(session, household)
        make.an_offer(session, make.an_organisation(session))
        _past_aid(session, household.id, need.category, now=now, given_on=now.date() - timedelta(days=days_ago))
    assert len(lines_of(database, a_run(database, verifier, now))) == proposed


def test_a_reason_is_written_as_people_read_it() -> None:
    waits = results.sentence("cool_off", "", {"until": "2030-04-11"}, names={}, unit="ITEM", lang="en", rules={})
    assert waits.endswith("again from Thu 11 Apr 2030.")
    left = {"left": 1, "units": 1}
    assert "took 1 unit of" in results.sentence("free_stock", "r", left, names={}, unit="ITEM", lang="en", rules={})


def test_a_new_run_makes_undecided_lines_stale_and_keeps_decided_ones(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        for i in (1, 2):
            household = make.a_household(session, phone=f"1000000000{i}")
            make.auto_match(session, household)
            make.a_need(session, household)
        make.an_offer(session, make.an_organisation(session))
    first = a_run(database, verifier, now)
    decided, undecided = lines_of(database, first)
    with database.transaction() as session:
        assert approval.approve(session, [decided.id], actor=approver, now=now).approved
    second = a_run(database, verifier, now)
    states = {line.id: line.state for line in lines_of(database, first)}
    assert states == {decided.id: LineState.APPROVED, undecided.id: LineState.STALE}
    assert [line.need_id for line in lines_of(database, second)] == [undecided.need_id]


def test_two_undecided_lines_of_one_pair_are_one_announced_link(
    database: Database, verifier: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        need, offer = make.a_need(session, household), make.an_offer(session, make.an_organisation(session))
        for units, free in ((4, False), (3, True)):
            make.a_line(session, need, offer, units=units, free_stock=free)
    with database.reading() as session:
        problem = build_problem(session, Scope(), policy=policy_of({}, now.date()), now=now)
        assert problem.announced == (Announced(need.id, offer.id, 7),)
    run = a_run(database, verifier, now)
    assert (run.state, [line.units for line in lines_of(database, run)]) == (RunState.DONE, [10])


def test_a_scope_looks_at_its_districts_only(database: Database, verifier: Actor, now: datetime) -> None:
    with database.transaction() as session:
        for i, district in enumerate(("500103", "500106")):
            household = make.a_household(session, phone=f"1000000000{i}", district_code=district)
            make.auto_match(session, household)
            make.a_need(session, household)
        make.an_offer(session, make.an_organisation(session))
    run = a_run(database, verifier, now, scope=Scope(districts=("500106",)))
    assert [line.district_code for line in lines_of(database, run)] == ["500106"]


def test_a_second_run_waits_for_the_first(session: Session, verifier: Actor, now: datetime) -> None:
    proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)
    with pytest.raises(WrongState, match="run_busy"):
        proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)


def test_a_run_that_is_stopped_at_once_keeps_what_was_proposed_and_its_prices_count_for_nothing(
    database: Database, verifier: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        for i in range(3):
            household = make.a_household(session, phone=f"1000000000{i}")
            make.auto_match(session, household)
            need = make.a_need(session, household)
        make.an_offer(session, make.an_organisation(session), stock_units=25)
    first = a_run(database, verifier, now)
    later = now + timedelta(hours=1)
    with database.transaction() as session:
        second = proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=later)
        near = Actor("v-2", Role.VERIFIER, districts=frozenset({"500103"}))
        with pytest.raises(WrongState, match="run_of_others"):
            proposals.cancel_run(session, second.id, actor=near, now=later)
        proposals.cancel_run(session, second.id, actor=verifier, now=later)
    proposals.work(database, second.id, clock=lambda: later, actor=SYSTEM)
    with database.reading() as session:
        second = proposals.get_run(session, second.id)
        assert second.state is RunState.CANCELLED
        last = boards.last_run(session, session.get_one(Need, need.id))
        assert last is not None
        assert last.id == first.id
        assert [run.id for run, _needs in boards.last_runs(session)] == [first.id]
    before, kept = lines_of(database, first), lines_of(database, second)
    assert [(line.need_id, line.units) for line in kept] == [(line.need_id, line.units) for line in before] != []
    assert {line.state for line in kept} == {LineState.PROPOSED}


def test_a_giver_may_not_start_a_run(session: Session, now: datetime) -> None:
    giver = Actor(id="g", role=Role.CHARITY_MANAGER, org_id="org-1")
    with pytest.raises(NotAllowed):
        proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=giver, now=now)


def test_the_preview_counts_without_writing(session: Session, verifier: Actor, now: datetime) -> None:
    with_consent, without = (make.a_household(session, phone=f"1000000000{i}") for i in (1, 2))
    make.auto_match(session, with_consent)
    for household in (with_consent, without):
        make.a_need(session, household)
    make.a_need(session, without, state=NeedState.HELD)
    make.an_offer(session, make.an_organisation(session))
    giver = make.an_organisation(session)
    for unseen in (
        {"category": "LIVING.GOODS", "unit": "ITEM"},
        {"districts": ["500106"]},
        {"stock_units": 5, "committed_units": 5},
        {"valid_to": now.date()},
        {"valid_from": now.date() + timedelta(days=1)},
        {"org_id": make.an_organisation(session, state=OrganisationState.SUSPENDED).id},
        {"org_id": make.an_organisation(session, purposes=[]).id},
    ):
        make.an_offer(session, giver, **unseen)
    scope = Scope(("500103",), ("LIVING.FOOD_PACK",))
    seen = proposals.preview(session, scope, actor=verifier, now=now)
    assert (seen.needs, seen.households, seen.without_consent, seen.held, seen.offers) == (2, 2, 1, 1, 1)
    assert proposals.preview(session, Scope(), actor=verifier, now=now).offers == 3, "another kind, another district"
    assert seen.open_units == {"LIVING.FOOD_PACK": 20}
    assert session.exec(select(Run)).all() == []


def test_a_plan_that_the_judge_refuses_is_not_stored(
    sqlite_database: Database, verifier: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        make.a_need(session, household)
        make.an_offer(session, make.an_organisation(session))
    honest: Callable[..., object] = proposals.allocate

    def tampered(problem: object, **over: object) -> object:
        from dataclasses import replace

        plan = honest(problem, **over)
        line = replace(plan.lines[0], units=plan.lines[0].units + 1)  # type: ignore[attr-defined]
        return replace(plan, lines=(line,))  # type: ignore[type-var]

    monkeypatch.setattr(proposals, "allocate", tampered)
    run = a_run(sqlite_database, verifier, now)
    assert (run.state, run.error_code) == (RunState.FAILED, "plan_refused")
    assert lines_of(sqlite_database, run) == []


def test_the_same_city_gives_the_same_plan(database: Database, verifier: Actor, now: datetime) -> None:
    with database.transaction() as session:
        for i in range(6):
            household = make.a_household(session, id=f"h-{i}", phone=f"1000000000{i}")
            make.auto_match(session, household)
            make.a_need(session, household, id=f"n-{i}", urgency=i % 4)
        make.an_offer(session, make.an_organisation(session, id="o"), id="r", stock_units=25)
    first, second = a_run(database, verifier, now), a_run(database, verifier, now)
    assert first.plan_sha256 == second.plan_sha256 != ""


@pytest.mark.parametrize(("lang", "words"), [("zh_Hans", "给出 ¥2,800，"), ("en", "gives ¥2,800;")])
def test_reasons_speak_of_yuan_where_the_need_is_money(lang: str, words: str) -> None:
    detail = {"code": "chosen", "units": 280_000, "price": 20, "tier": "only"}
    told = results.sentence("chosen", "offer-1", detail, names={"offer-1": "「助学」"}, unit="FEN", lang=lang, rules={})
    assert words in told
    assert "「助学」" in told


@pytest.mark.parametrize(
    ("code", "detail", "zh", "en"),
    [
        ("chosen", {"units": 300_000, "price": 7, "tier": "only", "pinned": 200_000}, "指定了 ¥2,000。", "¥2,000."),
        ("covered", {"delivered": 30_000, "approved": 10_050}, "已发放 ¥300；已批准 ¥100.50", "¥300; approved ¥100.50"),
    ],
)
def test_what_was_pinned_or_given_of_money_is_told_in_yuan(code: str, detail: dict[str, Any], zh: str, en: str) -> None:
    for lang, words in (("zh_Hans", zh), ("en", en)):
        told = results.sentence(code, "r", detail, names={}, unit="FEN", lang=lang, rules={})
        assert words in told
    dearer = {"units": 3, "price": 7, "tier": "cost", "runner_up": "s", "extra_cost": 250}
    told = results.sentence("chosen", "r", dearer, names={}, unit="PACK", lang="en", rules={})
    assert "costs ¥2.50 more to deliver per unit" in told


def test_a_run_that_breaks_ends_and_blocks_no_other(
    sqlite_database: Database, verifier: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_over: object) -> None:
        raise RuntimeError("the solver is not there")

    monkeypatch.setattr(proposals, "allocate", broken)
    run = a_run(sqlite_database, verifier, now)
    assert (run.state, run.error_code) == (RunState.FAILED, "RuntimeError")
    monkeypatch.undo()
    assert a_run(sqlite_database, verifier, now + timedelta(hours=1)).state is RunState.DONE


def test_a_run_whose_worker_was_lost_for_good_blocks_no_other(
    sqlite_database: Database, verifier: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        lost = proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)
    for attempt in range(4):
        jobs.take(sqlite_database, now=now + attempt * timedelta(hours=1))
    with sqlite_database.transaction() as session:
        proposals.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)
        assert proposals.get_run(session, lost.id).state is RunState.FAILED


def test_a_verifier_of_one_district_runs_and_reads_that_district_only(database: Database, now: datetime) -> None:
    own = Actor(id="verifier-9", role=Role.VERIFIER, districts=frozenset({"500103"}))
    with database.transaction() as session:
        for i, district in enumerate(("500103", "500106")):
            household = make.a_household(session, phone=f"1000000000{i}", district_code=district)
            make.a_need(session, household)
    run = a_run(database, own, now)
    assert (run.needs_count, run.scope["districts"]) == (1, ["500103"])
    with pytest.raises(NotFound):
        Scope(districts=("500106",)).within(own)
    city = a_run(database, Actor(id="verifier-1", role=Role.VERIFIER), now + timedelta(hours=1))
    with database.reading() as session:
        assert results.count_unserved(session, city, actor=own) == 1


def test_goods_of_great_worth_wait_for_a_second_approver_too(
    database: Database, verifier: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        make.a_need(session, household, category="LIVING.APPLIANCE", unit="ITEM", gap_units=100)
        offer = {"category": "LIVING.APPLIANCE", "unit": "ITEM", "stock_units": 100}
        make.an_offer(session, make.an_organisation(session), **offer)
    (line,) = lines_of(database, a_run(database, verifier, now))
    assert line.value_fen > 2_000_000
