"""From a note to kinds of need: our word rules beside TF-IDF with logistic regression.

What enters: `bench/data/notes.csv`, notes of our own in Chinese and English with the kinds of need that a person read
in them, in two halves; with `--data DIR` the disaster messages there as well (CC BY 4.0, Robert Munro 2012; not part of
this project). What leaves: a printed table and `bench/results/notes.json`. The rules were written without sight of any
note and mended on the half "dev" only; the half "test" is what counts. The peer learns from "dev"; a second row of it
learns from all notes but the tenth it is asked about, so it sees more notes than the rules ever did. Its threshold is
the one that is best for it on what it is asked.

    PYTHONPATH=. python bench/notes.py [--data DIR [--points]] [--misses]
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from bench.measure import Row, machine
from marketplace.needs.messages import suggest_of_message
from marketplace.needs.reading import suggest

HERE = Path(__file__).parent
NOTES = HERE / "data" / "notes.csv"
RESULT = HERE / "results" / "notes.json"
MESSAGES = {
    "food": ("LIVING.FOOD_PACK",),
    "clothing": ("LIVING.GOODS",),
    "shelter": ("EMERGENCY.SHELTER", "HOUSING.RENT"),
    "money": ("EMERGENCY.CASH",),
    "medical_help": ("MEDICAL.MAJOR", "MEDICAL.LONGTERM_DRUG"),
}
"""Label of a disaster message ► our kinds that would answer it; its other labels have no kind here."""
Labels = list[set[str]]
Floats = NDArray[np.float64]


def read_notes() -> tuple[list[Row], Labels]:
    """Our notes and their labels."""
    with NOTES.open(encoding="utf-8", newline="") as file:
        rows: list[Row] = list(csv.DictReader(file))
    return rows, [set(row["labels"].split(";")) - {""} for row in rows]


def ours(texts: Sequence[str]) -> Labels:
    """What the rules suggest."""
    return [{found.code for found in suggest(text)} for text in texts]


def learner() -> Pipeline:
    """The peer: letters in ones to fours, so that it reads Chinese too; the weight of rare kinds is raised."""
    return make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=1),
        OneVsRestClassifier(LogisticRegression(C=100, class_weight="balanced", solver="liblinear")),
    )


def learned(texts: Sequence[str], truth: Labels, asked: Sequence[str], kinds: list[str]) -> Floats:
    """How likely the peer holds each kind for each text asked, having learned from the others."""
    table = MultiLabelBinarizer(classes=kinds).fit(truth)
    told: Floats = learner().fit(list(texts), table.transform(truth)).predict_proba(list(asked))
    return told


def left_out(texts: Sequence[str], truth: Labels, kinds: list[str]) -> Floats:
    """How likely the peer holds each kind for each text, having learned from nine tenths that do not hold it."""
    told = np.zeros((len(texts), len(kinds)))
    for known, asked in KFold(10, shuffle=True, random_state=7).split(texts):
        told[asked] = learned([texts[i] for i in known], [truth[i] for i in known], [texts[i] for i in asked], kinds)
    return told


def at_its_best(likely: Floats, truth: Labels, kinds: list[str], present: list[str]) -> Row:
    """The peer's score at the threshold that is best for it here: it may look at the truth, the rules may not."""
    rows = [
        score(truth, [{kinds[k] for k in np.flatnonzero(row >= edge)} for row in likely], present) | {"edge": edge}
        for edge in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
    ]
    return max(rows, key=lambda row: float(row["macro_f1"]))


def score(truth: Labels, told: Labels, kinds: list[str]) -> Row:
    """Mean F1 over the kinds, F1 over all labels, and how many texts without a label got one."""
    table = MultiLabelBinarizer(classes=kinds).fit([set(kinds)])
    right, said = table.transform(truth), table.transform([labels & set(kinds) for labels in told])
    empty = [labels for labels, real in zip(told, truth, strict=True) if not real]
    return {
        "texts": len(truth),
        "macro_f1": round(float(f1_score(right, said, average="macro", zero_division=0)), 4),
        "micro_f1": round(float(f1_score(right, said, average="micro", zero_division=0)), 4),
        "false_on_empty": sum(bool(labels) for labels in empty),
        "empty": len(empty),
    }


def shares(rows: list[Row], truth: Labels) -> Row:
    """Weight of a suggestion ► how often it was right."""
    asked, right = Counter[int](), Counter[int]()
    for row, real in zip(rows, truth, strict=True):
        for found in suggest(row["note"]):
            asked[min(found.weight, 4)] += 1
            right[min(found.weight, 4)] += found.code in real
    return {str(weight): [right[weight], asked[weight]] for weight in sorted(asked)}


