"""The doors of this room: two blueprints' worth of pages under one name, and its sentences for what went wrong."""

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("cases", __name__)
SENTENCES: dict[str, Any] = {
    "guardian_not_verified": _l("For a child a guardian acts who is on the government's record: have it written down."),
    "case_sent": _l("This application has been sent already."),
    "case_closed": _l("This application is finished."),
    "not_signed": _l("Please sign the authorisation first."),
    "signed_before": _l("Something was changed after it was signed: look at the answers, then sign again."),
    "sends_itself": _l(
        "The household signed this itself and sends it itself, on its own telephone. Or read it aloud here: then the "
        "household signs with you, and you send it."
    ),
    "nothing_new": _l(
        "All of this that fits is granted to you or is being decided. If something has changed, say so there, or ask "
        "at your street office."
    ),
    "granted_already": _l("The same is granted to this family already: refuse it, with that as the reason."),
    "letter_missing": _l("Write the number of the department's letter."),
    "item_ended": _l("This item is finished."),
    "step_needs_its_own_page": _l("This step ends with a decision or by itself, not here."),
    "step_not_decided_here": _l("This item does not wait for a decision of yours."),
    "visit_first": _l("Somebody of the staff is close to this household: it is visited before this step ends."),
    "notice_amount": _l("Write the amount that the public notice names."),
    "clock_cannot_stop": _l("The clock cannot be stopped at this step."),
    "clock_stopped": _l("The clock is stopped: papers are missing."),
    "clock_runs": _l("Nothing is missing here: the clock runs."),
    "missing_list": _l("Write down everything that is missing, all at once."),
    "asked_before": _l("This household was asked for papers before: a verifier asks a second time, and it is counted."),
    "not_called_yet": _l("First somebody calls the household about its papers."),
    "urged_today": _l("You reminded them today. You can do it again tomorrow."),
    "late_cause_missing": _l("This is late: name the cause before it ends."),
    "nothing_to_pay": _l("Nothing is to be paid here now."),
    "told_dead": _l("A record says that this person died: nothing is granted or paid until staff have looked."),
    "second_call_first": _l("This application was only spoken, or denied later: no money goes until that is settled."),
    "voucher_missing": _l("Write the number of the voucher."),
    "bad_paid_day": _l("The day of the payment lies between the order and today."),
    "bad_account": _l("An account has eight to thirty digits."),
    "amount_missing": _l("Write the amount that is granted."),
    "amount_reason_missing": _l("No table gives an amount: write how you found yours. The household reads it."),
    "less_than_before": _l("What was granted before the appeal is the least that can be decided now."),
    "class_missing": _l("Say as which family it is identified."),
    "above_cap": _l("Fast aid is at most one month's standard."),
    "aided_this_year": _l("The same person was aided for the same cause this year: write why it is aided again."),
    "county_decides": _l("The same person was aided for the same cause this year: the county decides about more."),
    "notice_over": _l("This notice is over."),
    "objection_answered": _l("This objection has been answered."),
    "register_left": _l("You are not in the register any more."),
    "month_runs": _l("This month is not over yet."),
    "enough_papers": _l("No more papers fit into this application."),
    "not_the_signer": _l("Only who signed the application says yes to this. Anybody at home can take it back."),
    "hand_on_missing": _l("The household did not say yes to handing on what stays uncovered."),
    "nothing_left": _l("Nothing stayed uncovered."),
    "own_draft": _l("The household has begun an application of its own. Help it to send that one."),
    "sign_missing": _l("Sign here: with a finger, or with your name."),
    "signs_itself": _l(
        "The person signs itself: signed in with its own telephone under “My applications”, or at the street office."
    ),
    "not_for_agents": _l("Your power does not name offers: the person says yes to this itself, later."),
    "bad_drawing": _l("This drawing cannot be read as a name. Draw it again, or type the name instead."),
    "no_photo": _l("Choose a photo first."),
    "bad_upload": _l("This photo did not arrive whole. Choose it again; it may have 8 MB at most."),
    "paper_not_opened": _l("Look at the photo first."),
    "objection_not_read": _l("Read what was written against the notice first."),
    "officer_is_kin": _l("You declared that you are close to this household: another officer does this."),
    "review_early": _l("Nobody is to look yet: its day is more than a month away."),
    "bad_line": _l("Write it in one line of ordinary letters."),
}
