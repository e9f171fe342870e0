"""The rules against helping twice: what each says, how it stands today, who changed it; staff draft, another approves.

Enters: staff, auditors, and households who want to know what holds for them. Leaves: pages in the reader's language,
and drafts and decisions of `ledger.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.actors import Role
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.ledger import overlap, rules
from marketplace.ledger.book import Book, rule_of
from marketplace.ledger.doors import bp
from marketplace.ledger.models import OverlapHit
from marketplace.ledger.rule_values import binds_of, limit_name, terms_of, values_of
from marketplace.ledger.rules import Draft
from marketplace.ledger.sentences import sentence, standing
from marketplace.needs.models import Need, NeedState
from marketplace.policy import may
from marketplace.reference.districts import current
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule, list_duplicate_rules
from marketplace.reference.events import known
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes
from marketplace.web import (
    CountField,
    DayField,
    Form,
    ManyField,
    OneField,
    TextField,
    TickField,
    YuanField,
    _,
    _l,
    confirm,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.codes import word
from marketplace.web.display import language
from matching.overlap_rules import Finding, Rule


class ChangeForm(Form):
    """What changes, where, from when, and who says so; each rule offers the values that it has."""

    days = CountField(_l("Days to wait"), least=1, most=3650, required=False)
    limit_of = OneField(_l("Which limit changes"), select=True, required=False)
    limit = YuanField(_l("That limit, in yuan"), least=0, required=False)
    categories = ManyField(_l("Kinds of need it looks at"), required=False)
    programmes = ManyField(_l("Programmes it looks at"), required=False)
    excepted = ManyField(_l("Programmes that may be added all the same"), required=False)
    binds = OneField(_l("Whom it counts for"), required=False)
    by_person = ManyField(_l("Kinds in which it counts for the person"), required=False)
    may_except = OneField(_l("A district may allow an exception"), required=False)
    off = TickField(_l("The rule rests"), required=False)
    district = OneField(_l("Where"), select=True)
    valid_from = DayField(_l("From this day on"))
    source = TextField(_l("Source"), longest=200, description=_l("The document that says so, and its number."))


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule as a page shows it: `values` in words; `rule` is empty while it rests."""

    row: DuplicateRule
    rule: Rule | None
    values: tuple[str, ...]
    name: str
    sentence: str
    binds: str


BY_EVENT = ("CAP_100", "MUTEX_UNLESS_RESIDUAL", "MUTEX_YEAR", "FLOOR_TOTAL", "ONCE_PER_YEAR", "BEST_OF")
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
    row, form = rule_row(code), _change_form(rule_row(code))
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Change a rule: %(name)s", name=row.name(lang=language())),
            intro=_("What you leave empty stays as it is. Another person has to approve the change."),
            button=_("Hand in the change"),
            back=url_for(".one_rule", code=code),
            form=form,
        )
    draft = _draft(row, form, _standing(row, form.district.data or "*"))
    rules.draft(current_session(), draft, actor=current_actor(), now=utc_now())
    return done(_("The change waits for a second person."), to=url_for(".one_rule", code=code))


def _change_form(row: DuplicateRule) -> ChangeForm:
    """The form with the fields that this kind of rule has."""
    form = ChangeForm()
    form.district.choices = [("*", _("The whole city"))] + [
        (one.code, one.name(lang=language())) for one in current(local_day(utc_now()))
    ]
    if not row.days:
        del form.days
    if row.limits:
        form.limit_of.choices = [
            (key, limit_name(key)) for key in sorted({*row.limits, *_standing(row, "*").categories})
        ]
    else:
        del form.limit, form.limit_of
    if rules.protects(row):
        del form.off, form.may_except
    else:
        form.may_except.choices = [("yes", _("yes")), ("no", _("no"))]
    _offer_sets(row, form)
    _offer_persons(row, form)
    return form


def _offer_sets(row: DuplicateRule, form: ChangeForm) -> None:
    """Each set of codes that the rule has, ticked as it stands."""
    offered = {"categories": [(kind.code, word(kind.code, "need")) for kind in list_need_kinds()]}
    programmes = [(code, word(code, "aid_programme")) for code in list_codes("aid_programme")]
    offered |= {"programmes": programmes, "excepted": programmes}
    standing = _standing(row, "*")
    for name, choices in offered.items():
        if not getattr(row, name) or (name == "programmes" and row.apart):
            del form[name]
            continue
        form[name].choices = choices
        if not form.is_submitted():
            form[name].data = sorted(getattr(standing, name))


def _offer_persons(row: DuplicateRule, form: ChangeForm) -> None:
    """For the person, for the household or, where a rule looks at several kinds, for the person in some of them."""
    if not rules.counts(row):
        del form.binds, form.by_person
        return
    standing = _standing(row, "*")
    form.binds.choices = [("*", _("the person, where need and aid name one")), ("home", _("the whole household"))]
    kinds = sorted(standing.categories)
    if len(kinds) < 2:
        del form.by_person
        return
    form.binds.choices.append(("some", _("the person in the kinds ticked below, else the household")))
    form.by_person.choices = [(code, word(code, "need")) for code in kinds]
    if not form.is_submitted():
        form.by_person.data = [code for code in kinds if standing.of_person(code)]


def _standing(row: DuplicateRule, district: str) -> Rule:
    """The rule as it stands today in a district; a resting one as the house's table has it."""
    where = "" if district == "*" else district
    return standing(current_session(), row.code, on=local_day(utc_now()), district=where)


def _limits(form: ChangeForm) -> dict[str, int] | None:
    """One limit changes, the others stay as they are; a rule with one limit need not be asked which."""
    if "limit" not in form or form.limit.data is None:
        return None
    keys = [str(key) for key, _words in form.limit_of.choices]
    chosen = form.limit_of.data or (keys[0] if len(keys) == 1 else "")
    if not chosen:
        raise BadInput("limit_of_what", field="limit_of")
    return {chosen: form.limit.data}


def _draft(row: DuplicateRule, form: ChangeForm, standing: Rule) -> Draft:
    days = form.days.data if "days" in form else None
    answer = form.may_except.data if "may_except" in form else None
    return Draft(
        code=row.code,
        district_code="" if form.district.data in (None, "*") else str(form.district.data),
        valid_from=form.valid_from.data or date.max,
        source=form.source.data or "",
        days=days,
        limits=_limits(form),
        off=bool(form.off.data) if "off" in form else False,
        may_except=None if answer is None else answer == "yes",
        by_person=_persons(form),
        **{name: _ticked(form, name, standing) for name in ("categories", "programmes", "excepted")},
    )


def _ticked(form: ChangeForm, name: str, standing: Rule) -> frozenset[str] | None:
    """The ticked codes where they differ from what stands; none ticked leaves it as it is."""
    told = frozenset(form[name].data or ()) if name in form else frozenset()
    return told if told and told != getattr(standing, name) else None


def _persons(form: ChangeForm) -> frozenset[str] | None:
    """Whom the rule shall count for, if anybody answered."""
    answer = form.binds.data if "binds" in form else None
    if answer != "some":
        return None if answer is None else frozenset({"*"} if answer == "*" else ())
    told = frozenset(form.by_person.data or ())
    if not told:
        raise BadInput("codes_outside", field="by_person")
    return told


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
