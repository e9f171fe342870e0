"""The ways of a household from its first page to the end, each written once and walked with any pair of hands.

What enters: a house (database and app) and a maker of hands. What leaves: nothing, or the assert that a real person
would have met: a page without words, a button that is missing, a state that cannot be left. Offices act through the
services; the person, its helper and whoever writes down for somebody without an own screen use the pages. Called by
`test_household_walks` with the test client and by the browser tests at 360 px without scripts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from adapters.fakes_departments import FakeDepartment
from adapters.items import ItemResult
from adapters.sms_in import IncomingSms
from marketplace import notices
from marketplace.accounts import codes
from marketplace.accounts import service as accounts
from marketplace.accounts.models import SignInCode
from marketplace.actors import Actor, Role
from marketplace.answers import sms
from marketplace.appeals import service as appeals
from marketplace.appeals.models import Appeal, AppealState
from marketplace.calendar import local_day
from marketplace.cases import departments, notice, orders, outcome, service, steps
from marketplace.cases.models import Case, CaseDecision, CaseItem, CaseState, CaseStep, ItemState
from marketplace.cases.models_orders import PaymentOrder
from marketplace.cases.progress import stages_of
from marketplace.clocks import service as clocks
from marketplace.consent.capacity import verify_guardian
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, ConsentMissing
from marketplace.households import categories
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.ledger import bills
from marketplace.ledger.models import LayerState
from marketplace.liveness import duties
from marketplace.liveness import service as survival
from marketplace.liveness.models import CheckCause, CheckState, SurvivalCheck
from marketplace.needs.models import Need
from marketplace.needs.remainder import need_of_case
from marketplace.notices import Notice, NoticeState
from marketplace.organisations.models import Organisation
from marketplace.proxies import agents
from marketplace.readback import service as readback
from marketplace.reference.districts import streets_of
from marketplace.reference.identity_number import make_id_number
from marketplace.reference.words import label
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace.figures import count as count_of
from tests.pages.hands import Hands
from tests.pages.people import token_of

CITY, MOST_TAPS = "500103", 12
WORKER = Actor(id="street-1", role=Role.WORKER, districts=frozenset({CITY}))
APPROVER = Actor(id="county-1", role=Role.APPROVER, districts=frozenset({CITY}))
VERIFIER = Actor(id="checker-1", role=Role.VERIFIER, districts=frozenset({CITY}))
PHONES = count(10000020001)
NUMBERS = count(21)
NAME, AGENT, GIVER = "王小明", "赵帮办", "测试慈善会"
KNOWN = (NAME, AGENT, "王*明", "李*小", "李小小", "李奶奶", "李*奶", "赵*办", GIVER, "大病资助", "街道通知，自取或送达")
KNOWN += tuple(one.zh for one in streets_of(CITY, on=date(2026, 11, 23)))
"""Names of streets have one language."""
KNOWN += ("不收取任何费用", "每户 1 至 12 份", "收入证明、户口簿", "人均收入高于标准", "我没有说错", "属实")


@dataclass
class House:
    """One served house; `hands` gives a pair to whoever holds a session's token (empty: a stranger)."""

    app: Flask
    database: Database
    language: str
    maker: Callable[[str], Hands]
    made: list[Hands] = field(default_factory=list)

    def hands(self, token: str = "") -> Hands:
        """A window of its own."""
        made = self.maker(token)
        self.made.append(made)
        return made

    @contextmanager
    def act(self) -> Iterator[Session]:
        """What an office does meanwhile."""
        with self.database.transaction() as session:
            yield session

    def family(self, *, name: str = NAME, phone: str = "") -> tuple[Household, Person]:
        """Somebody who lives alone in 渝中."""
        now = datetime.now(UTC)
        with self.act() as session:
            home = make.a_household(session, name=name, phone=phone or str(next(PHONES)), created_at=now)
            session.flush()
            return home, list_people(session, home.id)[0]

    def at_home(self, person: Person) -> Hands:
        """The person at its own telephone."""
        with self.act() as session:
            token = accounts.open_for_person(session, person.id, person.household_id, now=datetime.now(UTC))
        return self.hands(token)

    def officer(self, role: Role) -> Hands:
        """Somebody of the staff at a screen."""
        return self.hands(token_of(self.database, role))

    def item(self, case_id: str, code: str) -> CaseItem:
        """One item as it is now."""
        with self.database.reading() as session:
            return session.exec(select(CaseItem).where(CaseItem.case_id == case_id, CaseItem.code == code)).one()


@dataclass(frozen=True)
class Asked:
    """What somebody applies for."""

    wants: tuple[str, ...] = ("living", "illness")
    income: str = "500"
    medical: str = ""
    ticks: tuple[str, ...] = ()
    label: str = ""
    switches: tuple[str, ...] = ()
    number: str = ""
    photo: bool = False


def apply(hands: Hands, asked: Asked, *, name: str = NAME) -> str:
    """From the button to the confirmation; the case's id."""
    hands.go("/cases/mine")
    hands.press("/cases/start")
    answers(hands, asked)
    sign(hands, *asked.switches, name=name)
    return sent(hands)


