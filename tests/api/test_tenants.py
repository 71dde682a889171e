"""Who may reach what, tried on every reviewed route: nobody, a stranger, and each role."""

import re
from dataclasses import dataclass

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from app.kernel.clock import now
from app.kernel.ids import new_id
from app.models import Member
from tests.api.conftest import new_workflow, register, waiting_run
from tests.api.test_runs import run_now
from tests.house.inventory import Reviewed, reviewed
from tests.services.people import graph

GUARDED = [line for line in reviewed() if line.who != "public"]
TENANT_IDS = re.compile(r"\{(workflow_id|run_id|step_id|schedule_id|value_id)\}")
RANK = {"guest": 0, "viewer": 1, "member": 2, "admin": 3, "owner": 3}
NEEDED = {"signed-in": 0, "viewer": 1, "member": 2, "admin": 3, "installation": 4}


@dataclass(frozen=True)
class Belongings:
    """Ids of things in one workspace."""

    workflow_id: str
    run_id: str
    step_id: str
    waiting_step_id: str
    schedule_id: str
    value_id: str
    template_id: str = "ticket-triage"
    name: str = "no-such-model"

    def path_of(self, line: Reviewed) -> str:
        """The route's address with these ids in it."""
        step = self.waiting_step_id if line.path.startswith("/api/steps/") else self.step_id
        ids = {
            "workflow_id": self.workflow_id, "run_id": self.run_id, "step_id": step,
            "template_id": self.template_id, "name": self.name,
            "schedule_id": self.schedule_id, "value_id": self.value_id,
        }  # fmt: skip
        query = "?model=compatible/m1" if line.path == "/api/models/prices" else ""
        return line.path.format(**ids) + query

    def body_of(self, line: Reviewed) -> object:
        """A body that fits the route; None when it takes none."""
        text = {"workflow_id": self.workflow_id, "node_id": "ask", "text": "{{ trigger }}"}
        return {
            "/api/projects": {"name": "Mine"},
            "/api/workflows": {"name": "Mine"},
            "/api/workflows/{workflow_id}": {"graph": graph(), "base_revision": 1},
            "/api/workflows/{workflow_id}/edits": {
                "base_revision": 1, "client": "tab", "seq": 1,
                "ops": [{"op": "set_label", "id": "ask", "label": "x"}],
            },
            "/api/workflows/{workflow_id}/runs": {"input": {}},
            "/api/workflows/{workflow_id}/run-settings": {"max_steps": 100},
            "/api/steps/{step_id}/human-complete": {"output": "approve"},
            "/api/schedules": {"workflow_id": self.workflow_id, "cron": "@daily"},
            "/api/schedules/preview": {"cron": "@daily"},
            "/api/schedules/{schedule_id}": {"name": "x"},
            "/api/models/prices": {
                "model": "compatible/m1", "input_usd_per_mtok": 1, "output_usd_per_mtok": 2,
            },
            "/api/expressions/preview": text,
            "/api/expressions/complete": text,
        }.get(line.path)  # fmt: skip


MISSING = Belongings("wfl_none", "run_none", "stp_none", "stp_none", "sch_none", "blb_none")


async def belongings(site, client) -> Belongings:
    """A finished run's ids, and a step that waits for an answer."""
    workflow_id, _, waiting = await waiting_run(site, client)
    run = await run_now(client, await new_workflow(client), {"name": "Ada" * 30_000})
    run_id = run.json()["id"]
    step = (await client.get(f"/api/runs/{run_id}/steps")).json()["items"][0]
    value_id = step["output"]["data"]["name"]["$blob"]
    wish = {"workflow_id": workflow_id, "cron": "@daily", "input": {"a": 1}}
    schedule_id = (await client.post("/api/schedules", json=wish)).json()["id"]
    return Belongings(workflow_id, run_id, step["id"], waiting, schedule_id, value_id)


async def ask(client, line, things, **headers):
    """Send the request of a route."""
    body = things.body_of(line) if line.verb in ("POST", "PUT", "PATCH") else None
    return await client.request(line.verb, things.path_of(line), json=body, headers=headers)


def said(response):
    """Status and body, without what differs for every request."""
    body = response.json()
    body.pop("request_id", None)
    return response.status_code, body, response.headers["content-type"]


