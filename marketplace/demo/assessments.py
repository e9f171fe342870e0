"""The impact assessments of the demonstration: one for each purpose and kind of giver, and one draft to decide on.

What enters: the kinds of giver in the city. What leaves: approved assessments, written by one person and approved by
another, without which nothing could be disclosed. Called by `build` before the first match.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.assessments import service
from marketplace.organisations.models import OrganisationKind
from marketplace.reference import purposes

NECESSITY = "没有这些信息，这项帮扶无法送达；能用匿名信息的环节一律不给。"
RISKS = "接收方人员可能知道这户人家受助；敏感信息泄露会伤害当事人。"
MEASURES = "逐一单独同意，逐项勾选，每次查看留痕并让家庭看到；到期删除；违约停权。"


def assess(
    session: Session, kinds: Iterable[OrganisationKind], /, *, writer: Actor, second: Actor, now: datetime
) -> None:
    """Each purpose whole for each kind of giver; what an insurer may never see is left out."""
    for kind in sorted(set(kinds)):
        insurer = kind is OrganisationKind.INSURER
        for purpose in purposes.list_purposes():
            if purpose.code == "AUTO_MATCH":
                continue
            if not insurer or purpose.code in (*purposes.INSURER_PURPOSES, "PAYMENT", "DONOR_FEEDBACK", "PUBLICITY"):
                draft = _write(session, purpose.code, kind.value, purpose.fields, writer=writer, now=now)
                service.approve(session, draft, actor=second, now=now)
    _write(session, "LEGAL_HELP", OrganisationKind.ENTERPRISE.value, ("name",), writer=writer, now=now)


def _write(session: Session, purpose: str, kind: str, fields: Iterable[str], *, writer: Actor, now: datetime) -> str:
    return service.write(
        session,
        purpose,
        kind,
        data_fields=fields,
        necessity=NECESSITY,
        risks=RISKS,
        measures=MEASURES,
        actor=writer,
        now=now,
    ).id