def answers(hands: Hands, asked: Asked) -> None:
    """All pages until the authorisation."""
    for want in asked.wants:
        hands.tick("wants", want)
    hands.press()
    hands.fill("size", "1")
    hands.fill("income_fen", asked.income)
    if asked.medical:
        hands.fill("medical_fen", asked.medical)
    hands.press()
    for tick in asked.ticks:
        hands.tick("ticks", tick)
    if asked.label:
        hands.tick("label", asked.label)
    hands.press()
    if hands.path().endswith("/card"):
        hands.fill("id_number", asked.number or make_id_number("509900", date(1960, 3, 4), seq=next(NUMBERS)))
        if asked.photo:
            hands.attach("photo", make.a_picture())
        hands.press()
    assert hands.path().endswith("/sign")


def sign(hands: Hands, *switches: str, name: str = NAME) -> None:
    """The authorisation, with a typed name."""
    hands.tick("agree", "y")
    for switch in switches:
        hands.tick(switch, "y")
    hands.fill("typed_name", name)
    hands.press()


def sent(hands: Hands) -> str:
    """Send, and read the confirmation: number and what comes next."""
    told = hands.press()
    assert re.search(r"SQ\d{10}", told), told
    assert hands.path().endswith("/sent")
    return hands.path().split("/")[2]


def work(session: Session, item: CaseItem, *, to: str = "confirm", hung: int = 50_000) -> CaseItem:
    """The offices do every step until the item stands at the wanted one; notices end by themselves."""
    now, found = datetime.now(UTC), steps.get_item(session, item.id)
    while (step := steps.running_step(session, found.id)).code != to:
        if step.code in notice.NOTICES:
            notice._go_on(session, found.id, now=now)
        else:
            steps.finish(session, found.id, opinion="for", amount_fen=hung, actor=WORKER, now=now)
    return found


def decide(session: Session, item: CaseItem, *, actor: Actor = APPROVER, **said: Any) -> None:
    """The confirming office decides."""
    outcome.decide(session, item.id, actor=actor, now=datetime.now(UTC), **said)


def refuse_all(house: House, case_id: str) -> None:
    """Every item that is civil affairs' own is refused; departments say no too."""
    with house.act() as session:
        open_ones = [one for one in service.list_items(session, case_id) if one.state is ItemState.RUNNING]
        while open_ones:
            for item in open_ones:
                _refuse(session, item)
            open_ones = [one for one in service.list_items(session, case_id) if one.state is ItemState.RUNNING]


def _refuse(session: Session, item: CaseItem) -> None:
    step = steps.running_step(session, item.id)
    if step.code == "department_answer":
        result = ItemResult(item.id, item.heard_seq + 1, "refused", 0, "income_over")
        departments.take(session, item.department, result, now=datetime.now(UTC))
    elif step.code == "fast_aid":
        decide(session, item, granted=False, reason="not_true", actor=WORKER)
    else:
        decide(session, work(session, item), granted=False, reason="income_over", note="人均收入高于标准")


def age(session: Session, case_id: str, days: int) -> None:
    """So many days have gone since everything of this case began."""
    back = timedelta(days=days)
    for item in session.exec(select(CaseItem).where(CaseItem.case_id == case_id)):
        item.started_at = item.started_at and item.started_at - back
        item.due_at = item.due_at and item.due_at - back
        session.add(item)
    for step in session.exec(select(CaseStep).where(CaseStep.case_id == case_id)):
        step.started_at, step.ran_from, step.due_at = step.started_at - back, step.ran_from - back, step.due_at - back
        session.add(step)
    session.flush()


def cost_on_record(session: Session, need: Need, *, fen: int = 0, **paid: int) -> None:
    """The street writes the cost of an illness down, and what each payer before charity said of it."""
    now = datetime.now(UTC)
    bill = bills.record(session, need.id, cost_fen=fen or need.gap_units, paper="S-1", actor=WORKER, now=now)
    for payer in bills.BEFORE_CHARITY:
        state = LayerState.PAID if payer in paid else LayerState.NONE
        bills.answer(session, bill.id, payer, state=state, fen=paid.get(payer, 0), actor=WORKER, now=now)


def an_offer(session: Session, need: Need, *, title: str = "大病资助") -> Match:
    """A charity has enough of it, its line was approved, and it said yes."""
    now = datetime.now(UTC)
    giver: Organisation = make.an_organisation(session, name=GIVER, credit_code=f"5150000{next(PHONES)}")
    offer = make.an_offer(
        session, giver, category=need.category, unit=need.unit, stock_units=10 * need.gap_units, title=title
    )
    line = make.a_line(session, need, offer, units=need.gap_units)
    done = approval.approve(session, [line.id], actor=APPROVER, now=now)
    assert done.approved, [one.code for one in done.excluded]
    match = session.exec(select(Match).where(Match.line_id == line.id)).one()
    return decisions.giver_accepts(session, match.id, actor=make.as_giver(giver), now=now)


