"""What a program does with the client that openapi-python-client makes of the API's description.

Runs in the peers' virtual environment, with the client beside it: `journey.py ADDRESS`. Prints what it has done.
"""

import json
import sys
import time

from agentloom_client import AuthenticatedClient, Client
from agentloom_client.api.auth import login, register, who_am_i
from agentloom_client.api.node_types import list_node_types
from agentloom_client.api.runs import get_run, get_step, list_steps, send_signal
from agentloom_client.api.templates import list_templates, use_template
from agentloom_client.api.workflows import (
    compile_workflow,
    create_workflow,
    delete_workflow,
    get_workflow,
    list_runs_of_workflow,
    run_workflow,
    save_draft,
)
from agentloom_client.models import (
    Draft,
    Graph,
    LoginBody,
    MeView,
    NewRun,
    NewWorkflow,
    NodeRef,
    ProblemDocument,
    RegisteredView,
    RegisterRequest,
    RunPage,
    RunView,
    RunViewStatus,
    Signal,
    StartedRun,
    StepPage,
    TokenView,
    UsedTemplate,
    WorkflowView,
)

EMAIL, PASSWORD = "peer@example.com", "copper kettle 9"
TEMPLATE = "classify-route"


def main(address: str) -> None:
    """Go the whole way."""
    nobody = Client(base_url=address, timeout=60)
    refused = login.sync(client=nobody, body=LoginBody(email=EMAIL, password="wrong horse 1"))
    assert isinstance(refused, ProblemDocument), refused
    assert (refused.status, refused.code) == (401, "unauthenticated")
    made = register.sync(
        client=nobody, body=RegisterRequest(name="Peer", email=EMAIL, password=PASSWORD)
    )
    assert isinstance(made, RegisteredView), made
    signed = login.sync(client=nobody, body=LoginBody(email=EMAIL, password=PASSWORD))
    assert isinstance(signed, TokenView), signed
    client = AuthenticatedClient(base_url=address, token=signed.access_token, timeout=60)
    me = who_am_i.sync(client=client)
    assert isinstance(me, MeView), me
    assert me.email == EMAIL
    told = {
        **_from_a_template(client),
        **_a_graph_of_ones_own(client),
        **_problems(client),
        "node_types": len(list_node_types.sync(client=client).items),
    }
    print(json.dumps(told))  # noqa: T201 - the test reads it


def _from_a_template(client: AuthenticatedClient) -> dict[str, object]:
    offered = list_templates.sync(client=client, keyless=True)
    [template] = [one for one in offered.items if one.id == TEMPLATE]
    assert all(isinstance(node, NodeRef) for node in template.graph.nodes)
    used = use_template.sync(template.id, client=client)
    assert isinstance(used, UsedTemplate), used
    workflow = get_workflow.sync(used.workflow_id, client=client)
    assert isinstance(workflow, WorkflowView), workflow
    assert compile_workflow.sync(workflow.id, client=client).ok
    wish = NewRun(input_=workflow.example_input, wait=50)
    run = run_workflow.sync(workflow.id, client=client, body=wish, idempotency_key="first")
    assert isinstance(run, RunView), run
    assert run.status is RunViewStatus.SUCCEEDED, run
    again = run_workflow.sync(workflow.id, client=client, body=wish, idempotency_key="first")
    assert again.id == run.id
    page = list_runs_of_workflow.sync(workflow.id, client=client, limit=1)
    assert isinstance(page, RunPage), page
    assert [one.id for one in page.items] == [run.id]
    assert page.next_cursor is None
    steps = list_steps.sync(run.id, client=client)
    assert isinstance(steps, StepPage), steps
    whole = get_step.sync(run.id, steps.items[0].id, client=client)
    assert whole.path == steps.items[0].path
    return {"run": run.id, "steps": [step.status.value for step in steps.items]}


def _a_graph_of_ones_own(client: AuthenticatedClient) -> dict[str, object]:
    wait = {"wait_for": "signal", "signal": "paid/now"}
    graph = Graph.from_dict(
        {
            "nodes": [
                {"id": "start", "kind": "trigger.manual"},
                {"id": "hold", "kind": "logic.wait", "config": wait},
            ],
            "edges": [
                {
                    "id": "e",
                    "source": "start",
                    "source_port": "data",
                    "target": "hold",
                    "target_port": "input",
                }
            ],
        }
    )
    made = create_workflow.sync_detailed(client=client, body=NewWorkflow(name="Waits", graph=graph))
    assert made.status_code == 201, made
    workflow, tag = made.parsed, made.headers["etag"]
    saved = save_draft.sync(workflow.id, client=client, body=Draft(graph=graph), if_match=tag)
    assert isinstance(saved, WorkflowView), saved
    stale = save_draft.sync(workflow.id, client=client, body=Draft(graph=graph), if_match=tag)
    assert isinstance(stale, ProblemDocument), stale
    assert (stale.status, stale["revision"]) == (412, 2)
    started = run_workflow.sync(workflow.id, client=client, body=NewRun())
    assert isinstance(started, StartedRun), started
    signaled = send_signal.sync(
        started.run_id, "paid/now", client=client, body=Signal(payload={"amount": 3})
    )
    assert isinstance(signaled, RunView), signaled
    for _ in range(600):
        run = get_run.sync(started.run_id, client=client)
        if run.status is RunViewStatus.SUCCEEDED:
            break
        time.sleep(0.05)
    assert run.output == {"amount": 3}, run
    gone = delete_workflow.sync_detailed(workflow.id, client=client)
    assert gone.status_code == 204, gone
    return {"signaled": run.id}


def _problems(client: AuthenticatedClient) -> dict[str, object]:
    missing = get_workflow.sync("wfl_none", client=client)
    assert isinstance(missing, ProblemDocument), missing
    empty = create_workflow.sync(client=client, body=NewWorkflow(name=" "))
    assert isinstance(empty, ProblemDocument), empty
    long = create_workflow.sync(client=client, body=NewWorkflow(name="x" * 2_000))
    assert isinstance(long, ProblemDocument), long
    [fault] = long.errors
    return {
        "missing": [missing.status, missing.code, bool(missing.request_id)],
        "empty": [empty.status, empty.code],
        "long": [long.status, fault.in_, fault.place],
    }


main(sys.argv[1])
