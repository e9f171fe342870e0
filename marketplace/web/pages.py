"""Pages out: render a template with its form, ask before a grave step, say what was done.

Every HTML view ends in one of these. A form with errors makes the answer 422, so that nothing of the
request is committed, and the title begins with 错误： or Error:.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from wtforms.form import BaseForm


def render(template: str, *, status: int = 200, **context: Any) -> Response:
    """A page from `template`; any form in the context that has errors turns it into a 422."""
    failed = any(isinstance(value, BaseForm) and value.errors for value in context.values())
    response = make_response(render_template(template, failed=failed, **context))
    response.status_code = 422 if failed and status == 200 else status
    return response


def confirm(
    *, layout: str, title: str, button: str, back: str, facts: Sequence[Mapping[str, Any]] = (), **context: Any
) -> Response:
    """Ask before a step with consequences; `facts` are what it is about, each with a `label` and a `value`.

    Optional context: `intro`, `items` (what will be touched), `warned` ((name, warning) pairs of what is done all the
    same), `excluded` ((name, cause) pairs left out), `form` (more fields, such as a reason), `keep` (hidden name, value
    pairs), `danger` and `action` (where the form posts; this same address if left out).
    """
    context.setdefault("action", request.path)
    page = {"title": title, "button": button, "back": back}
    return render("layout/confirm.html", layout=f"layout/{layout}.html", page=page, facts=facts, **context)


def done(message: str, *, to: str) -> Response:
    """After a POST: say what happened and go to a page (303, so that a reload repeats nothing)."""
    flash(message, "done")
    return make_response(redirect(to, code=303))


def refuse(message: str, *, to: str) -> Response:
    """After a POST that could not be done: say why in the person's words and go back."""
    flash(message, "late")
    return make_response(redirect(to, code=303))
