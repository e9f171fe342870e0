"""Between two runs: quotes, free stock, and who could make way; in the services and on the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlmodel import Session, col, select

from marketplace import audit, jobs
from marketplace.accounts import service as accounts
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.ledger import hits, rules
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.organisations import agreements
from marketplace.organisations.agreements import AgreementTerms
from marketplace.organisations.models import Organisation
from marketplace.proposals import archive, making_way, overrides, quotes, results, supply
from marketplace.proposals import service as proposals
from marketplace.proposals.models import (
    Displacement,
    DisplacementState,
    LineState,
    NeedQuote,
    ProposedLine,
    RunPrice,
    RunState,
)
from marketplace.proposals.replay import replay
from marketplace.reference.needs import need_kind
from tests import factories as make
from tests.marketplace.test_overlap_runs import past
from tests.marketplace.test_proposals import a_run, lines_of
from tests.marketplace.test_races import _in_processes, _try
from tests.pages.people import client_as

LATER = timedelta(hours=1)


def newcomer(database: Database, now: datetime, *, consent: bool = True, **over: Any) -> str:
    """A need verified an hour after the run, of a household that lets itself be matched."""
    with database.transaction() as session:
        household = make.a_household(session, phone=over.pop("phone", "10000000099"))
        if consent:
            make.auto_match(session, household, excluded_org_ids=over.pop("excluded", []))
        return make.a_need(session, household, updated_at=now + LATER, **over).id


def offered(database: Database, **over: Any) -> str:
    with database.transaction() as session:
        return make.an_offer(session, make.an_organisation(session), **over).id


def served(database: Database, **over: Any) -> str:
    """A need that the first run serves."""
    with database.transaction() as session:
        household = make.a_household(session, phone="10000000001")
        make.auto_match(session, household)
        return make.a_need(session, household, **over).id


def told(database: Database, need_id: str, now: datetime) -> dict[str, Any]:
    with database.reading() as session:
        return quotes.as_json(quotes.tell(session, need_id, actor=Actor("v", Role.VERIFIER), now=now))


def swept(database: Database, now: datetime) -> int:
    return quotes.sweep(database, clock=lambda: now + LATER)


def worked(database: Database, now: datetime) -> None:
    """Do the job that looks for those who could make way."""
    handlers = {quotes.MAKE_WAY: lambda ref: void(making_way.work_out(database, ref, clock=lambda: now))}
    while jobs.work_once(database, handlers, clock=lambda: now + 2 * LATER):
        pass
    with database.reading() as session:
        assert {job.state for job in session.exec(select(jobs.Job))} <= {jobs.JobState.DONE}


def void(_done: int) -> None:
    return None


def test_a_new_need_is_told_what_is_free_and_gets_it_proposed_by_the_sweep(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    # 25 packs, 10 went to the first need: 15 are left, the newcomer asks for 10.
    first, offer_id = served(database), offered(database, stock_units=25)
    run = a_run(database, verifier, now)
    need_id = newcomer(database, now)
    said = told(database, need_id, now)
    assert (said["state"], said["open_units"], said["run"]["number"], said["levels"]) == ("free", 10, run.number, [])
    assert said["free"] == [{"offer_id": offer_id, "title": "米面油食品包", "units": 10}]
    assert swept(database, now) == 1
    assert swept(database, now) == 0
    (line,) = [line for line in lines_of(database, run) if line.need_id != first]
    assert (line.need_id, line.offer_id, line.units, line.state) == (need_id, offer_id, 10, LineState.PROPOSED)
    assert line.reasons == [{"code": "free_stock", "units": 10, "left": 15}]
    assert line.consent_version == 1
    with database.transaction() as session:
        note = session.get_one(NeedQuote, (run.id, need_id))
        assert (note.verdict, note.open_units, note.free_units) == ("free", 10, 10)
        story = results.story_of(session, line.id, actor=verifier, lang="en")
        assert story.sentences[0].startswith("Nobody took 15 units of 「米面油食品包」 in the last run; 10 of them")
        assert approval.approve(session, [line.id], actor=approver, now=now).approved == (line.id,)
        assert {"quote:make", "quote:take"} <= set(session.exec(select(audit.AuditRow.action)))
        assert audit.verify(session).bad_seq == 0


def test_the_line_and_the_levels_follow_the_prices_that_the_run_left(
    database: Database, verifier: Actor, now: datetime
) -> None:
    # 5 packs for a need of 10 at urgency 2. By urgency_first with 10 levels (2, 1) ranks 30, so the five packs fill
    # ranks 30 to 26; one pack more is worth 25, one pack less costs 26: the price lies between.
    served(database, urgency=2)
    offered(database, stock_units=5)
    run = a_run(database, verifier, now)
    with database.reading() as session:
        (price,) = [row.price for row in session.exec(select(RunPrice).where(RunPrice.run_id == run.id))]
    assert price in (25, 26)
    high = told(database, newcomer(database, now, urgency=3, phone="10000000002"), now)
    low = told(database, newcomer(database, now, urgency=1, phone="10000000003"), now)
    assert (high["state"], high["free"], high["price"]) == ("likely", [], price)
    assert high["line"] == {"urgency": 2, "level": {25: 6, 26: 5}[price]}
    assert [row["rank"] for row in high["levels"]] == list(range(40, 30, -1))
    assert {row["verdict"] for row in low["levels"]} == {"unlikely"}


def test_what_is_committed_declined_or_posted_since_the_run_counts_at_once(
    database: Database, verifier: Actor, now: datetime
) -> None:
    offer_id = offered(database, stock_units=10)
    a_run(database, verifier, now)
    need_id = newcomer(database, now)
    assert [row["units"] for row in told(database, need_id, now)["free"]] == [10]
    with database.transaction() as session:
        other = make.a_need(session, make.a_household(session, phone="10000000055"), state=NeedState.HELD)
        offer = session.get_one(Offer, offer_id)
        ledger.reserve(
            session, other, offer_id=offer_id, org_id=offer.org_id, giver="g", units=7, actor=SYSTEM, now=now
        )
    assert [row["units"] for row in told(database, need_id, now)["free"]] == [3]
    second = offered(database, stock_units=5)
    assert {row["offer_id"]: row["units"] for row in told(database, need_id, now)["free"]} == {offer_id: 3, second: 5}
    with database.transaction() as session:
        session.get_one(Offer, second).state = OfferState.PAUSED
    assert [row["offer_id"] for row in told(database, need_id, now)["free"]] == [offer_id]
    with database.transaction() as session:
        giver = session.get_one(Organisation, session.get_one(Offer, offer_id).org_id)
        kept = tuple(one for one in giver.purposes if one != need_kind("LIVING.FOOD_PACK").purpose)
        terms = AgreementTerms("2", now.date(), date(2027, 11, 23), kept)
        agreements.propose_agreement(session, giver.id, terms, actor=Actor("a-1", Role.APPROVER), now=now)
        agreements.approve_organisation(session, giver.id, actor=Actor("a-2", Role.APPROVER), now=now)
    assert told(database, need_id, now)["fitting_offers"] == 0, "its new agreement does not cover this"


@pytest.mark.parametrize("why", ["no_consent", "excluded", "refused", "no_run", "held", "over"])
def test_a_need_that_no_run_would_serve_gets_nothing_from_a_quote(
    session: Session, verifier: Actor, now: datetime, why: str
) -> None:
    household, organisation = make.a_household(session), make.an_organisation(session)
    if why != "no_consent":
        make.auto_match(session, household, excluded_org_ids=[organisation.id] if why == "excluded" else [])
    over = {"held": {"state": NeedState.HELD}, "over": {"valid_to": now.date()}}.get(why, {})
    need, offer = make.a_need(session, household, **over), make.an_offer(session, organisation)
    if why != "no_run":
        other = make.a_need(session, make.a_household(session, phone="10000000044"))
        make.a_line(session, other, offer, units=1)
    if why == "refused":
        make.a_line(session, need, offer, state=LineState.REJECTED)
    said = quotes.as_json(quotes.tell(session, need.id, actor=verifier, now=now))
    expected = {"no_run": "no_run", "held": "not_verified", "over": "not_verified"}.get(why, "nothing_fits")
    assert said["state"] == expected
    assert said.get("free", []) == []
    with pytest.raises(WrongState):
        quotes.take_free_stock(session, need.id, actor=verifier, now=now)
    assert (
        session.exec(select(ProposedLine).where(ProposedLine.need_id == need.id, ProposedLine.units > 10)).all() == []
    )


def test_free_stock_is_not_proposed_twice_to_the_same_need(session: Session, verifier: Actor, now: datetime) -> None:
    household = make.a_household(session)
    make.auto_match(session, household)
    need, offer = make.a_need(session, household), make.an_offer(session, make.an_organisation(session))
    other = make.a_need(session, make.a_household(session, phone="10000000033"))
    line = make.a_line(session, other, offer, units=95)
    assert [taken.units for taken in quotes.take_free_stock(session, need.id, actor=verifier, now=now)] == [5]
    with pytest.raises(WrongState, match="nothing_free"):
        quotes.take_free_stock(session, need.id, actor=verifier, now=now)
    # 95 packs come back, and the need still lacks 5: but this very pair waits for a decision already.
    line.state = LineState.STALE
    session.flush()
    with pytest.raises(WrongState, match="nothing_free"):
        quotes.take_free_stock(session, need.id, actor=verifier, now=now)


@pytest.mark.parametrize(("had", "free"), [(2, [4]), (5, [])])
def test_of_a_limit_per_household_a_quote_leaves_what_the_household_has_not_had(
    session: Session, verifier: Actor, now: datetime, had: int, free: list[int]
) -> None:
    kind = {"category": "EDU.TUTORING", "unit": "HOUR"}
    household = make.a_household(session)
    make.auto_match(session, household)
    offer = make.an_offer(session, make.an_organisation(session), max_per_household=6, lot=2, **kind)
    before, need = make.a_need(session, household, gap_units=5, **kind), make.a_need(session, household, **kind)
    make.a_ledger_entry(session, before, offer, units=had)
    other = make.a_need(session, make.a_household(session, phone="10000000044"))
    make.a_line(session, other, make.an_offer(session, make.an_organisation(session)), units=1)
    # Of six hours for one household in lots of two, four are left beside two; beside five less than one lot.
    said = quotes.as_json(quotes.tell(session, need.id, actor=verifier, now=now))
    assert [row["units"] for row in said["free"]] == free
    assert said["fitting_offers"] == len(free)


def test_what_comes_free_after_the_look_is_left_for_the_next_look(
    session: Session, verifier: Actor, now: datetime
) -> None:
    """On PostgreSQL another transaction may free a unit of an offer that is not locked here."""
    household, other = make.a_household(session), make.a_household(session, phone="10000000044")
    make.auto_match(session, household)
    need, offer = make.a_need(session, household), make.an_offer(session, make.an_organisation(session))
    line = make.a_line(session, make.a_need(session, other), offer, units=100)

    def frees(_givers: object) -> None:
        line.state = LineState.STALE
        session.flush()

    with pytest.raises(WrongState, match="nothing_free"):
        quotes.take_free_stock(session, need.id, hold=frees, actor=verifier, now=now)


def test_while_a_run_is_under_way_no_ordinary_need_takes_anything(
    database: Database, verifier: Actor, now: datetime
) -> None:
    offered(database)
    run = a_run(database, verifier, now)
    need_id = newcomer(database, now)
    with database.transaction() as session:
        row = make.a_line(session, session.get_one(Need, need_id), session.exec(select(Offer)).one(), units=1)
        session.get_one(type(run), row.run_id).state = RunState.WORKING
        session.delete(row)
    assert swept(database, now) == 0
    with database.transaction() as session, pytest.raises(WrongState, match="run_busy"):
        quotes.take_free_stock(session, need_id, actor=verifier, now=now)


def test_a_run_leaves_alone_the_line_of_a_critical_need_that_came_while_it_worked(
    sqlite_database: Database, verifier: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = served(sqlite_database)
    offered(sqlite_database, stock_units=15)
    a_run(sqlite_database, verifier, now)
    honest, came = proposals.allocate, []

    def slow(problem: Any, **over: Any) -> Any:
        came.append(newcomer(sqlite_database, now, urgency=3))
        with sqlite_database.transaction() as session:
            assert quotes.take_free_stock(session, came[0], actor=verifier, now=now)
        return honest(problem, **over)

    monkeypatch.setattr(proposals, "allocate", slow)
    a_run(sqlite_database, verifier, now + LATER)
    with sqlite_database.reading() as session:
        waiting = select(ProposedLine.need_id, ProposedLine.units).where(ProposedLine.state == LineState.PROPOSED)
        assert dict(session.exec(waiting).all()) == {ordinary: 10, came[0]: 5}
    monkeypatch.undo()
    # The next run has seen it, and decides on it like on any other.
    a_run(sqlite_database, verifier, now + 2 * LATER)
    with sqlite_database.reading() as session:
        assert dict(session.exec(waiting).all()) == {came[0]: 10, ordinary: 5}


def test_a_new_run_decides_anew_on_what_was_taken_between_the_runs(
    database: Database, verifier: Actor, now: datetime
) -> None:
    offered(database, stock_units=10)
    first = a_run(database, verifier, now)
    need_id = newcomer(database, now, urgency=0)
    swept(database, now)
    with database.transaction() as session:
        household = make.a_household(session, phone="10000000022")
        make.auto_match(session, household)
        urgent = make.a_need(session, household, urgency=3).id
    second = a_run(database, verifier, now)
    assert [line.state for line in lines_of(database, first)] == [LineState.STALE]
    assert [line.need_id for line in lines_of(database, second)] == [urgent]
    assert told(database, need_id, now)["state"] in ("unlikely", "even", "unsure")


def test_givers_and_auditors_get_no_quote_and_other_districts_look_missing(session: Session, now: datetime) -> None:
    need = make.a_need(session, make.a_household(session))
    for role in (Role.CHARITY_MANAGER, Role.HOUSEHOLD, Role.AUDITOR):
        with pytest.raises(NotAllowed):
            quotes.tell(session, need.id, actor=Actor("x", role), now=now)
    worker = Actor("w", Role.WORKER, districts=frozenset({"500106"}))
    with pytest.raises(NotFound):
        quotes.tell(session, need.id, actor=worker, now=now)
    with pytest.raises(NotAllowed):
        quotes.take_free_stock(session, need.id, actor=worker, now=now)


def test_two_needs_that_race_for_the_last_units_never_get_them_both(
    database: Database, settings: Settings, verifier: Actor, now: datetime
) -> None:
    rounds = 12
    with database.transaction() as session:
        needs = []
        giver = make.an_organisation(session)
        kinds = ("LIVING.FOOD_PACK",)
        offers = [make.an_offer(session, giver, stock_units=3, category=kinds[0]).id for _ in range(rounds)]
        for i in range(rounds):
            household = make.a_household(session, phone=f"1{i:010d}")
            make.auto_match(session, household)
            needs.append(make.a_need(session, household, gap_units=4).id)
        other = make.a_need(session, make.a_household(session, phone="10000000033"), category="LIVING.WINTER")
        make.a_line(session, other, session.get_one(Offer, offers[0]), units=1, state=LineState.STALE)
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()

    def act(own: Database, rng: Any, _number: int) -> None:
        order = list(needs)
        rng.shuffle(order)
        for need_id in order:
            _try(own, lambda s, n=need_id: quotes.take_free_stock(s, n, actor=verifier, now=now))  # type: ignore[misc]

    _in_processes(url, settings, act)
    with database.reading() as session:
        taken: dict[str, int] = {}
        given: dict[str, int] = {}
        for line in session.exec(select(ProposedLine).where(col(ProposedLine.state) == LineState.PROPOSED)):
            taken[line.offer_id] = taken.get(line.offer_id, 0) + line.units
            given[line.need_id] = given.get(line.need_id, 0) + line.units
        assert max(taken.values()) <= 3
        assert max(given.values()) <= 4
        assert sum(taken.values()) >= 3 * rounds - 4


def displaced(database: Database, verifier: Actor, now: datetime) -> tuple[str, str, str]:
    """An urgent newcomer, where the last packs went to a calm need: (displacement, newcomer, loser)."""
    loser = served(database, urgency=0)
    offered(database, stock_units=5)
    a_run(database, verifier, now)
    need_id = newcomer(database, now, urgency=3, verifier_id="approver-0")
    swept(database, now)
    worked(database, now)
    with database.reading() as session:
        (row,) = session.exec(select(Displacement)).all()
    return row.id, need_id, loser


def test_who_could_make_way_is_proposed_and_changes_nothing(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    row_id, need_id, loser = displaced(database, verifier, now)
    with database.transaction() as session:
        (pending,) = making_way.list_pending(session, actor=approver)
        row = pending.row
        # The newcomer's first unit fills (3, 1), rank 40; the loser's fifth of ten fills (0, 5), rank 6.
        assert (row.need_id, row.loser_need_id, row.rank_gained, row.rank_lost) == (need_id, loser, 40, 6)
        assert [(step.need.id, step.units) for step in pending.steps] == [(need_id, 1), (loser, -1)]
        assert [line.need_id for line in session.exec(select(ProposedLine))] == [loser]
        with pytest.raises(WrongState, match="verifier_is_approver"):
            making_way.keep(session, row_id, reason="x", actor=Actor("approver-0", Role.APPROVER), now=now)
        with pytest.raises(BadInput, match="reason_missing"):
            making_way.keep(session, row_id, reason=" ", actor=approver, now=now)
        with pytest.raises(BadInput, match="personal_in_text"):
            making_way.keep(session, row_id, reason="call 13812345678", actor=approver, now=now)
        with pytest.raises(NotAllowed):
            making_way.keep(session, row_id, reason="x", actor=verifier, now=now)
        elsewhere = Actor("a", Role.APPROVER, districts=frozenset({"500106"}))
        assert making_way.list_pending(session, actor=elsewhere) == []
        with pytest.raises(NotFound):
            making_way.drop(session, row_id, reason="x", actor=elsewhere, now=now)
        kept = making_way.keep(session, row_id, reason="寒潮", actor=approver, now=now)
        assert (kept.state, kept.reason, kept.decided_by) == (DisplacementState.KEPT, "寒潮", approver.id)
        (pin,) = overrides.standing(session, now=now).pins
        assert (pin.need_id, pin.resource_id, pin.units) == (need_id, kept.offer_id, 1)
        with pytest.raises(WrongState, match="displacement_over"):
            making_way.drop(session, row_id, reason="x", actor=approver, now=now)
        actions = set(session.exec(select(audit.AuditRow.action)))
        assert {"displacement:propose", "displacement:keep"} <= actions
        assert audit.verify(session).bad_seq == 0


def test_the_job_may_run_twice_and_a_newer_run_overtakes_what_is_pending(
    database: Database, verifier: Actor, approver: Actor, now: datetime
) -> None:
    row_id, _need_id, _loser = displaced(database, verifier, now)
    with database.reading() as session:
        run_id = session.get_one(Displacement, row_id).run_id
    assert making_way.work_out(database, run_id, clock=lambda: now) == 0
    a_run(database, verifier, now + 3 * LATER)
    with database.transaction() as session:
        assert making_way.list_pending(session, actor=approver) == []
        with pytest.raises(WrongState, match="displacement_over"):
            making_way.keep(session, row_id, reason="x", actor=approver, now=now)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def in_district(app: Flask, role: Role, district: str) -> FlaskClient:
    """A signed-in person who serves one district."""
    client = client_as(app, Role.AUDITOR)
    database: Database = app.extensions["database"]
    at = datetime.now(UTC)
    with database.transaction() as session:
        words: dict[str, Any] = {"display_name": "x", "role": role, "password": "long enough to test", "now": at}
        account = accounts.create_account(session, f"{role.value}-{district}", districts=[district], **words)
        client.set_cookie("sid", accounts.open_for_account(session, account, now=at))
    return client


def test_the_door_for_machines_keeps_to_the_district_and_names_nobody(
    app: Flask, sqlite_database: Database, verifier: Actor
) -> None:
    at = datetime.now(UTC)
    offered(sqlite_database, stock_units=4)
    a_run(sqlite_database, verifier, at)
    with sqlite_database.transaction() as session:
        household = make.a_household(session, name="王小明", phone="10000000077")
        make.auto_match(session, household, now=at - LATER)
        need_id = make.a_need(session, household, updated_at=at).id
    path = f"/quotes/needs/{need_id}.json"
    answer = in_district(app, Role.WORKER, "500103").get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["free"][0]["units"] == 4
    assert [(row["level"], row["units"]) for row in answer.json["levels"]] == [(k, 1) for k in range(5, 11)]
    assert "王" not in answer.text
    assert household.id not in answer.text
    assert in_district(app, Role.WORKER, "500106").get(path).status_code == 404
    assert client_as(app, Role.CHARITY_MANAGER, org_id=None).get(path).status_code == 403
    assert client_as(app, Role.VERIFIER).get("/quotes/needs/nobody.json").status_code == 404


def test_staff_read_what_could_help_and_take_it_on_the_page(
    app: Flask, sqlite_database: Database, verifier: Actor
) -> None:
    at = datetime.now(UTC)
    with sqlite_database.transaction() as session:
        household = make.a_household(session, phone="10000000077")
        make.auto_match(session, household, now=at - LATER)
        need_id = make.a_need(session, household, updated_at=at, gap_units=6).id
    staff, path = client_as(app, Role.VERIFIER), f"/quotes/needs/{need_id}"
    assert "还没有涵盖这类需求的已完成计算" in staff.get(path).text
    offered(sqlite_database, stock_units=4)
    with sqlite_database.transaction() as session:
        session.get_one(Need, need_id).state = NeedState.HELD
    assert "只有已核实且未到期的需求才能查询" in staff.get(path).text
    a_run(sqlite_database, verifier, at)
    with sqlite_database.transaction() as session:
        session.get_one(Need, need_id).state = NeedState.VERIFIED
    assert path in staff.get(f"/needs/{need_id}").text
    page = staff.get(path).text
    assert "米面油食品包" in page
    assert "4 份" in page
    assert "Free at once" in staff.get(f"{path}?lang=en").text
    worker = in_district(app, Role.WORKER, "500103")
    assert "4 份" in worker.get(path).text
    assert "用余量提出建议" not in worker.get(path).text
    assert "Propose the free stock" in staff.get(path).text
    assert worker.post(f"{path}/take").status_code == 403
    taken = staff.post(f"{path}/take")
    assert taken.status_code == 303
    assert "1 line is proposed. It waits for an approver." in staff.get(path).text
    assert staff.post(f"{path}/take").status_code == 409
    with sqlite_database.reading() as session:
        assert [line.units for line in session.exec(select(ProposedLine))] == [4]
    with sqlite_database.transaction() as session:
        home = session.get_one(Household, session.get_one(Need, need_id).household_id)
        past(session, home, "LIVING.FOOD_PACK", 2, at.date() - timedelta(days=9))
    page = staff.get(path).text
    assert "A rule against helping twice allows nothing for this need now" in page
    assert "<li>The same kind of goods is given once in 180 days" in page


def test_an_approver_keeps_or_drops_on_the_page_with_a_reason(
    app: Flask, sqlite_database: Database, verifier: Actor, now: datetime
) -> None:
    staff = client_as(app, Role.APPROVER)
    assert "目前没有需要考虑让出的建议" in staff.get("/quotes/displacements").text
    assert "/quotes/displacements" in staff.get("/runs/").text
    row_id, _need_id, _loser = displaced(sqlite_database, verifier, now)
    page = staff.get("/quotes/displacements").text
    assert f"/quotes/displacements/{row_id}/keep" in page
    assert "让出「米面油食品包」一个单位" in page
    assert "王小明" not in page
    for act in ("keep", "drop"):
        path = f"/quotes/displacements/{row_id}/{act}"
        assert staff.get(path).status_code == 200
        assert staff.post(path, data={"reason": ""}).status_code == 422
        assert staff.post(path, data={"reason": "13812345678"}).status_code == 422
        assert client_as(app, Role.VERIFIER).get(path).status_code == 403
    assert staff.post(f"/quotes/displacements/{row_id}/drop", data={"reason": "已另有安排"}).status_code == 303
    assert "已放弃" in staff.get("/quotes/displacements").text
    assert staff.post(f"/quotes/displacements/{row_id}/keep", data={"reason": "x"}).status_code == 409
    with sqlite_database.reading() as session:
        assert session.get_one(Displacement, row_id).state is DisplacementState.DROPPED


def test_a_quote_keeps_to_the_book_of_rules_as_two_people_changed_it_for_a_district(
    database: Database, verifier: Actor, now: datetime
) -> None:
    """Food was given 300 days ago: nothing in the way under the city's 180 days, closed once the district says 365."""
    offered(database, stock_units=100)
    served(database)
    a_run(database, verifier, now)
    need_id = newcomer(database, now)
    with database.transaction() as session:
        home = session.get_one(Household, session.get_one(Need, need_id).household_id)
        past(session, home, "LIVING.FOOD_PACK", 2, date(2026, 1, 27))
    assert told(database, need_id, now)["fitting_offers"] == 1
    with database.transaction() as session:
        first, second = Actor("a-1", Role.APPROVER), Actor("a-2", Role.APPROVER)
        wanted = rules.Draft("D08", "500103", date(2026, 11, 23), "渝民发〔2026〕1号", days=365)
        rules.approve(session, rules.draft(session, wanted, actor=first, now=now).id, actor=second, now=now)
    said = told(database, need_id, now)
    assert (said["fitting_offers"], said["state"], said["rules"]) == (0, "ruled_out", ["D08"])
    assert said["ruled_units"] == 10


