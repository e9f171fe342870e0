"""The description is what the door checks; generated requests end in no fault; the worked example works."""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import select

from adapters.partner_client import PartnerClient, Refused
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.offers.models import Offer
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import Machine, let_in
from tests.pages.fixtures import served

ROOT = Path(__file__).parents[2]
LOOKS = ("matches_api.recipient", "matches_api.credential")
"""What they answer may hold personal fields, and no such reply is kept for repeats."""


@pytest.fixture
def house(sqlite_database: Database, settings: Settings) -> tuple[Flask, Scene, Machine, str]:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.approved(session, now)
        machine = let_in(session, scene.organisation)
    return create_app(settings, database=sqlite_database), scene, machine, match.id


def test_the_description_names_every_address_its_scope_and_the_shape_that_is_checked(
    house: tuple[Flask, Scene, Machine, str],
) -> None:
    app = house[0]
    told = app.test_client().get("/api/v1/openapi.json").json
    assert told["openapi"] == "3.1.0"
    rules = {r.rule for r in app.url_map.iter_rules() if r.rule.startswith("/api/v1/")} - {"/api/v1/openapi.json"}
    import re

    assert {"/api/v1" + path for path in told["paths"]} == {re.sub(r"<(\w+)>", r"{\1}", rule) for rule in rules}
    for rule in app.url_map.iter_rules():
        need = getattr(app.view_functions[rule.endpoint], "need", None)
        if need is None:
            continue
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
        for method in (rule.methods or set()) & {"GET", "POST"}:
            it = told["paths"][path][method.lower()]
            assert it["security"] == [{"token": [need.scope]}]
            if need.takes is not None:
                shape = it["requestBody"]["content"]["application/json"]["schema"]
                assert shape == json.loads(json.dumps(need.takes))
            assert {"name": "Idempotency-Key"}.items() <= {"name": ""}.items() or (
                any(p["name"] == "Idempotency-Key" for p in it["parameters"]) == need.repeats
            )


def test_every_post_that_changes_something_asks_for_a_key(house: tuple[Flask, Scene, Machine, str]) -> None:
    for endpoint, view in house[0].view_functions.items():
        need = getattr(view, "need", None)
        if need is not None and need.takes is not None and endpoint not in LOOKS:
            assert need.repeats, endpoint


def test_generated_requests_end_in_no_fault_and_in_the_shapes_that_are_promised(
    house: tuple[Flask, Scene, Machine, str],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis import strategies as st
        from schemathesis.specs.openapi.checks import positive_data_acceptance

        app, _scene, machine, _match = house
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
        token = machine.token(app.test_client())
        tried: list[int] = []
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=8, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=st.one_of(operation.as_strategy()))
            def call(case: schemathesis.Case) -> None:
                answer = case.call(headers={"Authorization": f"Bearer {token}"})
                tried.append(answer.status_code)
                case.validate_response(answer, excluded_checks=[positive_data_acceptance])

            call()
    assert len(tried) > 40


@pytest.mark.parametrize(("written", "status"), [("4.0", 200), ("4e0", 200), ("4.5", 422), ("1e400", 422)])
def test_a_whole_number_is_one_however_json_writes_it(
    house: tuple[Flask, Scene, Machine, str], written: str, status: int
) -> None:
    app, _scene, machine, _match = house
    aid = f'{{"reference":"r","category":"LIVING.FOOD_PACK","given_on":"2026-11-20","household":"h","units":{written}}}'
    headers = {"Authorization": f"Bearer {machine.token(app.test_client())}", "Idempotency-Key": "k"}
    answer = app.test_client().post("/api/v1/aid", data=f'{{"aid":[{aid}]}}', headers=headers)
    assert answer.status_code == status, answer.text


@pytest.fixture
def example() -> Iterator[object]:
    file = ROOT / "scripts" / "partner_example.py"
    spec = importlib.util.spec_from_file_location("partner_example", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["partner_example"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["partner_example"]


def test_the_worked_example_posts_accepts_looks_and_delivers_over_the_wire(
    house: tuple[Flask, Scene, Machine, str], example: object, capsys: pytest.CaptureFixture[str]
) -> None:
    app, scene, machine, match_id = house
    database: Database = app.extensions["database"]
    with served(app) as address:
        api = PartnerClient(address, machine.client_id, machine.key, example.SCOPE, audience=machine.issuer)  # type: ignore[attr-defined]
        example.post_resource(api, "winter-1")  # type: ignore[attr-defined]
        assert example.accept_all(api, "GOODS") == 1  # type: ignore[attr-defined]
        with database.transaction() as session:
            scene.accepts(session, session.get_one(Match, match_id), utc_now())
        assert example.deliver_all(api, "GOODS") == 1  # type: ignore[attr-defined]
        with pytest.raises(Refused) as no:
            api.accept(match_id, purpose="GOODS")
        assert (no.value.status, no.value.code) == (409, "match_moved_on")
    said = capsys.readouterr().out
    assert "opened ['name'] for one delivery" in said
    assert "a credential of" in said
    assert "reported: too_early" in said
    assert "王小明" not in said
    with database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.DELIVERED
        assert len(session.exec(select(Offer).where(Offer.reference == "winter-1")).all()) == 1
