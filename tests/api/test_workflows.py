"""Workflows over HTTP: the bodies and status codes that clients rely on."""

import pytest

from app.engine.graph.document import MAX_EDGES, MAX_NODES
from tests.api.conftest import QUICK, new_workflow
from tests.services.people import graph, node


async def test_create_read_replace_and_delete(ada):
    made = await ada.post("/api/workflows", json={"name": "Greeting", "graph": QUICK})
    assert made.status_code == 201
    flow = made.json()
    assert (flow["name"], flow["revision"], flow["status"]) == ("Greeting", 1, "draft")
    assert set(flow["graph"]["nodes"][0]) >= {
        "id", "kind", "version", "label", "config", "settings", "position",
    }  # fmt: skip
    path = f"/api/workflows/{flow['id']}"
    assert (await ada.get(path)).json() == flow
    body = {"graph": graph(node("only")), "base_revision": 1, "name": "New"}
    saved = await ada.put(path, json=body)
    assert (saved.status_code, saved.json()["revision"], saved.json()["name"]) == (200, 2, "New")
    stale = await ada.put(path, json=body)
    assert (stale.status_code, stale.json()["code"]) == (409, "revision_conflict")
    assert stale.json()["revision"] == 2
    gone = await ada.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (await ada.get(path), await ada.put(path, json=body), await ada.delete(path)):
        assert answer.status_code == 404


async def test_blank_workflow_needs_a_name_only(ada):
    made = await ada.post("/api/workflows", json={"name": "Blank"})
    assert made.json()["graph"] == {"schema": 1, "nodes": [], "edges": []}


async def test_workflow_goes_into_the_named_project(ada):
    project = (await ada.post("/api/projects", json={"name": "Second"})).json()
    made = await ada.post("/api/workflows", json={"name": "x", "project_id": project["id"]})
    assert made.json()["project_name"] == "Second"
    found = await ada.get("/api/workflows", params={"project_id": project["id"]})
    assert [flow["name"] for flow in found.json()["items"]] == ["x"]
    assert [p["name"] for p in (await ada.get("/api/projects")).json()["items"]] == [
        "My project", "Second",
    ]  # fmt: skip


async def test_list_has_items_and_next_cursor(ada):
    for _ in range(3):
        await new_workflow(ada)
    first = (await ada.get("/api/workflows", params={"limit": 2})).json()
    assert set(first) == {"items", "next_cursor"}
    rest = await ada.get("/api/workflows", params={"limit": 2, "cursor": first["next_cursor"]})
    assert rest.json()["next_cursor"] is None
    ids = [flow["id"] for flow in first["items"] + rest.json()["items"]]
    assert len(set(ids)) == 3


async def test_broken_graph_names_the_place(ada):
    for document, place in (
        (graph({"id": "a"}), "nodes.0.kind"),
        (graph(node("Not an id")), "nodes.0.id"),
        (graph(node("a", colour="red")), "nodes.0.colour"),
        ({"schema": 2, "nodes": [], "edges": []}, "schema"),
        (graph(edges=({"id": "e"},)), "edges.0.source"),
    ):
        answer = await ada.post("/api/workflows", json={"name": "x", "graph": document})
        assert (answer.status_code, answer.json()["code"]) == (422, "graph_invalid")
        assert answer.json()["problems"][0]["place"] == place


async def test_oversized_graph_is_refused(ada):
    for document in (
        graph(*({"id": f"n{i}"} for i in range(MAX_NODES + 1))),
        graph(edges=tuple({"id": str(i)} for i in range(MAX_EDGES + 1))),
        graph(node("a", config={"text": "x" * 6_000_000})),
    ):
        answer = await ada.post("/api/workflows", json={"name": "x", "graph": document})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_compile_tells_node_field_and_fix(ada):
    workflow_id = await new_workflow(ada)
    good = (await ada.post(f"/api/workflows/{workflow_id}/compile")).json()
    assert good["ok"] is True
    body = {"graph": graph(node("odd", "no.such_kind")), "base_revision": 1}
    await ada.put(f"/api/workflows/{workflow_id}", json=body)
    bad = (await ada.post(f"/api/workflows/{workflow_id}/compile")).json()
    assert bad["ok"] is False
    found = next(p for p in bad["problems"] if p["code"] == "unknown_kind")
    assert set(found) >= {"code", "severity", "node_id", "field", "message", "fix"}
    assert (found["severity"], found["node_id"]) == ("error", "odd")