def deliver(session: Session, match_id: str) -> None:
    """The giver says that it was delivered."""
    giver = session.get_one(Organisation, session.get_one(Match, match_id).org_id)
    decisions.deliver(session, match_id, actor=make.as_giver(giver), now=datetime.now(UTC))


def accept_and_confirm(house: House, hands: Hands, match_id: str) -> None:
    """The household accepts on its page, the giver delivers, the household says that it has arrived; the taps from its
    first page are those of adr/0094."""
    hands.go("/home")
    before = hands.taps
    hands.press(f"/offers-to-me/{match_id}")
    hands.press("/accept")
    hands.tick("agrees_to_terms", "y")
    hands.tick("agrees_to_share", "y")
    hands.press()
    assert hands.taps - before <= 5, "there, the page of the terms, the law's two ticks, yes"
    with house.act() as session:
        match = session.get_one(Match, match_id)
        assert match.state is MatchState.IN_DELIVERY, match.state
        deliver(session, match_id)
    hands.go("/home")
    before = hands.taps
    hands.press(f"/offers-to-me/{match_id}")
    hands.press("/received")
    assert hands.taps - before <= 2
    with house.database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.CONFIRMED


def says_yes_to_matching(house: House, hands: Hands) -> None:
    """On its own page; nothing but that is ticked."""
    hands.go("/my-consents")
    hands.press("/my-consents/matching")
    hands.press()


def agrees_with_help(house: House, hands: tuple[Hands, Hands], home_id: str, *, channel: str, signed: str) -> None:
    """A worker reads the notice aloud and keeps the document of the yes; a colleague opens it, calls back and confirms;
    then the day goes by in which it can still be taken back."""
    worker, other = hands
    worker.go(f"/households/{home_id}/consent")
    worker.tick("channel", channel)
    worker.tick("signature_kind", signed)
    worker.attach("photo", make.a_picture())
    worker.tick("read_aloud", "y")
    worker.press()
    with house.database.reading() as session:
        chain = session.exec(select(ConsentHead.chain_id).where(ConsentHead.household_id == home_id)).one()
    other.go("/consents/to-check")
    other.press(f"/consents/{chain}/document")
    other.go("/consents/to-check")
    other.press(f"/consents/{chain}/check")
    with house.act() as session:
        head = session.get_one(ConsentHead, chain)
        assert head.state is ConsentState.ACTIVE
        head.valid_from -= timedelta(days=1)
        session.add(head)


def alone(house: House) -> None:
    """She leaves in the middle, comes back to the same place, sends it, and prints one page of paper."""
    _home, person = house.family()
    first = house.at_home(person)
    first.go("/cases/mine")
    first.press("/cases/start")
    first.tick("wants", "accident")
    first.press()
    draft = first.path().split("/")[2]
    second = house.at_home(person)
    second.go("/cases/mine")
    second.press("/check")
    assert second.path() == f"/cases/{draft}/check"
    assert label("case_want", "accident", lang=house.language) in second.words(), "what she ticked is there still"
    asked = Asked(("accident",), ticks=("sudden",), photo=True)
    _home, other = house.family()
    fresh = house.at_home(other)
    case_id = apply(fresh, asked)
    assert fresh.taps <= MOST_TAPS, fresh.taps
    fresh.go("/home")
    before = fresh.taps
    told = fresh.press("/cases/mine")
    assert fresh.taps - before <= 1
    assert label("case_state", "open", lang=house.language) in told, "where it is"
    fresh.press(f"/cases/{case_id}")
    fresh.press("/print")
    fresh.go(f"/cases/{case_id}/papers/receipt")
    fresh.go(f"/cases/{case_id}")
    fresh.press("/urge")
    fresh.go(f"/cases/{case_id}/withdraw")
    fresh.press()
    with house.database.reading() as session:
        assert session.get_one(Case, case_id).state is CaseState.WITHDRAWN


def by_a_helper_of_one_day(house: House) -> None:
    """He hands a code to a volunteer, who fills everything in; he signs on his own telephone, and stops her."""
    _home, person = house.family()
    home, helper = house.at_home(person), house.hands()
    home.go("/home")
    home.press("/helpers/")
    before = home.taps
    home.press("/helpers/invite")
    home.tick("helper_kind", "volunteer")
    home.tick("far", "answer")
    code = re.search(r"\b[A-Z2-9]{4} [A-Z2-9]{4}\b", home.press())
    assert code is not None
    assert home.taps - before <= 4, "one less where the helper may only look"
    helper.go("/helpers/enter")
    helper.fill("code", code[0])
    helper.fill("name", AGENT)
    helper.fill("phone", str(next(PHONES)))
    digits = re.search(r"\d{6}", helper.press())
    assert digits is not None
    helper.fill("code", digits[0])
    helper.press()
    helper.go("/cases/mine")
    helper.press("/cases/start")
    answers(helper, Asked(("accident",), ticks=("sudden",)))
    helper.press("/check")
    home.go("/cases/mine")
    home.press("/check")
    home.press("/step/sign")
    sign(home)
    case_id = sent(home)
    with house.database.reading() as session:
        case = session.get_one(Case, case_id)
        assert (case.state, case.subject_id) == (CaseState.OPEN, person.id)
        assert case.opened_by != person.id
        assert case.proxy_id == case.opened_by
    assert AGENT in home.go("/helpers/")
    home.press("/stop")
    home.press()
    helper.go(f"/cases/{case_id}")
    assert case.number not in helper.words()
    assert case.number in home.go("/cases/mine")


