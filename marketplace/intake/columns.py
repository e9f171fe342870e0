"""Which column of the file is which: by name in either language, or by a mapping file.

What enters: the header of a file, a schema, and perhaps a mapping. What leaves: for each column of the schema its
place in the file, or faults of the class COLUMNS. A mapping file is TOML with three optional tables: ``[columns]`` (our
name = the file's name), ``[constants]`` (our name = one value for all rows), ``[values.NAME]`` (their word = ours).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.errors import BadInput
from marketplace.intake.values import Column, Fault, Schema, Stage

_FOLD = re.compile(r"[\s_*:：\-]+|[（(][^（()）]*[）)]")


@dataclass(frozen=True, slots=True)
class FileMapping:
    """How a partner's file speaks: names of columns, constants for absent ones, words for codes."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


NO_MAPPING = FileMapping()


@dataclass(frozen=True, slots=True)
class Header:
    """Our name ► the file's name, the file's names that mean nothing to us, and what is wrong."""

    found: dict[str, str]
    ignored: tuple[str, ...]
    faults: list[Fault]


def read_mapping(data: bytes, schema: Schema) -> FileMapping:
    """Read a mapping file; BadInput names what is wrong with it."""
    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput("mapping_not_toml") from error
    known = {column.name for column in schema.columns}
    for table, content in tables.items():
        if table not in ("columns", "constants", "values") or not isinstance(content, dict):
            raise BadInput("mapping_table", table=table[:40])
        for name, value in content.items():
            if name not in known:
                raise BadInput("mapping_column", column=name[:40])
            if isinstance(value, dict) != (table == "values"):
                raise BadInput("mapping_table", table=table)
    return FileMapping(
        columns=_texts(tables.get("columns", {})),
        constants=_texts(tables.get("constants", {})),
        values={name: _texts(pairs) for name, pairs in tables.get("values", {}).items()},
    )


def _texts(table: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in table.items()}


def match_columns(names: Sequence[str], schema: Schema, *, mapping: FileMapping) -> Header:
    """Find every column of the schema in the file's header."""
    found: dict[str, str] = {}
    faults: list[Fault] = []
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(fold(name), []).append(name)
    taken = set(mapping.columns.values())
    for column in schema.columns:
        if column.name in mapping.columns:
            _take_mapped(column, mapping.columns[column.name], names=names, found=found, faults=faults)
            continue
        hits = [name for name in _hits(column, folded) if name not in taken]
        if len(hits) > 1:
            faults.append(_fault(hits[1], "column_twice", first=hits[0], second=hits[1], meaning=column.name))
        elif hits:
            found[column.name] = hits[0]
        elif column.needed and column.name not in mapping.constants:
            faults.append(_fault(column.name, "column_missing", zh=column.zh, en=column.en, name=column.name))
    used = set(found.values())
    return Header(found, tuple(name for name in names if name not in used), faults)


def _take_mapped(
    column: Column, name: str, *, names: Sequence[str], found: dict[str, str], faults: list[Fault]
) -> None:
    if name in names:
        found[column.name] = name
    else:
        faults.append(_fault(name, "mapped_column_absent", column=name[:60], meaning=column.name))


def _hits(column: Column, folded: Mapping[str, list[str]]) -> list[str]:
    wanted = dict.fromkeys(fold(word) for word in (column.name, column.zh, column.en, *column.also))
    return [name for word in wanted for name in folded.get(word, ())]


def fold(name: str) -> str:
    """A column's name without case, spaces, underscores, stars and what stands in brackets.

    >>> fold("Gap (yuan) *"), fold("需求 编号：")
    ('gap', '需求编号')
    """
    return _FOLD.sub("", name).casefold() or name.casefold()


def _fault(column: str, code: str, /, **params: str | int) -> Fault:
    return Fault(row=1, column=column, shown="", code=code, params=params, stage=Stage.COLUMNS)
