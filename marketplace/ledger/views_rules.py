"""The rules against helping twice: what each says, how it stands today, who changed it; staff draft, another approves.

Enters: staff, auditors, and households who want to know what holds for them. Leaves: pages in the reader's language,
and drafts and decisions of `ledger.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.actors import Role
from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.ledger import overlap, rules
from marketplace.ledger.book import Book, rule_of
from marketplace.ledger.doors import bp
from marketplace.ledger.models import OverlapHit
from marketplace.ledger.rule_form import SHOWN, change_form, draft_of, order_told, shows_other_ticks, tick_again
from marketplace.ledger.rule_values import binds_of, terms_of, values_of
from marketplace.ledger.sentences import sentence, standing
from marketplace.needs.models import Need, NeedState
from marketplace.policy import may
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule, list_duplicate_rules
from marketplace.reference.events import known
from marketplace.reference.tables import UnknownCode
from marketplace.web import (
    _,
    confirm,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.display import language
from matching.overlap_rules import Finding, Rule


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule as a page shows it: `values` in words; `rule` is empty while it rests."""

    row: DuplicateRule
    rule: Rule | None
    values: tuple[str, ...]
    name: str
    sentence: str
    binds: str


BY_EVENT = ("CAP_100", "MUTEX_UNLESS_RESIDUAL", "MUTEX_YEAR", "FLOOR_TOTAL", "ONCE_PER_YEAR", "BEST_OF", "ONE_THING")
"""Kinds of rule that ask whether two events are one."""


@bp.app_template_global()
def rule_sentence(code: str, about: Need | OverlapHit, on: date | None = None) -> str:
    """What a rule says about a need, as it stands in its district, in the reader's language; on another day as then."""
    day = on or local_day(utc_now())
    rule = standing(current_session(), code, on=day, district=about.district_code)
    told = sentence(rule, lang=language(), category=about.category)
    if rule.kind in BY_EVENT and isinstance(about, Need) and about.cause and not known(about.cause):
        told += " " + str(_("The event of this need is not named from the list yet: it may be the same."))
    return told


@bp.app_template_global()
def rules_that_stop(need: Need) -> list[Finding]:
    """The rules that allow less for a need of the looking household than it still lacks, whoever would give."""
    open_units = need.gap_units - need.committed_units
    if need.state is not NeedState.VERIFIED or open_units <= 0 or need.household_id != current_actor().household_id:
        return []
    said = overlap.verdict(current_session(), need, org_id="", units=open_units, on=local_day(utc_now()))
    return list(said.findings)


@bp.get("/rules")
@guard("rule:list")
def all_rules() -> ResponseReturnValue:
    """Every rule in one sentence, as it stands today; for staff what waits for a second person."""
    session, actor = current_session(), current_actor()
    book = Book(session, on=local_day(utc_now()))
    district = min(actor.districts) if len(actor.districts) == 1 else ""
    home = actor.role in (Role.HOUSEHOLD, Role.HELPER)
    return render(
        "ledger/rules.html",
        layout=f"layout/{'household' if home else 'staff'}.html",
        home=home,
        rules=[_shown(row, book, district) for row in list_duplicate_rules()],
        drafts=[] if home else rules.drafts(session),
    )


@bp.get("/rules/<code>")
@guard("rule:list")
def one_rule(code: str) -> ResponseReturnValue:
    """One rule: sentence, values, source, and every change with its two people."""
    session, actor = current_session(), current_actor()
    home = actor.role in (Role.HOUSEHOLD, Role.HELPER)
    row = rule_row(code)
    return render(
        "ledger/rule.html",
        layout=f"layout/{'household' if home else 'staff'}.html",
        home=home,
        rule=_shown(row, Book(session, on=local_day(utc_now())), ""),
        changes=[] if home else [(change, terms_of(change)) for change in rules.history(session, code)],
        drafts_it=may(actor, "rule:draft").allow,
        decides={
            change.id
            for change in rules.drafts(session)
            if may(actor, "rule:approve").allow and change.drafted_by not in actor.people
        },
    )


@bp.route("/rules/<code>/change", methods=["GET", "POST"])
@guard("rule:draft")
@writes
def change_rule(code: str) -> ResponseReturnValue:
    """Draft a change; nothing holds until another person approves it."""
    row = rule_row(code)
    where = request.form.get(SHOWN, "*")
    form = change_form(row, where)
    if not form.validate_on_submit() or shows_other_ticks(row, form, where):
        if form.is_submitted() and not form.errors:
            where = tick_again(row, form)
        told = order_told(row)
        return confirm(
            layout="staff",
            title=_("Change a rule: %(name)s", name=row.name(lang=language())),
            intro=" ".join(
                (
                    _("A number or a choice that you leave empty stays as it is; of boxes, what is ticked counts."),
                    _("Another person has to approve the change."),
                    told,
                )
            ),
            button=_("Hand in the change"),
            back=url_for(".one_rule", code=code),
            form=form,
            keep=[(SHOWN, where)],
        )
    wanted = draft_of(row, form, shown=SHOWN in request.form)
    rules.draft(current_session(), wanted, actor=current_actor(), now=utc_now())
    return done(_("The change waits for a second person."), to=url_for(".one_rule", code=code))


@bp.post("/rules/changes/<rule_id>/<any(approve, refuse):act>")
@guard("rule:approve")
@writes
def decide_rule(rule_id: str, act: str) -> ResponseReturnValue:
    """A second person puts a change in force, or not."""
    use = rules.approve if act == "approve" else rules.refuse
    change = use(current_session(), rule_id, actor=current_actor(), now=utc_now())
    words = _("The change is in force from its day on.") if act == "approve" else _("The change was refused.")
    return done(words, to=url_for(".one_rule", code=change.code))


def rule_row(code: str) -> DuplicateRule:
    """The house's own row of a rule, or NotFound."""
    try:
        return duplicate_rule(code)
    except UnknownCode as error:
        raise NotFound("overlap_rule") from error


def _shown(row: DuplicateRule, book: Book, district: str) -> Shown:
    rule = next((one for one in book.of(district) if one.code == row.code), None)
    stands = rule or rule_of(row)
    binds = binds_of(stands.by_person) if rules.counts(row) else ""
    return Shown(row, rule, values_of(rule), row.name(lang=language()), sentence(stands, lang=language()), binds)
