"""Learn the points of words in messages sent after disasters, and write them as a table that anybody can read.

Enters: the collection "disaster response messages" (Robert Munro 2012, CC BY 4.0; not part of this project). Only every
second message ("dev") is looked at; the others are left to `bench/notes.py`. For each of five kinds of need a logistic
regression that keeps few words (L1) is fitted to which words a message has and to what the rules of `needs.reading`
found; its weights become whole points. The line from which a kind is suggested, and how often it was right, come from
tenths of "dev" that were left out. Leaves: `marketplace/reference/data/message_points.csv`.

    PYTHONPATH=. python bench/messages.py --data DIR
"""

from __future__ import annotations

import argparse
import csv
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_predict

from marketplace.needs.messages import LINE, RIGHT, features, stems
from marketplace.needs.reading import suggest

LABELS = {
    "food": "LIVING.FOOD_PACK",
    "clothing": "LIVING.GOODS",
    "shelter": "EMERGENCY.SHELTER",
    "money": "EMERGENCY.CASH",
    "medical_help": "MEDICAL.MAJOR",
}
"""Label of a message ► the kind of need that answers it."""
TABLE = Path(__file__).parents[1] / "marketplace" / "reference" / "data" / "message_points.csv"
SOURCE = "Robert Munro 2012; disaster response messages; CC BY 4.0; learned from every second one"
SELDOM, KEPT, SCALE = 4, 0.1, 10
"""A word in fewer messages is left out, as are "the", "and" and their like; how few words are kept (L1); points for a
weight of one."""


def messages(folder: Path, half: int) -> list[dict[str, str]]:
    """Every second message."""
    with (folder / "needs_text" / "validation.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[half::2]


def learn(rows: list[dict[str, str]], label: str) -> dict[str, int]:
    """Word ► points, with the line and the share that was right."""
    code = LABELS[label]
    maker, texts = DictVectorizer(), [row["message"] for row in rows]
    held = maker.fit_transform([dict.fromkeys(features(stems(one), suggest(one), code), 1.0) for one in texts])
    names = maker.get_feature_names_out()
    plain = np.array([name not in ENGLISH_STOP_WORDS for name in names])
    often = plain & (np.asarray(held.sum(axis=0)).ravel() >= SELDOM)
    held, names = held[:, often], names[often]
    truth = np.array([row[label] == "1" for row in rows])
    model = LogisticRegression(C=KEPT, l1_ratio=1, class_weight="balanced", solver="liblinear", random_state=7)
    folds = KFold(10, shuffle=True, random_state=7)
    told = cross_val_predict(model, held, truth, cv=folds, method="decision_function")
    edge = _edge(told, truth)
    print(label, "on what was left out: F1", round(f1_score(truth, told >= edge), 3))
    fitted = model.fit(held, truth)
    points = {str(name): round(SCALE * weight) for name, weight in zip(names, fitted.coef_[0], strict=True)}
    kept = {name: value for name, value in sorted(points.items(), key=lambda one: -one[1]) if value}
    line = round(SCALE * (edge - fitted.intercept_[0]))
    return {**kept, LINE: line, RIGHT: round(100 * float(truth[told >= edge].mean()))}


def _edge(told: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The line at which messages that were left out are told best."""
    edges = np.unique(np.quantile(told, np.linspace(0.7, 0.995, 60)))
    return float(max(edges, key=lambda edge: f1_score(truth, told >= edge, zero_division=0)))


def main() -> None:
    """Learn and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    rows = messages(parser.parse_args().data, 0)
    today = date.today().isoformat()  # noqa: DTZ011 - the day of the learning, not of the house
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["code", "word", "points", "valid_from", "source", "mark"])
        for label, code in LABELS.items():
            for word, points in learn(rows, label).items():
                writer.writerow([code, word, points, today, SOURCE, "D"])


if __name__ == "__main__":
    main()
