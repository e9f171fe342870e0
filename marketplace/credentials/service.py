"""Issuing, revoking and suspending verified-need credentials (VNC/1).

Enters: a living consent, the fields its recipient may see now, and the recipient's public key. Leaves: a compact
SD-JWT that only this recipient can present, and a row that says so. Called by the partner API, which asks the whole
decision pipeline first and writes the disclosure, and by the household's page (revoke). Every credential has fresh
salts, a fresh signature and a name for the household that no other recipient knows.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.consent.ask import is_alive, lock_head, newest
from marketplace.consent.capacity import require_own
from marketplace.consent.models import Consent
from marketplace.consent.record import record_sha256
from marketplace.credentials import claims, status, tokens
from marketplace.credentials.models import IssuedCredential
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, ConsentMissing, NotAllowed, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.reference import purposes
from marketplace.sealed import vault_of
from marketplace.signing import issuer_key, issuer_of
from marketplace.trail.service import audit_fresh, settings_of

HELD = "match_held"
"""Why a credential is no good while its match waits for a person."""


def issue(
    session: Session,
    actor: Actor,
    consent_id: str,
    *,
    fields: Sequence[str],
    now: datetime,
    holder_jwk: Mapping[str, Any],
    need_ids: Sequence[str] = (),
) -> str:
    """A fresh credential for the recipient of this consent; an earlier one under the same consent is revoked.

    `fields` are the effective ones; what the consent does not name is refused. Raises ConsentMissing if the consent is
    not alive or a field lies outside it, NotAllowed for anybody but its recipient, BadInput for a key that is not a
    public one on P-256, WrongState while the audit log is not watched or if no need of this purpose is verified.
    """
    head = lock_head(session, consent_id)
    if not is_alive(head, now):
        raise ConsentMissing("consent_not_living", state=head.state.value)
    if actor.org_id is None or actor.org_id != head.recipient_org_id:
        raise NotAllowed("not_the_recipient")
    consent = newest(session, head)
    for field in fields:
        if field not in consent.data_fields and field not in purposes.base_card():
            raise ConsentMissing("field_not_consented", field=field)
    if not audit_fresh(session, now):
        raise WrongState("audit_stale")
    needs = claims.needs_for(session, consent, need_ids=need_ids)
    household = session.get(Household, consent.household_id)
    if household is None or not needs:
        raise WrongState("no_verified_need")
    jwk = holder_key(holder_jwk)
    for earlier in living_among(session, col(IssuedCredential.consent_chain_id) == consent.chain_id):
        end(session, earlier, actor=actor, now=now, reason="replaced")
    return _write(session, consent, household, needs, fields=fields, jwk=jwk, actor=actor, now=now)


def _write(
    session: Session,
    consent: Consent,
    household: Household,
    needs: Sequence[Need],
    /,
    *,
    fields: Sequence[str],
    jwk: Mapping[str, str],
    actor: Actor,
    now: datetime,
) -> str:
    number, place = status.free_place(session)
    visible = _visible(session, consent, household, needs, place=(number, place), jwk=jwk, now=now)
    said = claims.selective(session, consent, fields=fields, household=household, needs=needs)
    key = issuer_key(settings_of(session), household.district_code)
    compact = tokens.issue(visible, said, key=key)
    session.add(
        IssuedCredential(
            id=new_id(),
            household_id=household.id,
            consent_chain_id=consent.chain_id,
            consent_version=consent.version,
            recipient_org_id=consent.recipient_org_id,
            purpose=consent.purpose.value,
            data_fields=sorted(said),
            list_no=number,
            status_idx=place,
            kid=str(key.kid),
            holder_kid=ECKey.import_key(dict(jwk)).thumbprint(),
            sha256=sha256(compact.encode()).hexdigest(),
            issued_at=now,
            expires_at=datetime.fromtimestamp(visible["exp"], UTC),
            audit_seq=_recorded(session, consent, sorted(said), actor=actor, now=now),
        )
    )
    flush(session)
    return compact


def _recorded(session: Session, consent: Consent, fields: Sequence[str], *, actor: Actor, now: datetime) -> int:
    """The audit row of one credential."""
    entry = audit.Entry(
        "credential:issue",
        object_ref=consent.recipient_org_id,
        subject=consent.household_id,
        purpose=consent.purpose.value,
        decision="permit",
        rule_id="consent_alive",
        fields=fields,
        consent_ref=f"{consent.chain_id}@{consent.version}",
    )
    return audit.record(session, entry, actor=actor, now=now)


def _visible(
    session: Session,
    consent: Consent,
    household: Household,
    needs: Sequence[Need],
    /,
    *,
    place: tuple[int, int],
    jwk: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    """What everybody sees who sees the credential at all."""
    settings, district = settings_of(session), household.district_code
    issued, expires = claims.period(consent, needs, now=now)
    return {
        "iss": issuer_of(settings, district),
        "vct": tokens.VCT,
        "aud": consent.recipient_org_id,
        "sub": pseudonym(session, consent.recipient_org_id, household.id),
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "cnf": {"jwk": dict(jwk)},
        "status": {"status_list": {"uri": status.address(settings, place[0]), "idx": place[1]}},
        "consent": _consent(consent),
        "verification": claims.verification(needs, district=district),
    }


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "id": consent.chain_id,
        "ver": consent.version,
        "purpose": consent.purpose.value,
        "mode": consent.mode.value,
        "erase_at": int(consent.erase_at.timestamp()) // 86_400 * 86_400,
        "receipt_sha256": record_sha256(consent),
    }


def pseudonym(session: Session, org_id: str, household_id: str) -> str:
    """The household's name for one recipient: no two recipients know the same one, and nobody can compute it."""
    return vault_of(session).ref(f"pair|{org_id}", household_id)