def by_a_standing_agent(house: House) -> None:
    """A written power for applications alone: recorded, checked, used, followed, stopped by a call."""
    home, person = house.family()
    worker, verifier, phone = house.officer(Role.WORKER), house.officer(Role.VERIFIER), str(next(PHONES))
    worker.go(f"/cases/counter/{home.id}")
    worker.press("/helpers/staff/households/")
    for name, value in (("person", person.id), ("helper_kind", "social_worker"), ("signed", "thumbprint")):
        worker.tick(name, value)
    for name, value in (("matters", "applications"), ("acts", "see"), ("acts", "answer"), ("acts", "notices")):
        worker.tick(name, value)
    worker.fill("name", AGENT)
    worker.fill("phone", phone)
    worker.fill("ends_on", (local_day(datetime.now(UTC)) + timedelta(days=90)).isoformat())
    worker.fill("evidence", "7")
    worker.press()
    power = worker.path()
    verifier.go(power)
    verifier.press("/confirm")
    agent = house.hands()
    agent.go("/helpers/agent")
    agent.fill("phone", phone)
    digits = re.search(r"\d{6}", agent.press())
    assert digits is not None
    agent.fill("code", digits[0])
    agent.press()
    case_id = apply(agent, Asked(("accident",), ticks=("sudden",)))
    agent.go(f"/cases/{case_id}")
    agent.press("/urge")
    assert agents.sweep(house.database, clock=lambda: datetime.now(UTC)) == 1
    with house.database.reading() as session:
        copy = session.exec(select(Notice).where(Notice.letter == "agent_told")).one()
        received = session.exec(
            select(Notice.id).where(Notice.letter == "case_received", Notice.household_id == home.id)
        ).one()
    assert copy.key == f"agent:{copy.params['power_id']}:{received}"
    assert copy.params["power_id"] in power
    worker.go(f"/cases/{case_id}")  # she calls, and the worker finds whom to stop
    worker.press("/helpers/staff/households/")
    worker.press("/stop")
    assert copy.params["power_id"] in worker.path()
    worker.press()
    number = service_number(house, case_id)
    agent.go(f"/cases/{case_id}")
    assert number not in agent.words()
    mine = house.at_home(person)
    assert number in mine.go("/cases/mine")
    assert {"case_received", "helper_named", "helper_ended"} <= set(letters(house, home.id))
    mine.go("/messages")
    told = len(letters(house, home.id))
    with house.act() as session:
        notices.post(session, "case_waits", key=f"walk:{case_id}", household_id=home.id, now=datetime.now(UTC))
    assert agents.sweep(house.database, clock=lambda: datetime.now(UTC)) == 0, "who was stopped hears no more"
    assert len(letters(house, home.id)) == told + 1


def letters(house: House, household_id: str) -> list[str]:
    """What a household was told."""
    with house.database.reading() as session:
        return list(session.exec(select(Notice.letter).where(Notice.household_id == household_id)))


def service_number(house: House, case_id: str) -> str:
    """The number of a case."""
    with house.database.reading() as session:
        return session.get_one(Case, case_id).number


def one_thing(house: House) -> None:
    """One application, three departments that answer late and out of order, and a page that says it all."""
    _home, person = house.family()
    hands = house.at_home(person)
    case_id = apply(hands, Asked(medical="60000", ticks=("no_pension",), switches=("all_classes",)))
    with house.act() as session:
        decide(session, work(session, house.item(case_id, "DIBAO")), granted=True, amount_fen=50_000)
    doors = {code: FakeDepartment() for code in departments.OTHERS}
    departments.sweep(house.database, doors, clock=lambda: datetime.now(UTC))
    with house.act() as session:
        age(session, case_id, 60)
    hands.go(f"/cases/{case_id}")
    ids = {code: house.item(case_id, code).id for code in ("YILIAO_JIUZHU", "LAJI_JIANMIAN", "YANGLAO_DAIJIAO")}
    doors["UM"].said.append(ItemResult(ids["LAJI_JIANMIAN"], 1, "granted", 0))
    answer = {"letter": "YB-2026-118", "words": "属实"}
    doors["HSA"].said += [ItemResult(ids["YILIAO_JIUZHU"], 2, "granted", 500_000, **answer)]
    doors["HSA"].said += [ItemResult(ids["YILIAO_JIUZHU"], 1, "received")]
    doors["HRSS"].said.append(ItemResult(ids["YANGLAO_DAIJIAO"], 1, "refused", 0, "income_over"))
    departments.sweep(house.database, doors, clock=lambda: datetime.now(UTC))
    told = hands.go(f"/cases/{case_id}")
    states = {code: house.item(case_id, code).state for code in ids}
    assert set(states.values()) == {ItemState.GRANTED, ItemState.REFUSED}
    assert "5,000" in told
    hands.press("/print")
    for page in (
        f"/cases/{case_id}",
        f"/cases/{case_id}/aloud",
        f"/cases/items/{ids['YILIAO_JIUZHU']}/papers/decision",
    ):
        told = hands.go(page)
        assert all(one in told for one in answer.values()), page
    house.hands().go("/times")


