"""The sealed papers of an application: photos drawn anew, bills, signatures; and that it is still a draft.

Enters: bytes or a signed name, and the person whose it is. Leaves: one `CasePaper` under that person's key. Called by
`service` and the pages of applying.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from adapters.pictures import NotAPicture, clean_jpeg
from marketplace import audit, notices
from marketplace.actors import STAFF, Actor, Role
from marketplace.cases.models import Case, CaseItem, CasePaper, CaseState, PaperKind
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, WrongState
from marketplace.households import guardians, kin
from marketplace.households.models import Person
from marketplace.policy import require
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SignedBy
from marketplace.readback.service import Heard
from marketplace.sealed import vault_of

COLUMN = "aid_paper.body"
WORDING = "2026-11"
"""The version of the authorisation's words (核查授权书); it is kept with each signature."""
MOST_PAPERS = 12
READING = "apply"
"""Under this act the reading of an application is kept."""
SIGNED_AS = {
    SignedBy.OWN_HAND: PaperKind.TYPED,
    SignedBy.THUMBPRINT: PaperKind.THUMBPRINT,
    SignedBy.WITNESSES: PaperKind.WITNESSED,
    SignedBy.SPOKEN: PaperKind.SPOKEN,
}
"""How a person signed who was read to ► the signature that is kept."""
SIGNATURES = (
    PaperKind.TYPED,
    PaperKind.DRAWN,
    PaperKind.THUMBPRINT,
    PaperKind.WITNESSED,
    PaperKind.SPOKEN,
    PaperKind.BY_AGENT,
)


def require_draft(session: Session, case: Case, /, *, actor: Actor) -> None:
    """The actor may write in it, and it has not been sent; until the end of the transaction nobody else writes in it,
    so that what is signed and sent is what was read."""
    require(actor, "case:apply", household_id=case.household_id, district=case.district_code)
    flush(session)
    session.refresh(case, with_for_update=True)
    if case.state is not CaseState.DRAFT:
        raise WrongState("case_sent")


def signer_of(session: Session, case: Case, /, *, now: datetime) -> str:
    """Who signs and speaks in it today; empty where a child has no guardian any more."""
    return guardians.voice_of(session, session.get_one(Person, case.subject_id), case.signer_id, now=now)


def hand_over(session: Session, case: Case, signer: str, /, *, actor: Actor, now: datetime) -> None:
    """A draft whose signer speaks for the person no more is `signer`'s, who signs it anew."""
    if signer_of(session, case, now=now) == case.signer_id:
        return
    case.signer_id = signer
    session.add(case)
    unsign(session, case, actor=actor, now=now)


