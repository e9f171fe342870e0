"""The one place that names concrete adapters and puts the house together.

Enters: settings. Leaves: an open, migrated `Database` whose sessions carry the vault and the settings; the messenger
that the settings ask for; and the background worker with its handlers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from joserfc.jwk import ECKey

from adapters.departments import DepartmentExchange
from adapters.departments_push import DepartmentDoor, TaskDoor
from adapters.face import FaceDoor
from adapters.fakes import FakeFace
from adapters.fakes_departments import AnsweringDepartment
from adapters.fakes_wechat import FakeWeChat
from adapters.http import HttpClient, Patience
from adapters.identity import OidcDoor, OidcSettings
from adapters.items import Department, DepartmentTasks
from adapters.liveness import FaceGateway
from adapters.mail import SmtpDoor, SmtpSettings
from adapters.messages import OUTBOX_PATIENCE, ConsoleDoor, SmsGateway, Switchboard
from adapters.openid import OpenIdDoor
from adapters.payments import CoverGateway, PaymentFeedDoor
from adapters.ports import Channel, CoverDoor, DepartmentFeed, Messenger, PaymentFeed, Registry, StaffSignIn
from adapters.registry import RegistrySettings
from adapters.registry import connect as connect_registry
from adapters.sms_inbox import SmsInboxDoor
from adapters.webhooks import Webhooks
from adapters.wechat_login import WeChatLogin
from adapters.witness import HttpWitness
from marketplace import jobs, notices
from marketplace.actors import SYSTEM
from marketplace.addressing import compose
from marketplace.answers import sms
from marketplace.calendar import utc_now
from marketplace.cases import departments
from marketplace.claims import cover
from marketplace.config import ConfigError, Settings
from marketplace.db import Database
from marketplace.migrations import upgrade
from marketplace.portraits import exchange, pushing
from marketplace.proposals import gift, making_way, quotes
from marketplace.proposals import service as proposals
from marketplace.proxies import bringing
from marketplace.reference.words import list_codes
from marketplace.sealed import Vault
from marketplace.sharing import hooks
from marketplace.suites import NAMES
from marketplace.sweeps import sweeps_of
from marketplace.trail.keeper import Keeper
from marketplace.trail.service import audit_fresh
from marketplace.workdays import service as workdays

A_TURN = Patience(attempts=2, whole=15.0)
"""For an office that is asked again at the next turn anyway."""
ANSWERED_AFTER = timedelta(minutes=2)
"""How long a department of a demonstration works on an item: long enough to see it there."""


def database_of(settings: Settings) -> Database:
    """The settings' database as it is; the vault, the settings and the clock travel with its sessions."""
    if not settings.database_url:
        settings.instance.mkdir(parents=True, exist_ok=True)
    info = {"vault": vault_from(settings), "settings": settings, "audit_fresh": audit_fresh, "clock": utc_now}
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
    """The doors that the settings name; a demonstration writes letters to the console, or only counts them."""
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
        doors["sms"] = SmsGateway(_client("sms", settings.sms_url, settings.sms_token, patience=OUTBOX_PATIENCE))
    return Switchboard(doors)


def _client(name: str, address: str, token: str, /, patience: Patience | None = None) -> HttpClient:
    """A client that shows its token."""
    return HttpClient(name, address, headers={"Authorization": f"Bearer {token}"}, patience=patience or Patience())


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
    return PaymentFeedDoor(_client("payments", settings.payments_url, settings.payments_token))


def item_doors_of(
    settings: Settings, *, after: timedelta = ANSWERED_AFTER, clock: Callable[[], datetime] = utc_now
) -> dict[str, Department]:
    """The other departments that own items, each behind its own door of the exchange; none where none is connected. A
    demonstration has some in memory, which answer by themselves."""
    if settings.demo:
        return {code: AnsweringDepartment(code, after=after, clock=clock) for code in departments.OTHERS}
    if not settings.departments_url:
        return {}
    return {code: DepartmentDoor(_office(settings, code)) for code in departments.OTHERS}


def task_doors_of(settings: Settings) -> dict[str, DepartmentTasks]:
    """Every department's door for tasks; none where none is connected."""
    if not settings.departments_url:
        return {}
    return {code: TaskDoor(_office(settings, code)) for code in list_codes(pushing.DEPARTMENTS)}


