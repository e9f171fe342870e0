"""The trail on pages: what everybody may check, what the auditor sees, and a household's proof of one look.

Enters: a request. Leaves: public keys, the newest checkpoint, counts per act; the auditor's page of checkpoints,
witnesses and alarms; a household's own row with the way up to a signed checkpoint, as a file.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.calendar import utc_now
from marketplace.errors import NotFound
from marketplace.guards import guard
from marketplace.trail import service
from marketplace.trail.models import AuditAlarm, AuditCheckpoint, AuditCosignature
from marketplace.web import pages
from marketplace.web.transactions import current_session

bp = Blueprint("trail", __name__)
SENTENCES = {
    "no_checkpoint_yet": _l("The proof is made within a minute. Come back then."),
    "audit_stale": _l("The audit log is not being watched at this moment. Nothing is disclosed until it is again."),
}
SHOWN = 20


@bp.get("/trust/")
@guard("trust:view")
def trust() -> ResponseReturnValue:
    """How to check us: the newest checkpoint, who has seen it, how many acts of each kind there are."""
    session = current_session()
    newest = service.newest_checkpoint(session)
    asked = select(col(audit.AuditRow.action), func.count()).group_by(col(audit.AuditRow.action))
    return pages.render(
        "trail/trust.html",
        newest=newest,
        cosigned=_cosignatures(session).get(newest.size, []) if newest else [],
        watched=bool(service.settings_of(session).witnesses),
        counts=session.execute(asked.order_by(col(audit.AuditRow.action))).all(),
    )


@bp.get("/trust/keys.json")
@guard("trust:view")
def keys() -> ResponseReturnValue:
    """Every public key that is needed to check what the house signs; fetch it once and keep it."""
    return jsonify(service.trust_file(service.settings_of(current_session())))


@bp.get("/trust/checkpoint.txt")
@guard("trust:view")
def checkpoint() -> ResponseReturnValue:
    """The newest checkpoint with its cosignatures, as a C2SP signed note."""
    session = current_session()
    newest = service.newest_checkpoint(session)
    if newest is None:
        raise NotFound("checkpoint")
    return Response(service.whole_note(session, newest), mimetype="text/plain")


@bp.get("/audit/checkpoints")
@guard("audit:view")
def checkpoints() -> ResponseReturnValue:
    """The auditor's page: the newest checkpoints, which witness has seen them, and alarms."""
    session = current_session()
    listed = select(AuditCheckpoint).order_by(col(AuditCheckpoint.size).desc()).limit(SHOWN)
    alarms = select(AuditAlarm).order_by(col(AuditAlarm.at).desc(), col(AuditAlarm.id)).limit(SHOWN)
    return pages.render(
        "trail/checkpoints.html",
        checkpoints=session.exec(listed).all(),
        cosigned=_cosignatures(session),
        alarms=session.exec(alarms).all(),
        fresh=service.audit_fresh(session, utc_now()),
        watched=bool(service.settings_of(session).witnesses),
    )


@bp.post("/audit/checkpoints/check")
@guard("audit:view")
def check() -> ResponseReturnValue:
    """Compute every kept root again from the rows."""
    size = service.first_false_checkpoint(current_session())
    back = url_for("trail.checkpoints")
    if size:
        return pages.refuse(
            _("The rows up to %(size)s are not those of their checkpoint: history was rewritten.", size=size), to=back
        )
    return pages.done(_("The rows give every root that was signed."), to=back)


def _cosignatures(session: Session) -> dict[int, list[AuditCosignature]]:
    """Size ► cosignatures of the newest checkpoints."""
    found: dict[int, list[AuditCosignature]] = {}
    asked = select(AuditCosignature).order_by(col(AuditCosignature.size).desc(), col(AuditCosignature.witness))
    for line in session.exec(asked.limit(SHOWN * 10)):
        found.setdefault(line.size, []).append(line)
    return found