def refusal_to_need(house: House) -> None:
    """Refused everywhere: in the register, seen, and what stayed uncovered becomes a need that a charity meets."""
    home, person = house.family()
    hands = house.at_home(person)
    case_id = apply(hands, Asked(medical="20000", switches=("all_classes",)))
    refuse_all(house, case_id)
    with house.act() as session, pytest.raises(ConsentMissing):
        need_of_case(session, case_id, actor=VERIFIER, now=datetime.now(UTC))
    hands.go(f"/cases/{case_id}")
    hands.press("/hand-on/yes")
    hands.press("/hand-on/no")
    hands.press("/hand-on/yes")
    with house.database.reading() as session:
        assert [one.step for one in clocks.running_of(session, f"case:{case_id}")] == ["case_remainder"]
    hands.go("/cases/mine")
    assert hands.has("/object")
    says_yes_to_matching(house, hands)
    with house.act() as session:
        need = need_of_case(session, case_id, actor=VERIFIER, now=datetime.now(UTC))
        cost_on_record(session, need)
        match_id = an_offer(session, need).id
    hands.go("/home")
    accept_and_confirm(house, hands, match_id)
    hands.go("/my-consents")
    with house.database.reading() as session:
        assert session.get_one(Need, need.id).household_id == home.id


def fast_aid(house: House) -> None:
    """A sudden event: one step of three days, decided by the street alone, and the money is on its way."""
    _home, person = house.family()
    hands = house.at_home(person)
    case_id = apply(hands, Asked(("accident",), ticks=("sudden",)))
    item = house.item(case_id, "LINSHI")
    assert item.due_at is not None
    assert item.path == "LINSHI_FAST"
    hands.go(f"/cases/{case_id}")
    with house.act() as session, pytest.raises(BadInput, match="above_cap"):
        decide(session, item, granted=True, amount_fen=5_000_000, actor=WORKER)
    with house.act() as session:
        decide(session, item, granted=True, amount_fen=50_000, actor=WORKER)
    assert "500" in hands.go(f"/cases/{case_id}")
    hands.go(f"/cases/items/{item.id}/papers/decision")
    with house.act() as session:
        now = datetime.now(UTC)
        orders.pay(session, item.id, orders.Paid("记-2026-7", local_day(now)), actor=VERIFIER, now=now)
    item = house.item(case_id, "LINSHI")
    assert item.paid_fen == 50_000
    with house.database.reading() as session:
        case, own = session.get_one(Case, case_id), steps.list_steps(session, case_id)
        assert case.state is CaseState.CLOSED
        assert stages_of(item, own, now=datetime.now(UTC))[-1].state == "done"
    assert "case_paid" in letters(house, case.household_id)
    hands.go("/messages")


NUMBER = make_id_number("509900", date(1950, 3, 4), seq=9)


def survival_in_each_way(house: House) -> None:
    """Asked five times; she answers by code, by face, and wishes a call, a visit and the counter."""
    _home, person = house.family()
    with house.act() as session:
        found = session.get_one(Person, person.id)
        found.id_number = vault_of(session).seal(session, found.id, column="person.id_number", text=NUMBER)
        session.add(found)
        session.flush()
        duties.enrol(session, person.id, "TEKUN", actor=WORKER, now=datetime.now(UTC))
    hands, worker = house.at_home(person), house.officer(Role.WORKER)
    for way in ("code", "face", "video", "home", "counter"):
        with house.act() as session:
            due = local_day(datetime.now(UTC)) + timedelta(days=20)
            check = survival.open_check(
                session, person.id, CheckCause.SCHEDULE, due_on=due, actor=WORKER, now=datetime.now(UTC)
            )
            check_id = check.id
        hands.go("/survival/mine")
        hands.press(f"/survival/mine/{check_id}")
        _answer(house, hands, worker, check_id, way)
        with house.database.reading() as session:
            done = session.get_one(SurvivalCheck, check_id)
            assert done.state is CheckState.SEEN, way
            assert done.way is not None
            assert done.way.value == way
        hands.go(f"/survival/mine/{check_id}")


def _answer(house: House, hands: Hands, worker: Hands, check_id: str, way: str) -> None:
    if way == "code":
        hands.press("/send-code")
        with house.database.reading() as session:
            newest = select(SignInCode.id).order_by(col(SignInCode.expires_at).desc())
            digits = codes.code_text(session, session.exec(newest).first() or "")
        hands.fill("code", digits)
        hands.fill("tail", NUMBER[-4:])
        hands.press()
    elif way == "face":
        hands.press("/survival/face")
        hands.press()
        hands.go(f"/survival/mine/{check_id}")
        hands.press("/face")
        hands.go(f"/survival/mine/{check_id}")
        hands.press("/face/done")
    else:
        hands.press("/other-way")
        hands.tick("way", way)
        hands.press()
        worker.go("/survival/")
        worker.press(f"/survival/{check_id}")
        worker.tick("result", way)
        worker.press()