def _office(settings: Settings, code: str, /) -> HttpClient:
    """One department at the exchange."""
    address = f"{settings.departments_url.rstrip('/')}/{code}"
    return _client(code, address, settings.departments_token, patience=A_TURN)


def departments_of(settings: Settings) -> DepartmentFeed:
    """The door to the departments' exchange."""
    if not settings.departments_url:
        raise ConfigError("SHANQIAO_DEPARTMENTS_URL is not set: name the address of the departments' exchange")
    return DepartmentExchange(_client("departments", settings.departments_url, settings.departments_token))


def cover_of(settings: Settings) -> CoverDoor | None:
    """The insurers' common door, where one is connected."""
    if not settings.cover_url:
        return None
    return CoverGateway(_client("cover", settings.cover_url, settings.cover_token))


def face_of(settings: Settings) -> FaceDoor | None:
    """The provider of face checks, where one is connected; a demonstration has one without a camera."""
    if settings.demo:
        return FakeFace()
    if not settings.face_url:
        return None
    client = _client("face", settings.face_url, settings.face_token)
    return FaceGateway(client, issuer=settings.face_issuer, key=ECKey.import_key(settings.face_key))


def wechat_of(settings: Settings) -> OpenIdDoor | None:
    """The door to WeChat's platform, where we have a mini program there; a demonstration has one of its own."""
    if settings.demo:
        return FakeWeChat()
    if not settings.wechat_app_id:
        return None
    client = HttpClient("wechat-login", settings.wechat_url)
    return WeChatLogin(client, app_id=settings.wechat_app_id, app_secret=settings.wechat_secret)


def readers_doors(settings: Settings) -> dict[str, Any]:
    """The doors that pages ask while a reader waits, by the names that the app gives them."""
    return {"identity": identity_of(settings), "face": face_of(settings), "wechat": wechat_of(settings)}


def worker_of(database: Database, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> jobs.Crew:
    """The background work, one thread for each kind of wait: a run that takes its time or an outside system that says
    nothing holds up neither letters nor the checkpoints without which nothing may be disclosed."""
    handlers: dict[str, jobs.Handler] = {
        proposals.JOB: partial(proposals.work, database, clock=clock, actor=SYSTEM),
        quotes.MAKE_WAY: partial(making_way.work_out, database, clock=clock),
        gift.JOB: partial(gift.work, database, clock=clock),
    }
    messenger, composer = messenger_of(settings), partial(compose, settings, clock=clock)
    outbox = partial(notices.send_due, database, messenger, compose=composer, unreached=bringing.bring, clock=clock)
    outside: tuple[Callable[[], object], ...] = (
        partial(hooks.sweep, database, Webhooks(settings.webhook_hosts), clock=clock),
        *_where_connected(database, settings, clock=clock),
        partial(departments.sweep, database, item_doors_of(settings, clock=clock), clock=clock),
        partial(exchange.sweep, database, task_doors_of(settings), clock=clock),
    )
    worker = partial(jobs.Worker, database, clock=clock, days=partial(workdays.read_days, database))
    return jobs.Crew(
        worker(handlers, name="runs"),
        worker({}, name="letters", sweeps=(outbox,)),
        worker({}, name="witnesses", sweeps=(keeper_of(database, settings, clock=clock),)),
        worker({}, name="outside", sweeps=outside),
        worker({}, name="house", sweeps=sweeps_of(database, clock=clock)),
    )


def _where_connected(
    database: Database, settings: Settings, *, clock: Callable[[], datetime]
) -> Iterator[Callable[[], object]]:
    """What doors bring that not every house has: insurers' cover, text messages that come in."""
    if (door := cover_of(settings)) is not None:
        yield cover.Watch(database, door, key=settings.cover_key, org=settings.cover_org, clock=clock)
    if settings.sms_inbox_url:
        inbox = SmsInboxDoor(_client("sms-inbox", settings.sms_inbox_url, settings.sms_token))
        yield partial(sms.sweep, database, inbox, clock=clock)


def keeper_of(database: Database, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Keeper:
    """Who makes the checkpoints of the audit log and shows them to the witnesses of the settings."""
    return Keeper(database, {key: HttpWitness(address) for key, address in settings.witnesses}, clock=clock)
