"""Every table of the house, imported for its metadata: migrations and the test that compares both read this list."""

import marketplace.db  # first of all: it names the constraints of every table that follows
from marketplace import audit, jobs, notices, sealed
from marketplace.accounts import models as accounts
from marketplace.answers import models as answers
from marketplace.appeals import models as appeals
from marketplace.appointments import models as appointments
from marketplace.assessments import models as assessments
from marketplace.boards import models as boards
from marketplace.cases import models as cases
from marketplace.cases import models_months as case_months
from marketplace.cases import models_orders as case_orders
from marketplace.cases import models_papers as case_papers
from marketplace.cases import models_reviews as case_reviews
from marketplace.cases import models_uploads as case_uploads
from marketplace.claims import models as claims
from marketplace.clocks import models as clocks
from marketplace.consent import models as consent
from marketplace.credentials import models as credentials
from marketplace.decisions import models as decisions
from marketplace.households import models as households
from marketplace.incidents import models as incidents
from marketplace.intake import models as intake
from marketplace.ledger import models as ledger
from marketplace.ledger import models_reports as ledger_reports
from marketplace.liveness import models as liveness
from marketplace.meetings import models as meetings
from marketplace.needs import models as needs
from marketplace.offers import models as offers
from marketplace.organisations import models as organisations
from marketplace.payments import models as payments
from marketplace.portraits import models as portraits
from marketplace.proofs import models as proofs
from marketplace.proposals import models as proposals
from marketplace.proxies import models as proxies
from marketplace.readback import models as readback
from marketplace.reports import models as reports
from marketplace.rights import models as rights
from marketplace.sharing import models as sharing
from marketplace.signals import models as signals
from marketplace.signals import models_homes as signals_homes
from marketplace.trail import models as trail
from marketplace.visits import models as visits
from marketplace.visits import models_places as visits_places
from marketplace.workdays import models as workdays

ROOMS = (
    accounts,
    answers,
    appeals,
    appointments,
    assessments,
    audit,
    boards,
    case_months,
    case_orders,
    case_papers,
    case_reviews,
    case_uploads,
    cases,
    claims,
    clocks,
    consent,
    credentials,
    decisions,
    households,
    incidents,
    intake,
    jobs,
    ledger,
    ledger_reports,
    liveness,
    meetings,
    needs,
    notices,
    offers,
    organisations,
    payments,
    portraits,
    proofs,
    proposals,
    proxies,
    readback,
    reports,
    rights,
    sealed,
    sharing,
    signals,
    signals_homes,
    trail,
    visits,
    workdays,
    visits_places,
)

metadata = marketplace.db.metadata

__all__ = ["ROOMS", "metadata"]
