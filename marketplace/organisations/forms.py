"""The forms of givers: what is typed of one, its agreement, why it is stopped, its budget, who is related to it.

Called by the views of this room only; money is typed in yuan.
"""

from __future__ import annotations

from typing import Any

from marketplace.calendar import after_last
from marketplace.organisations.agreements import purposes_of_needs
from marketplace.organisations.models import OrganisationKind
from marketplace.organisations.service import NewOrganisation
from marketplace.reference.words import choices
from marketplace.web import DayField, Form, ManyField, OneField, TextField, YuanField, _l
from marketplace.web.codes import word
from marketplace.web.display import language

REASONS: dict[str, Any] = {
    "contract_ended": _l("The agreement has ended"),
    "licence": _l("Its registration or licence has lapsed"),
    "complaint": _l("A complaint is being looked into"),
    "spending": _l("It did not keep the spending rules of the Charity Law"),
    "asked": _l("It asked for it"),
}
UNREACHABLE: Any = _l("Give a mail address, or a mobile number of 11 digits.")
WHO = ("name", "contact", "trustee", "supervisor", "filing_ref")


class ApplyForm(Form):
    """Who a giver is. A charitable trust names three things more."""

    name = TextField(_l("Name, as on the certificate"), longest=120)
    kind = OneField(_l("Kind"), select=True)
    credit_code = TextField(_l("Unified social credit code"), longest=24)
    contact = TextField(_l("Mail address or mobile number at work"), longest=120)
    trustee = TextField(_l("Trustee (an institution)"), required=False, longest=120)
    supervisor = TextField(_l("Supervisor of the trust (an institution)"), required=False, longest=120)
    filing_ref = TextField(_l("Number of the trust's filing"), required=False, longest=64)


class NewForm(ApplyForm):
    """What staff type for a new giver: who it is and what was agreed."""

    contract_ref = TextField(_l("Number of the agreement"), required=False, longest=64)
    contract_from = DayField(_l("First day of the agreement"), required=False)
    contract_to = DayField(_l("Last day of the agreement"), required=False)
    purposes = ManyField(_l("For which purposes may it ever be told anything?"), required=False)


class AgreementForm(Form):
    """A first agreement for somebody who applied, a renewal, or another ceiling."""

    contract_ref = TextField(_l("Number of the agreement"), longest=64)
    contract_from = DayField(_l("First day of the agreement"))
    contract_to = DayField(_l("Last day of the agreement"))
    purposes = ManyField(_l("For which purposes may it ever be told anything?"), required=_l("Choose at least one"))


class SuspendForm(Form):
    """Why an organisation is stopped."""

    reason = OneField(_l("Reason"), list(REASONS.items()))


class BudgetForm(Form):
    """The most money in a calendar year."""

    yearly_budget_fen = YuanField(_l("The most money you give in a calendar year"), least=0, required=False)
    income_fen = YuanField(_l("Income of last year, or the mean of the last three years"), least=0, required=False)


class ContactForm(Form):
    """Where letters go."""

    contact = TextField(_l("Mail address or mobile number at work"), longest=120)


class OnCallForm(Form):
    """Who is reached day and night."""

    on_call_contact = TextField(_l("Mail address or mobile number on call"), required=False, longest=120)


class RelatedForm(Form):
    """One related person."""

    reference = TextField(_l("Your own reference, not a name"), longest=32)
    relation = OneField(_l("What makes the person related to you?"))
    id_number = TextField(_l("ID number"), longest=24)


def fill(form: Any) -> Any:
    """Give a form its lists in the reader's language."""
    if "kind" in form:
        form.kind.choices = choices("organisation_kind", lang=language())
    if "purposes" in form:
        form.purposes.choices = [(code, word(code, "purpose")) for code in purposes_of_needs()]
    if "relation" in form:
        form.relation.choices = choices("relation_to_giver", lang=language())
    return form


def typed(form: Any) -> NewOrganisation:
    """What the form says of a new giver."""
    said: dict[str, Any] = {name: form[name].data or "" for name in WHO}
    if "contract_ref" in form:
        said["contract_ref"] = form.contract_ref.data or ""
        last = form.contract_to.data
        said |= {"contract_from": form.contract_from.data, "contract_to": last and after_last(last)}
        said["purposes"] = tuple(form.purposes.data or ())
    return NewOrganisation(kind=OrganisationKind(str(form.kind.data)), credit_code=form.credit_code.data, **said)
