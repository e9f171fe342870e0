"""An offer in the making: answers kept between the steps of the wizard, for a new offer, a copy or a change.

Enters: what each step typed, as JSON values. Leaves: a draft row, and at the end a posted or changed offer. A draft is
seen by its own organisation only and is never matched; it ends when it is posted or thrown away. A change keeps what
the offer said when it began (`BASE`): at its end only what was answered otherwise is changed, whatever colleagues,
tables and confirmations did meanwhile; what they changed too has to be answered again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound
from marketplace.offers.donors import DonorPaper
from marketplace.offers.models import Acceptance, Offer, OfferDraft
from marketplace.offers.service import copied_terms, get_offer, post_offer, revise_offer
from marketplace.offers.terms import CONFIRMED_FOR, DAYS, LISTS, NAMES, Terms, terms_of
from marketplace.organisations.service import require_active
from marketplace.policy import require

BASE = "base"
"""Under which answer a change keeps the terms from which it began."""


def start_draft(session: Session, /, *, org_id: str, actor: Actor, now: datetime) -> OfferDraft:
    """An empty draft: half a year from today, each match answered by the giver."""
    require(actor, "offer:post", org_id=org_id)
    require_active(session, org_id)
    answers = {"valid_to": (local_day(now) + CONFIRMED_FOR).isoformat(), "acceptance": Acceptance.EACH.value}
    return _added(session, OfferDraft(org_id=org_id, answers=answers, **_stamp(actor, now)))


def draft_copy(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> OfferDraft:
    """A draft for a new offer on the terms of an old one."""
    offer = get_offer(session, offer_id, actor=actor)
    require(actor, "offer:post", org_id=offer.org_id)
    terms = copied_terms(offer, terms_of(offer), on=local_day(now))
    return _added(session, OfferDraft(org_id=offer.org_id, answers=answers_of(terms), **_stamp(actor, now)))


def draft_change(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> OfferDraft:
    """A draft that will change a posted offer."""
    offer = get_offer(session, offer_id, actor=actor)
    require(actor, "offer:edit", org_id=offer.org_id)
    said = answers_of(terms_of(offer))
    draft = OfferDraft(org_id=offer.org_id, offer_id=offer.id, answers=said | {BASE: said}, **_stamp(actor, now))
    return _added(session, draft)


def get_draft(session: Session, draft_id: str, /, *, actor: Actor) -> OfferDraft:
    """One's own organisation's draft."""
    draft = session.get(OfferDraft, draft_id)
    if draft is None:
        raise NotFound("offer_draft")
    require(actor, "offer:post", org_id=draft.org_id)
    return draft


def list_drafts(session: Session, /, *, actor: Actor) -> list[OfferDraft]:
    """The actor's organisation's drafts, the newest first."""
    require(actor, "offer:list", org_id=actor.org_id)
    rows = select(OfferDraft).where(col(OfferDraft.org_id) == actor.org_id)
    return list(session.exec(rows.order_by(col(OfferDraft.updated_at).desc(), col(OfferDraft.id)).limit(50)))


def save_answers(session: Session, draft: OfferDraft, /, *, answers: Mapping[str, Any], now: datetime) -> OfferDraft:
    """Keep one step's answers (plain values of `Terms`); another kind of need forgets the amounts of the old one."""
    kept = dict(draft.answers)
    given = _plain(answers)
    if "category" in given and given["category"] != kept.get("category"):
        for name in ("stock_units", "lot", "min_per_need", "max_per_need", "max_per_household", "unit_cost_fen"):
            kept.pop(name, None)
    if again := set(given) & set(changed_meanwhile(session, draft)):
        kept[BASE] = kept[BASE] | {name: _now(session, draft)[name] for name in again}
    draft.answers = kept | given
    draft.updated_at = now
    session.add(draft)
    flush(session)
    return draft


def terms_in(draft: OfferDraft) -> Terms:
    """The draft's answers as terms; a question not yet answered keeps its usual answer."""
    return _terms(draft.answers)


