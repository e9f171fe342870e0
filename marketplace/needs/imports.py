"""Needs coming in by file: checked, shown with exact counts, confirmed by a person, stored once.

What enters: the bytes of a file and the name of its source. What leaves: an `ImportBatch` whose counts say what
confirming will do, then the needs. The same file again, and the same row in any file of the source, change nothing.
Called by views and commands; `plan` and `store` also serve pulls from a registry, so that both take one way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from marketplace import policy
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
    source_name,
)
from marketplace.intake.places import Place
from marketplace.needs.planning import plan
from marketplace.needs.storing import store
from marketplace.needs.table import Taxonomy, need_schema


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    source: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
    taxonomy: Taxonomy | None = None,
    place: Place | None = None,
) -> tuple[ImportBatch, Checked]:
    """The dry run: nothing is stored but the sealed batch and what it would do."""
    policy.require(actor, "need:import")
    schema = need_schema(today=local_day(now), taxonomy=taxonomy, place=place)
    checked = check_table(data, schema, mapping=mapping)
    found = plan(session, checked.rows, source=source_name(source))
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.NEEDS,
        file_name=file_name,
        data=data,
        source=source,
        actor=actor,
        now=now,
    )


def confirm_import(
    session: Session, batch_id: str, /, *, actor: Actor, now: datetime, taxonomy: Taxonomy | None = None
) -> Mapping[str, int]:
    """Store the checked rows, if what would be done is still what was shown; else Conflict, and nothing is stored."""
    policy.require(actor, "need:import")
    batch = get_batch(session, batch_id, kind=ImportKind.NEEDS, actor=actor)
    found = plan(session, rows_of(session, batch), source=batch.source)
    refuse_changes(batch, found)
    store(session, found, batch_id=batch.id, actor=actor, now=now, taxonomy=taxonomy)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts
