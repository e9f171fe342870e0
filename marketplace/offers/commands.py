"""`shanqiao import offers` as a function.

Enters: an open database, a giver's file and credit code, and how to print and ask. Leaves: an exit code (0 well, 1
faults in the rows, 2 a file or an option that cannot be used). Called by `marketplace.cli`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.intake.command import Say, Steps, bring_in, mapping_of, tell_refusal
from marketplace.offers import imports
from marketplace.offers.table import offer_schema
from marketplace.offers.upload import desk
from marketplace.organisations.service import find_by_credit_code
from marketplace.reference.organisation_number import BadOrganisationNumber, check_uscc

WORDS = {
    "new": ("新资源", "new"),
    "changed": ("有变化", "changed"),
    "same": ("没有变化", "unchanged"),
    "held": ("其中暂缓、待人工核对", "of these held for a person"),
}


def import_offers(
    database: Database,
    file: Path,
    /,
    *,
    org: str,
    mapping: Path | None,
    dry_run: bool,
    actor: Actor,
    now: datetime,
    lang: str,
    say: Say,
    agree: Callable[[], bool],
) -> int:
    """Check a giver's file, say exactly what storing it would do, and do that if somebody agrees."""
    try:
        giver = replace(actor, org_id=_organisation(database, org))
        columns = mapping_of(mapping, offer_schema(today=local_day(now)))
    except BadInput as error:
        return tell_refusal(error, lang=lang, say=say)
    steps = Steps(
        check=lambda session: imports.check_file(
            session,
            file.read_bytes(),
            file_name=file.name,
            mapping=columns,
            actor=giver,
            now=now,
        ),
        confirm=partial(imports.confirm_import, actor=giver, now=now),
        drop=partial(desk.drop, actor=giver, now=now),
        words=WORDS,
    )
    return bring_in(database, file, steps=steps, dry_run=dry_run, lang=lang, say=say, agree=agree)


def _organisation(database: Database, org: str) -> str:
    """The organisation with this unified social credit code."""
    try:
        code = check_uscc(org)
    except BadOrganisationNumber as error:
        raise BadInput(f"credit_code_{error.code}", field="org") from error
    with database.reading() as session:
        found = find_by_credit_code(session, code)
    if found is None:
        raise BadInput("organisation_unknown", field="org")
    return found.id