def terms_now(session: Session, draft: OfferDraft) -> Terms:
    """What posting the draft would say: of a change what was answered otherwise, the rest as the offer stands now."""
    return terms_in(draft) if draft.offer_id is None else _terms(_now(session, draft) | _changed(draft))


def changed_meanwhile(session: Session, draft: OfferDraft) -> list[str]:
    """The fields that this change and somebody else since it began have both changed, each to something else."""
    if draft.offer_id is None or BASE not in draft.answers:
        return []
    base, now = draft.answers[BASE], _now(session, draft)
    return [
        name for name, mine in _changed(draft).items() if _alike(now[name]) not in (_alike(base[name]), _alike(mine))
    ]


def _now(session: Session, draft: OfferDraft) -> dict[str, Any]:
    return answers_of(terms_of(session.get_one(Offer, draft.offer_id)))


def _changed(draft: OfferDraft) -> dict[str, Any]:
    """What a change answers otherwise than the offer did when it began."""
    base = draft.answers.get(BASE, {})
    said = {name: draft.answers[name] for name in NAMES if name in draft.answers}
    return {name: value for name, value in said.items() if name not in base or _alike(value) != _alike(base[name])}


def _alike(value: Any) -> Any:
    """Lists in any order say the same."""
    return sorted(value) if isinstance(value, list) else value


def _terms(said: Mapping[str, Any]) -> Terms:
    answers: dict[str, Any] = {name: value for name, value in said.items() if name in NAMES}
    answers |= {name: tuple(answers[name]) for name in LISTS if name in answers}
    answers |= {name: date.fromisoformat(answers[name]) for name in DAYS if answers.get(name)}
    if "acceptance" in answers:
        answers["acceptance"] = Acceptance(answers["acceptance"])
    whole: dict[str, Any] = {"title": "", "category": "", "stock_units": 0} | answers
    return Terms(**whole)


def answers_of(terms: Terms) -> dict[str, Any]:
    """Terms as the JSON values of a draft."""
    return _plain({name: getattr(terms, name) for name in NAMES})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        return list(value) if isinstance(value, tuple) else getattr(value, "value", value)

    return {name: plain(value) for name, value in values.items()}


def finish_draft(session: Session, draft: OfferDraft, /, *, actor: Actor, now: datetime) -> Offer:
    """Post the draft's offer, or change the one it belongs to, which is locked first; the draft ends."""
    if draft.offer_id is not None:
        session.get(Offer, draft.offer_id, with_for_update=True, populate_existing=True)
    for name in changed_meanwhile(session, draft):
        raise BadInput("changed_meanwhile", field=name)
    terms, other = terms_now(session, draft), bool(draft.answers.get("other_project"))
    if draft.offer_id is None:
        offer = post_offer(session, terms, org_id=draft.org_id, actor=actor, now=now, other_project=other)
    else:
        paper = _paper(draft)
        told: dict[str, Any] = {"terms": terms, "paper": paper, "other_project": other}
        offer = revise_offer(session, draft.offer_id, actor=actor, now=now, **told)
    session.delete(draft)
    flush(session)
    return offer


def _paper(draft: OfferDraft) -> DonorPaper | None:
    """The donor's consent that was typed in with the change."""
    document, signed_on = draft.answers.get("donor_document"), draft.answers.get("donor_signed_on")
    return DonorPaper(document, date.fromisoformat(signed_on)) if document and signed_on else None


def drop_draft(session: Session, draft: OfferDraft, /, *, actor: Actor) -> None:
    """Throw the draft away."""
    require(actor, "offer:post", org_id=draft.org_id)
    session.delete(draft)
    flush(session)


def _stamp(actor: Actor, now: datetime) -> dict[str, Any]:
    return {"id": new_id(), "created_by": actor.id, "updated_at": now}


def _added(session: Session, draft: OfferDraft) -> OfferDraft:
    session.add(draft)
    flush(session)
    return draft
