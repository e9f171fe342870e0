"""HSDS there and back: JSON and the package of tables say the same; what is not HSDS is refused, not guessed."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest

from adapters import hsds
from adapters.ports import WillNeverWork
from adapters.tabular_writer import write_xlsx

WHOLE = hsds.Service(
    id="ac148810-d857-441c-9679-408f346de14b",
    name="巡访探视",
    description="每户每周一次",
    application_process="街道联系，志愿者上门",
    fees_description="不收费",
    eligibility_description="独居老人",
    assured_date="2026-11-01",
    organization="江风志愿服务队",
    organization_code="51500000000000000X",
    areas=("渝中区", "江北区"),
    valid_from="2026-12-01",
    valid_to="2027-05-31",
    unit="次探访",
    maximum="60",
    available="44",
    updated="2026-11-01T02:00:00+00:00",
    terms=(
        hsds.Term("shanqiao-need", "CARE.VISIT"),
        hsds.Term("shanqiao-term", "lot", value="2"),
        hsds.Term("other", "elders", link="eligibility"),
    ),
)
BARE = hsds.Service(id="2", name="=危险的公式", organization="乙", maximum="0", available="0")


@pytest.mark.parametrize("write", [hsds.write_json, hsds.write_package])
def test_services_come_back_as_they_went_out(write):
    data = write([WHOLE])
    assert hsds.is_hsds(data)
    assert hsds.read_services(data) == [WHOLE]


def test_a_package_has_the_tables_of_the_standard_and_no_cell_runs_as_a_formula():
    data = hsds.write_package([WHOLE, BARE])
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert {"services.csv", "organizations.csv", "service_areas.csv", "schedules.csv"} <= set(package.namelist())
        assert ",=危险" not in package.read("services.csv").decode()
    assert hsds.write_package([WHOLE, BARE]) == data, "the same services give the same bytes"


def test_every_object_of_the_json_has_the_fields_that_the_standard_requires():
    (service,) = json.loads(hsds.write_json([WHOLE]))
    assert {"id", "name", "status"} <= service.keys()
    assert {"id", "name", "description"} <= service["organization"].keys()
    assert {"id", "unit", "available", "updated"} <= service["capacities"][0].keys()
    assert {"id", "name"} <= service["capacities"][0]["unit"].keys()
    for attribute in service["attributes"]:
        assert {"id", "name", "description"} <= attribute["taxonomy_term"].keys()


def test_a_page_of_an_api_and_a_single_service_are_read_too():
    row = json.loads(hsds.write_json([WHOLE]))[0]
    assert hsds.read_services(json.dumps({"total_items": 1, "contents": [row]}).encode()) == [WHOLE]
    assert hsds.read_services(b"\xef\xbb\xbf" + json.dumps(row).encode()) == [WHOLE]


def test_fields_of_another_shape_are_passed_over():
    row = {"id": 7, "name": "x", "organization": "nobody", "service_areas": {"name": "a"}, "schedules": [None, 3]}
    assert hsds.read_services(json.dumps([row | {"capacities": [[]]}]).encode()) == [
        hsds.Service(id="7", name="x", status="")
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "hsds_unreadable"),
        (b"[1]", "hsds_unreadable"),
        (b'{"contents": 3}', "hsds_unreadable"),
        (b"[" * 100_000, "hsds_unreadable"),
        (b'[{"name": "x"}]', "hsds_no_id"),
        (b'[{"id": "x", "name": " "}]', "hsds_no_id"),
        (b"\xff\xfe{", "hsds_unreadable"),
        (b"PK\x03\x04 broken", "hsds_unreadable"),
        (json.dumps([{"id": "1", "name": "x"}] * (hsds.MOST + 1)).encode(), "hsds_too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(data, code):
    with pytest.raises(WillNeverWork) as caught:
        hsds.read_services(data)
    assert caught.value.code == code


def test_a_package_that_unfolds_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(hsds, "LARGEST", 100)
    with pytest.raises(WillNeverWork) as caught:
        hsds.read_services(hsds.write_package([WHOLE]))
    assert caught.value.code == "hsds_too_large"


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", write_xlsx(["a"], [["1"]]), b"", b"PK\x03\x04"])
def test_tables_are_not_taken_for_hsds(data):
    assert not hsds.is_hsds(data)


def test_a_service_without_anything_but_id_and_name_goes_out_and_back():
    assert hsds.read_services(hsds.write_json([replace(BARE, name="危险")])) == [replace(BARE, name="危险", unit="")]