def unsign(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> None:
    """A draft is changed: what was signed is not what stands there any more. Where somebody else changed it the person
    is told, and signs again whatever it wants to be sent."""
    signed = _last_signature(session, case.id)
    if case.signed_at is None or signed is None:
        return
    case.signed_at = None
    session.add(case)
    flush(session)
    entry = audit.Entry("case:unsign", object_ref=case.id, subject=case.household_id, rule_id=case.proxy_id or "")
    audit.record(session, entry, actor=actor, now=now)
    if actor.id != case.signer_id:
        key = f"unsigned:{signed.id}"
        notices.post(session, "case_unsigned", key=key, household_id=case.household_id, now=now)


def keep_answers(session: Session, case: Case, told: Mapping[str, Any], /, *, actor: Actor, now: datetime) -> None:
    """Other answers in a draft void its signature; the same once more, or a question left empty, change nothing."""
    before, case.answers = case.answers, {**case.answers, **told}
    if _said(before) != _said(case.answers):
        unsign(session, case, actor=actor, now=now)


def _said(answers: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in answers.items()}
    return {name: value for name, value in told.items() if value not in (None, "", [])}


def require_signed(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> None:
    """What is sent was signed by who speaks for the person, and not changed since. Staff send only what they read aloud
    and had signed before them: what the person signed itself waits until the person sends it."""
    signed = _last_signature(session, case.id)
    if case.signed_at is None or signed is None or signer_of(session, case, now=now) != case.signer_id:
        raise BadInput("signed_before" if signed is not None else "not_signed", field="typed_name")
    if actor.role in STAFF and signed.recorded_by != actor.id:
        raise BadInput("sends_itself", field="typed_name")


def add_photo(session: Session, case: Case, data: bytes, /, *, kind: PaperKind, actor: Actor, now: datetime) -> None:
    """A photo of a card or a bill: drawn anew without place and time, then sealed. One of the card that is taken again
    takes the place of the one before."""
    require_draft(session, case, actor=actor)
    text = _drawn_anew(data)
    unsign(session, case, actor=actor, now=now)
    if kind is PaperKind.ID_PHOTO:
        held = select(CasePaper).where(CasePaper.case_id == case.id, CasePaper.kind == kind)
        for older in session.exec(held).all():
            session.delete(older)
    seal_paper(session, case, text, kind=kind, owner=case.subject_id, actor=actor, now=now)


def _drawn_anew(data: bytes) -> str:
    if not data:
        raise BadInput("no_photo", field="photo")
    try:
        return base64.b64encode(clean_jpeg(data)).decode()
    except NotAPicture as error:
        raise BadInput("not_a_picture", field="photo") from error


def add_bill(session: Session, case: Case, data: bytes, /, *, actor: Actor, now: datetime) -> None:
    """A bill or another paper, with the application or while it runs: drawn anew, then sealed. In a draft it voids the
    signature unless who signs hands it in."""
    require(actor, "case:answer", household_id=case.household_id, district=case.district_code)
    if case.state not in (CaseState.DRAFT, CaseState.OPEN):
        raise WrongState("case_closed")
    text = _drawn_anew(data)
    if case.state is CaseState.DRAFT and actor.id != case.signer_id:
        unsign(session, case, actor=actor, now=now)
    seal_paper(session, case, text, kind=PaperKind.BILL, owner=case.subject_id, actor=actor, now=now)


def own_card(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> str:
    """The photo of the card as base64, for the person whose it is, or who signs for a child: whether it can be read."""
    if actor.role is not Role.HOUSEHOLD or actor.id not in (case.subject_id, signer_of(session, case, now=now)):
        return ""
    asked = select(CasePaper).where(CasePaper.case_id == case.id, CasePaper.kind == PaperKind.ID_PHOTO)
    row = session.exec(asked).first()
    return vault_of(session).open_if_kept(session, row.person_id, column=COLUMN, sealed=row.body) if row else ""


def count_bills(session: Session, case_id: str, /) -> int:
    """How many bills lie with a case; whether they fit is said by `looking`."""
    asked = select(CasePaper.id).where(CasePaper.case_id == case_id, CasePaper.kind == PaperKind.BILL)
    return len(session.exec(asked).all())


def seal_paper(
    session: Session, case: Case, text: str, /, *, kind: PaperKind, owner: str, actor: Actor, now: datetime
) -> None:
    """One more paper of a case, sealed under the key of the person it is of. Photos are limited; a signature is never
    in their way."""
    asked = select(CasePaper.id).where(CasePaper.case_id == case.id, col(CasePaper.kind).not_in(SIGNATURES))
    if kind not in SIGNATURES and len(session.exec(asked).all()) >= MOST_PAPERS:
        raise BadInput("enough_papers", field="photo")
    sealed = vault_of(session).seal(session, owner, column=COLUMN, text=text)
    paper = CasePaper(
        id=new_id(),
        case_id=case.id,
        kind=kind,
        person_id=owner,
        body=sealed,
        size_bytes=len(text),
        wording=WORDING if kind in SIGNATURES else "",
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(paper)
    flush(session)
    entry = audit.Entry("case:paper", object_ref=paper.id, subject=case.household_id, rule_id=kind.value)
    audit.record(session, entry, actor=actor, now=now)


def signed_as(actor: Actor, heard: Heard | None, /) -> PaperKind:
    """The kind of a signature that is not drawn."""
    if actor.role is Role.HELPER:
        return PaperKind.BY_AGENT
    return SIGNED_AS[heard.signed] if heard is not None else PaperKind.TYPED


def keep_reading(
    session: Session, case: Case, heard: Heard, /, *, answer: dict[str, bool], actor: Actor, now: datetime
) -> None:
    """With what was answered to each of the two questions besides. What was only spoken is asked again by somebody else
    in any case, the rest by the sample."""
    signer, always = session.get_one(Person, case.signer_id), heard.signed is SignedBy.SPOKEN
    told: Any = {"act": READING, "ref": f"case:{case.id}", "always": always, "answer": answer}
    readback.keep(session, signer, heard, **told, actor=actor, now=now)


def readings_of(session: Session, case_id: str, /) -> list[ReadBack]:
    """How an application was read aloud to whom it is about, the newest first."""
    return [row for row in readback.of_object(session, f"case:{case_id}") if row.act == READING]


def show_signature(session: Session, case: Case, /, *, actor: Actor, now: datetime) -> tuple[CasePaper, str] | None:
    """The signature, if there is one, for staff who print the authorisation with name and number, to have it signed or
    for a bank or another office; the look is written down."""
    require(actor, "case:handle", district=case.district_code)
    kin.refuse_close(session, case.household_id, actor=actor)
    found = signature_of(session, case)
    ref, seen = found[0].id if found is not None else case.id, ("name", "id_number")
    entry = audit.Entry("case:paper_look", object_ref=ref, subject=case.household_id, fields=seen)
    audit.record(session, entry, actor=actor, now=now)
    return found


def signature_of(session: Session, case: Case, /) -> tuple[CasePaper, str] | None:
    """The newest signature under the authorisation, with the name as it was signed; a drawn one has its points."""
    signed = (_last_signature(session, case_id) for case_id in papers_case_ids(session, case))
    row = next((one for one in signed if one is not None), None)
    if row is None:
        return None
    return row, vault_of(session).open_if_kept(session, row.person_id, column=COLUMN, sealed=row.body)


def _last_signature(session: Session, case_id: str) -> CasePaper | None:
    asked = select(CasePaper).where(CasePaper.case_id == case_id, col(CasePaper.kind).in_(SIGNATURES))
    return session.exec(asked.order_by(col(CasePaper.recorded_at).desc(), col(CasePaper.id)).limit(1)).first()


def was_signed(session: Session, case: Case, /) -> bool:
    """Whether a draft was signed and then changed, so that it is signed again."""
    return case.signed_at is None and _last_signature(session, case.id) is not None


def papers_case_ids(session: Session, case: Case, /) -> list[str]:
    """With which applications the papers lie, this one first: what is decided anew, be it for the third time, is
    decided on the papers of the first and on what was handed in since."""
    found = [case.id]
    while case.review_of and (item := session.get(CaseItem, case.review_of)) is not None:
        case = session.get_one(Case, item.case_id)
        found.append(case.id)
    return found


def was_opened(session: Session, act: str, ref: str, /, *, actor: Actor) -> bool:
    """Whether this very officer has opened it."""
    asked = select(audit.AuditRow.seq).where(
        col(audit.AuditRow.object_ref) == ref,
        col(audit.AuditRow.action) == act,
        col(audit.AuditRow.actor_ref) == actor.id,
    )
    return session.exec(asked.limit(1)).first() is not None