def test_a_device_of_one_person_closes_no_offer_for_another_of_the_home(sqlite_database, verifier, now):
    database, device = sqlite_database, {"category": "DISABILITY.AID_DEVICE", "unit": "ITEM"}
    offered(database, **device, stock_units=9)
    served(database, **device, gap_units=1)
    a_run(database, verifier, now)
    need_id = newcomer(database, now, **device, gap_units=1)
    with database.transaction() as session:
        home = session.get_one(Household, session.get_one(Need, need_id).household_id)
        one, two = (make.a_person(session, home, name=name).id for name in ("小一", "小二"))
        row_id = past(session, home, "DISABILITY.AID_DEVICE", 1, date(2025, 12, 1), person_id=one).id
    for whose, had_by, offers in ((two, one, 1), (one, one, 0), ("", one, 0), (two, "", 0)):
        with database.transaction() as session:
            session.get_one(Need, need_id).person_id = whose
            session.get_one(LedgerEntry, row_id).person_id = had_by
        assert told(database, need_id, now)["fitting_offers"] == offers
    with database.transaction() as session:
        need = session.get_one(Need, need_id)
        met = hits.of_need(need, code="D10", place=hits.APPROVAL, units=1, because=[row_id], org_id=None)
        (hit,) = hits.keep(session, [met], actor=verifier, now=now)
        judge = Actor("a-1", Role.APPROVER)
        hits.decide(session, hit.id, state=hits.HitState.FALSE_ALARM, minutes=1, actor=judge, now=now)
    assert told(database, need_id, now)["fitting_offers"] == 1, "a person called it no duplicate"


