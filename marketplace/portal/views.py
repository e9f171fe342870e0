"""Start page, homes, consents, messages, audit page and dead letters.

Enters: whoever asks. Leaves: pages gathered from the rooms below; nothing is decided here.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlmodel import col, select

from marketplace import audit as chain
from marketplace import notices
from marketplace.accounts import service as accounts
from marketplace.accounts.cookies import settings, with_cookie
from marketplace.actors import Role
from marketplace.audit import AuditRow
from marketplace.calendar import is_announced, local_day, utc_now
from marketplace.consent.ask import LIVING, auto_match_of, list_of_household
from marketplace.consent.capacity import letters_of, of_voices, voices
from marketplace.consent.models import Purpose
from marketplace.decisions.cards import progress_of
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.models import Household, Person
from marketplace.meetings.words import PURPOSES, when
from marketplace.organisations.models import Organisation
from marketplace.portal import mail, numbers, proving
from marketplace.proposals.scarcity import newest_scarce
from marketplace.reference.words import list_codes
from marketplace.reports import standing
from marketplace.sharing import deletions
from marketplace.sharing.looks import count_staff_looks, looks_of, staff_looks
from marketplace.sharing.service import disclosures_of
from marketplace.web import pages
from marketplace.web.codes import word
from marketplace.web.nav import opens
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

LOOKS_AHEAD = timedelta(days=60)
"""So far ahead the longest ordinary limit ends: within it the holidays must be known."""
bp = Blueprint("portal", __name__)
ON_PAPER = 8
"""So many looks stand on the printed sheet."""


@bp.route("/", methods=["GET"])
@guard("start:view")
def start() -> ResponseReturnValue:
    """Three ways in; in demonstration mode also one button a role and the tour."""
    demo: dict[str, Any] = current_app.extensions.get("demo", {}) if settings().demo else {}
    return pages.render("portal/start.html", accounts=demo.get("accounts", ()), tour=demo.get("tour", ()))


@bp.route("/demo/household", methods=["POST"])
@guard("account:demo")
@writes
def demo_household() -> ResponseReturnValue:
    """Demonstration only: sign in as a household that has an offer to answer, else as any."""
    if not settings().demo:
        raise NotFound("not_found")
    session = current_session()
    waiting = select(Match.household_id).where(col(Match.state) == MatchState.AWAITING_HOUSEHOLD)
    household_id = session.exec(waiting.order_by(col(Match.id))).first()
    household_id = household_id or session.exec(select(Household.id).order_by(col(Household.id))).first()
    people = select(Person).where(col(Person.household_id) == household_id, col(Person.contact).is_(True))
    person = session.exec(people.order_by(col(Person.id))).first()
    if person is None:
        raise NotFound("household")
    token = accounts.open_for_person(session, person.id, person.household_id, now=utc_now())
    return with_cookie(make_response(redirect(url_for("portal.household_home"), code=303)), token)


@bp.route("/home", methods=["GET"])
@guard("household:view")
def household_home() -> ResponseReturnValue:
    """Each need with its five stages, the dates and who holds it now."""
    session, household_id = current_session(), own_household()
    progress = progress_of(session, household_id)
    consents = list_of_household(session, household_id)
    matched = any(c.purpose is Purpose.AUTO_MATCH and c.state in LIVING for c in consents)
    return pages.render("portal/household_home.html", progress=progress, matched=matched)


@bp.route("/my-consents", methods=["GET"])
@guard("consent:view")
def my_consents() -> ResponseReturnValue:
    """Every consent, who saw what under it and when, and the way to withdraw it."""
    session, household_id, now = current_session(), own_household(), utc_now()
    heard = voices(session, actor=current_actor(), now=now)
    consents = of_voices(list_of_household(session, household_id), heard)
    seen: dict[str, list[Any]] = {}
    for disclosure in disclosures_of(session, household_id, heard=heard):
        seen.setdefault(disclosure.consent_chain_id or "", []).append(disclosure)
    emergencies = [look for look in looks_of(session, household_id, heard=heard) if look.emergency]
    living = [consent for consent in consents if consent.state in LIVING and consent.valid_to > now]
    return pages.render(
        "portal/my_consents.html",
        living=living,
        ended=[consent for consent in consents if consent not in living],
        seen=seen,
        deletions=deletions.of_consents(session, (consent.chain_id for consent in consents)),
        emergencies=emergencies,
        proven=proving.proven_to(session),
        matched=any(c.purpose is Purpose.AUTO_MATCH for c in living),
        others_yes=auto_match_of(session, household_id, now=now) is not None,
    )


@bp.get("/my-trail/<int:seq>.json")
@guard("audit:proof")
def proof(seq: int) -> ResponseReturnValue:
    """One act about this household or who speaks here, or a list in which it stood, with the proof that it is in the
    log; another adult's words and looks are as unknown as a missing row."""
    session, home, actor = current_session(), own_household(), current_actor()
    heard = voices(session, actor=actor, now=utc_now())
    helper = actor.id if actor.role is Role.HELPER else ""
    found = proving.own_proof(session, seq, home=home, heard=heard, helper=helper)
    answer = Response(json.dumps(found, ensure_ascii=False), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="row-{seq}.json"'
    return answer


OF_REQUESTS = ("right:look",)
"""Looks that no helper reads: they tell that the person has asked for something without it."""


@bp.route("/who-saw", methods=["GET"])
@guard("household:view")
def who_saw() -> ResponseReturnValue:
    """Every look at this household: who, when, what, why and on what ground."""
    session, home = current_session(), own_household()
    heard = voices(session, actor=current_actor(), now=utc_now())
    but = OF_REQUESTS if current_actor().role is Role.HELPER else ()
    page = Page(page_number(), count_staff_looks(session, home, heard=heard, but=but))
    return pages.render(
        "portal/who_saw.html",
        looks=looks_of(session, home, heard=heard),
        staff=staff_looks(session, home, heard=heard, offset=page.offset, most=page.size, but=but),
        page=page,
        proven=proving.proven_to(session),
        why=why_staff_looked,
        when=when,
    )


def why_staff_looked(look: AuditRow) -> str:
    """The reason that a member of staff gave, in words; some pages are opened for one thing only and ask for none."""
    if look.action == "household:file":
        return str(PURPOSES.get(look.purpose, "—"))
    if look.action.startswith("portrait:"):
        return word(look.purpose, "portrait_purpose")
    if look.action == "export:row":
        return word(look.purpose, "export_purpose")
    return word(look.rule_id, "reveal_reason") if look.rule_id in list_codes("reveal_reason") else "—"


@bp.app_template_global()
def who_looked(household_id: str) -> list[dict[str, Any]]:
    """The newest looks of others and of staff, few enough for one sheet of paper."""
    session = current_session()
    heard = voices(session, actor=current_actor(), now=utc_now())
    others: list[dict[str, Any]] = [
        {"at": look.at, "who": look.organisation, "role": "", "act": "", "fields": look.fields}
        for look in looks_of(session, household_id, heard=heard)
    ]
    staff: list[dict[str, Any]] = [
        {
            "at": when(look.at),
            "who": "",
            "role": look.actor_role,
            "act": look.action,
            "fields": look.fields.split(",") if look.fields else [],
        }
        for look in staff_looks(session, household_id, heard=heard, most=ON_PAPER)
    ]
    return sorted([*others, *staff], key=lambda look: look["at"], reverse=True)[:ON_PAPER]


@bp.route("/messages", methods=["GET"])
@guard("notice:view")
def household_messages() -> ResponseReturnValue:
    """Everything this household was told."""
    letters = letters_of(current_session(), own_household(), actor=current_actor(), now=utc_now())
    return pages.render("portal/household_messages.html", letters=letters)


@bp.route("/charity", methods=["GET"])
@guard("home:view")
def charity_home() -> ResponseReturnValue:
    """Three numbers and what to do next."""
    session, org_id = current_session(), current_actor().org_id
    organisation = session.get(Organisation, org_id) if org_id else None
    if organisation is None:
        raise NotFound("organisation")
    return pages.render(
        "portal/charity_home.html",
        organisation=organisation,
        counts=numbers.of_giver(session, organisation.id, on=local_day(utc_now())),
        letters=notices.of_organisation(session, organisation.id, limit=5),
        scarce=newest_scarce(session, actor=current_actor(), limit=10)[1] if opens("proposals.gift_index") else [],
    )


@bp.route("/staff", methods=["GET"])
@guard("home:view")
def staff_home() -> ResponseReturnValue:
    """The staff's day: what waits for a person, what this one holds, and the newest letters to it."""
    if current_actor().household_id or current_actor().org_id:
        raise NotFound("not_found")
    session, actor = current_session(), current_actor()
    now = utc_now()
    counts, year = numbers.of_staff(session, actor, now=now), local_day(now + LOOKS_AHEAD).year
    letters = mail.of_staff(session, actor, now=now)
    unannounced = "" if is_announced(year) else year
    return pages.render("portal/staff_home.html", counts=counts, letters=letters, unannounced=unannounced)


@bp.route("/audit/", methods=["GET"])
@guard("audit:view")
def audit() -> ResponseReturnValue:
    """The chain, newest rows first; no row names a person."""
    session = current_session()
    action = request.args.get("action", "")[:64]
    page = Page(number=page_number(), total=chain.count(session, action=action), size=50)
    rows = chain.newest(session, action=action, offset=page.offset, limit=page.size)
    return pages.render("portal/audit.html", rows=rows, page=page, action=action, actions=chain.actions(session))


@bp.route("/audit/verify", methods=["POST"])
@guard("audit:view")
def audit_verify() -> ResponseReturnValue:
    """Recompute the whole chain now, and what it says of every consent, match and need."""
    verdict = standing.verify(current_session())
    if verdict.bad_seq:
        return pages.refuse(
            _("Row %(seq)s is the first that does not hold: %(fault)s", seq=verdict.bad_seq, fault=verdict.fault),
            to=url_for("portal.audit"),
        )
    return pages.done(_("All %(rows)s rows hold.", rows=verdict.rows), to=url_for("portal.audit"))


@bp.route("/dead-letters", methods=["GET"])
@guard("notice:dead_letters")
def dead_letters() -> ResponseReturnValue:
    """Letters that could not be delivered and wait for a person."""
    letters = notices.dead_letters(current_session(), actor=current_actor())
    return pages.render("portal/dead_letters.html", letters=letters)


@bp.route("/dead-letters/<notice_id>/retry", methods=["POST"])
@guard("notice:retry")
@writes
def retry_letter(notice_id: str) -> ResponseReturnValue:
    """Put one back into the queue."""
    notices.retry(current_session(), notice_id, actor=current_actor(), now=utc_now())
    return pages.done(_("The letter is queued again."), to=url_for("portal.dead_letters"))