def objection_to_a_notice(house: House) -> None:
    """A neighbour objects without a name; it is answered, the notice stands three days more, then it is decided."""
    _home, person = house.family()
    hands, neighbour = house.at_home(person), house.hands()
    case_id = apply(hands, Asked(("living",), switches=("all_classes",)))
    with house.act() as session:
        item = work(session, house.item(case_id, "DIBAO"), to="public_notice")
    neighbour.go("/public-notices")
    neighbour.press(f"/public-notices/{CITY}")
    assert NAME not in neighbour.words()
    assert "500" in neighbour.words()
    neighbour.press(f"/public-notices/{CITY}/{item.id}")
    neighbour.fill("text", "我没有说错")
    neighbour.press()
    hands.go(f"/cases/{case_id}")
    clerk = house.officer(Role.WORKER)
    clerk.go(f"/cases/items/{item.id}")
    assert "我没有说错" in clerk.press("/cases/objections/")
    clerk.fill("finding", "属实")
    clerk.press("/answer")
    with house.database.reading() as session:
        assert steps.running_step(session, item.id).code == "re_notice"
    hands.go(f"/cases/{case_id}")
    with house.act() as session:
        decide(session, work(session, item), granted=True, amount_fen=50_000)
    assert "500" in hands.go(f"/cases/{case_id}")


def appeal(house: House) -> None:
    """Refused, appealed against on the decision's own page, found right, decided anew by somebody else, and paid."""
    _home, person = house.family()
    hands = house.at_home(person)
    case_id = apply(hands, Asked(("accident",), ticks=("sudden",)))
    refuse_all(house, case_id)
    item = house.item(case_id, "LINSHI")
    hands.go(f"/cases/{case_id}")
    before = hands.taps
    hands.press("/appeals/about-item/")
    hands.tick("kind", "appeal")
    hands.fill("words", "我没有说错")
    hands.press()
    assert hands.taps - before <= 4
    hands.go(f"/appeals/about-item/{item.id}")
    hands.press("/paper")
    other = Actor(id="county-2", role=Role.APPROVER, districts=frozenset({CITY}))
    with house.act() as session:
        row = session.exec(select(Appeal).where(Appeal.household_id == person.household_id)).one()
        appeals.answer(session, row.id, AppealState.UPHELD, text="我没有说错", actor=other, now=datetime.now(UTC))
    hands.go("/appeals/mine")
    hands.go(f"/cases/{case_id}")
    assert house.item(case_id, "LINSHI").state is ItemState.RUNNING
    decides, pays = house.officer(Role.VERIFIER), house.officer(Role.WORKER)
    decides.go(f"/cases/items/{item.id}")
    decides.tick("verdict", "granted")
    decides.fill("amount_fen", "500")
    decides.press("/fast")
    pays.go(f"/cases/items/{item.id}")
    pays.fill("voucher", "118")
    pays.fill("paid_on", local_day(datetime.now(UTC)).isoformat())
    pays.press("/pay")
    assert "500" in hands.go(f"/cases/{case_id}")
    hands.press("/papers/decision")
    hands.go(f"/cases/{case_id}/aloud")
    hands.go("/messages")
    with house.database.reading() as session:
        case = session.get_one(Case, case_id)
        order = session.exec(select(PaymentOrder).where(PaymentOrder.item_id == item.id)).one()
        assert (case.state, case.decision, order.voucher) == (CaseState.CLOSED, CaseDecision.GRANTED, "118")


def a_man_with_kidney_disease(house: House) -> None:
    """Identified as borderline: only his spending is checked; insurance pays a part, a charity the rest."""
    home, person = house.family()
    with house.act() as session:
        entry = categories.Entry(home.id, "DIBIAN_MEMBER", local_day(datetime.now(UTC)) - timedelta(days=30))
        categories.enter(session, entry, actor=VERIFIER, now=datetime.now(UTC))
    hands = house.at_home(person)
    case_id = apply(hands, Asked(("illness",), "1200", "60000", label="DIBIAN", switches=("hand_on",)))
    temporary, medical = house.item(case_id, "LINSHI"), house.item(case_id, "YILIAO_JIUZHU")
    assert temporary.path == "LINSHI_SPENDING"
    hands.go(f"/cases/{case_id}")
    hands.press("/bills")
    hands.attach("photo", make.a_picture())
    hands.press()
    clerk = house.officer(Role.WORKER)
    clerk.go(f"/cases/items/{temporary.id}")
    clerk.press(f"/cases/items/{temporary.id}/uploads/")
    clerk.press("/check", holding="y")
    with house.act() as session:
        result = ItemResult(medical.id, 1, "granted", 2_000_000)
        departments.take(session, medical.department, result, now=datetime.now(UTC))
        decide(session, work(session, temporary, hung=1_000_000), granted=True, amount_fen=1_000_000)
        for item in service.list_items(session, case_id):
            if item.state is ItemState.RUNNING:
                _refuse(session, item)
    told = hands.go(f"/cases/{case_id}")
    assert "20,000" in told
    says_yes_to_matching(house, hands)
    with house.act() as session:
        need = need_of_case(session, case_id, actor=VERIFIER, now=datetime.now(UTC))
        assert (need.gap_units, need.verification_level) == (3_000_000, 3)
        cost_on_record(session, need, fen=6_000_000, MEDICAL_ASSISTANCE=2_000_000, TEMPORARY_AID=1_000_000)
        match_id = an_offer(session, need).id
    accept_and_confirm(house, hands, match_id)


