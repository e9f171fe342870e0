"""The insurer's side: four worklists, one case with what can be answered now, and the list as a file.

Enters: a signed-in person of an insurer. Leaves: pages that name nobody; who it is stands on the match's own page, one
logged look at a time. The file of a worklist holds the consented fields of its cases, each logged as a look too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from adapters.tabular_writer import Column, write_xlsx
from marketplace.calendar import utc_now
from marketplace.claims import corrections, service, worklists
from marketplace.claims.doors import SENTENCES, bp, tone, why
from marketplace.claims.forms import ACTS, acts_of, form_of
from marketplace.claims.models import WAITING, InsuranceCase
from marketplace.claims.service import Paid
from marketplace.claims.table import TO_FILL, columns_to_fill
from marketplace.claims.worklists import LISTS
from marketplace.consent.models import Mode
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, ConsentMissing, WrongState
from marketplace.guards import current_actor, guard, own_org
from marketplace.reference import purposes
from marketplace.web import Form, Page, _, confirm, current_session, done, page_number, render, writes
from marketplace.web import codes as words
from marketplace.web.desk import XLSX
from marketplace.web.display import language
from marketplace.web.leaving import leaves, mark
from marketplace.web.pages import refuse
from marketplace.web.transactions import keep_refusal

FIELDS = tuple(dict.fromkeys(code for one in purposes.INSURER_PURPOSES for code in purposes.purpose(one).fields))
"""Every field that an insurer may ever be shown."""
READ_AT_ONCE = 500
"""So many cases are read at a time for the file, which has every one."""
TAB = "<any(enrol, find, claim, answer, over):tab>"


@bp.get("/", defaults={"tab": ""})
@bp.get(f"/{TAB}")
@guard("claim:list")
def index(tab: str) -> ResponseReturnValue:
    """One worklist, the longest waiting first; without a name the first in which something waits."""
    session, org_id = current_session(), own_org()
    counts = worklists.counts_of(session, org_id)
    tab = tab or next((name for name in LISTS if counts[name]), next(iter(LISTS)))
    page = Page(page_number(), counts[tab])
    rows = worklists.list_of(session, org_id, LISTS[tab], offset=page.offset, limit=page.size, now=utc_now())
    return render("claims/index.html", rows=rows, page=page, tab=tab, counts=counts, tone=tone)


@bp.get("/cases")
@guard("claim:list")
def find_case() -> ResponseReturnValue:
    """From the number of a case, as papers and tables give it, to its page, whatever list it is on."""
    reference = request.args.get("reference", "").strip().upper()[:16]
    case = worklists.find(current_session(), own_org(), reference)
    if case is None:
        return refuse(
            _("No case of yours has this number. Compare it with the paper or the table."), to=url_for(".index")
        )
    return redirect(url_for(".one", case_id=case.id), code=303)


@bp.get("/cases/<case_id>")
@guard("claim:list")
def one(case_id: str) -> ResponseReturnValue:
    """One case: its step, its limit, and what can be answered."""
    session = current_session()
    case = service.get_case(session, case_id, actor=current_actor())
    match = session.get_one(Match, case.match_id)
    return render(
        "claims/one.html",
        row=worklists.rows_of(session, [case], now=utc_now())[0],
        policy=service.policy_number_of(session, case),
        acts=[(act, ACTS[act][1]) for act in acts_of(case, match)],
        looked_at=case.state in WAITING and bool(match.held_for or match.state is MatchState.HELD),
        why=why(case),
        tone=tone,
        changing=corrections.open_of(session, case.id) is not None,
    )


@bp.route("/cases/<case_id>/<any(enrolled, not_enrolled, cover, no_cover, papers, paid, refused):act>", methods=["GET"])
@guard("claim:answer")
def ask(case_id: str, act: str) -> ResponseReturnValue:
    """The form of one answer."""
    return _form_page(service.get_case(current_session(), case_id, actor=current_actor()), act, form_of(act))


@bp.route(
    "/cases/<case_id>/<any(enrolled, not_enrolled, cover, no_cover, papers, paid, refused):act>", methods=["POST"]
)
@guard("claim:answer")
@writes
def answer(case_id: str, act: str) -> ResponseReturnValue:
    """Give one answer."""
    case, form = service.get_case(current_session(), case_id, actor=current_actor()), form_of(act)
    if not form.validate_on_submit():
        return _form_page(case, act, form)
    try:
        _do(case, act, form)
    except BadInput as error:
        name = str(error.facts.get("field", ""))
        field = form[name] if name in form else next(iter(form))
        field.errors = [SENTENCES[error.code]]
        return _form_page(case, act, form)
    return done(_("Noted."), to=url_for(".one", case_id=case_id))


def _form_page(case: InsuranceCase, act: str, form: Form) -> ResponseReturnValue:
    if act not in acts_of(case, current_session().get_one(Match, case.match_id)):
        raise WrongState("case_moved_on", state=case.state.value)
    _kind, name, follows = ACTS[act]
    return confirm(
        layout="charity",
        title=f"{name} · {case.reference}",
        intro=follows,
        button=name,
        back=url_for(".one", case_id=case.id),
        form=form,
    )


def _do(case: InsuranceCase, act: str, form: Form) -> None:
    session, data = current_session(), form.data
    who: Any = {"actor": current_actor(), "now": utc_now()}
    if act in ("enrolled", "cover"):
        use = service.enrolled if act == "enrolled" else service.cover_found
        use(session, case.id, scheme=data["scheme"], policy_number=data["policy_number"], **who)
    elif act == "no_cover":
        service.no_cover(session, case.id, **who)
    elif act == "papers":
        service.ask_papers(session, case.id, papers=data["papers"] or [], **who)
    elif act == "paid":
        service.paid(session, case.id, Paid(data["category"], data["amount"], data["paid_on"]), **who)
    else:
        use_no = service.not_enrolled if act == "not_enrolled" else service.refused
        use_no(session, case.id, reason_code=data["reason_code"], **who)


@bp.post(f"/{TAB}/list.xlsx")
@guard("claim:answer")
@leaves
@writes
def list_file(tab: str) -> ResponseReturnValue:
    """The worklist as a table to work on and bring back, with what each household let this insurer see and empty
    columns for the answers; each row is a look that is logged. What is over holds no household any more."""
    heads = [
        Column(_("Case reference"), width=16),
        Column(_("Kind"), width=12),
        Column(_("Step"), width=18),
        Column(_("By"), "date", width=12),
        *(Column(words.word(code, "field"), width=20) for code in FIELDS),
        *(Column(one.label(lang=language()), one.kind, width=16) for one in columns_to_fill()),
    ]
    response = Response(write_xlsx(heads, _lines(_all_of(tab), opens=tab != "over"), mark=mark()), content_type=XLSX)
    response.headers["Content-Disposition"] = f'attachment; filename="insurance-{tab}.xlsx"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _all_of(tab: str) -> Iterator[worklists.Row]:
    """Every case of a worklist, read in pieces: a look changes none of them, so each comes once."""
    session, now = current_session(), utc_now()
    for offset in itertools.count(step=READ_AT_ONCE):
        rows = worklists.list_of(session, own_org(), LISTS[tab], offset=offset, limit=READ_AT_ONCE, now=now)
        yield from rows
        if len(rows) < READ_AT_ONCE:
            return


def _lines(rows: Iterable[worklists.Row], *, opens: bool) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        case = row.case
        known = _look(case) if opens else {}
        yield (
            case.reference,
            words.word(case.kind.value, "insurance_kind"),
            words.word(case.state.value, "insurance_step"),
            row.due,
            *(known.get(code, "") for code in FIELDS),
            *(None for _name in TO_FILL),
        )


def _look(case: InsuranceCase) -> dict[str, str]:
    """What the consent lets be kept outside now; nothing where it is over or lets the insurer look only."""
    session, actor, now = current_session(), current_actor(), utc_now()
    try:
        return decisions.see_recipient(session, case.match_id, actor=actor, now=now, mode=Mode.STORE)
    except (ConsentMissing, WrongState) as error:
        keep_refusal(error)
        return {}
