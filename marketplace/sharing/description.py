"""The description of the partner API as OpenAPI 3.1, made from the views themselves.

Enters: the app. Leaves: one JSON document whose paths, scopes and shapes are those the door checks, so that it cannot
say anything else than what happens. Called by `sharing.api` and by the page that shows it.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from marketplace.sharing.clients import SCOPES
from marketplace.sharing.shapes import FAULT, PURPOSE

FAULTS = {
    "400": "The request cannot be read, or lacks its purpose or Idempotency-Key",
    "401": "No valid access token",
    "403": "The pipeline says no; the code says which question",
    "404": "There is no such thing, or it is not yours",
    "409": "It has moved on in the meantime",
    "422": "A member does not have its shape, or the key was used for another request",
    "429": "The day's reads for this purpose are used up",
}
OPEN: dict[str, dict[str, Any]] = {
    "/token": {
        "post": {
            "operationId": "token",
            "summary": "An access token for a signed assertion.",
            "security": [],
            "requestBody": {
                "required": True,
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "properties": {
                                "grant_type": {"const": "client_credentials"},
                                "scope": {"type": "string"},
                                "client_assertion_type": {
                                    "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                                },
                                "client_assertion": {"type": "string"},
                            },
                            "required": ["grant_type", "scope", "client_assertion_type", "client_assertion"],
                        }
                    }
                },
            },
            "responses": {
                "200": {"description": "The token", "content": {"application/json": {"schema": {"type": "object"}}}},
                "400": {"description": "A scope that was not granted, or another grant"},
                "401": {"description": "The assertion was not taken"},
            },
        }
    },
    "/keys": {
        "get": {
            "operationId": "keys",
            "summary": "The public halves of our signing keys.",
            "security": [],
            "responses": {
                "200": {"description": "JWK set", "content": {"application/json": {"schema": {"type": "object"}}}}
            },
        }
    },
}


def describe(app: Flask) -> dict[str, Any]:
    """The whole document, in a fixed order."""
    paths: dict[str, Any] = dict(OPEN)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        need = getattr(app.view_functions[rule.endpoint], "need", None)
        if need is None:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            paths.setdefault(path, {})[method.lower()] = _operation(app, rule.endpoint, path, method)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shanqiao partner API", "version": "1", "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": _security()}, "schemas": {"Fault": dict(FAULT)}},
    }


def _operation(app: Flask, endpoint: str, path: str, method: str) -> dict[str, Any]:
    view = app.view_functions[endpoint]
    need: Any = getattr(view, "need", None)
    status = "201" if endpoint == "partner_api.post" else "200"
    told: dict[str, Any] = {
        "operationId": endpoint.replace(".", "_"),
        "summary": " ".join((view.__doc__ or "").split("\n\n")[0].split()),
        "security": [{"token": [need.scope]}],
        "parameters": _parameters(path, method, need),
        "responses": {
            status: {"description": "Done", "content": {"application/json": {"schema": need.gives}}},
            **{code: _fault(words) for code, words in FAULTS.items()},
        },
    }
    if need.takes is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": need.takes}}}
    return told


def _parameters(path: str, method: str, need: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 64}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if need.purpose and method == "GET":
        found.append({"name": "purpose", "in": "query", "required": True, "schema": PURPOSE})
    if need.repeats:
        key = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[ -~]+$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
    return found


def _fault(words: str) -> dict[str, Any]:
    shape = {"$ref": "#/components/schemas/Fault"}
    return {"description": words, "content": {"application/json": {"schema": shape}}}


def _security() -> dict[str, Any]:
    flow = {"tokenUrl": "/api/v1/token", "scopes": {scope: scope for scope in SCOPES}}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}
