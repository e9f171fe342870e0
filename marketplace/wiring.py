"""The one place that names concrete adapters and puts the house together.

Enters: settings. Leaves: an open, migrated `Database` whose sessions carry the vault and the settings; the messenger
that the settings ask for; and the background worker with its handlers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial

from joserfc.jwk import ECKey
from sqlmodel import Session

from adapters.departments import DepartmentExchange
from adapters.departments_push import DepartmentDoor
from adapters.face import FaceDoor
from adapters.fakes import FakeFace
from adapters.http import HttpClient
from adapters.identity import OidcDoor, OidcSettings
from adapters.items import Department
from adapters.liveness import FaceGateway
from adapters.mail import SmtpDoor, SmtpSettings
from adapters.messages import OUTBOX_PATIENCE, ConsoleDoor, SmsGateway, Switchboard
from adapters.payments import CoverGateway, PaymentFeedDoor
from adapters.ports import Channel, CoverDoor, DepartmentFeed, Message, Messenger, PaymentFeed, Registry, StaffSignIn
from adapters.registry import RegistrySettings
from adapters.registry import connect as connect_registry
from adapters.webhooks import Webhooks
from adapters.witness import HttpWitness
from marketplace import jobs, notices
from marketplace.accounts.service import code_text
from marketplace.actors import SYSTEM
from marketplace.appointments import outcomes as appointments
from marketplace.calendar import utc_now
from marketplace.cases import departments, supervision
from marketplace.claims import cases, cover
from marketplace.claims import waiting as insurers
from marketplace.config import ConfigError, Settings
from marketplace.consent import changes as consent_changes
from marketplace.consent.ask import list_of_household
from marketplace.credentials import receipts
from marketplace.db import Database
from marketplace.decisions import beginning, unclaimed, waiting
from marketplace.households import comparing
from marketplace.households.service import contact_of
from marketplace.ledger import claiming, late
from marketplace.liveness import schedule as survival
from marketplace.meetings import night
from marketplace.migrations import upgrade
from marketplace.notices import Notice
from marketplace.offers.demand import publish_when_due
from marketplace.organisations import agreements
from marketplace.organisations.models import Organisation
from marketplace.organisations.service import is_mobile
from marketplace.payments import late as late_payments
from marketplace.payments import waiting as payments
from marketplace.proposals import expiry, gift, making_way, quotes
from marketplace.proposals import service as proposals
from marketplace.proxies import agents
from marketplace.rights import erasing
from marketplace.sealed import Vault, vault_of
from marketplace.sharing import hooks
from marketplace.signals import sweeping
from marketplace.suites import NAMES
from marketplace.trail.keeper import Keeper
from marketplace.trail.service import audit_fresh
from marketplace.web import catalogues, letters

AT_NIGHT = ("urgent_asked",)
"""Letters that go to a giver's contact on call."""


def database_of(settings: Settings) -> Database:
    """The settings' database as it is; the vault and the settings travel with its sessions."""
    if not settings.database_url:
        settings.instance.mkdir(parents=True, exist_ok=True)
    info = {"vault": vault_from(settings), "settings": settings, "audit_fresh": audit_fresh}
    return Database(settings.database(), info=info)


def vault_from(settings: Settings) -> Vault:
    """The vault with every epoch of the ring and the suite that the settings ask for."""
    suite, ring = NAMES[settings.suite], settings.kek_ring
    if ring is None:
        return Vault(settings.kek, suite=suite)
    return Vault(ring.newest, epoch=ring.epoch, older=ring.keys, root=ring.index, suite=suite)


def open_database(settings: Settings) -> Database:
    """Open the settings' database and bring it to the newest version."""
    database = database_of(settings)
    upgrade(database.engine)
    return database


