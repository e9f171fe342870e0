"""The demo in a database: it comes in through the ordinary doors, plays the whole job, and plays it again the same."""

import socket
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select
from typer.testing import CliRunner

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.cli import app
from marketplace.config import demo_settings
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, Purpose
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo import story
from marketplace.demo.accounts import ACCOUNTS
from marketplace.demo.build import Roster, build
from marketplace.demo.city import City, make_city
from marketplace.demo.command import NotADemoFolder, folder, play
from marketplace.demo.files import SLIP, is_slipped, is_unverified
from marketplace.demo.phases import Phases
from marketplace.households.models import Household, Person
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.service import seen_from
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice, NoticeState
from marketplace.offers.models import Offer, OfferState
from marketplace.proposals.models import ProposedLine, UnservedReason
from marketplace.wiring import open_database

BEGUN = datetime(2026, 11, 14, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(size="tiny", seed=7, on=BEGUN.date())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, city: City):
    """A tiny city, built and played to the end, with the run's id."""
    database = open_database(demo_settings(tmp_path_factory.mktemp("demo"), seed=7))
    roster = build(database, city, now=BEGUN)
    run_id = story.tell(database, roster, seed=7, phases=Phases())
    yield database, roster, run_id
    database.close()


@pytest.fixture
def result(played: tuple[Database, Roster, str]) -> story.Result:
    database, _, run_id = played
    return story.result_of(database, run_id)


@pytest.fixture
def session(played: tuple[Database, Roster, str]):
    with played[0].reading() as opened:
        yield opened


def counted(session: Session, model: type) -> int:
    return session.exec(select(func.count()).select_from(model)).one()


def test_the_whole_city_comes_in_on_each_engine(database: Database, city: City):
    build(database, city, now=BEGUN)
    with database.reading() as session:
        assert counted(session, Household) == len(city.households)
        assert counted(session, Person) == sum(len(home.members) for home in city.households)
        assert counted(session, Need) == city.needs
        assert counted(session, Offer) == len(city.offers)
        assert counted(session, LedgerEntry) == len(city.past_aid)
        assert audit.verify(session).bad_seq == 0


def test_a_slipped_amount_is_held_and_an_unverified_need_waits(sqlite_database: Database, city: City):
    build(sqlite_database, city, now=BEGUN)
    needs = [need for home in city.households for need in home.needs]
    with sqlite_database.reading() as session:
        states = {need.source_id: need for need in session.exec(select(Need))}
    for need in needs:
        stored = states[need.key]
        if is_slipped(need):
            assert (stored.state, stored.gap_units) == (NeedState.HELD, need.amount * SLIP)
        elif is_unverified(need):
            assert stored.state is NeedState.UNVERIFIED
        else:
            assert (stored.state, stored.gap_units) == (NeedState.VERIFIED, need.amount)
    assert any(is_unverified(need) for need in needs)
    assert any(is_slipped(need) for need in needs)


def test_the_duplicate_check_knows_from_when_it_sees(session: Session):
    assert set(seen_from(session)) == {"government", "charity"}


def test_every_offer_is_open(session: Session):
    assert {offer.state for offer in session.exec(select(Offer))} == {OfferState.OPEN}


def test_the_plan_is_proved_best(result: story.Result):
    assert (result.status, result.gap) == ("optimal", 0.0)


def test_each_number_of_the_table_is_within_the_one_before(result: story.Result):
    assert result.needs > result.proposed > result.approved > result.delivered > result.confirmed > 0
    assert result.notices > result.approved


def test_money_is_proposed_in_whole_yuan(session: Session):
    money = select(ProposedLine.units).join(Need).where(col(Need.unit) == "FEN")
    assert {units % 100 for units in session.exec(money)} == {0}


def test_every_need_without_aid_has_a_reason(session: Session, played: tuple[Database, Roster, str]):
    served = set(session.exec(select(ProposedLine.need_id)))
    explained = set(session.exec(select(UnservedReason.need_id)))
    allocated = session.exec(select(Need).where(col(Need.state) == NeedState.VERIFIED)).all()
    assert {need.id for need in allocated} <= served | explained


