"""The blueprint that the pages of this room hang on, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("signals", __name__)
SENTENCES: dict[str, Any] = {
    "feed_file": _l("This file is no table. Save it as CSV or XLSX and send it again."),
    "feed_columns": _l("The file lacks a column: reference, ID number, kind, day, number or yuan."),
    "date_in_future": _l("This day lies in the future."),
    "alert_closed": _l("Somebody has closed this alert already."),
    "red_not_snoozed": _l("A red alert cannot be put off."),
    "bad_snooze_day": _l("Choose a day from tomorrow on, at most 90 days ahead."),
    "no_alert": _l("This household has no open alert any more."),
    "task_done": _l("This is done already."),
    "rule_not_tried": _l("Try the rule on past months first."),
    "rule_at_work": _l("This rule is at work or retired. Draft a new version to try another text."),
    "rule_not_active": _l("This rule is not at work."),
    "second_person": _l("Somebody who neither drafted nor tried this rule must switch it on."),
    "bad_trial_days": _l("Choose at most 24 months that end today or earlier."),
    "bad_threshold": _l("Write thresholds as name=number with semicolons between them, such as x=10000; ratio=0.5."),
    "rule_about_feeds": _l("A rule about feeds is always: feed_age() > fresh_days()"),
    "rule_too_long": _l("The rule is too long: at most 600 characters."),
    "rule_too_deep": _l("The rule has too many parts inside each other."),
    "rule_unreadable": _l("The rule cannot be read. Look for a missing bracket, quote or operator."),
    "not_a_condition": _l(
        "A part of the rule is not a condition: use has, in_category, anyone, is_rural or a comparison."
    ),
    "not_a_number": _l("A part of the rule is not a number: use a fact, a threshold, yuan( ) or a plain number."),
    "not_a_word": _l("A kind or a category must stand in quotes."),
    "bad_window": _l("A window is months= or days= with a whole number."),
    "unknown_kind": _l("The rule names a kind of fact that no feed tells."),
    "unknown_category": _l("The rule names a category that does not exist."),
    "unknown_threshold": _l("The rule uses a name that is not among the thresholds."),
    "threshold_unused": _l("A threshold is not used in the rule."),
}
TONES = {"RED": "late", "ORANGE": "orange", "YELLOW": "yellow", "BLUE": "info"}
