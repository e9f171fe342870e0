"""The blueprint that the pages of this room hang on, and what they share."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace.calendar import local_day, utc_now, working_days_between
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS
from marketplace.web.formats import day, moment

bp = Blueprint("decisions", __name__)
SENTENCES = {
    "match_moved_on": _l("This has moved on in the meantime. Look at its present state before you go on."),
    "line_decided": _l("Somebody has decided this line already."),
    "same_person_twice": _l("The second approval must come from another person than the first and the verifier."),
    "no_auto_match": _l("The household's consent to be matched is not in force, so nothing can be done here."),
    "organisation_excluded": _l("The household does not want to be matched with this organisation."),
    "nothing_chosen": _l("Nothing was chosen. Tick at least one line."),
    "too_many_lines": _l("At most %(most)s lines are decided at once. Tick fewer; nothing was changed."),
    "not_accepted_yet": _l("The household has not accepted yet. Nothing about it can be shown before."),
    "consent_not_living": _l("This consent is no longer in force."),
    "result_known": _l("Your result for this delivery is on record already."),
    "followed_up": _l("Somebody has asked already how it went."),
    "needs_visits": _l("This is a service: plan its visits and record each. The last one delivers it."),
    "served_already": _l(
        "Hours that were served cannot be given back. A visit that did not take place can be disputed."
    ),
    "visits_to_record": _l("Some visits of this service have passed. Record first what became of each."),
    "needs_case": _l("This is an insurance case: answer it in the list of cases. Its last answer delivers it."),
    "hit_judge_is_approver": _l(
        "You called a hit of this need no duplicate, or allowed it an exception. Somebody else has to approve it."
    ),
    "bank_says_paid": _l("The bank says that this was paid. Its answer has to say that the money came back."),
    "no_complaint": _l("There is no complaint that waits."),
    "no_call_due": _l("No call is due here: the household still has time, or it has answered."),
    "wanted_before": _l("The household has said this twice and then let the time pass. Ask for a yes or a no."),
    "no_more_time": _l("More time was given already, or the delivery is not late."),
    "clock_not_staff": _l("This step does not wait for staff, or it has ended."),
    "units_outside": _l("Write a number from 1 to the number that was matched."),
    "giver_suspended": _l("This giver is suspended for now, so nobody can say yes to it. Nothing is lost by waiting."),
    "payment_on_its_way": _l(
        "A payment of this grant is with the bank. Wait for its answer, or stop the payment: else it is given twice."
    ),
    "match_held": _l(
        "A person of civil affairs looks at this first: a fact behind it has changed. It goes on afterwards."
    ),
    "match_not_held": _l("This match is not held any longer."),
    "tick_missing": _l("Tick both boxes to accept, or decline: refusing loses nothing."),
}


@bp.app_template_filter("left")
def left(clock: Clock) -> str:
    """How far a step's limit is, in working days."""
    today, last = local_day(utc_now()), clocks.last_day(clock)
    if today > last:
        late = working_days_between(last, today, district=clock.district_code)
        return str(ngettext("%(num)d working day late", "%(num)d working days late", late) if late else _("late"))
    days = working_days_between(today, last, district=clock.district_code)
    if not days:
        return str(_("due today"))
    return str(ngettext("%(num)d working day left", "%(num)d working days left", days))


@bp.app_template_filter("urgency_tone")
def urgency_tone(clock: Clock) -> str:
    """The tag of a step: late, at risk (one working day or less), or in time."""
    today, last = local_day(utc_now()), clocks.last_day(clock)
    if today > last:
        return "late"
    return "wait" if working_days_between(today, last, district=clock.district_code) <= 1 else "plain"


@bp.app_template_filter("until")
def until(clock: Clock) -> str:
    """The last day of a step; where hours count, the hour."""
    return moment(clock.due_at) if STEPS[clock.step].hours else day(clocks.last_day(clock))
