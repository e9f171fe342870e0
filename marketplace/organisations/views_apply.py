"""The public page on which a giver asks to be let in. It needs no account and shows nothing but its own form.

Enters: a form, a few times a quarter of an hour from one network. Leaves: an organisation that applied, for staff.
"""

from __future__ import annotations

from datetime import UTC, datetime

from flask.typing import ResponseReturnValue

from marketplace.accounts.trying import TOO_MANY, may_try
from marketplace.errors import DomainError
from marketplace.guards import guard
from marketplace.organisations import service
from marketplace.organisations.blueprint import bp
from marketplace.organisations.forms import ApplyForm, fill, typed
from marketplace.organisations.views_staff import tell
from marketplace.web import current_database, render


@bp.get("/apply")
@guard("organisation:apply")
def apply() -> ResponseReturnValue:
    """The empty form."""
    return render("organisations/apply.html", form=fill(ApplyForm()))


@bp.post("/apply")
@guard("organisation:apply")
def apply_submit() -> ResponseReturnValue:
    """Keep the application. The count of tries is kept even when the answer is no."""
    form, now = fill(ApplyForm()), datetime.now(UTC)
    if not may_try("apply"):
        form.name.errors = [TOO_MANY]
        return render("organisations/apply.html", form=form)
    if form.validate_on_submit():
        try:
            with current_database().transaction() as session:
                made = service.apply(session, typed(form), now=now)
        except DomainError as error:
            tell(form, error)
        else:
            return render("organisations/applied.html", name=made.name)
    return render("organisations/apply.html", form=form)
