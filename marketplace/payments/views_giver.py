"""The giver's side: this month's payments, batches, the file for the bank, its own accounts and columns, the books.

Enters: a signed-in person of a giver. Leaves: pages without any account number; a number leaves only in the file, by a
press that is written down for each household.
"""

from __future__ import annotations

from collections import Counter

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session, col, func, select

from marketplace.accounts.models import Account
from marketplace.calendar import utc_now
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.guards import current_actor, guard, own_org
from marketplace.payments import batches, files, months, own_accounts, stopping
from marketplace.payments.books import Figure, books_of, months_of
from marketplace.payments.doors import SENTENCES, bp
from marketplace.payments.forms import LayoutForm, OwnAccountForm
from marketplace.payments.models import BatchState, LineState, Payee, PaymentBatch, PaymentLine, is_ordered
from marketplace.payments.open_matches import Payable, open_of_giver
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.leaving import leaves
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

BATCH_TONES = {BatchState.DRAFT: "wait", BatchState.RELEASED: "wait", BatchState.SENT: "info"}
LISTED = 50
"""So many grants of each cause stand on the page; the others come as these go."""
LINE_TONES = {
    LineState.WAITING: "wait",
    LineState.PAID: "done",
    LineState.PAID_TWICE: "late",
    LineState.FAILED: "late",
    LineState.RETURNED: "late",
}
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@bp.get("/")
@guard("payment:view")
def index() -> ResponseReturnValue:
    """What can be paid now, what stands in the way of the rest, and the batches, the newest first."""
    session, org_id, now = current_session(), own_org(), utc_now()
    payables = open_of_giver(session, org_id, now=now)
    sound = [payable.match.units for payable in payables if not payable.blocker]
    month = batches.month_of(now)
    own = select(PaymentBatch).where(col(PaymentBatch.org_id) == org_id)
    page = Page(number=page_number(), total=session.exec(select(func.count()).select_from(own.subquery())).one())
    newest = own.order_by(col(PaymentBatch.number).desc(), col(PaymentBatch.id)).offset(page.offset).limit(page.size)
    found = list(session.exec(newest))
    return pages.render(
        "payments/index.html",
        month=month,
        opened=months.find_month(session, org_id, month),
        ready=Figure(len(sound), sum(sound)),
        blocked=_by_cause(payables),
        most=LISTED,
        at_bank=_sum(session, org_id, LineState.WAITING),
        to_correct=sum(payable.blocker == "account_to_correct" for payable in payables),
        batches=[(batch, _batch_sum(session, batch)) for batch in found],
        page=page,
        months=months_of(session, org_id),
        tones=BATCH_TONES,
    )


def _by_cause(payables: list[Payable]) -> list[tuple[str, list[Match]]]:
    """Cause ► the grants that wait for it, the longest waiting first."""
    found: dict[str, list[Match]] = {}
    for payable in payables:
        if payable.blocker:
            found.setdefault(payable.blocker, []).append(payable.match)
    return sorted(found.items())


def _sum(session: Session, org_id: str, state: LineState) -> Figure:
    return _figure(session, col(PaymentLine.org_id) == org_id, col(PaymentLine.state) == state)


def _batch_sum(session: Session, batch: PaymentBatch) -> Figure:
    return _figure(
        session, col(PaymentLine.batch_id) == batch.id, col(PaymentLine.state) != LineState.DROPPED, is_ordered()
    )


def _figure(session: Session, *wanted: object) -> Figure:
    counted = select(func.count(), func.coalesce(func.sum(col(PaymentLine.amount_fen)), 0)).where(*wanted)  # type: ignore[arg-type]
    count, fen = session.execute(counted).one()
    return Figure(int(count), int(fen))


@bp.post("/prepare")
@guard("payment:prepare")
@writes
def prepare() -> ResponseReturnValue:
    """Everything that can be paid now, in one press."""
    try:
        made = batches.prepare(current_session(), own_org(), actor=current_actor(), now=utc_now())
    except BadInput as error:
        return pages.refuse(str(SENTENCES[error.code]), to=url_for(".index"))
    words = ngettext("%(num)d payment is prepared.", "%(num)d payments are prepared.", made.lines)
    words += " " + _("Another person of yours has to release them.")
    return pages.done(words, to=url_for(".one_batch", batch_id=made.batch.id))


