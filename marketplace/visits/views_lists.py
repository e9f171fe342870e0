"""What is to be done and by whom: the list of visits, today's round, one tap on an alert, and a handover.

Enters: staff of the district. Leaves: pages with masked names. Called by `views`.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names, require_household
from marketplace.reference.districts import street_name
from marketplace.reference.words import choices
from marketplace.signals.doors import TONES
from marketplace.signals.lists import COLOURS
from marketplace.signals.models import TaskKind
from marketplace.visits import forms, lists, rounds, service, workers
from marketplace.visits.doors import SENTENCES, bp
from marketplace.visits.models import WAITING
from marketplace.web import Page, _, current_session, done, page_number, render, writes
from marketplace.web.display import language


@bp.get("/")
@guard("visit:list")
def index() -> ResponseReturnValue:
    """Visits and calls to make, the most urgent first, then by place; or by need score."""
    session, actor, today = current_session(), current_actor(), local_day(utc_now())
    whose, street = request.args.get("whose", "all"), request.args.get("street", "")
    worker = request.args.get("worker", "")
    page = Page(page_number(), lists.count(session, actor=actor, whose=whose, street=street, worker=worker))
    by_score = request.args.get("order") == "score"
    found = lists.page_of(
        session,
        actor=actor,
        whose=whose,
        street=street,
        worker=worker,
        by_score=by_score,
        on=today,
        offset=page.offset,
        limit=page.size,
    )
    streets = [(code, street_name(code, on=today), number) for code, number in lists.streets(session, actor=actor)]
    return render(
        "visits/index.html",
        rows=found,
        page=page,
        whose=whose,
        street=street,
        by_score=by_score,
        streets=streets,
        worker=worker,
        workers=lists.workers(session, actor=actor),
        colours=COLOURS,
        tones=TONES,
        today=today,
    )


@bp.get("/homes/<household_id>")
@guard("visit:list")
def of_home(household_id: str) -> ResponseReturnValue:
    """All visits of one household, and who goes there."""
    session, today = current_session(), local_day(utc_now())
    home = require_household(session, household_id, "visit:list", actor=current_actor())
    past = workers.history(session, household_id)
    return render(
        "visits/home.html",
        home=home,
        name=masked_names(session, [household_id])[household_id],
        rows=lists.rows_of(session, lists.of_household(session, household_id), on=today),
        history=past,
        names=names_of(session, {row.account_id for row in past}),
    )


@bp.post("/of-alert/<household_id>/<any(call, visit):kind>")
@guard("alert:act")
@writes
def of_alert(household_id: str, kind: str) -> ResponseReturnValue:
    """One tap on an alert: a call or a visit begins."""
    session, actor = current_session(), current_actor()
    visit = service.from_alert(session, household_id, TaskKind(kind), actor=actor, now=utc_now())
    return done(_("It is on your list. Write down here what came of it."), to=url_for(".one", home_visit_id=visit.id))


@bp.get("/round")
@guard("visit:list")
def round_page() -> ResponseReturnValue:
    """Today's round of the one who asks."""
    session, actor, today = current_session(), current_actor(), local_day(utc_now())
    row = rounds.find_round(session, actor.id, on=today)
    stops = rounds.stops_of(session, row) if row is not None else []
    waiting = [one for one in stops if one.state in WAITING]
    return render(
        "visits/round.html",
        round=row,
        rows=lists.rows_of(session, stops, on=today),
        minutes=rounds.minutes_of(session, waiting, on=today),
        today=today,
    )


@bp.post("/round")
@guard("visit:write")
@writes
def plan() -> ResponseReturnValue:
    """Plan today's round, or add to it what came since."""
    rounds.plan_day(current_session(), actor=current_actor(), now=utc_now())
    return done(_("Planned. Put it in another order if you know better: yours is kept."), to=url_for(".round_page"))


@bp.post("/round/<home_visit_id>/<any(up, down):way>")
@guard("visit:write")
@writes
def move(home_visit_id: str, way: str) -> ResponseReturnValue:
    """One stop earlier or later."""
    rounds.move(current_session(), home_visit_id, up=way == "up", actor=current_actor(), now=utc_now())
    return done(_("Your order is kept."), to=url_for(".round_page"))


@bp.route("/homes/<household_id>/hand-over", methods=["GET", "POST"])
@guard("visit:hand_over")
@writes
def hand_over(household_id: str) -> ResponseReturnValue:
    """Somebody else goes from now on; the household is told who."""
    session, actor = current_session(), current_actor()
    home = require_household(session, household_id, "visit:hand_over", actor=actor)
    form = forms.HandOverForm()
    form.account_id.choices = [(one.id, one.display_name) for one in workers.colleagues(session, home.district_code)]
    form.reason.choices = choices("handover_reason", lang=language())
    if form.validate_on_submit():
        chosen, district = str(form.account_id.data), home.district_code
        try:
            workers.hand_over(
                session, home.id, chosen, district=district, reason=str(form.reason.data), actor=actor, now=utc_now()
            )
        except BadInput as error:
            form.account_id.errors = [SENTENCES.get(error.code, _("Choose from the list"))]
        else:
            return done(
                _("Handed over. The household is told who comes."), to=url_for(".of_home", household_id=home.id)
            )
    name = masked_names(session, [home.id])[home.id]
    return render("visits/hand_over.html", form=form, home=home, name=name)
