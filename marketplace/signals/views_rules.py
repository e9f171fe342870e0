"""Rules for staff: what watches over whom, each with text, thresholds, source and trials; drafting, trying, switching.

Enters: staff; the text of a new version, or the days of a trial. Leaves: pages of figures; a switch needs a second
person.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.categories import months_later
from marketplace.reference.words import choices
from marketplace.signals import rules as service
from marketplace.signals import trying
from marketplace.signals.doors import SENTENCES, TONES, bp
from marketplace.signals.models import Rule
from marketplace.signals.parts import Aggregate, Has, InCategory, parts_of
from marketplace.signals.rules import RuleText, tree_of
from marketplace.web import DayField, Form, OneField, TextField, _, _l, current_session, done, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language


class TrialForm(Form):
    """On which past days a rule is tried."""

    from_on: Any = DayField(_l("From day"))
    to_on: Any = DayField(_l("Last day"))


class DraftForm(Form):
    """A new version of a rule."""

    text = TextField(_l("Rule"), longest=600, lines=4)
    thresholds = TextField(_l("Thresholds"), required=False, longest=200)
    colour = OneField(_l("Colour"))
    source = TextField(_l("Source"), longest=64)


@bp.get("/rules/")
@guard("warning:list")
def rules() -> ResponseReturnValue:
    """All rules, the newest version of each."""
    return render("signals/rules.html", rows=service.list_rules(current_session()), tones=TONES)


@bp.get("/rules/<rule_id>")
@guard("warning:list")
def rule(rule_id: str) -> ResponseReturnValue:
    """One rule with its trials."""
    return _page(service.get_rule(current_session(), rule_id))


def _page(found: Rule, *, trial: Any = None) -> ResponseReturnValue:
    today = local_day(utc_now())
    versions = service.list_versions(current_session(), found.code)
    trial = trial or TrialForm(from_on=months_later(today, -12), to_on=today)
    return render(
        "signals/rule.html",
        rule=found,
        thresholds=shown(found),
        legend=_legend(found),
        trials=trying.list_trials(current_session(), found.id),
        trial=trial,
        versions=versions,
        limits={one.id: shown(one) for one in versions},
        names=names_of(current_session(), {one for rule in versions for one in _hands(rule)}),
        own=bool({found.drafted_by, found.tried_by} & current_actor().people),
        tones=TONES,
    )


def _hands(rule: Rule) -> tuple[str, str, str]:
    """Who drafted, tried and switched on."""
    return rule.drafted_by, rule.tried_by, rule.activated_by


def _legend(rule: Rule) -> str:
    """The codes that stand in a rule, in words."""
    parts = parts_of(tree_of(rule)) if rule.per != "feed" else ()
    kinds = [part.kind for part in parts if isinstance(part, Has | Aggregate)]
    inside = [code for part in parts if isinstance(part, InCategory) for code in part.codes]
    said = [(code, "fact_kind") for code in kinds] + [(code, "monitoring_category") for code in inside]
    return str(_("; ")).join(f"{code} = {word(code, table)}" for code, table in dict.fromkeys(said)) or "—"


def shown(rule: Rule) -> str:
    """The thresholds as people write them."""
    return "; ".join(f"{name}={value:g}" for name, value in sorted(rule.thresholds.items()))


@bp.post("/rules/<rule_id>/try")
@guard("warning:try")
@writes
def try_rule(rule_id: str) -> ResponseReturnValue:
    """Ask a rule on past days."""
    session, form = current_session(), TrialForm()
    if not form.validate_on_submit():
        return _page(service.get_rule(session, rule_id), trial=form)
    try:
        trying.try_rule(
            session, rule_id, from_on=form.from_on.data, to_on=form.to_on.data, actor=current_actor(), now=utc_now()
        )
    except BadInput as error:
        form.from_on.errors = [SENTENCES[error.code]]
        return _page(service.get_rule(session, rule_id), trial=form)
    return done(_("Tried. The figures stand below."), to=url_for("signals.rule", rule_id=rule_id))


@bp.post("/rules/<rule_id>/activate")
@guard("warning:activate")
@writes
def activate(rule_id: str) -> ResponseReturnValue:
    """Switch a rule on."""
    service.activate(current_session(), rule_id, actor=current_actor(), now=utc_now())
    return done(_("At work from now on."), to=url_for("signals.rule", rule_id=rule_id))


@bp.post("/rules/<rule_id>/retire")
@guard("warning:retire")
@writes
def retire(rule_id: str) -> ResponseReturnValue:
    """Switch a rule off."""
    service.retire(current_session(), rule_id, actor=current_actor(), now=utc_now())
    return done(_("Switched off. Open alerts stay until people close them."), to=url_for("signals.rules"))


@bp.route("/rules/<rule_id>/version", methods=["GET", "POST"])
@guard("warning:draft")
@writes
def draft(rule_id: str) -> ResponseReturnValue:
    """Draft a new version beside the old one."""
    session, actor = current_session(), current_actor()
    old = service.get_rule(session, rule_id)
    form = DraftForm(text=old.text, thresholds=shown(old), colour=old.colour.value, source=old.source)
    form.colour.choices = choices("alert_colour", lang=language())
    if form.validate_on_submit():
        try:
            new = service.draft(session, _told(old, form), actor=actor, now=utc_now())
        except BadInput as error:
            place = "thresholds" if error.facts.get("field") == "thresholds" else "text"
            form[place].errors = [SENTENCES.get(error.code, error.code)]
        else:
            return done(_("Drafted. Try it on past months now."), to=url_for("signals.rule", rule_id=new.id))
    return render("signals/draft.html", form=form, rule=old)


def _told(old: Rule, form: DraftForm) -> RuleText:
    """The new version: how well the old one's source is known says nothing of another source, text or limit."""
    thresholds = service.read_thresholds(form.thresholds.data or "")
    same = (form.text.data, thresholds, form.source.data) == (old.text, old.thresholds, old.source)
    return RuleText(
        code=old.code,
        cls=old.kind.value,
        per=old.per,
        colour=str(form.colour.data),
        text=form.text.data,
        thresholds=thresholds,
        quiet_days=old.quiet_days,
        source=form.source.data,
        mark=old.mark if same else service.PROPOSAL,
        follow_up=old.follow_up,
    )