@bp.post("/months/open")
@guard("payment:prepare")
@writes
def open_month() -> ResponseReturnValue:
    """Close the months before and carry over what is open."""
    opened = months.open_month(current_session(), own_org(), actor=current_actor(), now=utc_now())
    words = ngettext(
        "The month is open; %(num)d grant was carried over.",
        "The month is open; %(num)d grants were carried over.",
        opened.carried_lines,
    )
    return pages.done(words, to=url_for(".index"))


@bp.get("/months/<month>")
@guard("payment:view")
def books(month: str) -> ResponseReturnValue:
    """The books of a month: every figure, and the bank against the ledger."""
    session, org_id = current_session(), own_org()
    row = months.find_month(session, org_id, month)
    if row is None and month not in months_of(session, org_id):
        raise NotFound("month")
    return pages.render("payments/books.html", books=books_of(session, org_id, month), row=row, layout="charity")


@bp.get("/batches/<batch_id>")
@guard("payment:view")
def one_batch(batch_id: str) -> ResponseReturnValue:
    """One batch: who prepared and released it, its fingerprint, and each line with its state."""
    session, actor = current_session(), current_actor()
    found = batches.get_batch(session, batch_id, actor=actor)
    states = _states(session, found)
    page = Page(number=page_number(), total=sum(figure.count for figure in states.values()), size=50)
    lines = batches.lines_of(session, batch_id, offset=page.offset, limit=page.size)
    gone = files.unsound(session, found, now=utc_now()) if found.state is not BatchState.DROPPED else []
    return pages.render(
        "payments/batch.html",
        batch=found,
        rows=[(line, session.get_one(Payee, line.payee_id).last_four) for line in lines],
        page=page,
        states=states,
        unsound=dict(Counter(cause for _line, cause in gone)),
        people={person: _person(session, person) for person in (found.prepared_by, found.released_by) if person},
        mine=bool(found.preparers & actor.people),
        people_of_mine=actor.people,
        tones=BATCH_TONES,
        line_tones=LINE_TONES,
    )


def _states(session: Session, found: PaymentBatch) -> dict[LineState, Figure]:
    states = {
        state: _figure(session, col(PaymentLine.batch_id) == found.id, col(PaymentLine.state) == state)
        for state in LineState
    }
    return {state: figure for state, figure in states.items() if figure.count}


def _person(session: Session, account_id: str) -> str:
    account = session.get(Account, account_id)
    return account.display_name if account is not None else _("one of our people")


@bp.post("/batches/<batch_id>/release")
@guard("payment:release")
@writes
def release(batch_id: str) -> ResponseReturnValue:
    """The second person lets exactly this batch go."""
    batches.release(
        current_session(),
        batch_id,
        fingerprint=request.form.get("fingerprint", "")[:64],
        actor=current_actor(),
        now=utc_now(),
    )
    return pages.done(_("Released. Now the payment file can be fetched."), to=url_for(".one_batch", batch_id=batch_id))