def messenger_of(settings: Settings, *, quiet: bool = False) -> Messenger:
    """The doors that the settings name; in a demonstration every letter is written to the console instead, or, where
    it is to be quiet, only counted."""
    doors: dict[Channel, Messenger] = {}
    if settings.demo:
        stream = sys.stdout if sys.stdout.isatty() and not quiet else None
        channels: tuple[Channel, ...] = ("sms", "email")
        return Switchboard({channel: ConsoleDoor(stream, channel=channel) for channel in channels})
    if settings.smtp_host:
        doors["email"] = SmtpDoor(
            SmtpSettings(
                host=settings.smtp_host,
                port=settings.smtp_port,
                sender=settings.mail_from,
                tls=settings.smtp_tls,
                username=settings.smtp_user,
                password=settings.smtp_password,
            )
        )
    if settings.sms_url:
        bearer = {"Authorization": f"Bearer {settings.sms_token}"}
        doors["sms"] = SmsGateway(HttpClient("sms", settings.sms_url, headers=bearer, patience=OUTBOX_PATIENCE))
    return Switchboard(doors)


def registry_of(settings: Settings) -> Registry:
    """The door to the civil-affairs registry; tokens come from its own address."""
    if not settings.registry_url:
        raise ConfigError("SHANQIAO_REGISTRY_URL is not set: name the address of the civil-affairs registry")
    base = settings.registry_url.rstrip("/")
    return connect_registry(
        RegistrySettings(base, f"{base}/token", settings.registry_client_id, settings.registry_secret)
    )


def identity_of(settings: Settings) -> StaffSignIn | None:
    """The door to the staff's identity provider, where the settings name one."""
    if not settings.oidc_issuer:
        return None
    return OidcDoor(OidcSettings(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret))


def payments_of(settings: Settings) -> PaymentFeed:
    """The door to the government's payment feed."""
    if not settings.payments_url:
        raise ConfigError("SHANQIAO_PAYMENTS_URL is not set: name the address of the payment feed")
    bearer = {"Authorization": f"Bearer {settings.payments_token}"}
    return PaymentFeedDoor(HttpClient("payments", settings.payments_url, headers=bearer))


def item_doors_of(settings: Settings) -> dict[str, Department]:
    """The other departments that own items, each behind its own door of the exchange; none where none is connected."""
    if not settings.departments_url:
        return {}
    bearer = {"Authorization": f"Bearer {settings.departments_token}"}
    base = settings.departments_url.rstrip("/")
    return {code: DepartmentDoor(HttpClient(code, f"{base}/{code}", headers=bearer)) for code in departments.OTHERS}


def departments_of(settings: Settings) -> DepartmentFeed:
    """The door to the departments' exchange."""
    if not settings.departments_url:
        raise ConfigError("SHANQIAO_DEPARTMENTS_URL is not set: name the address of the departments' exchange")
    bearer = {"Authorization": f"Bearer {settings.departments_token}"}
    return DepartmentExchange(HttpClient("departments", settings.departments_url, headers=bearer))


def cover_of(settings: Settings) -> CoverDoor | None:
    """The insurers' common door, where one is connected."""
    if not settings.cover_url:
        return None
    bearer = {"Authorization": f"Bearer {settings.cover_token}"}
    return CoverGateway(HttpClient("cover", settings.cover_url, headers=bearer))


def face_of(settings: Settings) -> FaceDoor | None:
    """The provider of face checks, where one is connected; a demonstration has one without a camera."""
    if settings.demo:
        return FakeFace()
    if not settings.face_url:
        return None
    bearer = {"Authorization": f"Bearer {settings.face_token}"}
    client = HttpClient("face", settings.face_url, headers=bearer)
    return FaceGateway(client, issuer=settings.face_issuer, key=ECKey.import_key(settings.face_key))


def compose(settings: Settings, session: Session, notice: Notice) -> Message | None:
    """Resolve one letter: the household's telephone or the organisation's address, and the neutral words."""
    params = {key: str(value) for key, value in notice.params.items() if key == "by"}
    if "code_id" in notice.params:
        params["code"] = code_text(session, str(notice.params["code_id"]))
    language, words = _language_of(session, notice), settings.instance / "i18n"
    letter = letters.render(notice.letter, language=language, link=settings.base_url, words=words, params=params)
    write = partial(_message, notice, letter=letter, params=params)
    if notice.household_id is not None:
        phone = _phone_of(session, notice.household_id)
        return write(channel="sms", address=phone) if phone else None
    if "power_id" in notice.params:
        phone = agents.phone_of(session, str(notice.params["power_id"]))
        return write(channel="sms", address=phone) if phone else None
    organisation = session.get(Organisation, notice.org_id) if notice.org_id else None
    if organisation is None:
        return None
    address = organisation.on_call_contact if notice.letter in AT_NIGHT else ""
    address = address or organisation.contact
    if is_mobile(address) and address == organisation.on_call_contact:
        return write(channel="sms", address=address)
    return write(channel="email", address=address) if "@" in address else None