def a_girl_of_thirteen(house: House) -> None:
    """Her grandmother, whom the record names, applies for her and signs under her own name; nobody puts her on a
    notice."""
    now = datetime.now(UTC)
    home, granny = house.family(name="李奶奶")
    with house.act() as session:
        child = make.a_person(session, home, name="李小小", phone="")
        child.birth_year, child.contact, child.phone_index = now.year - 13, False, None
        session.add(child)
        session.flush()
        child_id = child.id
        verify_guardian(session, child_id, guardian_id=granny.id, evidence="3", actor=VERIFIER, now=now)
    hands = house.at_home(granny)
    hands.go("/cases/mine")
    hands.press("/cases/start", holding=child_id)
    number = make_id_number("509900", date(now.year - 13, 5, 6), seq=next(NUMBERS))
    answers(hands, Asked(("living",), "0", number=number))
    sign(hands, name="李奶奶")
    case_id = sent(hands)
    with house.act() as session:
        case = session.get_one(Case, case_id)
        assert (case.subject_id, case.signer_id) == (child_id, granny.id)
        work(session, house.item(case_id, "DIBAO"), to="public_notice")
    assert "李*小" not in house.hands().go(f"/public-notices/{CITY}")
    with house.act() as session:
        decide(session, work(session, house.item(case_id, "DIBAO")), granted=True, amount_fen=50_000)
    hands.go(f"/cases/{case_id}")
    hands.go(f"/cases/{case_id}/papers/authorisation")


def at_the_counter(house: House, worker: Hands, *, phone: str) -> tuple[str, str]:
    """She comes in, says it, and signs with a thumb; household and case."""
    number = make_id_number("509900", date(1948, 3, 4), seq=next(NUMBERS))
    worker.go("/cases/counter")
    for name, text in (("name", NAME), ("id_number", number), ("phone", phone), ("district", CITY)):
        worker.fill(name, text)
    worker.press()
    worker.fill("street", "500103003")
    worker.press()
    home_id = worker.path().rpartition("/")[2]
    with house.database.reading() as session:
        person = list_people(session, home_id)[0]
    worker.tick("person", person.id)
    worker.press()
    case_id = worker.path().split("/")[2]
    worker.tick("wants", "illness")
    for name, text in (("size", "1"), ("income_fen", "900"), ("medical_fen", "20000")):
        worker.fill(name, text)
    worker.press()
    read_aloud(worker, channel="counter", signed="thumbprint")
    worker.tick("hand_on", "y")
    worker.fill("typed_name", NAME)
    worker.press()
    assert worker.path() == f"/cases/{case_id}/print"
    return home_id, case_id


def without_the_web(house: House) -> None:
    """No screen at all: the counter, a thumb, a letter with a slip, a text message, and a call when it has arrived."""
    worker, other, phone = house.officer(Role.WORKER), house.officer(Role.VERIFIER), str(next(PHONES))
    home_id, case_id = at_the_counter(house, worker, phone=phone)
    _by_telephone(worker, case_id, "urge")
    refuse_all(house, case_id)
    _by_telephone(worker, case_id, "appeal", words="我没有说错")
    _by_telephone(worker, case_id, "leave_register")
    agrees_with_help(house, (worker, other), home_id, channel="phone", signed="recorded_call")
    now = datetime.now(UTC)
    with house.act() as session:
        assert session.exec(select(Appeal.household_id).where(Appeal.household_id == home_id)).one()
        need = need_of_case(session, case_id, actor=VERIFIER, now=now)
        cost_on_record(session, need)
        match_id = an_offer(session, need).id
    worker.go(f"/answers/matches/{match_id}")
    digits = re.search(r"\b(\d{4}) (\d{4})\b", worker.press("/slip"))
    assert digits is not None
    with house.act() as session:
        text = IncomingSms(next(PHONES), phone, f"1 {digits[1]}{digits[2]}")
        assert sms.take(session, text, now=datetime.now(UTC)).outcome == sms.KEPT
        assert session.get_one(Match, match_id).state is MatchState.IN_DELIVERY
        deliver(session, match_id)
    worker.go("/answers/")
    worker.press(f"/answers/matches/{match_id}")
    worker.tick("act", "received")
    read_aloud(worker, channel="call", signed="spoken")
    worker.press()
    with house.database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.CONFIRMED


