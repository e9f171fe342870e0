"""What the rules against helping twice prevented: by rule, by who had already given, with the rows behind.

Enters: staff of the districts. Leaves: sums in money and households, lists down to each hit, its evidence, and the
finding of the person who looked.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import func, select

from marketplace.calendar import local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.guards import current_actor, guard
from marketplace.households import suspicions
from marketplace.households.models import SuspicionState
from marketplace.ledger import hit_report, hits, repeats
from marketplace.ledger.doors import bp
from marketplace.ledger.models import HitState, OverlapHit
from marketplace.ledger.views_aid import STATES
from marketplace.ledger.views_rules import rule_sentence
from marketplace.organisations import alike
from marketplace.reference.needs import need_kind
from marketplace.web import (
    CountField,
    Form,
    OneField,
    Page,
    _,
    _l,
    confirm,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.codes import word

FINDINGS = ("duplicate", "false_alarm")
ONE_GIFT = {"duplicate": _l("One gift, told twice"), "false_alarm": _l("Two gifts")}
"""The findings on a gift that two sources tell of."""
TONES = {"open": "wait", "duplicate": "done", "false_alarm": "plain", "gone": "plain"}


class FindingForm(Form):
    """What the person found, and how long it took."""

    state = OneField(_l("What is it?"))
    minutes = CountField(_l("Minutes it took you"), most=600)


@bp.app_template_global()
def hit_name(code: str) -> str:
    """What was met: a rule, or one gift that two sources tell of."""
    return str(_("One gift, told by two sources")) if code == hits.TWICE else word(code, "duplicate_rule")


@bp.get("/duplicates")
@guard("overlap:view")
def duplicates() -> ResponseReturnValue:
    """The report: what was stopped by rule and by who had already given; and apart from it what was given twice."""
    session, actor = current_session(), current_actor()
    by_rule, by_giver = (hit_report.totals(session, by=by, actor=actor) for by in ("code", "giver"))
    late = hit_report.totals(session, by="code", late=True, actor=actor)
    pairs = suspicions.count_by_state(session, actor=actor)
    people = (pairs.get(SuspicionState.DIFFERENT, 0), suspicions.minutes_of_false_alarms(session, actor=actor))
    wrong = [people, alike.false_alarms(session)]
    pair_fen = sum(minutes for _number, minutes in wrong) * hit_report.MINUTE_FEN
    return render(
        "ledger/duplicates.html",
        by_rule=by_rule,
        by_giver=by_giver,
        late=late,
        value_fen=hit_report.prevented_fen(session, actor=actor),
        alarms=sum(line.false_alarms for line in (*by_rule, *late)) + sum(number for number, _minutes in wrong),
        cost_fen=sum(line.cost_fen for line in (*by_rule, *late)) + pair_fen,
        wrong_pairs=wrong,
        open_count=hit_report.count_open(session, actor=actor),
        pairs={state.value: number for state, number in pairs.items()},
        told_twice=repeats.count_told_twice(session, actor=actor),
    )


@bp.get("/duplicates/rows")
@guard("overlap:view")
def duplicate_rows() -> ResponseReturnValue:
    """The hits behind a line of the report."""
    session, actor = current_session(), current_actor()
    code, state = (request.args.get(name, "")[:16] for name in ("code", "state"))
    giver = request.args.get("giver")
    late = {"yes": True, "no": False}.get(request.args.get("late", ""))
    waits = request.args.get("waits") == "1"
    wanted = hit_report.hits_where(actor, code=code, giver=giver, state=state, late=late, waits=waits)
    page = Page(page_number(), session.exec(select(func.count()).select_from(wanted.subquery())).one())
    found = session.exec(wanted.offset(page.offset).limit(page.size)).all()
    shown = [(hit, need_kind(hit.category).unit, TONES[hit.state.value]) for hit in found]
    return render("ledger/duplicate_rows.html", rows=shown, page=page, code=code, giver=giver, state=state)


@bp.get("/duplicates/<hit_id>")
@guard("overlap:view")
def duplicate(hit_id: str) -> ResponseReturnValue:
    """One hit: the rule's sentence, the rows behind it, what a person found."""
    session = current_session()
    hit = hits.get_hit(session, hit_id, actor=current_actor())
    return render(
        "ledger/duplicate.html",
        hit=hit,
        unit=need_kind(hit.category).unit,
        sentence=_sentence(hit),
        rows=[(entry, need_kind(entry.category).unit, STATES[entry.state]) for entry in hits.rows_behind(session, hit)],
        tone=TONES[hit.state.value],
        clock=next(iter(clocks.running_of(session, hit.id)), None),
        open=hit.state is HitState.OPEN,
        otherwise=hits.can_be_otherwise(hit),
    )


def _sentence(hit: OverlapHit) -> str:
    if hit.code != hits.TWICE:
        return rule_sentence(hit.code, hit, local_day(hit.created_at))
    told = _(
        "Household, giver, kind, amount and day are alike: it counts once unless a person says that it is two gifts."
    )
    return str(told)


@bp.route("/duplicates/<hit_id>/finding", methods=["GET", "POST"])
@guard("overlap:decide")
@writes
def find_duplicate(hit_id: str) -> ResponseReturnValue:
    """A duplicate, or none, also where something else was found before; money given is left alone either way."""
    session, form = current_session(), FindingForm()
    hit = hits.get_hit(session, hit_id, actor=current_actor())
    words = ONE_GIFT if hit.code == hits.TWICE else {code: word(code, "overlap_state") for code in FINDINGS}
    form.state.choices = [(code, words[code]) for code in FINDINGS]
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("What is it?"),
            intro=_("Money that was given is left alone. A match that is still under way is ended in its own page."),
            button=_("Keep"),
            back=url_for(".duplicate", hit_id=hit_id),
            form=form,
            action=request.full_path,
        )
    told: Any = {"state": HitState(form.state.data or ""), "minutes": form.minutes.data or 0}
    otherwise = request.args.get("otherwise") == "1"
    repeats.decide(session, hit_id, otherwise=otherwise, **told, actor=current_actor(), now=utc_now())
    return done(_("Your finding is kept."), to=url_for(".duplicate", hit_id=hit_id))
