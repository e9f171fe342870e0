"""What the page of a run says: who is left at zero, what differs from the run before, what is proven."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlmodel import Session, select

from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.consent import service as consent
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.ledger.handing_in import source_of
from marketplace.ledger.sentences import Sayings
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer
from marketplace.proposals import results, service, views_runs
from marketplace.proposals.models import ProposedLine, Run, RunState, UnservedReason
from marketplace.proposals.problem import Scope
from marketplace.proposals.results import Comparison, Share
from tests import factories as make
from tests.marketplace.test_overlap_runs import past
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run, lines_of
from tests.pages.people import client_as


def approve(database: Database, line_ids: list[str], actor: Actor, now: datetime) -> None:
    with database.transaction() as session:
        assert approval.approve(session, line_ids, actor=actor, now=now).approved


def test_at_zero_is_who_has_nothing_from_before_and_nothing_from_the_run(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        _urgent, calm, offer = a_shortage(session, stock=14)
        make.a_ledger_entry(session, calm, offer, units=4)
        household = make.a_household(session, phone="10000000003")
        make.auto_match(session, household)
        empty = make.a_need(session, household, urgency=0)
    first = a_run(database, verifier, now)
    approve(database, [line.id for line in lines_of(database, first)], approver, now)
    second = a_run(database, verifier, now)
    # All 10 packs of the urgent need are reserved, the calm one has 4 from before: only the third has nothing.
    assert [run.zero_count for run in (first, second)] == [1, 1]
    assert second.fairness["plan"]["summary"]["households_zero"] == 1
    with database.reading() as session:
        rows = results.list_unserved(session, second, actor=approver, lang="en", offset=0, limit=9)
        assert [row.need.id for row in rows] == [empty.id]
        assert sum(results.codes_of(session, second, actor=approver).values()) == 1
        # Asked about are the needs with something open: both that lack something, and not the covered one.
        assert results.shares(session, second)[0::3] == [Share(3, 0, 0), Share(0, 2, 0)]
        assert results.shares(session, first)[0::3] == [Share(3, 1, 1), Share(0, 2, 0)]


def test_what_a_rule_leaves_open_of_a_served_need_is_told_and_is_no_full_fill(
    database: Database, verifier: Actor, now: datetime
) -> None:
    """Of 30 hours verified, care insurance gives 12 and a rule leaves 18: 12 stay open, 0.6 of the need is filled."""
    kind = {"category": "CARE.HOME_CARE", "unit": "HOUR"}
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        need = make.a_need(session, household, gap_units=30, **kind)
        past(session, household, "CARE.HOME_CARE", 12, date(2026, 11, 1), programme="LTC_INSURANCE")
        make.an_offer(session, make.an_organisation(session), **kind)
    run = a_run(database, verifier, now)
    assert [line.units for line in lines_of(database, run)] == [18]
    with database.reading() as session:
        (row,) = session.exec(select(UnservedReason).where(UnservedReason.need_id == need.id))
        assert (row.code, row.detail["units"], row.covered_units) == ("rule_cut", 12, 18)
        rules = Sayings(session, on=run.as_of, lang="en").about(need.district_code, need.category)
        words = results.sentence(row.code, "", row.detail, names={}, unit="HOUR", lang="en", rules=rules)
        assert words.startswith("A rule against helping twice allows no more now and leaves 12 units of this need open")
    summary = run.fairness["plan"]["summary"]
    assert [round(summary[name], 3) for name in ("fill", "worst_off")] == [0.6, 0.6]
    assert run.fairness["plan"]["groups"]["category"][0]["goods"][0]["open_units"] == 30


def test_a_run_is_compared_with_the_last_of_its_scope_and_what_was_approved_is_not_lost(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session, stock=15)
        far = make.a_household(session, phone="10000000003", district_code="500106")
        make.auto_match(session, far)
        make.a_need(session, far, urgency=1, gap_units=1)
    here = Scope(districts=(urgent.district_code,))
    first = a_run(database, verifier, now, scope=here)
    elsewhere = a_run(database, verifier, now, scope=Scope(districts=("500106",)))
    mine = [line.id for line in lines_of(database, first) if line.need_id == urgent.id]
    approve(database, mine, approver, now)
    second = a_run(database, verifier, now, scope=here)
    with database.transaction() as session:
        # Of 15 packs the urgent need had 10 and the calm one 5: the first was approved, the second is proposed again.
        assert results.against_last(session, second) == Comparison(first.number, 2, 0, 0, 1, 0)
        assert results.against_last(session, elsewhere) is None
        session.get_one(Need, calm.id).state = NeedState.HELD
        make.a_line(session, session.get_one(Need, far_need(session)), offer, free_stock=True, run_id=second.id)
    third = a_run(database, verifier, now, scope=here)
    with database.reading() as session:
        # The calm need has ended and nobody takes its line for lost; what free stock gave is no part of a run.
        assert results.against_last(session, third) == Comparison(second.number, 0, 0, 0, 0, 0)


def far_need(session: Session) -> str:
    return session.exec(select(Need.id).where(Need.district_code == "500106")).one()


def test_the_page_claims_the_strict_order_only_where_the_certificate_does(
    settings: Settings, sqlite_database: Database, verifier: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        a_shortage(session)
    run = a_run(sqlite_database, verifier, now)
    staff = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    strict, weak = "fills the needs better in the approved order", "no plan under these rules has a better score"
    page = staff.get(f"/runs/{run.id}?lang=en").text
    assert strict in page
    assert weak not in page
    assert "Approved order, strictly</dt><dd>proven</dd>" in page
    assert "all kinds / one kind</dt><dd>0 / 0</dd>" in page
    assert ">0%<" in page
    assert "Districts</dt><dd>The whole city</dd>" in page
    assert "Whose needs come first</dt><dd>The most urgent first</dd>" in page
    with sqlite_database.transaction() as session:
        # What the allocator certifies of its own example with a household's cap, see docs/allocator.md.
        said = {"lexicographic": "not_proven", "gap_by_prefix": {"*": [1, 0], "LIVING.FOOD_PACK": [2, 0]}}
        session.get_one(Run, run.id).certificate = {**run.certificate, **said}
    page = staff.get(f"/runs/{run.id}?lang=en").text
    assert weak in page
    assert strict not in page
    assert "Approved order, strictly</dt><dd>not proven</dd>" in page
    assert "all kinds / one kind</dt><dd>1 / 2</dd>" in page
    with sqlite_database.transaction() as session:
        weak_run = session.get_one(Run, run.id)
        weak_run.certificate = {**run.certificate, "status": "feasible", "gap": 0.0004}
        weak_run.scope, weak_run.policy = {"districts": ["500103"], "categories": []}, {"order": "levels_first"}
        giver = make.an_organisation(session, name="某慈善会")
        weak_run.aid_seen_from = {source_of(giver): "2026-11-01", "CHARITY": "2026-10-01"}
    page, listed = (staff.get(f"{path}?lang=en").text for path in (f"/runs/{run.id}", "/runs/"))
    assert "某慈善会, from Sun 1 Nov on; Charity, from Thu 1 Oct on" in page, "no codes, and days in words"
    assert "at most 0.040% of the score could be missing" in page, "never rounded down to nothing"
    assert "Districts</dt><dd>Yuzhong District</dd>" in page
    for seen in (page, listed):
        assert "Everybody a part first" in seen
        assert "0.040%" in seen
    assert "Yuzhong District · All kinds of need" in listed


def test_who_may_only_look_is_offered_no_door_that_is_shut(
    settings: Settings, sqlite_database: Database, verifier: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        run = service.start_run(session, Scope(), policy={}, as_of=now.date(), actor=verifier, now=now)
    app = create_app(settings, database=sqlite_database)
    staff, auditor = client_as(app, Role.APPROVER), client_as(app, Role.AUDITOR)
    doors = (f"/runs/{run.id}/cancel", "/runs/new")
    assert [doors[0] in one.get(f"/runs/{run.id}").text for one in (staff, auditor)] == [True, False]
    with sqlite_database.transaction() as session:
        session.get_one(Run, run.id).state = RunState.INFEASIBLE
        session.get_one(Run, run.id).certificate = {"gap": 0.0}
    assert "0%</td>" not in staff.get("/runs/").text, "a run without a plan has no gap"
    with sqlite_database.transaction() as session:
        session.get_one(Run, run.id).state = RunState.FAILED
    for path in (f"/runs/{run.id}", "/runs/"):
        assert [doors[1] in one.get(path).text for one in (staff, auditor)] == [True, False], path
    operator = client_as(app, Role.OPERATOR)
    assert operator.get("/runs/new").status_code == operator.post(doors[0]).status_code == 403


def test_the_form_of_a_run_offers_one_s_own_districts_and_the_preview_says_which(
    settings: Settings, sqlite_database: Database
) -> None:
    app = create_app(settings, database=sqlite_database)
    staff = client_as(app, Role.VERIFIER)
    whole = staff.get("/runs/new?lang=en").text
    assert "none ticked: the whole city" in whole
    with sqlite_database.transaction() as session:
        for account in session.exec(select(Account).where(Account.role == Role.VERIFIER)):
            account.districts = ["500103"]
    form = staff.get("/runs/new?lang=en").text
    assert "none ticked: all of yours" in form
    assert ["500106" in page for page in (whole, form)] == [True, False]
    asked = {"order": "urgency_first", "budget_s": "10"}
    assert staff.post("/runs/preview", data={**asked, "districts": "500106"}).status_code == 422
    seen = staff.post("/runs/preview?lang=en", data=asked).text
    assert "Districts</dt><dd>Yuzhong District</dd>" in seen
    assert "Time at most</dt><dd>10 seconds</dd>" in seen


def test_the_page_of_a_line_says_no_more_of_other_resources_and_of_the_consent_than_is_known(
    settings: Settings, sqlite_database: Database, verifier: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_runs, "utc_now", lambda: now)
    with sqlite_database.transaction() as session:
        household = make.a_household(session)
        word = make.auto_match(session, household).chain_id
        need = make.a_need(session, household)
        for stock in (4, 6):
            make.an_offer(session, make.an_organisation(session), stock_units=stock)
    run = a_run(sqlite_database, verifier, now)
    with sqlite_database.transaction() as session:
        offer = make.an_offer(session, make.an_organisation(session))
        free = make.a_line(session, session.get_one(Need, need.id), offer, units=1, free_stock=True).id
    staff = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    planned, taken = (
        staff.get(f"/runs/lines/{line}?lang=en").text for line in (lines_of(sqlite_database, run)[0].id, free)
    )
    assert len(lines_of(sqlite_database, run)) == 2, "4 of the one and 6 of the other: both fit"
    assert "No other resource that fits this need had room for more." in planned
    assert "Not asked for lines from free stock." in taken
    own = make.as_household(household)
    with sqlite_database.transaction() as session:
        giver = session.get_one(ProposedLine, free).offer_id
        left_out = [session.get_one(Offer, giver).org_id]
        consent.exclude(session, word, excluded_org_ids=left_out, actor=own, now=now)
        session.get_one(Need, need.id).urgency = 0
    excluded = staff.get(f"/runs/lines/{free}?lang=en").text
    with sqlite_database.transaction() as session:
        consent.withdraw(session, word, actor=own, now=now)
    withdrawn = staff.get(f"/runs/lines/{free}?lang=en").text
    said = "The household had consented to matching and had not excluded this giver."
    for page in (planned, taken, excluded, withdrawn):
        assert "No other resource fits" not in page
        assert said in page
        assert "its urgency was “Urgent”" in page
    warned = ["this line cannot be approved" in page for page in (planned, taken, excluded, withdrawn)]
    assert warned == [False, False, True, True]
    assert "leaves this giver out now" in excluded
    assert "no longer consents to matching" in withdrawn
