"""One household, one file, as pages: choose the purpose, then read or print; each opening is in the audit chain.

Enters: staff of the household's district. Leaves: pages; names masked.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.meetings import household_file, words
from marketplace.meetings.doors import bp
from marketplace.meetings.household_file import PURPOSES
from marketplace.meetings.named import name_of
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.reference.needs import need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.web import pages
from marketplace.web.transactions import current_database, current_session


@bp.get("/households/<household_id>")
@guard("household:file")
def file_purpose(household_id: str) -> ResponseReturnValue:
    """Ask for the purpose before anything is shown."""
    home = household_file.household_of(current_session(), household_id, actor=current_actor())
    ways = [
        {"label": words.PURPOSES[code], "href": url_for(".file", household_id=home.id, purpose=code)}
        for code in PURPOSES
    ]
    return pages.render("meetings/file_purpose.html", ways=ways, household=home)


@bp.get("/households/<household_id>/file")
@guard("household:file")
def file(household_id: str) -> ResponseReturnValue:
    """The whole file. The look is written and committed before a word of it is read."""
    purpose, actor = request.args.get("purpose", "")[:32], current_actor()
    if purpose not in PURPOSES:
        raise BadInput("purpose_missing", field="purpose")
    with current_database().transaction() as session:
        household_file.write_look(session, household_id, purpose=purpose, actor=actor, now=utc_now())
    session = current_session()
    found = household_file.open_file(session, household_id, actor=actor)
    people = {row.decided_by for rows in found.decisions.values() for row in rows}
    people |= {duty.officer_id for duty in found.duties} | {row.approver_id for row in found.urgent}
    people |= {row.actor_ref for row in found.looks}
    response = pages.render(
        "meetings/file.html",
        file=found,
        purpose=words.PURPOSES[purpose],
        words=words,
        who={one: name_of(session, one) for one in people},
        aid=[(row, _unit(row.category)) for row in found.aid],
        titles={seen.line.offer_id: _title(seen.line.offer_id) for seen in found.runs if seen.line is not None},
        organisations={row.recipient_org_id: _organisation(row.recipient_org_id) for row in found.disclosures},
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _unit(category: str) -> str:
    """The unit of a kind of need; aid of a kind that is not in the taxonomy is shown as a bare number."""
    try:
        return need_kind(category).unit
    except UnknownCode:
        return ""


def _title(offer_id: str) -> str:
    return current_session().get_one(Offer, offer_id).title


def _organisation(org_id: str) -> str:
    return current_session().get_one(Organisation, org_id).name
