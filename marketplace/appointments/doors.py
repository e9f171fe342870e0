"""The blueprint that the pages of this room hang on, what they share, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from marketplace.errors import DomainError
from marketplace.web.fields import Form

bp = Blueprint("appointments", __name__, url_prefix="/visits")
FAULTS: dict[str, Any] = {
    "too_many_times": _l("Propose between 1 and %(most)s times at once"),
    "time_out_of_reach": _l("Choose a time that has not begun, within the next half year"),
    "not_on_the_half_hour": _l("Begin and end on the hour or at half past, such as 14:30"),
    "window_length": _l("The end must be after the beginning and at most 10 hours later"),
    "not_whole_hours": _l("This service is counted in hours: plan whole hours, such as 14:00 to 16:00"),
    "more_than_matched": _l("Only %(left)s of this match are still without a time: propose fewer or shorter visits"),
    "household_busy": _l("The household would have two visits at one time: choose another time"),
    "nobody_chosen": _l("Choose who comes"),
    "two_people": _l("This service is done by at least %(least)s people at home: choose one more"),
    "youth_alone": _l("A volunteer under age goes to a home only with a grown-up: choose one more"),
    "nobody_drives": _l("Nobody of these can drive: choose a driver too, or correct the skills in the register"),
    "volunteer_not_active": _l("%(who)s is suspended or has ended: choose another volunteer"),
    "volunteer_skill": _l("%(who)s has not the skill for this service: choose another, or correct the register"),
    "volunteer_age": _l("%(who)s may not do this risky work at this age: choose another volunteer"),
    "volunteer_health": _l("%(who)s is not fit for this work by the register: choose another volunteer"),
    "insurance_missing": _l(
        "%(who)s has no insurance that is in force on %(day)s, and this visit is risky: put the policy into the "
        "register, send two people, or choose another volunteer"
    ),
    "nobody_came": _l("Tick who came. If nobody came, say on the visit's page that somebody did not come"),
    "not_booked": _l("Choose somebody who is booked for this visit"),
    "booked_already": _l("%(who)s is booked for this visit already: choose another volunteer"),
    "volunteer_was_here": _l("This person has ended in your register: take the person back there instead"),
    "volunteer_busy": _l("%(who)s is promised elsewhere at this time: choose another time or volunteer"),
    "content_missing": _l("Choose from the list"),
    "minutes_not_possible": _l("More minutes than have passed since the visit began: check the number"),
    "minutes_too_many": _l(
        "At most %(most)s minutes: one hour more than was planned, and not into the next visit of who came"
    ),
    "minutes_too_few": _l("Less than one hour was served: plan the visit again instead"),
    "rating_missing": _l("Choose from the list"),
    "registration_taken": _l("Another volunteer has this number already"),
    "volunteer_known": _l("This person is in your register already"),
    "volunteer_is_another": _l("This ID number belongs to another person: register that person anew"),
    "insurance_incomplete": _l("Fill in policy number and both days, or leave all three empty"),
    "insurance_counted_on": _l(
        "A visit on %(day)s counts on this insurance: record it or call it off first, or enter a policy of that day"
    ),
    "insured_backwards": _l("The insurance ends before it begins: check the two days"),
    "id_length": _l("An ID number has 18 characters: count them"),
    "id_characters": _l("An ID number holds digits only, and perhaps an X at its end"),
    "id_date": _l("The birth date in this number does not exist: compare it with the card"),
    "id_future_date": _l("The birth date in this number lies in the future: compare it with the card"),
    "id_check_digit": _l("The last character does not fit the others: compare the number with the card"),
}
"""What a form says beside the field that an error names."""
SENTENCES: dict[str, Any] = {
    "appointment_moved_on": _l("This visit has moved on in the meantime. Look at its present state before you go on."),
    "visits_without_consent": _l(
        "The household's consent rests or has ended, so no new visit can be agreed. It can say yes again under “My "
        "consents”."
    ),
    "visits_wait_for_call": _l(
        "The household's yes was taken with help: new visits can be agreed a day after the call-back has confirmed it."
    ),
    "not_a_service": _l("This match is not a service: nobody has to come for it."),
    "time_has_passed": _l("This time has passed. Ask for another one."),
    "time_no_longer_possible": _l("This time is no longer possible. Ask for another one; nothing is lost by it."),
    "visit_to_record": _l("This visit has begun. Record it, or say who did not come."),
    "not_begun_yet": _l("This visit has not begun yet. Come back when it has."),
    "not_insured_then": _l(
        "A volunteer of this visit has no insurance for its day, and the visit is risky. Put the policy that was in "
        "force into the register, then record the visit."
    ),
    "too_late_to_dispute": _l(
        "More than 14 days have passed since this was recorded. Please ask civil affairs: they can still strike it."
    ),
    "no_call_waits": _l("No call is waiting for this household. Somebody may have made it already."),
    "nothing_served_yet": _l("Nothing was served yet. Give the match up instead."),
    "volunteer_state": _l("The register has changed in the meantime. Look at the volunteer again."),
}


def say(form: Form, error: DomainError, /) -> None:
    """Put an error beside its field; one that belongs to no field of this form is raised again."""
    name = str(error.facts.get("field", ""))
    if name not in form or error.code not in FAULTS:
        raise error
    form[name].errors = [str(FAULTS[error.code]) % dict(error.facts)]
