"""A month's payments as a file, for the giver's own books; its rows are made in `month_table`."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from adapters.tabular_writer import write_csv, write_xlsx
from marketplace.errors import NotFound
from marketplace.guards import guard, own_org
from marketplace.payments import month_table, months
from marketplace.payments.books import months_of
from marketplace.payments.doors import bp
from marketplace.payments.files import Form
from marketplace.payments.views_giver import KINDS
from marketplace.web.desk import file
from marketplace.web.display import language
from marketplace.web.leaving import leaves, mark
from marketplace.web.transactions import current_session


@bp.get("/months/<month>/lines.<any(csv, xlsx):form>")
@guard("payment:view")
@leaves
def month_file(month: str, form: Form) -> ResponseReturnValue:
    """Every answer of the bank in this month, and every payment of it that still waits for one."""
    session, org_id = current_session(), own_org()
    if months.find_month(session, org_id, month) is None and month not in months_of(session, org_id):
        raise NotFound("month")
    heads = month_table.columns(language())
    lines = month_table.rows(session, org_id, month, lang=language())
    data = write_csv([head.name for head in heads], lines) if form == "csv" else write_xlsx(heads, lines, mark=mark())
    return file(data, name=f"payments-{month}.{form}", content_type=KINDS[form])
