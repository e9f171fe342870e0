"""The face check: only under its own separate consent, at a provider, with a signed answer and no picture kept here.

Enters: a person's yes to face checks, a waiting check, a provider's door. Leaves: a consent row, the number of a face
check, and its signed answer as a hash. The network is asked between two short transactions by the page. Not offered for
children. Called by this room's household pages.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, select

from adapters.face import FaceResult, FaceTask
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import ConsentMissing, NotFound, WrongState
from marketplace.households.models import Person
from marketplace.liveness import service
from marketplace.liveness.dead import require_scheduled
from marketplace.liveness.models import FaceConsent, SurvivalCheck, Way
from marketplace.policy import require
from marketplace.sealed import vault_of

CHILD_BELOW = 14
NOTICE = {
    "zh_Hans": "人脸认证由专门机构完成：您在该机构的页面上对着镜头，机构只告诉我们“是本人、在世”或“不能确认”，并签名。"
    "善桥不接收、不保存您的人脸照片或视频。不同意也完全可以：短信验证码、视频通话、上门、到窗口，效力相同。"
    "您可以随时撤回，撤回后不再进行人脸认证。",
    "en": "A face check is done by a special provider: you look into the camera on its page, and it tells us only, "
    "with its signature, that it is you and alive, or that it cannot tell. We neither receive nor keep a picture or "
    "video of your face. You may just as well say no: a code to your phone, a video call, a home visit and the counter "
    "count the same. You may take this back at any time; then there are no more face checks.",
}
"""What is agreed to; the hash of both wordings lies with the consent, so that a later wording is a later consent."""


def consent_of(session: Session, person_id: str, /) -> FaceConsent | None:
    """The living yes to this wording."""
    wanted = select(FaceConsent).where(FaceConsent.person_id == person_id, col(FaceConsent.withdrawn_at).is_(None))
    found = session.exec(wanted).one_or_none()
    return found if found is not None and found.notice_sha256 == _wording() else None


def _wording() -> str:
    return sha256("\n".join(NOTICE.values()).encode()).hexdigest()


def give(session: Session, person_id: str, /, *, actor: Actor, now: datetime) -> FaceConsent:
    """The person's own yes; neither a helper nor anybody of the household says it for somebody else."""
    person = _own(session, person_id, actor=actor)
    if person.birth_year is None or local_day(now).year - person.birth_year <= CHILD_BELOW:
        raise WrongState("face_not_for_children")
    withdraw(session, person_id, actor=actor, now=now)
    row = FaceConsent(
        id=new_id(), person_id=person.id, household_id=person.household_id, notice_sha256=_wording(), given_at=now
    )
    return _record(session, row, "face:agree", actor=actor, now=now)


def withdraw(session: Session, person_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Taken back: no face check from now on. Nothing else changes; without a yes there is nothing to do."""
    person = _own(session, person_id, actor=actor)
    wanted = select(FaceConsent).where(FaceConsent.person_id == person.id, col(FaceConsent.withdrawn_at).is_(None))
    row = session.exec(wanted.with_for_update()).one_or_none()
    if row is not None:
        row.withdrawn_at = now
        _record(session, row, "face:withdraw", actor=actor, now=now)


def _own(session: Session, person_id: str, *, actor: Actor) -> Person:
    person = session.get(Person, person_id)
    require(actor, "survival:face", household_id=person.household_id if person is not None else None)
    if person is None:
        raise NotFound("person")
    signer = session.get(Person, actor.id) if actor.role is Role.HOUSEHOLD else None
    if signer is not None and signer.id != person.id:
        raise WrongState("own_check_only")
    return person


def ready(session: Session, check_id: str, /, *, actor: Actor) -> tuple[SurvivalCheck, str]:
    """The waiting check and the keyed mark of the person, if a face check may begin."""
    found = service.waiting_for(session, check_id, "survival:face", actor=actor)
    _own(session, found.person_id, actor=actor)
    require_scheduled(found)
    if consent_of(session, found.person_id) is None:
        raise ConsentMissing("face_consent_missing")
    return found, vault_of(session).index("face-subject", found.person_id)


def begun(session: Session, check_id: str, task: FaceTask, /, *, actor: Actor, now: datetime) -> SurvivalCheck:
    """The provider has opened a check under this number."""
    found, _subject = ready(session, check_id, actor=actor)
    found.face_ref = task.reference[:64]
    session.add(found)
    entry = audit.Entry("face:begin", object_ref=found.id, subject=found.person_id)
    audit.record(session, entry, actor=actor, now=now)
    return found


def finish(session: Session, check_id: str, result: FaceResult, /, *, actor: Actor, now: datetime) -> bool:
    """Keep the hash of the signed answer. Not recognised is not dead: the other ways stay open."""
    found, _subject = ready(session, check_id, actor=actor)
    if not found.face_ref or result.reference != found.face_ref:
        raise WrongState("face_not_begun")
    found.face_sha256, found.face_ref = sha256(result.signed.encode()).hexdigest(), ""
    if not result.alive:
        found.tries += 1
        session.add(found)
        entry = audit.Entry("face:unsure", object_ref=found.id, subject=found.person_id)
        audit.record(session, entry, actor=actor, now=now)
        return False
    service.mark_seen(session, found, Way.FACE, actor=actor, now=now)
    return True


def _record(session: Session, row: FaceConsent, action: str, *, actor: Actor, now: datetime) -> FaceConsent:
    session.add(row)
    flush(session)
    entry = audit.Entry(action, object_ref=row.id, subject=row.person_id, purpose="face_check")
    audit.record(session, entry, actor=actor, now=now)
    return row