def holder_key(jwk: Mapping[str, Any]) -> dict[str, str]:
    """Exactly the public members of a P-256 key; a private key, another curve or a point beside it is BadInput."""
    if "d" in jwk or jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise BadInput("holder_key", field="holder_jwk")
    try:
        members = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}
        if any(len(base64.urlsafe_b64decode(members[name] + "=")) != 32 for name in ("x", "y")):
            raise BadInput("holder_key", field="holder_jwk")
        _ = ECKey.import_key(dict(members)).public_key
    except (KeyError, ValueError, JoseError) as error:
        raise BadInput("holder_key", field="holder_jwk") from error
    return members


def list_of_household(session: Session, household_id: str, /) -> list[IssuedCredential]:
    """Every credential that was issued about this household, newest first."""
    asked = select(IssuedCredential).where(col(IssuedCredential.household_id) == household_id)
    return list(session.exec(asked.order_by(col(IssuedCredential.issued_at).desc(), col(IssuedCredential.id))))


def living_among(session: Session, *which: ColumnElement[bool]) -> list[IssuedCredential]:
    """The living ones of which any of these holds, locked after all heads that they stand on, as whoever issues one
    does."""
    asked = [select(IssuedCredential).where(one, col(IssuedCredential.revoked_at).is_(None)) for one in which]
    for chain_id in sorted({one.consent_chain_id for rows in asked for one in session.exec(rows)}):
        lock_head(session, chain_id)
    anew = [rows.with_for_update().execution_options(populate_existing=True) for rows in asked]
    return [one for rows in anew for one in session.exec(rows)]


def living_of(session: Session, chain_id: str, /) -> IssuedCredential:
    """The one credential under this consent that has not ended; there is never a second."""
    for found in living_among(session, col(IssuedCredential.consent_chain_id) == chain_id):
        return found
    raise NotFound("credential")


def revoke(session: Session, credential_id: str, /, *, actor: Actor, now: datetime, reason: str = "revoked") -> None:
    """End one credential for good; the consent under it stays as it is."""
    credential = owned(session, credential_id, actor)
    consent = newest(session, lock_head(session, credential.consent_chain_id))
    require_own(session, consent.person_id, actor=actor, now=now)
    end(session, credential, actor=actor, now=now, reason=reason)


def suspend(session: Session, credential_id: str, /, *, actor: Actor, now: datetime, reason: str) -> None:
    """Stop one credential for a while, such as while a wrong fact is looked into."""
    credential = owned(session, credential_id, actor, action="credential:suspend")
    credential.suspended_at, credential.reason_code = now, reason
    _record(session, credential, "credential:suspend", actor=actor, now=now, reason=reason)


def resume(session: Session, credential_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Let a suspended credential be good again."""
    credential = owned(session, credential_id, actor, action="credential:suspend")
    credential.suspended_at, credential.reason_code = None, ""
    _record(session, credential, "credential:resume", actor=actor, now=now, reason="")


def hold(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> None:
    """While a person looks at the match of this consent first, its credential is no good, as no look is."""
    for one in living_among(session, col(IssuedCredential.consent_chain_id) == chain_id):
        one.held_at = now
        _record(session, one, "credential:suspend", actor=actor, now=now, reason=HELD)


def release(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The person has looked; what staff suspended by hand stays suspended."""
    for one in living_among(session, col(IssuedCredential.consent_chain_id) == chain_id):
        if one.held_at is not None:
            one.held_at = None
            _record(session, one, "credential:resume", actor=actor, now=now, reason=HELD)


def owned(session: Session, credential_id: str, actor: Actor, *, action: str = "credential:revoke") -> IssuedCredential:
    """A credential that has not ended and that this actor may end; NotFound for a foreign one."""
    credential = session.get(IssuedCredential, credential_id)
    household = session.get(Household, credential.household_id) if credential is not None else None
    if credential is None or household is None:
        raise NotFound("credential")
    require(actor, action, household_id=household.id, district=household.district_code)
    if credential.revoked_at is not None:
        raise WrongState("credential_ended")
    return credential


def end(session: Session, credential: IssuedCredential, /, *, actor: Actor, now: datetime, reason: str) -> None:
    """This one, which the caller has locked and may end, is good no more."""
    credential.revoked_at, credential.reason_code = now, reason
    _record(session, credential, "credential:revoke", actor=actor, now=now, reason=reason)


def _record(
    session: Session, credential: IssuedCredential, action: str, *, actor: Actor, now: datetime, reason: str
) -> None:
    entry = audit.Entry(
        action,
        object_ref=credential.id,
        subject=credential.household_id,
        purpose=credential.purpose,
        rule_id=reason,
        consent_ref=f"{credential.consent_chain_id}@{credential.consent_version}",
    )
    audit.record(session, entry, actor=actor, now=now)
    session.add(credential)
    flush(session)
