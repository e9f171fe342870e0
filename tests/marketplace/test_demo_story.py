"""The demo in a database: it comes in through the ordinary doors, plays the whole job, and plays it again the same."""

import os
import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select
from typer.testing import CliRunner

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.cases.models import CaseItem, ItemState
from marketplace.cli import app
from marketplace.config import Settings, demo_settings
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, ConsentHead, Purpose
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo import command, story
from marketplace.demo.accounts import ACCOUNTS
from marketplace.demo.build import build
from marketplace.demo.city import City, make_city
from marketplace.demo.command import STORY_DAYS, NotADemoFolder, Report, folder, play
from marketplace.demo.files import SLIP, is_slipped, is_unverified
from marketplace.households.models import Household, Person, Suspicion, SuspicionState
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.service import seen_from
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice, NoticeState
from marketplace.offers.models import Offer, OfferState
from marketplace.organisations.models import OrganisationPair, PairState
from marketplace.proposals.models import ProposedLine, UnservedReason
from marketplace.wiring import open_database

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
BEGUN = NOW - timedelta(days=STORY_DAYS)


@pytest.fixture(scope="module")
def city() -> City:
    return make_city(size="tiny", seed=7, on=BEGUN.date())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demonstration of this file is."""
    return tmp_path_factory.mktemp("demo") / "place"


def by_command(place: Path) -> tuple[str, Report]:
    """A tiny city, built and played to the end by the command: what it printed, and what the play came to."""
    told: list[Report] = []

    def kept(settings: Settings, **words: Any) -> Report:
        told.append(play(settings, **words))
        return told[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "now_utc", lambda: NOW)
        patch.setattr(command, "play", kept)
        patch.setattr(command, "folder", lambda _wanted: folder(place))  # "once" would take the folder away again
        answer = CliRunner().invoke(app, ["demo", "--size", "tiny", "--seed", "7", "--once"])
    assert answer.exit_code == 0, answer.output
    return answer.output, told[0]


@pytest.fixture(scope="module")
def told(place: Path) -> tuple[str, Report]:
    """The demonstration of this file."""
    return by_command(place)


@pytest.fixture(scope="module")
def report(told: tuple[str, Report]) -> Report:
    return told[1]


@pytest.fixture
def result(report: Report) -> story.Result:
    return report.result


@pytest.fixture(scope="module")
def played(place: Path, report: Report) -> Iterator[Database]:
    assert report.result.needs
    database = open_database(demo_settings(place, seed=7))
    yield database
    database.close()


@pytest.fixture
def session(played: Database):
    with played.reading() as opened:
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
    """Both lists of the city, and the giver that reported by itself."""
    own = {source for source in seen_from(session) if source.startswith("api-")}
    assert set(seen_from(session)) - own == {"government", "charity"}
    assert len(own) == 1


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


def test_every_need_without_aid_has_a_reason(session: Session):
    served = set(session.exec(select(ProposedLine.need_id)))
    explained = set(session.exec(select(UnservedReason.need_id)))
    allocated = session.exec(select(Need).where(col(Need.state) == NeedState.VERIFIED)).all()
    assert {need.id for need in allocated} <= served | explained


def test_every_stage_has_something_to_look_at(session: Session):
    states = Counter(match.state for match in session.exec(select(Match)))
    for state in (MatchState.AWAITING_HOUSEHOLD, MatchState.IN_DELIVERY, MatchState.DELIVERED, MatchState.CONFIRMED):
        assert states[state], state
    assert session.exec(select(ProposedLine).where(col(ProposedLine.state) == "proposed")).first()


def test_other_departments_answer_with_a_letter_each_its_own_way(session: Session):
    told = session.exec(select(CaseItem).where(CaseItem.letter != "")).all()
    assert len({item.case_id for item in told}) == 1
    assert {item.department: item.state for item in told} == {
        "HSA": ItemState.GRANTED,
        "HRSS": ItemState.GRANTED,
        "HUD": ItemState.REFUSED,
    }


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
        apart = {"chain_id", "household_id", "person_id", "audit_seq", "excluded_org_ids", "channel"}
        fields = set(Consent.model_fields) - apart - {"authenticated_by"}
        whose = (carried.person_id, session.get_one(ConsentHead, carried.chain_id).match_id)
        assert whose == (story.household_actor(session, carried.household_id).id,) * 2, "the contact's word, as by hand"
        assert {name: getattr(carried, name) for name in fields} == {name: getattr(given, name) for name in fields}


def test_a_demo_leaves_its_folder_to_the_site(report: Report, place: Path):
    assert (place / "shanqiao.db").exists()
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


def test_a_folder_of_an_earlier_demo_is_emptied_for_the_next(tmp_path: Path):
    with folder(tmp_path / "demo") as first:
        (first / "shanqiao.db").write_text("an old house", encoding="utf-8")
    with folder(tmp_path / "demo") as second:
        assert not (second / "shanqiao.db").exists()


def test_a_folder_for_once_goes_afterwards():
    with folder(None) as place:
        assert place.is_dir()
    assert not place.exists()


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


def test_the_command_prints_its_table(told: tuple[str, Report]):
    for words in ("needs", "proposed", "approved", "delivered", "notices", "certificate gap", "peak memory"):
        assert words in told[0]


@pytest.mark.skipif("TORTURE" not in os.environ, reason="plays the whole job once more: make torture")
def test_the_command_plays_the_same_job_again(report: Report, tmp_path: Path):
    assert by_command(tmp_path / "place")[1].result == report.result


def test_no_act_names_a_household_or_a_person_by_its_own_number(session: Session):
    """What erasing leaves in the chain leads to nobody without the keys of the house."""
    known = {*session.exec(select(Household.id)), *session.exec(select(Person.id))}
    named = {row.action for row in session.scalars(select(audit.AuditRow)) if row.object_ref in known}
    bodies = [row for row in session.scalars(select(audit.AuditBody.body)) if any(one in row for one in known)]
    assert (named, bodies) == (set(), [])


def test_a_pair_of_persons_and_a_pair_of_organisations_wait_to_be_told_apart(session: Session):
    pairs = session.exec(select(Suspicion).where(Suspicion.state == SuspicionState.OPEN)).all()
    sides = [session.get_one(Person, one) for pair in pairs for one in (pair.one_id, pair.two_id)]
    assert sorted(session.get_one(Household, one.household_id).source for one in sides) == [
        "慈善会名单（演示）",
        "街道名册（演示）",
    ]
    groups = session.exec(select(OrganisationPair).where(OrganisationPair.state == PairState.OPEN)).all()
    assert len(groups) == 1
