"""What an operator does from the command line, as functions: make keys, add an account.

Enters: plain values that a command read. Leaves: key files, an account. Called by `marketplace.cli` only; each fault
is an error with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import delete
from sqlmodel import Session, col, select

from marketplace import audit, wiring
from marketplace.accounts import changing, resting, sso
from marketplace.accounts.guessable import SHORTEST, is_guessable
from marketplace.accounts.models import Account, AccountSession
from marketplace.accounts.service import create_account
from marketplace.actors import GIVERS, STAFF, SYSTEM, Actor, Role
from marketplace.calendar import local_day, own_days
from marketplace.config import ConfigError, Settings, from_environment
from marketplace.consent.restored import rest_all, rest_guardians
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.keyring import new_key, write_key
from marketplace.organisations.models import Organisation
from marketplace.proxies.ending import rest_powers
from marketplace.reference.districts import resolve, resolve_street
from marketplace.reference.tables import UnknownCode
from marketplace.rights.erasing import erase_again, erased_ids
from marketplace.sharing.clients import rest_keys
from marketplace.workdays import service as workdays

KEY_FILES = ("secret.key", "kek.key", "issuer.key", "checkpoint.key")
"""The keys of forms, of sealed fields, of credentials and receipts, and of checkpoints; one setting names each."""
SIGN_IN_ROLES = STAFF | GIVERS | {Role.AUDITOR, Role.SECURITY_ADMIN, Role.OPERATOR}
"""Roles of people with a password; households sign in with a code, jobs not at all."""

SHORTEST_PASSWORD = SHORTEST

CLOSED = "account:"
"""What stands before an account in the list of who is gone."""


class OperatorError(ValueError):
    """What was asked cannot be done; the sentence says why and how to mend it."""


def after_restore(session: Session, /, *, erased: Iterable[str] = (), now: datetime) -> dict[str, int]:
    """What was decided after a backup was made is not in it: everything that permits a look rests until its household
    lets it hold again, of which a letter tells it, guardians' links, helpers' powers and partners' keys until staff
    have looked; nobody is signed in, no place in a team is open and nobody stands in; and whoever was erased or closed
    since is so again, before anybody is written to. Returns how many of each, and how many accounts are open."""
    gone = set(erased)
    closed = {one.removeprefix(CLOSED) for one in gone if one.startswith(CLOSED)}
    body = {
        "erased": erase_again(session, gone, now=now),
        "accounts": resting.rest(session, closed, now=now),
        "helpers": rest_powers(session, now=now),
        "resting": rest_all(session, now=now),
        "guardians": rest_guardians(session, now=now),
        "keys": rest_keys(session, now=now),
    }
    audit.record(session, audit.Entry("house:restored", body=body), actor=SYSTEM, now=now)
    return body


def gone_since(session: Session, /) -> list[str]:
    """Whom a backup of earlier would bring back: the pseudonyms of who was erased and of accounts that were closed."""
    closed = select(Account.id).where(col(Account.active).is_(False)).order_by(col(Account.id))
    return [*erased_ids(session), *(f"{CLOSED}{one}" for one in session.exec(closed))]


@contextmanager
def house() -> Iterator[tuple[Settings, Database]]:
    """The settings of the environment and their database, open and at the newest version."""
    settings = from_environment()
    database = wiring.open_database(settings)
    try:
        with own_days(partial(workdays.read_days, database)):
            yield settings, database
    finally:
        database.close()


def new_keys(folder: Path, /) -> tuple[Path, ...]:
    """Write fresh keys that only this user can read; existing files are never touched."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = tuple(folder / name for name in KEY_FILES)
    for file in files:
        if file.exists():
            raise ConfigError(f"{file} exists: a key in use must not be replaced, name another folder")
    for file in files:
        write_key(file, new_key())
    return files


def add_account(
    session: Session,
    login: str,
    /,
    *,
    role: str,
    name: str,
    credit_code: str,
    districts: Sequence[str],
    streets: Sequence[str] = (),
    password: str,
    now: datetime,
) -> Account:
    """One account for a person with a password; a giver's account belongs to a registered organisation."""
    kind, served = _role(role), [_district(code, now=now) for code in districts]
    org_id = _organisation(session, kind, credit_code)
    if len(password) < SHORTEST_PASSWORD:
        raise OperatorError(f"an account needs a password of at least {SHORTEST_PASSWORD} characters")
    if is_guessable(password, login):
        raise OperatorError("this password would be guessed: no row of keys, no login, no word like password")
    if session.exec(select(Account.id).where(Account.login == login)).first() is not None:
        raise OperatorError(f"there is an account {login} already")
    return create_account(
        session,
        login,
        display_name=name,
        role=kind,
        password=password,
        org_id=org_id,
        districts=served,
        streets=[_street(code, kind, served, now=now) for code in streets],
        now=now,
    )


