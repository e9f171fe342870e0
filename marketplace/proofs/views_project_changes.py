"""A project that has begun: say when it ends, and let more resources join it.

Enters: people of a giver who plan its projects. Leaves: the project with its last day, so that its final report falls
due, or with more of the giver's resources.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, WrongState
from marketplace.guards import current_actor, guard
from marketplace.proofs import project_changes, projects
from marketplace.proofs.doors import bp, say
from marketplace.proofs.views_projects import free_offers
from marketplace.web import pages
from marketplace.web.fields import DayField, Form, ManyField
from marketplace.web.formats import day
from marketplace.web.transactions import current_session, writes


class EndForm(Form):
    """The last day."""

    ends_on = DayField(_l("Last day"))


class AddForm(Form):
    """Which resources join."""

    offer_ids = ManyField(_l("Resources to add"), required=_l("Tick at least one resource"))


@bp.route("/projects/<project_id>/end", methods=["GET", "POST"])
@guard("project:plan")
@writes
def project_end(project_id: str) -> ResponseReturnValue:
    """Say on which day the project ends, or ended."""
    session, form = current_session(), EndForm()
    found = projects.get_project(session, project_id, actor=current_actor())
    if request.method == "GET":
        form.ends_on.data = found.ends_on
    if form.validate_on_submit() and form.ends_on.data is not None:
        try:
            project_changes.end_project(session, project_id, form.ends_on.data, actor=current_actor(), now=utc_now())
            words = _("The last day is noted.")
            return pages.done(words, to=url_for("proofs.project", project_id=project_id))
        except (BadInput, WrongState) as error:
            say(form, error)
    return pages.confirm(
        layout="charity",
        title=_("End the project"),
        intro=_("The final report is due within three months after the last day."),
        facts=[
            {"label": _("Project"), "value": found.title},
            {"label": _("First day"), "value": day(found.starts_on)},
        ],
        button=_("Keep this last day"),
        back=url_for("proofs.project", project_id=project_id),
        form=form,
    )


@bp.route("/projects/<project_id>/resources", methods=["GET", "POST"])
@guard("project:plan")
@writes
def project_add(project_id: str) -> ResponseReturnValue:
    """Let more of the giver's resources join the project."""
    session, form = current_session(), AddForm()
    found = projects.get_project(session, project_id, actor=current_actor())
    form.offer_ids.choices, page = free_offers()
    if form.validate_on_submit():
        chosen = form.offer_ids.data or []
        try:
            project_changes.add_offers(session, project_id, chosen, actor=current_actor(), now=utc_now())
            words = _("Added. They count in every report that is not filed yet.")
            return pages.done(words, to=url_for("proofs.project", project_id=project_id))
        except (BadInput, WrongState) as error:
            say(form, error)
    return pages.render("proofs/project_new.html", project=found, form=form, page=page)
