"""XLSX workbooks: the bytes of one in, the cells of its first visible sheet out.

Enters: an XLSX file from a stranger. Leaves: rows of typed cells and the merged ranges, or a
`WillNeverWork`. `adapters.tabular` calls it. The spreadsheet library reserves memory for the whole rectangle
that a sheet spans and dies when one stray cell makes it vast, and it shows a failed formula as an empty cell:
so each sheet is first walked once, which bounds the rectangle and collects the failed formulas.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date, datetime, time
from xml.etree import ElementTree
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from adapters.ports import Cell, FormulaError
from adapters.tabular_cells import moment_cell, number_cell, text_cell
from adapters.tabular_faults import Limits, file_fault
from adapters.tabular_walk import SheetWalk

Range = tuple[int, int, int, int]
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_SHEET_MARK = b"sheetData"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
_MALFORMED = (expat.ExpatError, ElementTree.ParseError, LookupError, ValueError, StopIteration, CalamineError)


def read_sheet(data: bytes, limits: Limits) -> tuple[list[list[Cell]], list[Range]]:
    """Read the first visible worksheet; the caller has checked that the bytes are a ZIP file."""
    try:
        walks, part_of = _inspect(data, limits)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        name = _first_visible(workbook)
        sheet = workbook.get_sheet_by_name(name)
        rows = [
            [text_cell(raw) if type(raw) is str else _other_cell(raw) for raw in row]
            for row in sheet.to_python(skip_empty_area=False)
        ]
        merged = [(top, left, low, right) for (top, left), (low, right) in sheet.merged_cell_ranges or ()]
        failed = walks[part_of[name]].failed
    except _BROKEN + _MALFORMED as error:
        raise file_fault("damaged") from error
    _mark_failures(rows, failed)
    return rows, merged


def _inspect(data: bytes, limits: Limits) -> tuple[dict[str, SheetWalk], dict[str, str]]:
    """Walk every part that looks like a sheet, and say which part each sheet's name stands for."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = package.infolist()
        names = {part.filename for part in parts}
        if _WORKBOOK not in names:
            raise file_fault("not_a_table")
        if len(names) != len(parts):
            raise file_fault("damaged")
        if sum(part.file_size for part in parts) > limits.max_unpacked_bytes:
            raise file_fault("file_too_large", limit=limits.max_unpacked_bytes)
        walks: dict[str, SheetWalk] = {}
        for name in names:
            content = package.read(name)
            if content.startswith(_UTF16_MARKS):
                raise file_fault("damaged")
            if _SHEET_MARK in content:
                walks[name] = SheetWalk(limits).over(content)
        return walks, _parts_by_sheet(package.read(_WORKBOOK), package.read(_RELATIONS))


def _parts_by_sheet(workbook: bytes, relations: bytes) -> dict[str, str]:
    targets = {
        relation.attrib["Id"]: posixpath.normpath(posixpath.join("/xl", relation.attrib["Target"]))[1:]
        for relation in ElementTree.fromstring(relations)
    }
    found: dict[str, str] = {}
    for element in ElementTree.fromstring(workbook).iter():
        if element.tag.endswith("}sheet"):
            key = next(value for name, value in element.attrib.items() if name.endswith("}id"))
            found[element.attrib["name"]] = targets[key]
    return found


def _first_visible(workbook: CalamineWorkbook) -> str:
    for sheet in workbook.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return sheet.name
    raise file_fault("no_header")


def _other_cell(raw: object) -> Cell:
    match raw:
        case bool():
            return raw
        case int() | float():
            return number_cell(raw)
        case datetime():
            return moment_cell(raw)
        case date() | time():
            return raw
        case _:
            return str(raw)


def _mark_failures(rows: list[list[Cell]], failed: Mapping[tuple[int, int], str]) -> None:
    for (row, column), shown in failed.items():
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = FormulaError(shown)
