"""At the counter or on the telephone: what a household without a page says about its applications.

Enters: requests of workers of the district. Leaves: a list of what can be said now, and one page with the words to read
aloud and how they were answered. The rules are in `said`.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.answers.service import HAND_ON, TAKE_BACK, TAKE_ITEM
from marketplace.appeals import said as saying
from marketplace.appeals import service
from marketplace.appeals.doors import TONES, bp
from marketplace.appeals.models import Appeal
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_name
from marketplace.proxies.agents import acting_for
from marketplace.readback.forms import ReadingForm, filled_reading, heard_from, show
from marketplace.readback.service import Script
from marketplace.reference.words import label
from marketplace.web import TextField, _, _l, current_database, current_session, done, render, writes
from marketplace.web.display import language

CHANNELS = ("call", "home_visit", "counter")


class SayingForm(ReadingForm):
    """The reading."""


class WordsForm(ReadingForm):
    """The reading with the person's own words."""

    words = TextField(_l("In the person's own words"), longest=1000, lines=4)


@bp.get("/said/<household_id>")
@guard("reading:keep")
def said(household_id: str) -> ResponseReturnValue:
    """What can be said now, and what was raised before."""
    session, actor = current_session(), current_actor()
    rows = saying.possible(session, household_id, actor=actor, now=utc_now())
    raised = saying.list_raised(session, household_id, actor=actor)
    acting = acting_for(session, household_id, actor=actor)
    told: dict[str, Any] = {"household_id": household_id, "rows": rows, "raised": raised, "acting": acting}
    return render("appeals/said.html", tones=TONES, **told)


@bp.get("/said/<household_id>/answers/<appeal_id>")
@guard("reading:keep")
def said_answer(household_id: str, appeal_id: str) -> ResponseReturnValue:
    """The answer, to be read aloud; the look is written down and committed before it is opened."""
    actor, now = current_actor(), utc_now()
    with current_database().transaction() as session:
        saying.read_answer(session, household_id, appeal_id, actor=actor, now=now)
    session = current_session()
    row = session.get_one(Appeal, appeal_id)
    person = saying.whose(session, row)
    return render(
        "appeals/said_answer.html",
        household_id=household_id,
        one=row,
        answer=service.read(session, row, "answer"),
        who=masked_name(session, person) if person is not None else "",
        tones=TONES,
    )


@bp.route("/said/<household_id>/<act>/<about>", methods=["GET", "POST"])
@guard("reading:keep")
@writes
def say(household_id: str, act: str, about: str) -> ResponseReturnValue:
    """Read it aloud and write down that it was said."""
    session = current_session()
    rows = saying.possible(session, household_id, actor=current_actor(), now=utc_now())
    row = next((one for one in rows if (one.act, one.object_id) == (act, about)), None)
    if row is None:
        raise NotFound("said")
    form = WordsForm() if act in saying.RAISED else SayingForm()
    filled_reading(form, channels=CHANNELS)
    script = Script("said", 1, language(), tuple(_script(row)))
    if form.validate_on_submit() and _kept(household_id, row, form, script):
        waits = {
            TAKE_BACK: _("Kept. It ends when somebody else has asked again."),
            TAKE_ITEM: _("Kept. It ends when somebody else has asked again."),
            HAND_ON: _("Kept. It counts when somebody else has asked again."),
        }
        return done(waits.get(act) or _("Kept. It counts now."), to=url_for(".said", household_id=household_id))
    show(form, script)
    who = masked_name(session, saying.speaker(session, household_id, row, now=utc_now()))
    shown: dict[str, Any] = {"household_id": household_id, "row": row, "form": form, "script": script.lines, "who": who}
    return render("appeals/say.html", **shown)


def _kept(household_id: str, row: saying.Possible, form: Any, script: Script) -> bool:
    words = form.words.data or "" if "words" in form else ""
    told: dict[str, Any] = {"words": words, "actor": current_actor(), "now": utc_now()}
    try:
        heard = heard_from(form, script)
        saying.keep(current_session(), household_id, row.act, row.object_id, heard, **told)
    except BadInput as error:
        name = str(error.facts.get("field", ""))
        form[name if name in form else "channel"].errors = [form.fault(error.code)]
        return False
    return True


def _script(row: saying.Possible) -> list[str]:
    """What is read aloud, sentence by sentence."""
    item = label(row.table, row.code, lang=language()) if row.code else ""
    told = {
        TAKE_BACK: [
            _("You take your application %(number)s back. Nothing more is checked.", number=row.number),
            _("What was granted stays granted. You can apply again at any time."),
            _("Somebody else calls you and asks again before it ends."),
        ],
        TAKE_ITEM: [
            _("You take only this back: %(item)s. It is not checked any more.", item=item),
            _("The rest of your application %(number)s goes on. You can apply again at any time.", number=row.number),
            _("Somebody else calls you and asks again before it ends."),
        ],
        saying.URGE: [_("You remind the office about: %(item)s. It is counted and everybody sees it.", item=item)],
        "appeal": [
            _("You want the decision about %(item)s looked at again.", item=item),
            _("Somebody who did not decide does it, within ten working days. It costs nothing."),
        ],
        "complaint": [
            _("You complain about how you were treated with: %(item)s.", item=item),
            _("Somebody who did not decide answers, within ten working days. It costs nothing."),
        ],
        saying.UNSAY: [
            _("You take this back: %(item)s. Nobody looks into it any longer.", item=item),
            _("You can raise it again."),
        ],
        saying.KEEP_BACK: [
            _("What stays uncovered of application %(number)s is not written down for charities.", number=row.number),
            _("What was written down before stays. To end that too, ask us for it now."),
        ],
        HAND_ON: [
            _("What stays uncovered of application %(number)s may be written down for charities.", number=row.number),
            _("No charity learns who you are before you say yes to it by name."),
            _("Somebody else calls you and asks again before it counts. You can take it back at any time."),
        ],
        saying.LEAVE: [
            _("You leave the register of refused applicants. Nobody looks at your household for it any more.")
        ],
    }
    return [*told[row.act], _("Is this what you want?")]
