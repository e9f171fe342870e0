"""Tables from outside, taken in with care: checked whole, shown to a person, confirmed, stored once.

What enters: the bytes of a CSV or XLSX file (or records of a registry) and a `Schema` of columns. What leaves: rows
of plain values ready for a room's service, or faults of one class with row, column, value and mend. The rooms that
bring in needs, offers and past aid call `check_table`, keep the result with `keep_batch`, and store it when confirmed.
"""

from marketplace.intake import cells
from marketplace.intake.batches import (
    close_batch,
    counts_of,
    drop_upload,
    faults_of,
    get_batch,
    keep_batch,
    keep_found,
    refuse_changes,
    rows_of,
    source_name,
)
from marketplace.intake.checking import Checked, CheckedRow, check_records, check_table, refused_file
from marketplace.intake.columns import NO_MAPPING, FileMapping, read_mapping
from marketplace.intake.models import ImportBatch, ImportKind, ImportState
from marketplace.intake.report import SHOWN_ROWS, error_file, template_file, told
from marketplace.intake.sentences import hold_sentence, sentence
from marketplace.intake.values import BadCell, Column, Fault, Reader, Row, Schema, Stage

__all__ = [
    "NO_MAPPING",
    "SHOWN_ROWS",
    "BadCell",
    "Checked",
    "CheckedRow",
    "Column",
    "Fault",
    "FileMapping",
    "ImportBatch",
    "ImportKind",
    "ImportState",
    "Reader",
    "Row",
    "Schema",
    "Stage",
    "cells",
    "check_records",
    "check_table",
    "close_batch",
    "counts_of",
    "drop_upload",
    "error_file",
    "faults_of",
    "get_batch",
    "hold_sentence",
    "keep_batch",
    "keep_found",
    "read_mapping",
    "refuse_changes",
    "refused_file",
    "rows_of",
    "sentence",
    "source_name",
    "template_file",
    "told",
]
