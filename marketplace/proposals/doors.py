"""The blueprint that the pages of this room hang on, and what they share."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("proposals", __name__)
SENTENCES = {
    "run_busy": _l("A run is under way. Wait until it has ended, or stop it."),
    "run_of_others": _l("This run is of more than your districts: only staff of the whole city can stop it."),
    "run_over": _l("This run has ended already."),
    "nothing_free": _l("Somebody was faster: nothing of this is free any more."),
    "no_run": _l("There is no finished run yet that looked at needs like this one."),
    "displacement_over": _l("This has been decided already, or a newer run has overtaken it."),
    "verifier_overrides": _l("You verified this need. Somebody else must decide to pin or ban for it."),
    "pin_refused": _l("Somebody said no to this pair: no run proposes it again. Choose another resource."),
    "pin_hopeless": _l(
        "No run could carry this pin out now: the household's consent, the resource's terms, its stock, the dates or a"
        " rule do not allow it. Choose another resource, or fewer units."
    ),
    "override_stands": _l("There is an override of this need and resource already. Withdraw it first."),
    "override_over": _l("This override was withdrawn already."),
    "override_outside": _l("This is outside your districts: only staff of the whole city can keep it."),
    "not_in_run": _l("The run that you try it on does not know this need or resource. Start a new run first."),
    "input_damaged": _l("The stored input of this run is damaged. It can be neither tried upon nor replayed."),
    "gift_limit": _l("Your questions of this week are used up. From Monday you can ask again."),
    "plan_refused": _l("The independent check refused the plan of this run; nothing was proposed."),
}
