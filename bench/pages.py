"""What a person feels: start, memory, time from event to page, frames while dragging. Prints a table.

    .venv/bin/python bench/pages.py

Starts the built product with data of its own on this machine, with the small local model, in headless Chromium.
"""

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from app.adapters.models.weights import SMOLLM2, WeightStore  # noqa: E402
from app.cli.build import ensure_built  # noqa: E402
from tests.conftest import free_port  # noqa: E402
from tests.e2e.conftest import CHROMIUM, WIDE  # noqa: E402
from tests.e2e.product import Product  # noqa: E402
from tests.e2e.test_acceptance import sign_up  # noqa: E402
from tests.fakes.local_model import cache_directory, give_weights  # noqa: E402

NODES = 500
WORK = "x = 0\nfor i in range(600000):\n    x += i\nresult = x"  # about a tenth of a second in the sandbox
PROBE = """(runId) => {
  // Time from the event's own clock to the change of the page, for each step that becomes visible as ended.
  window.seen = [];
  const ended = new Set();
  new MutationObserver(() => {
    for (const row of document.querySelectorAll("[data-testid^=row-][data-status=succeeded]")) {
      const key = row.dataset.testid ?? '';
      if (!ended.has(key)) { ended.add(key); window.seen.push([key, Date.now()]); }
    }
  }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""
FRAMES = """() => new Promise((done) => {
  const frames = []; let last = performance.now();
  const tick = (now) => { frames.push(now - last); last = now; if (window.stopFrames) done(frames); else requestAnimationFrame(tick); };
  window.stopFrames = false; requestAnimationFrame(tick);
})"""


def resident_mb(product: Product) -> dict[str, float]:
    """Resident memory of the supervisor and everything below it, in MB; shared pages count once per process."""
    sizes = {}
    for pid, command in {product.pid: "serve", **product.children()}.items():
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        size = (
            int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1])
            / 1024
        )
        name = next(
            (
                word
                for word in ("cli web", "worker", "valkey", "redis", "model_server", "serve")
                if word in command
            ),
            command[:20],
        )
        sizes[name] = sizes.get(name, 0) + size
    return sizes


def chain(count: int, kind: str) -> dict:
    """A graph of a trigger and a chain of cheap nodes, laid out in rows."""
    nodes = [
        {"id": "start", "kind": "trigger.manual", "label": "Start", "position": {"x": 0, "y": 0}}
    ]
    edges = []
    for at in range(1, count):
        nodes.append({"id": f"n{at}", "kind": kind, "label": f"Step {at}", "config": {"template": "{{ trigger }}"},
                      "position": {"x": (at % 25) * 300, "y": (at // 25) * 140}})  # fmt: skip
        source, port = ("start", "data") if at == 1 else (f"n{at - 1}", "text")
        edges.append(
            {
                "id": f"e{at}",
                "source": source,
                "source_port": port,
                "target": f"n{at}",
                "target_port": "input",
            }
        )
    return {"schema": 1, "nodes": nodes, "edges": edges}


def post(page: Page, url: str, body: dict) -> dict:
    """Call the API as the signed-in page does."""
    return page.evaluate(
        """async ([url, body]) => {
          const csrf = document.cookie.match(/agentloom_csrf=([^;]+)/)[1];
          const reply = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/json', 'X-CSRF-Token': decodeURIComponent(csrf)}, body: JSON.stringify(body)});
          return reply.json();
        }""",
        [url, body],
    )


def event_to_page(page: Page, product: Product) -> list[float]:
    """Milliseconds from the moment a step ended (its own record) to its row in the drawer saying so."""
    graph = chain(40, "data.template")
    # One node that may not run in the web process sends the run through queue and worker.
    graph["nodes"][1] = {
        "id": "n1",
        "kind": "tool.code_python",
        "label": "Step 1",
        "config": {"code": WORK},
        "position": {"x": 300, "y": 0},
    }
    graph["edges"][1]["source_port"] = "result"
    graph["edges"][0]["target_port"] = "input"
    for node in graph["nodes"][2:]:
        node["kind"], node["config"] = "tool.code_python", {"code": WORK}
    for edge in graph["edges"][1:]:
        edge["source_port"] = "result"
    made = post(page, "/api/workflows", {"name": "latency", "graph": graph})
    if "id" not in made:
        print("not measured:", made)
        return []
    page.goto(f"{product.url}/workflows/{made['id']}")
    page.get_by_test_id("save-state").wait_for()
    page.wait_for_timeout(1500)
    page.evaluate(PROBE, "")
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()
    page.locator("[data-testid=drawer][data-run=succeeded]").wait_for(timeout=60_000)
    page.wait_for_timeout(500)
    seen = dict(page.evaluate("window.seen"))
    run = page.evaluate("fetch('/api/runs?limit=1').then(r => r.json())")["items"][0]["id"]
    steps = page.evaluate(f"fetch('/api/runs/{run}/steps').then(r => r.json())")["items"]
    found = []
    for step in steps:
        shown = seen.get(f"row-{step['path']}")
        if shown and step["finished_at"]:
            found.append(shown - time_ms(step["finished_at"]))
    return found


def time_ms(moment: str) -> float:
    """Epoch milliseconds of an ISO moment."""
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() * 1000


def drag(page: Page, product: Product) -> list[float]:
    """Frame times while one of 500 nodes is dragged in circles for three seconds."""
    made = post(page, "/api/workflows", {"name": "large", "graph": chain(NODES, "data.template")})
    page.goto(f"{product.url}/workflows/{made['id']}")
    node = page.get_by_test_id("node-start")
    node.wait_for()
    page.wait_for_timeout(1500)
    box = node.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 12
    page.evaluate(f"() => {{ window.frames = ({FRAMES})(); }}")
    page.mouse.move(x, y)
    page.mouse.down()
    until = time.monotonic() + 3
    at = 0
    while time.monotonic() < until:
        at += 1
        page.mouse.move(x + (at * 7) % 240, y + (at * 5) % 160)
    page.mouse.up()
    frames = page.evaluate("(window.stopFrames = true, window.frames)")
    return frames[2:]


def quantile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Rows(list[tuple[str, str]]):
    """The table, printed line by line as it grows."""

    def append(self, row: tuple[str, str]) -> None:
        """Add a line and show it."""
        super().append(row)
        print(f"| {row[0]} | {row[1]} |", flush=True)


def main() -> None:
    """Measure and print."""
    ensure_built()
    weights = asyncio.run(WeightStore(cache_directory()).pull(SMOLLM2))
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    give_weights(weights, data)
    product = Product(data, free_port())
    print("| what | measured |\n| --- | --- |")
    rows = Rows()
    try:
        rows.append(("start with empty data, pages built", f"{product.start():.1f} s"))
        product.stop()
        starts = []
        for _ in range(3):
            starts.append(product.start())
            product.stop()
        rows.append(("second start to /readyz, median of 3", f"{statistics.median(starts):.1f} s"))
        product.start()
        time.sleep(15)
        sizes = resident_mb(product)
        rows.append(
            (
                "memory of the idle tree (PSS)",
                f"{sum(sizes.values()):.0f} MB: "
                + ", ".join(f"{k} {v:.0f}" for k, v in sizes.items()),
            )
        )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=CHROMIUM
            )
            context = browser.new_context(viewport=WIDE)
            context.set_default_timeout(60_000)
            page = context.new_page()
            sign_up(page, product)
            late = event_to_page(page, product)
            if late:
                rows.append(
                    (
                        f"step ended to row in the page, {len(late)} steps",
                        f"p50 {quantile(late, 0.5):.0f} ms, p95 {quantile(late, 0.95):.0f} ms",
                    )
                )
            frames = drag(page, product)
            rows.append(
                (
                    f"drag with {NODES} nodes",
                    f"{1000 / statistics.mean(frames):.0f} frames/s, p95 frame {quantile(frames, 0.95):.0f} ms",
                )
            )
            browser.close()
    finally:
        product.stop()
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
