"""The insurer's answers as forms, one for each act, with the sentence that says what follows from it."""

from __future__ import annotations

from typing import Any

from marketplace.claims.after_end import payable
from marketplace.claims.models import CaseState, InsuranceCase
from marketplace.decisions.models import Match, MatchState
from marketplace.ledger.payouts import payable_kinds
from marketplace.reference.words import choices
from marketplace.web import DayField, Form, ManyField, OneField, TextField, YuanField, _l
from marketplace.web.display import language


class PolicyForm(Form):
    """Which policy it is."""

    scheme = OneField(_l("Scheme"))
    policy_number = TextField(_l("Policy number"), longest=40, description=_l("Letters, digits and dashes."))


class ReasonForm(Form):
    """Why not."""

    reason_code = OneField(_l("Why?"))


class PapersForm(Form):
    """Every paper that is missing, at once."""

    papers = ManyField(_l("Missing papers"), required=False)


class PayoutForm(Form):
    """What was paid, for which kind of cost, when."""

    category = OneField(_l("Kind of cost"))
    amount = YuanField(_l("Payout"), most=100_000_000)
    paid_on = DayField(_l("Paid on"))


class CorrectForm(Form):
    """What is true of a payout that was told otherwise."""

    reason_code = OneField(_l("What is wrong with it?"))
    category = OneField(_l("Kind of cost"), required=False)
    amount = YuanField(_l("Payout"), most=100_000_000, required=False)
    paid_on = DayField(_l("Paid on"), required=False)


class AgreeForm(Form):
    """What the second person says."""

    answer = OneField(_l("Is it so?"))


class NothingForm(Form):
    """A yes to what the page says."""


ACTS: dict[str, tuple[Any, Any, Any]] = {
    "enrolled": (PolicyForm, _l("Enrolled"), _l("The household is asked to confirm that it is insured.")),
    "not_enrolled": (ReasonForm, _l("Not enrolled"), _l("The place is free again, and the household is told.")),
    "cover": (PolicyForm, _l("Cover found"), _l("Next you say which papers are missing, all at once.")),
    "no_cover": (
        NothingForm,
        _l("No cover found"),
        _l("The match ends, the need is open for another insurer, and you can see nothing of the household any more."),
    ),
    "papers": (
        PapersForm,
        _l("State the missing papers"),
        _l("Tick all that is missing: the household is told once, not bit by bit. Tick nothing if all is there."),
    ),
    "paid": (
        PayoutForm,
        _l("Record the payout"),
        _l("You pay the person from your own account. The payout is counted before any charity."),
    ),
    "refused": (ReasonForm, _l("Refuse the claim"), _l("The household sees the reason and can ask civil affairs.")),
}
"""Act ► its form, its name, and what follows."""
OFFERED: dict[CaseState, tuple[str, ...]] = {
    CaseState.ENROL: ("enrolled", "not_enrolled"),
    CaseState.FIND: ("cover", "no_cover"),
    CaseState.HELP: ("papers",),
    CaseState.ANSWER: ("papers", "refused"),
}
"""What can be done in a step, the usual first; a payout stands in `acts_of`."""


def acts_of(case: InsuranceCase, match: Match, /) -> tuple[str, ...]:
    """What the insurer can answer now; where the match does not go its way, that it has paid all the same."""
    paid = ("paid",) if case.state in payable(case, match) else ()
    if match.state is not MatchState.IN_DELIVERY:
        return paid
    steps = OFFERED.get(case.state, ())
    return (*paid, *steps) if case.state is CaseState.ANSWER else (*steps, *paid)


def form_of(act: str, /) -> Form:
    """The form of one act with its choices in the reader's language."""
    form: Form = ACTS[act][0]()
    lang = language()
    tables = {"scheme": "insurance_scheme", "papers": "claim_paper"}
    tables["reason_code"] = "enrol_refusal" if act == "not_enrolled" else "claim_refusal"
    for field in form:
        if field.name in tables:
            field.choices = choices(tables[field.name], lang=lang)
        elif field.name == "category":
            field.choices = [(kind.code, kind.name(lang=lang)) for kind in payable_kinds()]
    return form
