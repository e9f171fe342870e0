"""Who sets a consent, a match or a need by SQL is found by `verify`, although the chain itself is untouched."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, SQLModel, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.consent import changes, evidence
from marketplace.consent import service as consent
from marketplace.consent.models import Mode
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.needs import service as needs
from marketplace.needs.models import Need
from marketplace.reports import standing
from marketplace.sharing import emergency, lists
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene

pytestmark = pytest.mark.both_engines

STROKES = "10,20 14,25 20,30 25,31;300,40 310,44"
WORKER = Actor(id="worker-1", role=Role.WORKER)
STAFF = Actor(id="verifier-1", role=Role.VERIFIER)
OF_MATCH = "SELECT consent_chain_id FROM match WHERE state = 'delivered'"
BY_CONSENT = "consent_chain_id IS NOT NULL"
LOOK = "look at somebody's data was changed"
WITHDRAWN = "state = 'revoked' AND purpose = 'AUTO_MATCH'"


def _copied(table: str, where: str, **instead: str) -> str:
    """One row put beside those that are there, a copy but for these columns."""
    columns = [f'"{column.name}"' for column in SQLModel.metadata.tables[table].columns]
    values = [instead.get(name.strip('"'), name) for name in columns]
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} WHERE {where}"


FORGED_HEAD = _copied("consent_head", WITHDRAWN, chain_id="'forged'", state="'active'", version="1")
FORGED_VERSION = _copied(
    "consent",
    f"version = 2 AND {WITHDRAWN}",
    chain_id="'forged'",
    state="'active'",
    version="1",
    audit_seq="99999999",
)
BESIDE = {
    "a yes comes from nowhere": (f"{FORGED_HEAD}; {FORGED_VERSION}", "stands without any act"),
    "a yes comes from nowhere and leans on another's act": (
        f"{FORGED_HEAD}; {FORGED_VERSION.replace('99999999', '1')}",
        "missing or was added",
    ),
    "a head comes from nowhere": (FORGED_HEAD, "head of a consent names a version that is not there"),
    "a withdrawn consent's head is active again": (
        "UPDATE consent_head SET state = 'active' WHERE state = 'revoked'",
        "head of a consent was changed",
    ),
    "a head names another recipient": (
        "UPDATE consent_head SET recipient_org_id = 'elsewhere' WHERE recipient_org_id <> ''",
        "head of a consent was changed",
    ),
    "a head names another match": (
        f"UPDATE consent_head SET match_id = 'another' WHERE chain_id IN ({OF_MATCH})",
        "version of a consent was changed",
    ),
    "a head lasts longer": (
        "UPDATE consent_head SET valid_to = '2036-01-01 00:00:00.000000' WHERE recipient_org_id <> ''",
        "head of a consent was changed",
    ),
    "a head goes back to the version before the withdrawal": (
        "UPDATE consent_head SET version = 1, state = 'active' WHERE state = 'revoked'",
        "head of a consent names",
    ),
    "a head is taken away": (
        f"DELETE FROM consent_head WHERE chain_id IN ({OF_MATCH})",
        "consent has lost its head",
    ),
    "a version opens more": (
        'UPDATE consent SET data_fields = \'["name", "phone"]\'',
        "version of a consent was changed",
    ),
    "a version lasts longer": (
        "UPDATE consent SET valid_to = '2036-01-01 00:00:00.000000'",
        "version of a consent was changed",
    ),
    "a version names another recipient": (
        "UPDATE consent SET recipient_org_id = 'elsewhere'",
        "version of a consent was changed",
    ),
    "a version lets a copy be kept": ("UPDATE consent SET mode = 'store'", "version of a consent was changed"),
    "the newest version is taken away": (
        "DELETE FROM consent WHERE version = 2 AND state = 'revoked'",
        "head of a consent names a version that is not there",
    ),
    "a match is confirmed": ("UPDATE match SET state = 'confirmed' WHERE state = 'delivered'", "state of a match"),
    "an approved match goes on": (
        "UPDATE match SET state = 'in_delivery' WHERE state = 'awaiting_giver'",
        "state of a match",
    ),
    "a refused need is verified": ("UPDATE need SET state = 'verified' WHERE state = 'refused'", "state of a need"),
    "a match is taken away": ("DELETE FROM match WHERE state = 'delivered'", "match was taken away"),
    "an approved match is taken away": ("DELETE FROM match WHERE state = 'awaiting_giver'", "match was taken away"),
    "a match is worth more": ("UPDATE match SET units = units + 90 WHERE state = 'delivered'", "amount of a match"),
    "a match takes another's stock": ("UPDATE match SET offer_id = 'other'", "resource of a match"),
    "a need is taken away": ("DELETE FROM need WHERE state = 'refused'", "need was taken away"),
    "a need is larger": ("UPDATE need SET gap_units = gap_units + 90 WHERE state = 'refused'", "amount of a need"),
    "a look vanishes": (f"DELETE FROM disclosure WHERE {BY_CONSENT}", "look at somebody's data was taken away"),
    "a look out of a file vanishes": (
        "DELETE FROM disclosure WHERE audit_seq IN (SELECT seq FROM audit_row WHERE action = 'share:disclose_list')",
        "look at somebody's data was taken away",
    ),
    "a look in an emergency vanishes": (
        "DELETE FROM disclosure WHERE emergency_id IS NOT NULL",
        "look at somebody's data was taken away",
    ),
    "a look showed less": (f"UPDATE disclosure SET data_fields = '[]' WHERE {BY_CONSENT}", LOOK),
    "somebody else looked": ("UPDATE disclosure SET actor_id = 'nobody'", LOOK),
    "another organisation looked": ("UPDATE disclosure SET recipient_org_id = 'elsewhere'", LOOK),
    "another household was looked at": (
        "UPDATE disclosure SET household_id = 'elsewhere' WHERE emergency_id IS NOT NULL",
        LOOK,
    ),
    "a look was earlier": ("UPDATE disclosure SET at = '2020-01-01 00:00:00.000000'", LOOK),
    "a look comes from nowhere": (
        _copied("disclosure", "emergency_id IS NOT NULL", id="'forged'", audit_seq="99999999"),
        "look stands without any act",
    ),
    "an emergency is taken away": ("DELETE FROM emergency", "emergency was taken away"),
    "an emergency has another reason": ("UPDATE emergency SET reason_code = 'other'", "emergency was changed"),
    "nobody opened an emergency": (
        "UPDATE emergency SET opened_by = NULL, opened_at = NULL, closes_at = NULL",
        "emergency was changed",
    ),
    "a document is swapped": (
        "UPDATE consent_evidence SET body = (SELECT max(name) FROM person WHERE name IS NOT NULL)",
        "document behind a yes was changed",
    ),
    "a document is emptied before its time": (
        "UPDATE consent_evidence SET body = NULL",
        "document behind a yes was changed",
    ),
    "another one brought a document": ("UPDATE consent_evidence SET recorded_by = 'x'", "document behind a yes"),
    "a document is taken away": ("DELETE FROM consent_evidence", "document behind a yes was taken away"),
    "a need comes from nowhere": (
        "UPDATE need SET id = 'other' WHERE state = 'refused'",
        "need stands without any act",
    ),
}


def _history(session: Session, now: datetime) -> None:
    """A delivered match, one that waits for its giver, a withdrawn consent, a refused need; looks with a consent and in
    an emergency; a yes with its document."""
    for phone in ("10000000001", "10000000002"):
        scene = a_scene(session, phone=phone)
        _acted(session, scene.need, now)
        if phone.endswith("1"):
            decisions.see_recipient(session, scene.in_delivery(session, now).id, actor=scene.giver, now=now)
            _in_an_emergency(session, scene, now)
            match = session.exec(select(Match).where(Match.line_id == scene.line.id)).one()
            _in_a_file(session, match, scene.giver, now)
            decisions.deliver(session, match.id, actor=scene.giver, now=now)
        else:
            scene.approved(session, now)
    alone = make.a_household(session, phone="10000000003")
    refused = make.a_need(session, alone)
    needs.refuse_need(session, refused.id, actor=STAFF, now=now, reason="DUPLICATE")
    _with_help(session, now)
    given = make.auto_match(session, alone)
    decisions.withdraw_consent(session, given.chain_id, actor=make.as_household(alone), now=now)


def _in_an_emergency(session: Session, scene: Scene, now: datetime) -> None:
    asked = {"org_id": scene.organisation.id, "data_fields": ["name"], "reason_code": "life_in_danger"}
    row = emergency.ask(session, scene.person.id, **asked, actor=WORKER, now=now)
    emergency.open_up(session, row.id, actor=APPROVER, now=now)
    emergency.look(session, row.id, actor=scene.giver, now=now)


def _in_a_file(session: Session, match: Match, giver: Actor, now: datetime) -> None:
    said = {"purpose": decisions.purpose_of(session, match), "data_fields": ["name"], "object_ref": "file-1"}
    lists.disclose_list(session, [match.consent_chain_id], **said, mode=Mode.VIEW, actor=giver, now=now)


def _with_help(session: Session, now: datetime) -> None:
    household = make.a_household(session, phone="10000000004")
    capture = consent.Capture(channel="home_visit", authenticated_by="helper", helper_id=WORKER.id)
    given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    evidence.attach(session, given.chain_id, kind="drawn", drawn=STROKES, actor=WORKER, now=now)


def _acted(session: Session, need: Need, now: datetime) -> None:
    body = {"gap_units": need.gap_units}
    entry = audit.Entry("need:create", object_ref=need.id, decision=need.state.value, body=body)
    audit.record(session, entry, actor=SYSTEM, now=now)


@pytest.fixture
def history(database: Database, now: datetime) -> Database:
    with database.transaction() as session:
        _history(session, now)
    return database


@pytest.mark.threat("T19")
def test_what_is_set_beside_the_house_is_found(history: Database) -> None:
    with history.reading() as session:
        whole = standing.verify(session)
        assert (whole.bad_seq, whole.fault) == (0, "")
    for what, (statement, fault) in BESIDE.items():
        with history.session(writes=True) as session:
            _triggers_off(session)
            for one in statement.split("; "):
                assert session.execute(text(one)).rowcount, what
            found = standing.verify(session)
            assert fault in found.fault, (what, found)
            assert found.bad_seq, what
            assert audit.verify(session).bad_seq == 0, "the chain itself is untouched"
            session.rollback()


def _triggers_off(session: Session) -> None:
    """What an administrator of the database can do; it is rolled back with the rest."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        return
    session.execute(text("PRAGMA defer_foreign_keys=ON"))
    for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session.execute(text(f"DROP TRIGGER {name}"))


def test_a_paused_and_narrowed_consent_holds(sqlite_database: Database, now) -> None:
    with sqlite_database.transaction() as session:
        household = make.a_household(session)
        own, until = make.as_household(household), now + timedelta(days=9)
        chain = consent.give_for_match(
            session, household, organisation=make.an_organisation(session), match_id="m", purpose="GOODS",
            data_fields=["name"], actor=own, now=now,
        ).chain_id  # fmt: skip
        changes.pause(session, chain, actor=own, now=now)
        changes.resume(session, chain, actor=own, now=now)
        changes.narrow(session, chain, keep=(), until=until, actor=own, now=now)
        assert standing.verify(session).fault == ""