async def test_edits_from_the_canvas(ada):
    workflow_id = await new_workflow(ada, graph())
    path = f"/api/workflows/{workflow_id}/edits"
    batch = {
        "base_revision": 1, "client": "tab-1", "seq": 1,
        "ops": [{"op": "add_node", "node": node("a")}],
    }  # fmt: skip
    first = await ada.post(path, json=batch)
    assert first.status_code == 200
    assert (first.json()["revision"], first.json()["behind"]) == (2, False)
    assert (await ada.post(path, json=batch)).json()["revision"] == 2
    late = await ada.post(path, json={**batch, "client": "tab-2", "ops": [
        {"op": "set_label", "id": "a", "label": "Hello"},
    ]})  # fmt: skip
    assert (late.json()["revision"], late.json()["behind"]) == (3, True)
    impossible = {**batch, "seq": 2, "ops": [{"op": "remove_node", "id": "nobody"}]}
    refused = await ada.post(path, json=impossible)
    assert (refused.status_code, refused.json()["code"]) == (422, "edit_refused")


async def test_too_many_edits_at_once_are_refused(ada):
    workflow_id = await new_workflow(ada)
    ops = [{"op": "set_label", "id": "greet", "label": str(i)} for i in range(501)]
    body = {"base_revision": 1, "client": "tab", "seq": 1, "ops": ops}
    answer = await ada.post(f"/api/workflows/{workflow_id}/edits", json=body)
    assert answer.status_code == 422


async def test_node_types_describe_forms_and_ports(ada):
    items = (await ada.get("/api/node-types")).json()["items"]
    assert len({item["kind"] for item in items}) == len(items) >= 18
    for item in items:
        assert item["title"]
        assert item["category"]
        assert item["config_schema"]["type"] == "object"
        for port in item["inputs"] + item["outputs"]:
            assert port["name"]
            assert port["type"]


async def test_nonsense_in_any_form_is_a_problem_not_a_crash(ada):
    kinds = [item["kind"] for item in (await ada.get("/api/node-types")).json()["items"]]
    rubbish = [None, 7, "text", "{{", [[]], [{"a": None}], {"x": {"y": []}}, True]
    types = {item["kind"]: item for item in (await ada.get("/api/node-types")).json()["items"]}
    for kind in kinds:
        fields = list(types[kind]["config_schema"].get("properties", {}))
        nodes = [
            node(f"n{i}", kind, config=dict.fromkeys([*fields, "surprise"], value))
            for i, value in enumerate(rubbish)
        ]
        workflow_id = await new_workflow(ada, graph(*nodes))
        answer = await ada.post(f"/api/workflows/{workflow_id}/compile")
        assert answer.status_code == 200, (kind, answer.text)
        assert answer.json()["ok"] is False, kind


@pytest.mark.parametrize(
    "path",
    [
        "/api/workflows/%00",
        "/api/workflows/wfl_%00x",
        "/api/workflows?search=a%00b",
        "/api/templates/%00",
        "/api/runs?search=%00",
        "/api/runs?workflow_id=%00",
        "/api/runs/%00/trace",
    ],
)
async def test_null_character_in_an_address_is_refused_by_both_databases_alike(ada, path):
    answer = await ada.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("odd", ["%ff", "%ed%a0%80", "..%2f..", "'%20or%201=1--", "%F0%9F%A6%84"])
async def test_odd_id_is_just_a_missing_one(ada, odd):
    for path in ("workflows", "runs", "templates"):
        assert (await ada.get(f"/api/{path}/{odd}")).status_code == 404
    assert (await ada.get(f"/api/workflows?search={odd}")).json()["items"] == []
