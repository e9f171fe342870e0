"""Splink and recordlinkage on the same tables, set up as their own guides advise, at the threshold best for them.

What enters: columns of text by name. What leaves: pairs of row numbers with a score. Called by `bench.link`. Both are
unsupervised, as we are: Splink with its ready-made comparisons on DuckDB, weights by its estimation–maximisation;
recordlinkage with block keys, string and exact comparisons and its ECM classifier, whose log weights are the score.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

Columns = dict[str, list[str]]
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def _frame(columns: Columns) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(cells, dtype="object") for name, cells in columns.items()})
    frame = frame.replace("", None)
    frame["unique_id"] = np.arange(len(frame))
    return frame


def splink(columns: Columns) -> Pairs:
    """Splink 4's own comparisons, term frequencies, rules of one or two fields."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frame = _frame(columns)
    if "birth_date" in frame:
        frame["birth_date"] = _iso(columns["birth_date"])
    made: list[Any] = []
    for name in columns:
        if name in ("given_name", "surname"):
            made.append(cl.NameComparison(name).configure(term_frequency_adjustments=True))
        elif name == "birth_date":
            made.append(cl.DateOfBirthComparison(name, input_is_string=True))
        elif name == "email":
            made.append(cl.EmailComparison(name))
        elif name == "id_number":
            made.append(cl.DamerauLevenshteinAtThresholds(name, [1, 2]))
        elif name in ("postcode", "address", "district"):
            made.append(cl.JaroWinklerAtThresholds(name, [0.9, 0.7]))
        else:
            made.append(cl.ExactMatch(name))
    rules = [block_on(*keys) for keys in _keys(columns)]
    settings = SettingsCreator(link_type="dedupe_only", comparisons=made, blocking_rules_to_generate_predictions=rules)
    linker = Linker(DuckDBAPI().register(frame), settings, log_level=None)
    sure = [block_on(*keys) for keys in _sure(columns)]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for keys in _trained():
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*keys))
    found = linker.inference.predict().as_pandas_dataframe()
    one, two = found["unique_id_l"].to_numpy(), found["unique_id_r"].to_numpy()
    return np.minimum(one, two), np.maximum(one, two), found["match_weight"].to_numpy()


def recordlinkage(columns: Columns) -> Pairs:
    """Block keys, Jaro–Winkler on texts, equality on the rest, and the expectation–conditional maximisation."""
    import jellyfish
    import recordlinkage as rl

    jellyfish.jaro_winkler = jellyfish.jaro_winkler_similarity  # the name that recordlinkage 0.16 still asks for

    warnings.simplefilter("ignore")
    frame = _frame(columns).drop(columns="unique_id")
    index = rl.Index()
    for keys in _keys(columns):
        index.block(list(keys))
    pairs = index.index(frame)
    compare = rl.Compare()
    for name in columns:
        if name in ("given_name", "surname", "address", "district", "email"):
            compare.string(name, name, method="jarowinkler", threshold=0.85, label=name)
        elif name in ("birth_date", "postcode", "id_number", "phone"):
            compare.string(name, name, method="damerau_levenshtein", threshold=0.8, label=name)
        else:
            compare.exact(name, name, label=name)
    levels = compare.compute(pairs, frame)
    model = rl.ECMClassifier()
    model.fit(levels.astype(int))
    weight = model.prob(levels.astype(int)).to_numpy()
    weight = weight + 1e-6 * levels.sum(axis=1).to_numpy()
    one, two = (pairs.get_level_values(at).to_numpy() for at in (0, 1))
    return np.minimum(one, two), np.maximum(one, two), weight


def _iso(cells: Sequence[str]) -> list[str | None]:
    plain = (cell.replace("-", "") for cell in cells)
    return [f"{cell[:4]}-{cell[4:6]}-{cell[6:]}" if len(cell) == 8 else None for cell in plain]


def _keys(columns: Columns) -> list[tuple[str, ...]]:
    """The block keys of both rivals: every field that is not coarse."""
    fine = ("given_name", "surname", "birth_date", "id_number", "postcode", "email", "phone", "address")
    return [(name,) for name in fine if name in columns]


def _sure(columns: Columns) -> list[tuple[str, ...]]:
    other = next((name for name in ("birth_date", "postcode", "email") if name in columns), "given_name")
    return [("given_name", "surname", other), ("given_name", "birth_date"), ("surname", "birth_date")]


def _trained() -> list[tuple[str, ...]]:
    return [("given_name", "surname"), ("birth_date",)]
