"""The blueprint that the pages of this room hang on, what every page shows of a helper, and the room's sentences."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from marketplace.actors import Role
from marketplace.calendar import utc_now
from marketplace.errors import DomainError
from marketplace.guards import current_actor
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.proxies.agents import living_of_phone, phone_index_of
from marketplace.proxies.models import HelpPower
from marketplace.web import Form, current_session

bp = Blueprint("proxies", __name__, url_prefix="/helpers")
SENTENCES: dict[str, Any] = {
    "sees_only": _l("You may look for this person, not act. Ask for the power to answer."),
    "not_in_power": _l("Your power does not name this matter. Ask the person for a power that does."),
    "helper_code_wrong": _l("This code does not fit, has been used by somebody else, or is too old."),
    "power_not_in_force": _l("This power is not in force."),
    "power_moved_on": _l("This has changed in the meantime. Look at it again."),
    "two_people_needed": _l("Whoever wrote a power down does not check it: another person does."),
    "own_helper_only": _l("Each grown-up names its own helper."),
}
FAULTS: dict[str, Any] = {
    "power_term": _l("Choose a day from tomorrow on, within three years"),
    "two_witnesses": _l("Write the names of two witnesses, with a comma between them"),
    "helper_is_the_person": _l("This is the telephone of the person itself: nobody is its own agent"),
    "person_died": _l("A death of this person is on record: it gives no power"),
    "minor_gives_no_power": _l("Nobody under eighteen gives a power: the guardians act for this person by law"),
    "phone_wrong": _l("Write an 11-digit mobile number, such as 138 0000 0000"),
}


def say(form: Form, error: DomainError, /) -> None:
    """Put an error beside its field; one that belongs to none is raised again."""
    name = str(error.facts.get("field", ""))
    if name not in form:
        raise error
    form[name].errors = [FAULTS.get(error.code, _l("Please fill this in"))]


@bp.app_context_processor
def helping() -> dict[str, Any]:
    """For whom a signed-in helper acts, until when, and whether for others too: every page says so."""
    actor, now = current_actor(), utc_now()
    power = current_session().get(HelpPower, actor.id) if actor.role is Role.HELPER else None
    if power is None:
        return {"helping": None}
    person = current_session().get(Person, power.subject_id)
    others = len(living_of_phone(current_session(), phone_index_of(current_session(), actor, now=now), now=now)) > 1
    return {"helping": {"name": masked_name(current_session(), person), "until": power.ends_at, "others": others}}