def test_a_givers_budget_is_promised_once_between_runs_too(database, verifier, now):
    money: dict[str, Any] = {"category": "JOB.MICRO_START", "unit": "FEN"}
    with database.transaction() as session:
        giver = make.an_organisation(session, yearly_budget_fen=50_000)
        for _offer in range(2):
            make.an_offer(session, giver, **money, stock_units=50_000, max_per_need=50_000)
    served(database, **money, gap_units=30_000)
    run = a_run(database, verifier, now)
    need_id = newcomer(database, now, **money, gap_units=50_000)
    assert sum(line["units"] for line in told(database, need_id, now)["free"]) == 20_000
    swept(database, now)
    assert sum(line.units for line in lines_of(database, run)) == 50_000


def test_what_is_given_from_free_stock_is_no_part_of_the_runs_plan(database, verifier, now):
    served(database), offered(database, stock_units=25)
    run = a_run(database, verifier, now)
    newcomer(database, now)
    assert swept(database, now) == 1
    assert len(lines_of(database, run)) == 2
    assert replay(database, run.id).holds
    with database.reading() as session:
        assert len(archive.recall_lines(session, run.id)) == 1


@pytest.mark.parametrize(("unit", "locks"), [("KG", False), ("FEN", True)])
def test_only_a_giver_of_money_is_locked_for_a_quote(sqlite_database: Database, unit: str, locks: bool) -> None:
    offer_id = offered(sqlite_database, unit=unit)
    asked: list[str] = []
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    with sqlite_database.transaction() as session:
        assert [offer.id for offer in supply.lock_offers(session, [offer_id])] == [offer_id]
    assert any("FROM organisation" in " ".join(one.split()) for one in asked) is locks, "goods share no budget"
