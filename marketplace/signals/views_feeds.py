"""Feeds for staff: until when each told, what came in, what is held back; and the drop of a file.

Enters: staff; a file with the day until which it tells. Leaves: pages of counts and codes, no cells and no names.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Household
from marketplace.intake.sentences import sentence
from marketplace.policy import decide
from marketplace.reference.facts import feeds as all_feeds
from marketplace.reference.facts import kinds_of
from marketplace.signals import lists, taking, telling, wrong
from marketplace.signals.doors import SENTENCES, bp
from marketplace.signals.models import Fact
from marketplace.signals.table import fact_schema
from marketplace.web import (
    DayField,
    Form,
    Page,
    TickField,
    UploadField,
    _,
    _l,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language

DOTS = dict.fromkeys(("limit", "first", "low", "high", "unit"), "…")
"""What stands where a sentence names a number that is not kept with the row."""


class FileForm(Form):
    """A department's file."""

    file = UploadField(_l("Table of facts (CSV or XLSX)"), accept=".csv,.xlsx")
    as_of: Any = DayField(_l("Until which day does it tell?"))
    part = TickField(_l("More files of this day follow"))


@bp.get("/feeds/")
@guard("feed:list")
def feeds() -> ResponseReturnValue:
    """Every feed with its freshness."""
    return render("signals/feeds.html", rows=lists.list_feeds(current_session(), on=local_day(utc_now())))


@bp.get("/feeds/<code>")
@guard("feed:list")
def feed(code: str) -> ResponseReturnValue:
    """One feed: deliveries, rows in quarantine, the drop of a file."""
    return _page(code, FileForm())


def _page(code: str, form: FileForm) -> ResponseReturnValue:
    if code not in all_feeds():
        raise NotFound("feed")
    session, actor = current_session(), current_actor()
    page = Page(page_number(), lists.count_held(session, code))
    return render(
        "signals/feed.html",
        code=code,
        kinds=kinds_of(code),
        deliveries=lists.list_deliveries(session, code),
        wrong=[_found_wrong(session, fact) for fact in wrong.list_wrong(session, code)],
        all_wrong=wrong.count_wrong(session, code),
        held=[
            (row, came, _wrong(code, row.faults))
            for row, came in lists.list_held(session, code, offset=page.offset, limit=page.size)
        ],
        page=page,
        whole=not actor.districts,
        form=form,
    )


def _found_wrong(session: Session, fact: Fact) -> dict[str, Any]:
    """What was found wrong, in words; of whom only for who may ask the department about it (`looking`)."""
    place = session.get_one(Household, fact.household_id).district_code
    mine = decide(current_actor(), "household:reveal", district=place).allow
    return {"fact": fact, "mine": mine, "told": telling.fact_told(session, fact, named=mine)}


def _wrong(feed: str, faults: str) -> list[tuple[str, str]]:
    """The columns of a row held back and what is wrong with each, in words; which number it was is not kept."""
    lang = language()
    columns = {one.name: one.label(lang=lang) for one in fact_schema(feed, today=local_day(utc_now())).columns}
    told = (part.split(":", 1) for part in faults.split(",") if ":" in part)
    return [(columns.get(name, name), sentence(code, DOTS, lang=lang)[0]) for name, code in told]


@bp.post("/feeds/<code>")
@guard("fact:take")
@writes
def take(code: str) -> ResponseReturnValue:
    """Take a dropped file in: good rows are stored, bad ones are held back."""
    form, actor, now = FileForm(), current_actor(), utc_now()
    if not form.validate_on_submit():
        return _page(code, form)
    try:
        data, as_of = form.file.data.read(), form.as_of.data
        whole = not form.part.data
        found = taking.take_file(current_session(), code, data, as_of=as_of, whole=whole, actor=actor, now=now)
    except BadInput as error:
        field = "as_of" if error.facts.get("field") == "as_of" else "file"
        form[field].errors = [SENTENCES.get(error.code, SENTENCES["feed_file"])]
        return _page(code, form)
    if found.received_at != now:
        return done(_("This file was taken in before. Nothing changed."), to=url_for("signals.feed", code=code))
    told = _(
        "Taken in: %(new)s new, %(changed)s changed, %(same)s known, %(older)s older than known, "
        "%(strangers)s of others, %(held)s held back.",
        new=found.new,
        changed=found.changed,
        same=found.same,
        older=found.older,
        strangers=found.strangers,
        held=found.held,
    )
    return done(told, to=url_for("signals.feed", code=code))


@bp.post("/feeds/held/<row_id>/drop")
@guard("fact:take")
@writes
def drop(row_id: str) -> ResponseReturnValue:
    """Drop a row that the department will not mend."""
    row = taking.drop_held(current_session(), row_id, actor=current_actor(), now=utc_now())
    return done(_("Dropped."), to=url_for("signals.feed", code=row.feed))


@bp.post("/feeds/wrong/<fact_id>/right")
@guard("fact:take")
@writes
def uphold(fact_id: str) -> ResponseReturnValue:
    """The department says that what staff found wrong is right: it counts again."""
    number = int(fact_id) if fact_id.isdecimal() and len(fact_id) < 19 else 0
    fact = wrong.uphold(current_session(), number, actor=current_actor(), now=utc_now())
    return done(_("It counts again."), to=url_for("signals.feed", code=fact.feed))