def _language_of(session: Session, notice: Notice) -> str:
    """The language in which the household last gave a consent; Chinese for everybody else."""
    consents = list_of_household(session, notice.household_id) if notice.household_id else []
    return consents[0].lang if consents else catalogues.DEFAULT


def _message(
    notice: Notice, *, letter: letters.Letter, params: dict[str, str], channel: Channel, address: str
) -> Message:
    return Message(
        channel=channel,
        idempotency_key=notice.id,
        template_code=notice.letter,
        address=address,
        subject=letter.subject if channel == "email" else "",
        body=letter.body if channel == "email" else letter.sms,
        params=params,
    )


def _phone_of(session: Session, household_id: str) -> str:
    person = contact_of(session, household_id)
    if person is None or person.phone is None:
        return ""
    return vault_of(session).open(session, person.id, column="person.phone", sealed=person.phone)


def worker_of(database: Database, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> jobs.Worker:
    """The background worker: runs of the allocator, who could make way, what a gift would do; between them the outbox,
    free stock for needs that came after the last run, what nobody has acted on in time, once a week the counts, and at
    night the eraser."""
    handlers = {
        proposals.JOB: partial(_work_on_run, database, clock),
        quotes.MAKE_WAY: partial(_work_out, database, clock),
        gift.JOB: partial(gift.work, database, clock=clock),
    }
    messenger, composer = messenger_of(settings), partial(compose, settings)
    sweeps: tuple[Callable[[], object], ...] = (
        partial(notices.send_due, database, messenger, compose=composer, clock=clock),
        partial(publish_when_due, database, clock=clock),
        partial(quotes.sweep, database, clock=clock),
        partial(cases.sweep, database, clock=clock),
        partial(waiting.sweep, database, clock=clock),
        partial(supervision.sweep, database, clock=clock),
        partial(departments.sweep, database, item_doors_of(settings), clock=clock),
        partial(insurers.sweep, database, clock=clock),
        partial(payments.sweep, database, clock=clock),
        partial(late_payments.sweep, database, clock=clock),
        partial(night.sweep, database, clock=clock),
        unclaimed.Watch(database, clock=clock),
        unclaimed.Watch(database, clock=clock, looking=beginning.look),
        partial(appointments.sweep, database, clock=clock),
        partial(survival.sweep, database, clock=clock),
        partial(agents.sweep, database, clock=clock),
        partial(agreements.sweep, database, clock=clock),
        partial(expiry.sweep, database, clock=clock),
        keeper_of(database, settings, clock=clock),
        receipts.Desk(database, clock=clock),
        erasing.Nightly(database, clock=clock),
        partial(comparing.sweep, database, clock=clock),
        partial(late.sweep_same, database, clock=clock),
        partial(claiming.sweep, database, clock=clock),
        sweeping.Nightly(database, clock=clock),
        partial(consent_changes.sweep, database, clock=clock),
        partial(consent_changes.remind, database, clock=clock),
        partial(hooks.sweep, database, Webhooks(settings.webhook_hosts), clock=clock),
    )
    door = cover_of(settings)
    if door is not None:
        sweeps = (*sweeps, cover.Watch(database, door, key=settings.cover_key, clock=clock))
    return jobs.Worker(database, handlers, sweeps=sweeps, clock=clock)


def keeper_of(database: Database, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Keeper:
    """Who makes the checkpoints of the audit log and shows them to the witnesses of the settings."""
    return Keeper(database, {key: HttpWitness(address) for key, address in settings.witnesses}, clock=clock)


def _work_on_run(database: Database, clock: Callable[[], datetime], run_id: str) -> None:
    proposals.work(database, run_id, clock=clock, actor=SYSTEM)


def _work_out(database: Database, clock: Callable[[], datetime], run_id: str) -> None:
    making_way.work_out(database, run_id, clock=clock)
