"""The description of the API tells the truth, and all of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.api.app import build
from app.api.http.contract import operations


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return build().openapi()


def _each(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside of one, with its place."""
    if isinstance(schema, dict):
        yield place, schema
        for key in ("items", "additionalProperties"):
            yield from _each(schema.get(key), f"{place}.{key}")
        for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for part in schema.get(key, ()):
                yield from _each(part, place)
        for name, part in schema.get("properties", {}).items():
            yield from _each(part, f"{place}.{name}")


def _resolved(contract: dict[str, Any], reference: str) -> dict[str, Any]:
    return contract["components"]["schemas"][reference.removeprefix("#/components/schemas/")]


def _sent(contract: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schemas that requests are made of, also those that others refer to."""
    found: dict[str, dict[str, Any]] = {}
    wanted = [
        part["$ref"]
        for _, _, operation in operations(contract)
        if "requestBody" in operation
        for _, part in _each(operation["requestBody"]["content"]["application/json"]["schema"], "")
        if "$ref" in part
    ]
    while wanted:
        name = wanted.pop().rpartition("/")[2]
        if name not in found:
            found[name] = contract["components"]["schemas"][name]
            wanted += [part["$ref"] for _, part in _each(found[name], "") if "$ref" in part]
    return found


def _is_bounded(schema: dict[str, Any]) -> bool:
    if "enum" in schema or "const" in schema:
        return True
    match schema.get("type"):
        case "string":
            return (
                "maxLength" in schema or "pattern" in schema or schema.get("format") == "date-time"
            )
        case "integer":
            low = "minimum" in schema or "exclusiveMinimum" in schema
            return low and ("maximum" in schema or "exclusiveMaximum" in schema)
        case "array":
            return "maxItems" in schema
    return True


def test_operations_and_schemas_have_names_of_their_own(contract):
    ids = [operation["operationId"] for _, _, operation in operations(contract)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][a-z_]+", one) for one in ids)
    assert [
        name
        for name in contract["components"]["schemas"]
        if not re.fullmatch(r"[A-Z][A-Za-z]+", name)
    ] == []


def test_every_error_is_a_problem_document(contract):
    odd = [
        f"{method} {path} {status}"
        for path, method, operation in operations(contract)
        for status, said in operation["responses"].items()
        if int(status) >= 400 and list(said["content"]) != ["application/problem+json"]
    ]
    assert odd == ["get /api/readyz 503"]  # tells which part is away
    text = str(contract)
    assert "HTTPValidationError" not in text


def test_every_operation_tells_what_it_may_answer(contract):
    for path, method, operation in operations(contract):
        statuses = set(operation["responses"])
        wanted = {"413", "421", "422", "500", "503"}
        wanted |= {"401", "403", "404"} if "security" in operation else set()
        wanted |= {"415"} if "requestBody" in operation else set()
        assert wanted <= statuses, f"{method} {path}"
        assert operation["description"], f"{method} {path}"
        assert operation["tags"][0] in {tag["name"] for tag in contract["tags"]}


def test_every_parameter_is_bounded_and_described(contract):
    odd = [
        f"{method} {path} {one['in']} {one['name']}"
        for path, method, operation in operations(contract)
        for one in operation.get("parameters", ())
        if not one.get("description")
        or not all(_is_bounded(part) for _, part in _each(one["schema"], ""))
    ]
    assert odd == []


def test_every_value_of_a_body_is_bounded(contract):
    odd = [
        place
        for name, schema in _sent(contract).items()
        for place, part in _each(schema, name)
        if not _is_bounded(part)
    ]
    assert odd == []


def test_bodies_are_described_with_an_example(contract):
    sent = _sent(contract)
    bodies = {
        part["$ref"].rpartition("/")[2]
        for _, _, operation in operations(contract)
        if "requestBody" in operation
        for _, part in _each(operation["requestBody"]["content"]["application/json"]["schema"], "")
        if "$ref" in part
    }
    for name in bodies:
        for field, schema in sent[name]["properties"].items():
            assert schema.get("description"), f"{name}.{field}"
    assert len([name for name in bodies if "examples" in str(sent[name])]) > len(bodies) / 2


def test_statuses_are_enumerations_and_graphs_are_typed(contract):
    for name, schema in contract["components"]["schemas"].items():
        for place, part in _each(schema, name):
            field = place.rpartition(".")[2]
            if (
                field.endswith("status")
                and name != "ProblemDocument"
                and part.get("type") == "string"
            ):
                assert "enum" in part or "const" in part, place
            if field == "graph" and part.get("type") == "object":
                pytest.fail(f"{place} is any object")
    assert "NodeRef" in str(contract["components"]["schemas"]["Graph"])


def test_the_older_name_of_runs_is_marked(contract):
    for path, _, operation in operations(contract):
        assert operation.get("deprecated", False) == path.startswith("/api/executions")
    assert contract["servers"][0]["url"].startswith("http")