def without_any_telephone(house: House) -> None:
    """Nothing that rings: her letters are brought, the slip comes back by post, two people of the staff see her yes, a
    visit hears that it has arrived."""
    worker, other = house.officer(Role.WORKER), house.officer(Role.WORKER)
    home_id, case_id = at_the_counter(house, worker, phone="")
    refuse_all(house, case_id)
    agrees_with_help(house, (worker, other), home_id, channel="home_visit", signed="thumbprint")
    now = datetime.now(UTC)
    with house.act() as session:
        need = need_of_case(session, case_id, actor=VERIFIER, now=now)
        cost_on_record(session, need)
        match_id = an_offer(session, need).id
        assert list_people(session, home_id)[0].phone is None
    worker.go(f"/answers/matches/{match_id}")
    digits = re.search(r"\b(\d{4}) (\d{4})\b", worker.press("/slip"))
    assert digits is not None
    worker.go("/answers/slips")
    worker.fill("code", f"{digits[1]}{digits[2]}")
    worker.tick("answer", "1")
    read_aloud(worker, channel="slip", signed="own_hand")
    worker.press()
    with house.database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.AWAITING_HOUSEHOLD, "nobody else has asked yet"
        [reading] = readback.of_object(session, f"match:{match_id}")
    other.go("/answers/second-calls")
    other.press(f"/answers/second-calls/{reading.id}")
    other.press("/text")
    other.tick("heard", "yes")
    other.press()
    with house.act() as session:
        assert session.get_one(Match, match_id).state is MatchState.IN_DELIVERY
        deliver(session, match_id)
    worker.go(f"/answers/matches/{match_id}")
    worker.tick("act", "received")
    read_aloud(worker, channel="home_visit", signed="thumbprint")
    worker.press()
    with house.database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.CONFIRMED
        waiting = select(Notice.channel).where(Notice.household_id == home_id, Notice.state == NoticeState.SENT)
        assert set(session.exec(waiting)) <= {"visit"}, "nothing was sent to a telephone"


def in_extreme_hardship(house: House) -> None:
    """Old, without income and without anybody who must keep him (特困): visited, hung out, confirmed, paid; what goes
    with it needs no application of its own."""
    _home, person = house.family()
    hands = house.at_home(person)
    case_id = apply(hands, Asked(("living",), "0", ticks=("no_kin",), switches=("all_classes",)))
    item = house.item(case_id, "TEKUN")
    with house.act() as session:
        work(session, item, to="public_notice", hung=100_100)
    house.hands().go(f"/public-notices/{CITY}")
    with house.act() as session:
        decide(session, work(session, item), granted=True, amount_fen=100_100)
    pays = house.officer(Role.APPROVER)
    pays.go(f"/cases/items/{item.id}")
    pays.fill("voucher", "118")
    pays.fill("paid_on", local_day(datetime.now(UTC)).isoformat())
    pays.press("/pay")
    assert "1,001" in hands.go(f"/cases/{case_id}")
    hands.press("/papers/decision")
    hands.go(f"/cases/{case_id}/aloud")
    hands.go("/messages")
    with house.act() as session:
        order = session.exec(select(PaymentOrder).where(PaymentOrder.item_id == item.id)).one()
        told = {one.code: one.state for one in service.list_items(session, case_id)}
        assert (order.voucher, told["TEKUN"]) == ("118", ItemState.GRANTED)


def _by_telephone(worker: Hands, case_id: str, act: str, *, words: str = "") -> None:
    """She calls, and what she says is written down."""
    worker.go(f"/cases/{case_id}")
    said = worker.press("/appeals/said/") and worker.path()
    worker.press(f"{said}/{act}/")
    if words:
        worker.fill("words", words)
    read_aloud(worker, channel="call", signed="spoken")
    worker.press()
    assert worker.path() == said


def read_aloud(worker: Hands, *, channel: str, signed: str) -> None:
    worker.tick("channel", channel)
    worker.fill("dialect", "chongqing")
    worker.tick("signed", signed)
    worker.fill("evidence", "12")
    worker.tick("read_aloud", "y")


def in_turn(*, first: str) -> list[tuple[str, str]]:
    """Every walk with a language, by turns from the first; all in both with PAGES=all (`make e2e`) or TORTURE=1. The
    browser and the test client begin with different ones, so that each walk is walked in both."""
    pair = ("zh_Hans", "en") if first == "zh_Hans" else ("en", "zh_Hans")
    if os.environ.get("PAGES") == "all" or count_of(0, torture=1):
        return [(walk, language) for walk in WALKS for language in pair]
    return [(walk, pair[place % 2]) for place, walk in enumerate(WALKS)]


WALKS = {
    walk.__name__: walk
    for walk in (
        alone,
        by_a_helper_of_one_day,
        by_a_standing_agent,
        one_thing,
        refusal_to_need,
        fast_aid,
        survival_in_each_way,
        objection_to_a_notice,
        appeal,
        a_man_with_kidney_disease,
        a_girl_of_thirteen,
        without_the_web,
        without_any_telephone,
        in_extreme_hardship,
    )
}
