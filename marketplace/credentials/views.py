"""Receipts and credentials on pages, and the public page on which anybody checks one.

Enters: a household on its own pages, or a stranger with something to check. Leaves: receipts with a QR code, the list
of what was issued, the answer whether a pasted or uploaded text holds, and the signed status lists.
"""

from __future__ import annotations

import segno
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from marketplace.calendar import utc_now
from marketplace.consent.ask import list_of_household
from marketplace.consent.capacity import of_voices, voices
from marketplace.credentials import receipts, service, status, verdicts
from marketplace.credentials.models import ConsentReceipt, IssuedCredential
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.trail.service import settings_of
from marketplace.web import pages
from marketplace.web.fields import Form, TextField, UploadField
from marketplace.web.transactions import current_session, writes

bp = Blueprint("credentials", __name__)
LONGEST = 65_536
SENTENCES = {
    "no_verified_need": _l("No verified need of this household fits the purpose of the consent."),
    "field_not_consented": _l("The household did not consent to one of these fields."),
    "holder_key": _l("The key must be a public key on the curve P-256."),
    "credential_ended": _l("This credential has ended already."),
}


class VerifyForm(Form):
    """A receipt, a credential or a checkpoint, pasted or as a file."""

    text = TextField(_l("Paste it here"), required=False, longest=LONGEST, lines=8)
    file = UploadField(_l("Or choose the file"), required=False, accept=".jws,.txt,.jwt,.json")


@bp.route("/verify", methods=["GET", "POST"])
@guard("trust:verify")
def verify() -> ResponseReturnValue:
    """Does it hold? Nothing that is pasted here is kept."""
    form, verdict = VerifyForm(), None
    if form.validate_on_submit():
        text = form.text.data or ""
        if not text and form.file.data:
            text = form.file.data.read(LONGEST + 1).decode("utf-8", errors="replace")
        verdict = verdicts.judge(current_session(), text, now=utc_now())
    return pages.render("credentials/verify.html", form=form, verdict=verdict)


@bp.get("/verify/<digest>")
@guard("trust:verify")
def verify_known(digest: str) -> ResponseReturnValue:
    """The address in a receipt's QR code: the receipt itself, checked now."""
    session = current_session()
    receipt = receipts.find_by_hash(session, digest)
    if receipt is None:
        raise NotFound("receipt")
    verdict = verdicts.judge(session, receipt.jws, now=utc_now())
    return pages.render("credentials/verify.html", form=VerifyForm(formdata=None), verdict=verdict)


@bp.get("/trust/status/<int:number>")
@guard("trust:view")
def status_list(number: int) -> ResponseReturnValue:
    """A signed status list, as of now."""
    session = current_session()
    token = status.list_token(session, settings_of(session), number, now=utc_now())
    return Response(token, mimetype="application/statuslist+jwt")


@bp.get("/my-receipts/")
@guard("credential:view")
def my_receipts() -> ResponseReturnValue:
    """Every receipt of this household, and every credential that was issued about it."""
    session, household_id, now = current_session(), own_household(), utc_now()
    names = _names(session, household_id)
    issued = [one for one in service.list_of_household(session, household_id) if one.consent_chain_id in names]
    return pages.render(
        "credentials/my_receipts.html",
        receipts=[one for one in receipts.list_of_household(session, household_id) if one.chain_id in names],
        names=names,
        issued=[(one, status.state_of(session, one, now=now)) for one in issued],
    )


def _names(session: Session, household_id: str) -> dict[str, str]:
    """Consent ► its recipient's name, of the consents that are the reader's own or the household's."""
    heard = voices(session, actor=current_actor(), now=utc_now())
    return {one.chain_id: one.recipient_name for one in of_voices(list_of_household(session, household_id), heard)}


@bp.get("/my-receipts/<chain_id>/<int:version>")
@guard("credential:view")
def receipt(chain_id: str, version: int) -> ResponseReturnValue:
    """One receipt in plain words, with its QR code."""
    found = _own(chain_id, version)
    address = settings_of(current_session()).base_url + url_for("credentials.verify_known", digest=found.sha256)
    picture = segno.make(address, error="m").svg_data_uri(scale=3, border=2)
    record = verdicts.record_in(found.jws)
    return pages.render("credentials/receipt.html", receipt=found, record=record, picture=picture)


@bp.get("/my-receipts/<chain_id>/<int:version>.jws")
@guard("credential:view")
def receipt_file(chain_id: str, version: int) -> ResponseReturnValue:
    """The signed receipt as a file, for `shanqiao-verify receipt`."""
    found = _own(chain_id, version)
    answer = Response(found.jws, mimetype="application/jose")
    answer.headers["Content-Disposition"] = f'attachment; filename="receipt-{found.sha256[:12]}.jws"'
    return answer


def _own(chain_id: str, version: int) -> ConsentReceipt:
    session = current_session()
    found = session.get(ConsentReceipt, (chain_id, version))
    if found is None or found.household_id != own_household() or chain_id not in _names(session, found.household_id):
        raise NotFound("receipt")
    return found


@bp.route("/my-receipts/credentials/<credential_id>/revoke", methods=["GET", "POST"])
@guard("credential:revoke")
@writes
def revoke(credential_id: str) -> ResponseReturnValue:
    """Ask, then end one credential; the consent stays."""
    back = url_for("credentials.my_receipts")
    if request.method == "POST":
        service.revoke(current_session(), credential_id, actor=current_actor(), now=utc_now(), reason="household")
        return pages.done(_("It has ended. Whoever asks learns it within minutes."), to=back)
    service.owned(current_session(), credential_id, current_actor())
    return pages.confirm(
        layout="household",
        title=_("End this credential?"),
        button=_("End it"),
        back=back,
        intro=_("The organisation can no longer show it to anybody. Your consent stays as it is."),
    )


@bp.post("/credentials/<credential_id>/suspend")
@guard("credential:suspend")
@writes
def suspend(credential_id: str) -> ResponseReturnValue:
    """Stop one credential while something about it is looked into."""
    service.suspend(current_session(), credential_id, actor=current_actor(), now=utc_now(), reason="looked_into")
    return pages.done(_("Suspended. Whoever asks learns it within minutes."), to=_household_of(credential_id))


@bp.post("/credentials/<credential_id>/resume")
@guard("credential:suspend")
@writes
def resume(credential_id: str) -> ResponseReturnValue:
    """Let it be good again."""
    service.resume(current_session(), credential_id, actor=current_actor(), now=utc_now())
    return pages.done(_("It is good again."), to=_household_of(credential_id))


def _household_of(credential_id: str) -> str:
    """The staff's page of the household it is about."""
    credential = current_session().get_one(IssuedCredential, credential_id)
    return url_for("decisions.household_consents", household_id=credential.household_id)