@bp.post("/batches/<batch_id>/file.<any(csv, xlsx):form>")
@guard("payment:file")
@leaves
@writes
def file(batch_id: str, form: files.Form) -> ResponseReturnValue:
    """The file for the bank; first what may no longer be paid is dropped and named, and the file is asked for again."""
    session, actor, now = current_session(), current_actor(), utc_now()
    back = url_for(".one_batch", batch_id=batch_id)
    gone = files.settle(session, batch_id, actor=actor, now=now)
    if gone:
        causes = Counter(codes.word(cause, "payment_drop") for _line, cause in gone)
        named = str(_("; ")).join(f"{cause} ({number})" for cause, number in causes.items())
        return pages.refuse(
            _("Taken out before the file was made: %(causes)s. Look at the rest, then fetch the file.", causes=named),
            to=back,
        )
    try:
        made = files.open_file(session, batch_id, form=form, lang=language(), actor=actor, now=now)
    except (BadInput, Conflict) as error:
        return pages.refuse(str(SENTENCES.get(error.code, error.code)), to=back)
    response = Response(made.data, content_type=KINDS[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/batches/<batch_id>/drop")
@guard("payment:prepare")
@writes
def drop(batch_id: str) -> ResponseReturnValue:
    """Give the batch up; its grants are free for another."""
    batches.drop_batch(current_session(), batch_id, actor=current_actor(), now=utc_now())
    return pages.done(_("The batch was given up. Its grants wait for the next one."), to=url_for(".index"))


@bp.post("/batches/<batch_id>/lines/<line_id>/leave-out")
@guard("payment:prepare")
@writes
def leave_out(batch_id: str, line_id: str) -> ResponseReturnValue:
    """Take a line out of a draft."""
    line = batches.leave_out(current_session(), batch_id, line_id, actor=current_actor(), now=utc_now())
    return pages.done(
        _("%(reference)s was left out.", reference=line.reference), to=url_for(".one_batch", batch_id=batch_id)
    )


@bp.post("/batches/<batch_id>/lines/<line_id>/stop")
@guard("payment:release")
@writes
def stop(batch_id: str, line_id: str) -> ResponseReturnValue:
    """One of two people says that the bank has not paid this line and will not."""
    line = stopping.stop_line(current_session(), batch_id, line_id, actor=current_actor(), now=utc_now())
    words = _("%(reference)s was stopped; the grant waits for the next batch.", reference=line.reference)
    if line.state is LineState.WAITING:
        words = _("Noted for %(reference)s. Another person of yours has to say so too.", reference=line.reference)
    return pages.done(words, to=url_for(".one_batch", batch_id=batch_id))


@bp.route("/own-accounts", methods=["GET", "POST"])
@guard("payment:prepare")
@writes
def own() -> ResponseReturnValue:
    """Accounts of the giver and its people, to which nothing is ever paid."""
    session, org_id, form = current_session(), own_org(), OwnAccountForm()
    if form.validate_on_submit():
        try:
            staff, actor = bool(form.staff.data), current_actor()
            new = own_accounts.add_many(session, org_id, form.account.data, staff=staff, actor=actor, now=utc_now())
        except (BadInput, Conflict) as error:
            line = _("Line %(n)s:", n=error.facts["row"]) + " " if "row" in error.facts else ""
            form.account.errors = [line + str(SENTENCES.get(error.code, error.code))]
        else:
            kept = ngettext("%(num)d kept, without the number itself.", "%(num)d kept, without the numbers.", new)
            return pages.done(kept if new else _("Nothing new: all of it is on the list."), to=url_for(".own"))
    return pages.render("payments/own.html", form=form, own=own_accounts.list_own(session, org_id))


@bp.post("/own-accounts/<index>/remove")
@guard("payment:prepare")
@writes
def remove_own(index: str) -> ResponseReturnValue:
    """Take one back."""
    own_accounts.remove_own(current_session(), own_org(), index, actor=current_actor(), now=utc_now())
    return pages.done(_("Removed."), to=url_for(".own"))


@bp.route("/columns", methods=["GET", "POST"])
@guard("payment:prepare")
@writes
def columns() -> ResponseReturnValue:
    """The headings and the order that the giver's bank wants."""
    session, org_id, form = current_session(), own_org(), LayoutForm()
    if form.validate_on_submit():
        lines = [line.split("=", 1) for line in (form.columns.data or "").splitlines() if line.strip()]
        pairs = [(line[0].strip(), line[-1].strip()) for line in lines]
        try:
            files.set_layout(session, org_id, pairs, actor=current_actor(), now=utc_now())
        except BadInput as error:
            form.columns.errors = [SENTENCES.get(error.code, error.code)]
        else:
            return pages.done(_("Kept. The next file has these columns."), to=url_for(".index"))
    elif not form.is_submitted():
        kept = files.layout_of(session, org_id, lang=language())
        form.columns.data = "\n".join(f"{head} = {name}" for head, name in kept)
    return pages.render("payments/columns.html", form=form, known=files.COLUMNS)