def our_notes() -> Row:
    """Rules and peer on each half and each language of our notes."""
    rows, truth = read_notes()
    kinds = sorted(set().union(*truth))
    texts = [row["note"] for row in rows]
    dev = [i for i, row in enumerate(rows) if row["split"] == "dev"]
    crossed = left_out(texts, truth, kinds)
    found: Row = {}
    for half, language in (("dev", "zh"), ("test", "zh"), ("test", "en")):
        here = [i for i, row in enumerate(rows) if (row["split"], row["language"]) == (half, language)]
        real, asked = [truth[i] for i in here], [texts[i] for i in here]
        present = sorted(set().union(*real))
        told = {"rules": score(real, ours(asked), present)}
        told["TF-IDF + LR, learned from nine tenths"] = at_its_best(crossed[here], real, kinds, present)
        if half == "test":
            likely = learned([texts[i] for i in dev], [truth[i] for i in dev], asked, kinds)
            told["TF-IDF + LR, learned from dev"] = at_its_best(likely, real, kinds, present)
        found[f"{half} {language}"] = told
    test = [i for i, row in enumerate(rows) if row["split"] == "test"]
    found["share right by weight"] = {
        "dev": shares([rows[i] for i in dev], [truth[i] for i in dev]),
        "test": shares([rows[i] for i in test], [truth[i] for i in test]),
    }
    return found


def read_messages(folder: Path) -> list[Row]:
    """The messages, of which every second one is "dev"."""
    with (folder / "needs_text" / "validation.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def halves(count: int) -> dict[str, range]:
    """Which messages are looked at together."""
    return {"dev": range(0, count, 2), "test": range(1, count, 2), "all": range(count)}


def rules_and_points(rows: list[Row]) -> dict[str, Row]:
    """What the two ways of the house reach on each half."""
    texts, kinds = [row["message"] for row in rows], sorted(MESSAGES)
    truth = [{label for label in MESSAGES if row[label] == "1"} for row in rows]
    told = _labels(ours(texts))
    pointed = _labels([{found.code for found in suggest_of_message(text)} for text in texts])
    return {
        half: {
            "rules": score([truth[i] for i in here], [told[i] for i in here], kinds),
            "rules and points": score([truth[i] for i in here], [pointed[i] for i in here], kinds),
        }
        for half, here in halves(len(rows)).items()
    }


def messages(folder: Path) -> Row:
    """Rules, points and peers on messages sent after disasters. The rules were written from general knowledge and
    mended on every second message ("dev"), from which the points were learned; the others, which nobody looked at, are
    what counts ("test")."""
    rows = read_messages(folder)
    texts, kinds = [row["message"] for row in rows], sorted(MESSAGES)
    truth = [{label for label in MESSAGES if row[label] == "1"} for row in rows]
    crossed, parts = left_out(texts, truth, kinds), halves(len(rows))
    dev, test = parts["dev"], parts["test"]
    likely = learned([texts[i] for i in dev], [truth[i] for i in dev], [texts[i] for i in test], kinds)
    found: Row = {"positive": dict(Counter(label for labels in truth for label in labels)), **rules_and_points(rows)}
    for half, here in parts.items():
        real = [truth[i] for i in here]
        found[half]["TF-IDF + LR, learned from nine tenths"] = at_its_best(crossed[list(here)], real, kinds, kinds)
    real = [truth[i] for i in test]
    found["test"]["TF-IDF + LR, learned from dev"] = at_its_best(likely, real, kinds, kinds)
    return found


def _labels(told: Labels) -> Labels:
    return [{label for label, codes in MESSAGES.items() if kinds & set(codes)} for kinds in told]


def show_misses() -> None:
    """The notes of the half "dev" that the rules read otherwise than the person."""
    rows, truth = read_notes()
    for row, real in zip(rows, truth, strict=True):
        told = {found.code: found.words for found in suggest(row["note"])}
        if row["split"] == "dev" and set(told) != real:
            missed, wrong = sorted(real - set(told)), {code: told[code] for code in set(told) - real}
            print(row["language"], row["note"], "| missed", missed, "| wrong", wrong)


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--points", action="store_true", help="only rules and points; the peers' rows stay")
    asked = parser.parse_args()
    if asked.misses:
        show_misses()
        return
    if asked.points:
        result = json.loads(RESULT.read_text("utf-8"))
        for half, row in rules_and_points(read_messages(asked.data)).items():
            result["messages"][half] = {
                **row,
                **{name: one for name, one in result["messages"][half].items() if name not in row},
            }
    else:
        result = {"machine": machine(), "notes": our_notes()}
    if asked.data and not asked.points:
        result["messages"] = messages(asked.data)
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "machine"}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
