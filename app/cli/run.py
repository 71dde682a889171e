"""Run a workflow, by id or from a file, and print its trace as it happens."""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

from app.adapters.migrations import upgrade
from app.adapters.redis_ladder import embedded_answers
from app.engine.events import Event
from app.engine.graph.document import MAX_DEPTH, parse_graph
from app.kernel import log
from app.kernel.errors import InvalidInput
from app.kernel.settings import NO_REDIS, Settings, settings
from app.services.identity.local import local_actor
from app.services.runs.follow import follow
from app.services.runs.queries import get_run
from app.services.runs.start import StartRun, start_run
from app.services.runtime import Runtime, close_runtime, open_runtime
from app.services.workflows.commands import create_workflow
from app.worker.in_process import working_here

_MARKS = {
    "step.started": "●", "step.completed": "✓", "step.failed": "✕", "step.skipped": "–", "step.waiting_human": "◌",
    "step.retrying": "↻", "step.canceled": "⊘",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `run`."""
    parser.add_argument(
        "workflow",
        help="a workflow's id, or a JSON file with a graph (or {name, graph, example_input})",
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
        return json.loads(
            Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        )
    except OSError as error:
        raise InvalidInput(f"{what}: {text[1:]} cannot be read: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{what} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{what} is not JSON: it is no UTF-8 text at byte {error.start}."
        ) from error
    except RecursionError as error:
        raise InvalidInput(
            f"{what} is nested too deep; at most {MAX_DEPTH} levels are allowed."
        ) from error


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


async def _execute(parts: Runtime, options: argparse.Namespace) -> int:
    async with parts.database.work() as uow:
        actor = await local_actor(uow, options.workflow)
        workflow_id, given = options.workflow, options.input
        value: Any = read_json(given, "--input") if given else None
        if Path(workflow_id).suffix == ".json" or Path(workflow_id).is_file():
            document = read_json(f"@{workflow_id}", "The file")
            graph = document.get("graph", document) if isinstance(document, dict) else document
            made = await create_workflow(
                uow, actor, Path(workflow_id).stem, parse_graph(graph), None
            )
            workflow_id = made.id
            value = (
                document.get("example_input")
                if value is None and isinstance(document, dict)
                else value
            )
    async with parts.database.work() as uow:
        run = await start_run(
            uow, actor, StartRun(workflow_id=workflow_id, input=value or {}, trigger="cli")
        )
    in_text = False
    async with aclosing(follow(parts, actor, run.id)) as batches:
        async for batch in batches:
            for event in batch:
                in_text = show(event, in_text)
            if any(event.type == "run.waiting" for event in batch):
                break
    async with parts.database.read() as uow:
        run = await get_run(uow, actor, run.id)
    print(
        f"\n{run.status} · {run.tokens} tokens · {'unpriced' if run.cost_usd is None else f'${run.cost_usd:.4f}'}"
    )
    if run.error:
        print(run.error.get("message", ""), file=sys.stderr)
    if run.output is not None:
        print(json.dumps(run.output, indent=2, ensure_ascii=False))
    if run.status == "waiting":
        print(f"It waits for an answer: {parts.settings.origin}/runs/{run.id}")
    return 0 if run.status in ("succeeded", "waiting") else 1


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
    parts = await open_runtime(config)
    try:
        async with working_here(parts, sweep=False):
            return await _execute(parts, options)
    finally:
        await close_runtime()