async def test_nobody_gets_anywhere(site, visitor):
    for line in GUARDED:
        answer = await ask(visitor, line, MISSING)
        assert answer.status_code == 401, f"{line.verb} {line.path}"
        assert answer.json()["code"] == "unauthenticated"


async def test_cookie_alone_changes_nothing(site, visitor):
    await register(visitor)
    writes = [line for line in GUARDED if line.verb != "GET"]
    assert len(writes) > 10
    for line in writes:
        answer = await ask(visitor, line, MISSING)
        assert (answer.status_code, answer.json()["code"]) == (403, "denied"), line.path


async def test_things_of_others_answer_exactly_like_missing_ones(site, ada, bob):
    hers = await belongings(site, ada)
    tried = [line for line in GUARDED if TENANT_IDS.search(line.path)]
    assert len(tried) > 20
    for line in [*tried, *(x for x in GUARDED if x.path.startswith("/api/expressions/"))]:
        foreign = said(await ask(bob, line, hers))
        missing = said(await ask(bob, line, MISSING))
        assert foreign == missing, f"{line.verb} {line.path}"
        assert foreign[0] == 404, f"{line.verb} {line.path}"
    untouched = await ada.get(f"/api/workflows/{hers.workflow_id}")
    assert untouched.json()["revision"] == 1


async def test_ids_of_others_in_bodies_and_queries_find_nothing(site, ada, bob):
    hers = await belongings(site, ada)
    project = (await ada.get("/api/projects")).json()["items"][0]["id"]
    own = await new_workflow(bob)
    for made in (
        await bob.post("/api/workflows", json={"name": "x", "project_id": project}),
        await bob.post(
            "/api/expressions/preview",
            json={"workflow_id": own, "node_id": "greet", "text": "", "run_id": hers.run_id},
        ),
    ):
        assert made.status_code == 404
    for query in (
        f"/api/runs?workflow_id={hers.workflow_id}",
        f"/api/runs?search={hers.run_id}",
        f"/api/workflows?project_id={project}",
        "/api/approvals",
    ):
        assert (await bob.get(query)).json()["items"] == []


async def test_lists_show_only_ones_own(site, ada, bob):
    await belongings(site, ada)
    for line in GUARDED:
        if line.verb == "GET" and "{" not in line.path and line.path != "/api/me":
            hers, his = await ada.get(line.path), await bob.get(line.path)
            shared = line.path in (
                "/api/templates",
                "/api/node-types",
                "/api/models",
                "/api/models/pulls",
                "/api/models/prices",
            )
            assert (hers.json() == his.json()) == shared or not hers.json()["items"], line.path


@pytest.mark.parametrize("role", ["guest", "viewer", "member", "admin", "owner"])
async def test_each_role_may_do_what_the_table_says_and_no_more(site, ada, bob, role):
    me = (await bob.get("/api/me")).json()
    workspace = (await ada.get("/api/me")).json()["workspace_id"]
    async with site.runtime.database.work() as uow:
        moment, member_id = now(), new_id("member")
        ids = {"id": member_id, "workspace_id": workspace, "user_id": me["id"]}
        uow.session.add(Member(**ids, role=role, created_at=moment))
    things = await belongings(site, ada)
    for line in sorted(GUARDED, key=lambda x: (x.path == "/api/auth/logout", x.verb == "DELETE")):
        answer = await ask(bob, line, things, **{"X-Workspace-Id": workspace})
        allowed = RANK[role] >= NEEDED[line.who]
        assert (answer.status_code != 403) == allowed, f"{line.verb} {line.path}: {answer.text}"
        assert answer.status_code < 500, f"{line.verb} {line.path}: {answer.text}"


async def test_member_who_is_removed_is_a_stranger_at_once(site, ada, bob):
    me = (await bob.get("/api/me")).json()
    workspace = (await ada.get("/api/me")).json()["workspace_id"]
    async with site.runtime.database.work() as uow:
        await uow.session.execute(
            update(Member)
            .where(col(Member.user_id) == me["id"])
            .values(workspace_id=workspace, role="viewer")
        )
    assert (await bob.get("/api/workflows")).status_code == 200
    async with site.runtime.database.work() as uow:
        await uow.session.execute(delete(Member).where(col(Member.user_id) == me["id"]))
    assert (await bob.get("/api/workflows")).status_code == 404
