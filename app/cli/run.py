"""Run a workflow, by id or from a file, and print its trace as it happens, until it has ended."""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from app.adapters.redis.ladder import embedded_answers
from app.adapters.redis.local import LocalQueue
from app.adapters.sql.migrations import upgrade
from app.cli.data_lock import holder
from app.engine.events import Event
from app.engine.graph.document import Graph, parse_graph
from app.kernel import jsons, log
from app.kernel.errors import GraphInvalid, InvalidInput, NotFound
from app.kernel.ids import PREFIXES
from app.kernel.settings import NO_REDIS, Settings, settings
from app.services.access import Actor
from app.services.app_context import AppContext
from app.services.composition import close_app, open_app
from app.services.identity.local import local_actor
from app.services.runs.reading import WaitView, follow, get_run, get_trace, list_approvals
from app.services.runs.starting import StartRun, start_run
from app.services.workflows.commands import create_workflow
from app.worker.in_process import working_here
from app.worker.sweeper import OF_WAITS

_RUN = f"{PREFIXES['run']}_"
_MARKS = {
    "step.started": "●", "step.completed": "✓", "step.failed": "✕", "step.skipped": "–", "step.waiting_human": "◌",
    "step.retrying": "↻", "step.canceled": "⊘",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `run`."""
    parser.add_argument(
        "workflow",
        help="a workflow's id, or a JSON file with a graph (or {name, graph, example_input}); "
        "or the id of a run, to watch it again",
    )
    parser.add_argument(
        "--input", default="", help="JSON text, or @file; empty: the file's example_input"
    )


def read_json(text: str, what: str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON from a text or from @file.

    Raises:
        InvalidInput: It is not JSON, or there is no such file; the message has the place.
    """
    try:
        return jsons.read(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except OSError as error:
        raise InvalidInput(f"{what}: {text[1:]} cannot be read: {error.strerror}.") from error
    except jsons.TooDeep as error:
        raise InvalidInput(
            f"{what} is nested too deep; at most {jsons.MAX_DEPTH} levels are allowed."
        ) from error
    except jsons.NotJson as error:
        raise InvalidInput(f"{what} is not JSON: {error}.") from error


def show(event: Event, in_text: bool = False) -> bool:
    """Print one event as a line, tokens as they come; say whether the line of a text is open."""
    if event.type == "llm.token":
        text = "" if event.payload.get("replace") and in_text else event.payload.get("text", "")
        print(text, end="", flush=True)
        return in_text or bool(text)
    mark = _MARKS.get(event.type)
    if mark is None:
        return in_text
    if in_text:
        print()
    step = event.payload.get("step", {})
    error = (step.get("error") or {}).get("message", "")
    indent = "  " * (event.path or "").count("/")
    name = f"{indent}{step.get('label') or event.node_id}"
    print(f"{event.at:%H:%M:%S} {mark} {name}  {error or step.get('preview', '')}".rstrip())
    return False


async def _execute(app: AppContext, options: argparse.Namespace) -> int:
    if options.workflow.startswith(_RUN) and not _is_file(options.workflow):
        async with app.database.work() as uow:
            actor = await local_actor(uow, options.workflow)
            run_id = (await get_run(uow, actor, options.workflow)).id
    else:
        actor, run_id = await _begin(app, options)
    try:
        await _watch(app, actor, run_id)
    except asyncio.CancelledError:
        print(f"\n{_left(app, run_id)}")
        raise
    return await _tell_end(app, actor, run_id)


async def _begin(app: AppContext, options: argparse.Namespace) -> tuple[Actor, str]:
    """Start the run; who acts, and its id."""
    value: Any = read_json(options.input, "--input") if options.input else None
    name, graph = options.workflow, None
    if _is_file(name):
        document = read_json(f"@{name}", "The file")
        graph = _graph_of(document, name)
        if value is None and isinstance(document, dict):
            value = document.get("example_input")
    async with app.database.work() as uow:
        actor = await local_actor(uow, name)
        if graph is not None:
            name = (await create_workflow(uow, actor, Path(name).stem, graph, None)).id
    async with app.database.work() as uow:
        request = StartRun(workflow_id=name, input={} if value is None else value, trigger="cli")
        try:
            return actor, (await start_run(app, uow, actor, request)).id
        except NotFound as error:
            raise NotFound(f"There is no workflow '{name}', and no file of that name.") from error


def _is_file(name: str) -> bool:
    return Path(name).suffix == ".json" or "/" in name or Path(name).is_file()


def _graph_of(document: Any, name: str) -> Graph:  # noqa: ANN401 - any JSON value
    graph = document.get("graph", document) if isinstance(document, dict) else document
    if isinstance(graph, dict) and not graph.keys() & {"nodes", "edges"}:
        raise InvalidInput(
            f"{name} is no workflow: it has neither `nodes` nor a `graph` that has them."
        )
    try:
        return parse_graph(graph)
    except GraphInvalid as error:
        raise InvalidInput(f"{name} is no workflow. {error.message}") from error


async def _watch(app: AppContext, actor: Actor, run_id: str) -> None:
    """Print what happens until the run is over; while it rests, what it waits for."""
    in_text = False
    async with aclosing(follow(app, actor, run_id)) as batches:
        async for batch in batches:
            for event in batch:
                in_text = show(event, in_text)
            if any(event.type in ("run.waiting", "run.paused") for event in batch):
                for line in await _what_it_waits_for(app, actor, run_id):
                    print(line, flush=True)


async def _what_it_waits_for(app: AppContext, actor: Actor, run_id: str) -> list[str]:
    async with app.database.read() as uow:
        trace = await get_trace(uow, actor, run_id)
        asked = await list_approvals(uow, actor)
    page = f"{app.settings.origin}/runs/{run_id}"
    if trace.run.status == "paused":
        return [f"         It is paused. Resume it at {page}"]
    lines = [
        f"         Somebody is asked: {one.title} (run {one.run_number} of {one.workflow_name}). "
        f"Answer at {app.settings.origin}/runs/{one.run_id}"
        for one in asked
        if run_id in (one.run_id, *(caller.run_id for caller in one.parents))
    ]
    lines += [f"         {wait_words(wait, page)}" for wait in trace.waits]
    for_others = len(lines) > len(trace.waits) or any(w.for_ == "signal" for w in trace.waits)
    if for_others and _alone(app):
        lines.append(
            "         Only this command works on it: start AgentLoom (make run) to answer or signal."
        )
    return lines


def wait_words(wait: WaitView, page: str) -> str:
    """What a step waits for, as a sentence."""
    until = f" until {wait.until.astimezone():%Y-%m-%d %H:%M:%S}" if wait.until else ""
    match wait.for_:
        case "signal":
            return f"{wait.step_path} waits{until} for the signal '{wait.name}'. Send it at {page}"
        case "run":
            return f"{wait.step_path} waits for the run {wait.run_id}"
        case "retry" | "turn":
            return f"{wait.step_path} waits{until}, then tries again"
        case _:
            return f"{wait.step_path} waits{until}"


def _alone(app: AppContext) -> bool:
    """Whether nothing else is started here that would go on with the run."""
    return isinstance(app.queue, LocalQueue) and holder(app.settings.data) is None


def _left(app: AppContext, run_id: str) -> str:
    goes_on = (
        "It is kept, and goes on when AgentLoom is started (make run)"
        if _alone(app)
        else "The run goes on"
    )
    return f"{goes_on}. To watch it again: .venv/bin/python -m app.cli run {run_id}"


async def _tell_end(app: AppContext, actor: Actor, run_id: str) -> int:
    async with app.database.read() as uow:
        run = await get_run(uow, actor, run_id)
    print(
        f"\n{run.status} · {run.tokens} tokens · {'unpriced' if run.cost_usd is None else f'${run.cost_usd:.4f}'}"
    )
    if run.error:
        print(run.error.get("message", ""), file=sys.stderr)
    if run.output is not None:
        print(json.dumps(run.output, indent=2, ensure_ascii=False))
    return 0 if run.status == "succeeded" else 1


def main(options: argparse.Namespace) -> int:
    """Run in this installation: by its workers when there is a queue, else in this very process."""
    log.set_up("ERROR")
    return asyncio.run(_work(_alone_without_redis(settings()), options))


def _alone_without_redis(config: Settings) -> Settings:
    """While nothing is started nobody serves the queue: then this process executes its run itself."""
    if config.redis_url or embedded_answers(config.data):
        return config
    return config.model_copy(update={"redis_url": NO_REDIS})


async def _work(config: Settings, options: argparse.Namespace) -> int:
    if config.without_redis:
        await asyncio.to_thread(upgrade, config.database)
    app = await open_app(config)
    try:
        async with working_here(app, duties=OF_WAITS):
            return await _execute(app, options)
    finally:
        await close_app()
