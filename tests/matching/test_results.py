"""The output folder is written the same way every time and read back as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching.folder import BadInput, plan_sha256, read_plan, write_plan
from matching.plan import Certificate, Line, Plan, Price, Reason

CERTIFICATE = Certificate(
    status="optimal",
    score=12,
    bound=12,
    gap=0.0,
    gap_by_prefix={"1": {"rice": 0}},
    unique=True,
    lexicographic="proven",
    coverage=(3, 1, 0, 0),
    units=4,
    households_served=2,
    broken_units=0,
    cost=7,
    components={"pure": 1, "hard_small": 0, "hard_large": 0},
    interrupted=False,
    input_sha256="a" * 64,
    plan_sha256="b" * 64,
    price_scale=1,
    versions={"matching": "0.1.0"},
    seconds={"read": 0.1},
)
PLAN = Plan(
    lines=(Line("n1", "r1", 3), Line("n2", "r,2", 1)),
    reasons=(Reason("n2", "", "priced_out", {"urgency": 2, "other": "渝"}), Reason("n3", "r1", "stock")),
    prices=(Price(1, "resource", "r1", "", 5), Price(2, "household_cap", "c", "h1", -1)),
    certificate=CERTIFICATE,
)


def test_a_written_plan_reads_back_as_it_was(tmp_path):
    write_plan(PLAN, tmp_path)
    assert read_plan(tmp_path) == PLAN


def test_the_same_plan_in_another_order_is_written_as_the_same_bytes(tmp_path):
    write_plan(PLAN, tmp_path / "a")
    turned = replace(PLAN, lines=PLAN.lines[::-1], reasons=PLAN.reasons[::-1], prices=PLAN.prices[::-1])
    write_plan(turned, tmp_path / "b")
    for name in ("plan.csv", "reasons.csv", "prices.csv", "certificate.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_plan_hash_is_the_hash_of_the_file(tmp_path):
    import hashlib

    write_plan(PLAN, tmp_path)
    content = (tmp_path / "plan.csv").read_bytes()
    assert content == b'need_id,resource_id,units\nn1,r1,3\nn2,"r,2",1\n'
    assert plan_sha256(PLAN.lines[::-1]) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("plan.csv", "need_id,resource_id,units\nn1,r1,-3\n", "plan.csv, row 2"),
        ("plan.csv", "need_id,resource_id,units\nn1,r1,2.5\n", "plan.csv, row 2"),
        ("plan.csv", "need_id,resource_id,units\nn1,r1,0\n", "plan.csv, row 2"),
        ("plan.csv", "need_id,units\nn1,3\n", "plan.csv: 'need_id,units' is not the header"),
        ("reasons.csv", "need_id,resource_id,code,detail\nn1,,stock,[1]\n", "reasons.csv, row 2"),
        ("prices.csv", "tier,kind,id,household_id,price\n1,resource,r1,,1.5\n", "prices.csv, row 2"),
        ("certificate.json", "{}", "certificate.json"),
        ("certificate.json", '{"status": "optimal", "status": "feasible"}', "stands there twice"),
        ("certificate.json", None, "certificate.json: 'certificate.json' is missing"),
        ("prices.csv", None, "prices.csv: 'prices.csv' is missing"),
    ],
)
def test_a_broken_output_folder_is_refused_with_its_place(tmp_path, name, content, expected):
    write_plan(PLAN, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadInput, match="Mend") as caught:
        read_plan(tmp_path)
    assert expected in str(caught.value)
