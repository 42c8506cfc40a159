"""The HTTP interface against its own description, asked by schemathesis whatever fits and does not."""

import json
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.web.guard import Guard
from gateway.web.openapi import description
from gateway.web.public import PublicView
from tests.gateway.web.asking import Browser
from tests.gateway.web.made import NOW_S, SITE, Shelf, intake, live, snow
from tests.gateway.web.test_pages import made

RECORDS = [
    *(intake(500 + i, 480, NOW_S - 600 * i, commit=i + 1) for i in range(20)),
    snow(500, NOW_S, commit=90),
]
# 501 is an answer of SensorThings, and 500 is none that is described.
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@cache
def application() -> ASGIApp:
    view = PublicView(SITE, live(*RECORDS), Shelf(RECORDS).history, None, lambda: NOW_S)
    return Guard(made(RECORDS, view=view).app, frozenset({"localhost"}))


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await application()(scope, receive, send)


schema = schemathesis.openapi.from_dict(description("Sensornett"))
schema.app = answering


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked_is_answered_as_described(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(base_url="http://localhost", checks=CHECKS)


async def test_it_is_served_and_every_path_without_a_blank_answers() -> None:
    browser = Browser(application())
    answer = await browser.get("/openapi.json")
    found = json.loads(answer.text)
    assert found["openapi"].startswith("3.")
    for path in found["paths"]:
        if "{" not in path:
            assert (await browser.get(path)).status in (200, 404), path


@pytest.mark.parametrize(
    "path", ["/data/node/11.csv", "/node/11.csv", "/sta/v1.1/Datastreams('11.up_level_mm')/Observations"]
)
async def test_described_blanks_can_be_filled(path: str) -> None:
    assert (await Browser(application()).get(path)).status == 200
