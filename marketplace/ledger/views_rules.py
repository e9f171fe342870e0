"""The rules against helping twice: what each says, how it stands today, who changed it; staff draft, another approves.

Enters: staff, auditors, and households who want to know what holds for them. Leaves: pages in the reader's language,
and drafts and decisions of `ledger.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.actors import Role
from marketplace.calendar import utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.ledger import overlap, rules
from marketplace.ledger.doors import bp
from marketplace.ledger.models import OverlapRule
from marketplace.ledger.rules import Book, Draft
from marketplace.needs.models import Need
from marketplace.needs.service import today_of
from marketplace.policy import may
from marketplace.reference.districts import current
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule, list_duplicate_rules
from marketplace.reference.needs import need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.web import (
    CountField,
    DayField,
    Form,
    OneField,
    TextField,
    TickField,
    _,
    _l,
    confirm,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.codes import amount, word
from marketplace.web.display import language
from matching.overlap_rules import RURAL, Rule


class ChangeForm(Form):
    """What changes, where, from when, and who says so; each rule offers the values that it has."""

    days = CountField(_l("Days to wait"), least=1, most=3650, required=False)
    limit = CountField(_l("Limit, in whole units (money in fen)"), required=False)
    off = TickField(_l("The rule rests"), required=False)
    district = OneField(_l("Where"), select=True)
    valid_from = DayField(_l("From this day on"))
    source = TextField(_l("Source"), longest=200, description=_l("The document that says so, and its number."))


class ReasonForm(Form):
    """Why a district allows an exception."""

    reason = TextField(_l("Why?"), longest=200, description=_l("Write no name."))


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule as a page shows it: `values` in words; `rule` is empty while it rests."""

    row: DuplicateRule
    rule: Rule | None
    values: tuple[str, ...]
    name: str
    sentence: str


@bp.get("/rules")
@guard("rule:list")
def all_rules() -> ResponseReturnValue:
    """Every rule in one sentence, as it stands today; for staff what waits for a second person."""
    session, actor = current_session(), current_actor()
    book = Book(session, on=today_of(utc_now()))
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
    row = _row(code)
    return render(
        "ledger/rule.html",
        layout=f"layout/{'household' if home else 'staff'}.html",
        home=home,
        rule=_shown(row, Book(session, on=today_of(utc_now())), ""),
        changes=[] if home else [(change, _terms(change)) for change in rules.history(session, code)],
        drafts_it=may(actor, "rule:draft").allow,
        decides={c.id for c in rules.drafts(session) if may(actor, "rule:approve").allow and c.drafted_by != actor.id},
    )


@bp.route("/rules/<code>/change", methods=["GET", "POST"])
@guard("rule:draft")
@writes
def change_rule(code: str) -> ResponseReturnValue:
    """Draft a change; nothing holds until another person approves it."""
    row, form = _row(code), _change_form(_row(code))
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Change a rule: %(name)s", name=row.name(lang=language())),
            intro=_("What you leave empty stays as it is. Another person has to approve the change."),
            button=_("Hand in the change"),
            back=url_for(".one_rule", code=code),
            form=form,
        )
    rules.draft(current_session(), _draft(row, form), actor=current_actor(), now=utc_now())
    return done(_("The change waits for a second person."), to=url_for(".one_rule", code=code))


def _change_form(row: DuplicateRule) -> ChangeForm:
    """The form with the fields that this kind of rule has."""
    form = ChangeForm()
    form.district.choices = [("*", _("The whole city"))] + [
        (one.code, one.name(lang=language())) for one in current(today_of(utc_now()))
    ]
    if row.kind != "COOLDOWN":
        del form.days
    if not _single_limit(row):
        del form.limit
    return form


def _single_limit(row: DuplicateRule) -> bool:
    return row.kind in ("LIFETIME_CAP", "FLOOR_TOTAL", "CAP", "CAP_100")


def _draft(row: DuplicateRule, form: ChangeForm) -> Draft:
    days = form.days.data if "days" in form else None
    limit = form.limit.data if "limit" in form else None
    limits = dict.fromkeys(sorted(row.categories) or ["*"], limit) if limit is not None else None
    return Draft(
        code=row.code,
        district_code="" if form.district.data in (None, "*") else str(form.district.data),
        valid_from=form.valid_from.data or date.max,
        source=form.source.data or "",
        days=days,
        limits=limits,
        off=bool(form.off.data),
    )


@bp.post("/rules/changes/<rule_id>/<any(approve, refuse):act>")
@guard("rule:approve")
@writes
def decide_rule(rule_id: str, act: str) -> ResponseReturnValue:
    """A second person puts a change in force, or not."""
    use = rules.approve if act == "approve" else rules.refuse
    change = use(current_session(), rule_id, actor=current_actor(), now=utc_now())
    words = _("The change is in force from its day on.") if act == "approve" else _("The change was refused.")
    return done(words, to=url_for(".one_rule", code=change.code))


@bp.route("/exceptions/<need_id>/<code>", methods=["GET", "POST"])
@guard("rule:except")
@writes
def allow_exception(need_id: str, code: str) -> ResponseReturnValue:
    """A district allows one need what the rule forbids, with a reason."""
    session, form = current_session(), ReasonForm()
    need = _need(session, need_id)
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Allow an exception"),
            intro=_row(code).sentence(lang=language()),
            facts=[(_("Need"), word(need.category, "need"))],
            button=_("Allow it for this need"),
            back=url_for(".one_rule", code=code),
            form=form,
        )
    overlap.allow(session, need_id, code, reason=form.reason.data or "", actor=current_actor(), now=utc_now())
    return done(_("The exception is allowed for 90 days."), to=url_for(".one_rule", code=code))


def _need(session: Session, need_id: str) -> Need:
    need = session.get(Need, need_id)
    if need is None or not current_actor().serves(need.district_code):
        raise NotFound("need")
    return need


def _row(code: str) -> DuplicateRule:
    try:
        return duplicate_rule(code)
    except UnknownCode as error:
        raise NotFound("overlap_rule") from error


def _shown(row: DuplicateRule, book: Book, district: str) -> Shown:
    rule = next((one for one in book.of(district) if one.code == row.code), None)
    return Shown(row, rule, _values(rule), row.name(lang=language()), row.sentence(lang=language()))


def _values(rule: Rule | None) -> tuple[str, ...]:
    """Days and limits in words."""
    if rule is None:
        return (_("The rule rests"),)
    found = [_("%(n)s days", n=rule.days)] if rule.days else []
    return (*found, *(_limit(category, units) for category, units in sorted(rule.limits.items())))


def _limit(category: str, units: int) -> str:
    if category == "*":
        return amount(units, "FEN")
    if category == RURAL:
        return str(_("in the country %(amount)s", amount=amount(units, "FEN")))
    return f"{word(category, 'need')}: {amount(units, need_kind(category).unit)}"


def _terms(change: OverlapRule) -> str:
    terms: dict[str, Any] = dict(change.terms)
    if terms.get("off"):
        return str(_("The rule rests"))
    days = [_("%(n)s days", n=terms["days"])] if "days" in terms else []
    limits = [_limit(category, units) for category, units in sorted(terms.get("limits", {}).items())]
    return "; ".join(str(part) for part in (*days, *limits))