def end_sign_ins(session: Session, login: str, /, *, now: datetime) -> int:
    """End the sign-ins of one account, or of everybody, households and helpers included; how many."""
    gone = delete(AccountSession)
    account = session.exec(select(Account).where(Account.login == login)).first() if login else None
    if account is not None:
        gone = gone.where(col(AccountSession.account_id) == account.id)
    elif login:
        raise OperatorError(f"there is no account {login}")
    ended = len(session.exec(gone.returning(col(AccountSession.id_hash))).all())
    who = account.id if account else "everybody"
    entry = audit.Entry("account:end_sessions", object_ref=who, rule_id=str(ended))
    audit.record(session, entry, actor=SYSTEM, now=now)
    return ended


def change_account(
    session: Session,
    login: str,
    /,
    *,
    password: str | None,
    role: str,
    districts: Sequence[str] | None,
    streets: Sequence[str] | None,
    now: datetime,
) -> None:
    """Give an account another password and no factors, another role, other districts (none of them: the whole city) or
    other streets; the person stays the same. The account is held before the first row of the log (adr/0066)."""
    asked = select(Account).where(Account.login == login, col(Account.active).is_(True))
    account = session.exec(asked.with_for_update()).first()
    if account is None:
        raise OperatorError(f"there is no open account {login}")
    moves = bool(role) or districts is not None or streets is not None
    if password is None and not moves:
        raise OperatorError("say what changes: --renew, --role, --district, --whole-city or --street")
    kind = _role(role) if role else account.role
    if moves and (account.org_id is not None or kind in GIVERS):
        raise OperatorError("the people of a giver have their roles from its own team")
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise OperatorError(f"an account needs a password of at least {SHORTEST_PASSWORD} characters")
    if password is not None:
        changing.renew(session, account, password, now=now)
    if moves:
        area = account.districts if districts is None else [_district(code, now=now) for code in districts]
        given = [_street(code, kind, area, now=now) for code in streets or ()]
        kept = given or [code for code in account.streets if _still(code, kind, area, now=now)]
        changing.move(session, account, kind, area, kept, now=now)


def link_account(session: Session, login: str, /, *, issuer: str, subject: str, now: datetime) -> None:
    """Let a subject of the identity provider sign in as this account."""
    if not issuer:
        raise OperatorError("SHANQIAO_OIDC_ISSUER is not set: name the identity provider first")
    try:
        sso.link(session, login, issuer=issuer, subject=subject, now=now)
    except BadInput as error:
        taken = error.code == "subject_linked"
        said = "this subject is linked already" if taken else f"there is no open account {login}"
        raise OperatorError(said) from error


def unlink_account(session: Session, subject: str, /, *, issuer: str, now: datetime) -> None:
    """Let a subject of the identity provider sign in as nobody any more."""
    try:
        sso.unlink(session, subject, issuer=issuer, now=now)
    except BadInput as error:
        raise OperatorError("this subject is not linked") from error


def _role(text: str) -> Role:
    known = sorted(role.value for role in SIGN_IN_ROLES)
    if text not in known:
        raise OperatorError(f"{text} is not a role with a password: choose one of {', '.join(known)}")
    return Role(text)


def _organisation(session: Session, role: Role, credit_code: str) -> str | None:
    if role not in GIVERS:
        if credit_code:
            raise OperatorError(f"a {role.value} belongs to no organisation: leave out --org")
        return None
    asked = select(Organisation.id).where(Organisation.credit_code == credit_code, Organisation.part == 0)
    found = session.exec(asked).one_or_none()
    if found is None:
        given = credit_code or "(none given)"
        raise OperatorError(f"no organisation has the credit code {given}: register it, then give its code by --org")
    return found


def _district(code: str, *, now: datetime) -> str:
    try:
        return resolve(code, on=local_day(now)).code
    except UnknownCode as error:
        raise OperatorError(f"{code} is not a district code") from error


def _street(code: str, role: Role, served: Sequence[str], *, now: datetime) -> str:
    """A street where a worker goes first; it lies in a district that the account serves."""
    if role is not Role.WORKER:
        raise OperatorError(f"a {role.value} goes to no street: leave out --street")
    try:
        street = resolve_street(code, on=local_day(now))
    except UnknownCode as error:
        raise OperatorError(f"{code} is not a street code") from error
    if served and street.district_code not in served:
        raise OperatorError(f"{code} is a street of {street.district_code}: give that by --district as well")
    return street.code


def _still(code: str, role: Role, served: Sequence[str], *, now: datetime) -> bool:
    """Whether an account that changes goes to this street as before."""
    try:
        return bool(_street(code, role, served, now=now))
    except OperatorError:
        return False


def acting(session: Session, login: str, /, *, role: Role) -> Actor:
    """Who answers for what a command does: the open account of this login, or the only one with the role."""
    asked = select(Account).where(col(Account.active).is_(True))
    asked = asked.where(Account.login == login) if login else asked.where(Account.role == role)
    found = session.exec(asked).all()
    if len(found) != 1:
        raise OperatorError("name an open account with --as: `shanqiao account add` makes one")
    [account] = found
    return Actor(id=account.id, role=account.role, org_id=account.org_id, districts=frozenset(account.districts))