def test_every_stage_has_something_to_look_at(session: Session):
    states = Counter(match.state for match in session.exec(select(Match)))
    for state in (MatchState.AWAITING_HOUSEHOLD, MatchState.IN_DELIVERY, MatchState.DELIVERED, MatchState.CONFIRMED):
        assert states[state], state
    assert session.exec(select(ProposedLine).where(col(ProposedLine.state) == "proposed")).first()


def test_nobody_approved_what_they_verified(session: Session):
    for match in session.exec(select(Match)):
        assert session.get_one(Need, match.need_id).verifier_id not in (match.approver_id, match.second_approver_id)


def test_nothing_was_delivered_without_a_separate_consent(session: Session):
    for match in session.exec(select(Match).where(col(Match.state).in_((MatchState.DELIVERED, MatchState.CONFIRMED)))):
        given = session.get_one(Consent, (match.consent_chain_id, match.consent_version))
        assert given.recipient_org_id == match.org_id
        assert given.purpose is not Purpose.AUTO_MATCH


def test_every_letter_was_sent_and_none_is_dead(session: Session):
    assert set(session.exec(select(Notice.state))) == {NoticeState.SENT}


def test_each_role_has_an_account_without_a_password(session: Session):
    accounts = {account.login: account for account in session.exec(select(Account))}
    wanted = {account.login: account.role for account in ACCOUNTS if account.role != "household"}
    assert {login: account.role.value for login, account in accounts.items()} == wanted
    assert not any(account.password_hash for account in accounts.values())
    assert accounts["demo-charity"].org_id
    assert accounts["demo-insurer"].org_id


def test_the_same_seed_plays_the_same_job(tmp_path: Path, city: City, result: story.Result):
    database = open_database(demo_settings(tmp_path, seed=7))
    run_id = story.tell(database, build(database, city, now=BEGUN), seed=7, phases=Phases())
    assert story.result_of(database, run_id) == result
    database.close()


def test_a_carried_over_consent_is_what_the_service_would_have_written(sqlite_database: Database, city: City):
    build(sqlite_database, city, now=BEGUN)
    with sqlite_database.transaction() as session:
        carried = session.exec(select(Consent).order_by(col(Consent.chain_id))).first()
        given_to = set(session.exec(select(Consent.household_id)))
        other = session.exec(select(Household).where(col(Household.id).not_in(given_to))).first()
        assert carried is not None
        assert other is not None
        actor = story.household_actor(session, other.id)
        given = consent.give_auto_match(session, other, actor=actor, now=BEGUN)
        apart = {"chain_id", "household_id", "audit_seq", "excluded_org_ids", "channel", "authenticated_by"}
        fields = set(Consent.model_fields) - apart
        assert {name: getattr(carried, name) for name in fields} == {name: getattr(given, name) for name in fields}


def test_a_demo_leaves_its_folder_to_the_site_and_can_be_played_again(tmp_path: Path):
    place = tmp_path / "demo"
    for _ in range(2):
        with folder(place) as ready:
            report = play(demo_settings(ready, seed=3), size="tiny", seed=3, now=BEGUN)
        assert (place / "shanqiao.db").exists()
    assert report.result.gap == 0
    assert report.result.confirmed > 0
    assert report.peak_mb > 0
    for machine in report.machines:
        assert machine.key_file.stat().st_mode & 0o077 == 0
    assert len({machine.client_id for machine in report.machines}) == 2
    assert {"load", "generate"} <= set(report.seconds)


def test_a_folder_that_is_not_a_demo_is_not_emptied(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(NotADemoFolder), folder(tmp_path):
        pass
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_a_folder_for_once_goes_afterwards():
    with folder(None) as place:
        assert place.is_dir()
    assert not place.exists()


def test_the_command_prints_the_table_and_stops():
    answer = CliRunner().invoke(app, ["demo", "--size", "tiny", "--once"])
    assert answer.exit_code == 0
    for words in ("needs", "proposed", "approved", "delivered", "notices", "certificate gap", "peak memory"):
        assert words in answer.output


def test_an_unknown_size_is_refused_with_the_mend():
    answer = CliRunner().invoke(app, ["demo", "--size", "huge", "--once"])
    assert answer.exit_code == 2
    assert "small or city" in answer.output


def test_a_taken_port_is_said_before_the_city_is_built(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = CliRunner().invoke(app, ["demo", "--port", port, "--instance", str(tmp_path / "demo")])
    assert answer.exit_code == 2
    assert port in answer.output
    assert not (tmp_path / "demo").exists()
