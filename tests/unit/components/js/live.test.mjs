import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, cost, gist } from "../../../../app/components/js/format.js";
import { LiveStore } from "../../../../app/components/js/live.js";
import { axisOf, barOf, mainPath, rowsOf, stepName, ticksOf, timeOf } from "../../../../app/components/run/rows.js";

const tick = () => new Promise((go) => setImmediate(go));
const step = (path, status, more = {}) => ({
  id: `s_${path}`, path, node_id: path.split("/").at(-1), label: path, status, attempt: 1, tokens: 0, cost_usd: 0,
  started_at: "2026-01-01T00:00:00Z", finished_at: null, ...more,
});
const trace = (seq, steps, more = {}) => ({
  run: { id: "r", number: 7, status: "running", tokens: 0, cost_usd: 0, started_at: "2026-01-01T00:00:00Z" },
  steps, spans: [], approvals: [], graph: { nodes: [] }, seq, ...more,
});

function storeOf(...traces) {
  const loads = [];
  const store = new LiveStore({
    load: async () => { loads.push(1); return traces[Math.min(loads.length, traces.length) - 1]; },
    pause: async () => {},
  });
  return { store, loads };
}

test("a page opened late shows the same as one open from the start", async () => {
  const patches = [
    { run_id: "r", from: 0, seq: 2, steps: [step("a", "running")] },
    { run_id: "r", from: 2, seq: 4, steps: [step("a", "succeeded", { preview: "hi" })] },
    { run_id: "r", from: 4, seq: 5, steps: [step("b", "running")] },
  ];
  const early = storeOf(trace(0, [])).store;
  for (const patch of patches) { early.patch(patch); await tick(); await tick(); }
  const late = storeOf(trace(4, [step("a", "succeeded")])).store;
  late.patch(patches[2]);
  await tick();
  await tick();
  const shown = (store) => store.get("r").order.map((path) => [path, store.step("r", path).status]);
  assert.deepEqual(shown(late), shown(early));
  assert.deepEqual(shown(late), [["a", "succeeded"], ["b", "running"]]);
});

test("what is known already is dropped", async () => {
  const { store } = storeOf(trace(4, [step("a", "succeeded")]));
  await store.open("r");
  store.patch({ run_id: "r", from: 1, seq: 3, steps: [step("a", "running")] });
  assert.equal(store.step("r", "a").status, "succeeded");
});

test("a gap loads the trace again and keeps what came meanwhile", async () => {
  const { store, loads } = storeOf(trace(2, [step("a", "running")]), trace(6, [step("a", "succeeded"), step("b", "running")]));
  await store.open("r");
  store.patch({ run_id: "r", from: 5, seq: 7, steps: [step("b", "succeeded")] });
  await tick();
  await tick();
  assert.equal(loads.length, 2);
  assert.equal(store.get("r").seq, 7);
  assert.equal(store.step("r", "b").status, "succeeded");
});

test("a trace older than the patch that asked for it is loaded once more", async () => {
  const { store, loads } = storeOf(trace(1, []), trace(1, []), trace(6, [step("a", "running")]));
  await store.open("r");
  store.patch({ run_id: "r", from: 6, seq: 7, steps: [step("a", "succeeded")] });
  for (let i = 0; i < 8; i += 1) await tick();
  assert.equal(loads.length, 3);
  assert.equal(store.step("r", "a").status, "succeeded");
});

function storeWithTurns(whole, turns) {
  const asked = [];
  const load = async (runId, turn) => { asked.push(turn ?? "whole"); return turn ? turns[turn] ?? trace(1, []) : whole(); };
  return { store: new LiveStore({ load, pause: async () => {} }), asked };
}

test("turns that were opened stay open, in all their tries, when the trace is read anew", async () => {
  const tries = [step("loop[700]/a", "failed"), step("loop[700.2]/a", "succeeded")];
  let now = trace(4, [step("loop", "running"), step("loop[0]/a", "succeeded")], { hidden: 1400 });
  const { store, asked } = storeWithTurns(() => now, { "loop[700]": trace(4, tries, { loops: [{ path: "loop[700]/in", turns: 2 }] }) });
  await store.open("r");
  assert.equal((await store.turn("r", "loop[700]")).path, "loop[700]/a");
  assert.equal(store.get("r").hidden, 1398);
  now = trace(9, [step("loop", "succeeded"), step("loop[0]/a", "succeeded"), step("loop[700]/a", "failed")], { hidden: 1399 });
  store.patch({ run_id: "r", from: 8, seq: 9 });
  await store.get("r").loading;
  assert.deepEqual(asked, ["whole", "loop[700]", "whole", "loop[700]"]);
  assert.deepEqual(store.get("r").order, ["loop", "loop[0]/a", "loop[700]/a", "loop[700.2]/a"]);
  assert.equal(store.step("r", "loop").status, "succeeded");
  assert.equal(store.get("r").hidden, 1398);
  assert.equal(store.get("r").loops.get("loop[700]/in").turns, 2);
  assert.equal(store.node("r", "a").rounds, 2); // turns, not tries
});

test("a turn that is not there is not asked for again, and one that was read late changes nothing back", async () => {
  const late = trace(2, [step("loop[1]/a", "running"), step("loop[1]/b", "running")]);
  const { store, asked } = storeWithTurns(() => trace(5, [step("loop[1]/a", "succeeded")]), { "loop[1]": late });
  await store.open("r");
  assert.equal(await store.turn("r", "loop[9]"), null);
  await store.turn("r", "loop[1]");
  assert.equal(store.step("r", "loop[1]/a").status, "succeeded");
  assert.equal(store.step("r", "loop[1]/b").status, "running");
  await store.refresh("r");
  assert.deepEqual(asked, ["whole", "loop[9]", "loop[1]", "whole", "loop[1]"]);
});

test("a trace newer than the events after it does not let an ended step begin again", async () => {
  const { store } = storeOf(trace(3, [step("a", "succeeded")]));
  await store.open("r");
  store.patch({ run_id: "r", from: 3, seq: 4, steps: [step("a", "running")] });
  assert.equal(store.step("r", "a").status, "succeeded");
});

test("tokens are appended, replaced after a gap, and cleared by a new attempt", async () => {
  const { store } = storeOf(trace(1, [step("a", "running")]));
  await store.open("r");
  store.patch({ run_id: "r", from: 1, seq: 1, tokens: { a: "Hel" } });
  store.patch({ run_id: "r", from: 1, seq: 1, tokens: { a: "lo" } });
  assert.equal(store.text("r", "a"), "Hello");
  store.patch({ run_id: "r", from: 1, seq: 1, texts: { a: "Hello, wor" }, tokens: { b: "x" } });
  assert.equal(store.nodeText("r", "a"), "Hello, wor");
  store.patch({ run_id: "r", from: 1, seq: 2, steps: [step("a", "running", { attempt: 2 })] });
  assert.equal(store.text("r", "a"), "");
});

test("only the listeners of a touched node are called", async () => {
  const { store } = storeOf(trace(1, [step("a", "running"), step("b", "pending")]));
  await store.open("r");
  const heard = [];
  store.subscribe("r", () => heard.push("a"), "a");
  const stop = store.subscribe("r", () => heard.push("b"), "b");
  store.subscribe("r", () => heard.push("run"));
  store.patch({ run_id: "r", from: 1, seq: 2, steps: [step("a", "succeeded")] });
  assert.deepEqual(heard.sort(), ["a", "run"]);
  stop();
});

test("a node in a loop shows the sum of its rounds", async () => {
  const { store } = storeOf(trace(1, [
    step("l[0]/x", "succeeded", { tokens: 3, cost_usd: 0.1 }), step("l[1]/x", "running", { tokens: 4, cost_usd: 0.2 }),
  ]));
  await store.open("r");
  const node = store.node("r", "x");
  assert.equal(node.status, "running");
  assert.deepEqual([node.done, node.rounds, node.tokens], [1, 2, 7]);
});

test("an unpriced round makes the sum unpriced", async () => {
  const { store } = storeOf(trace(1, [step("l[0]/x", "succeeded", { cost_usd: null }), step("l[1]/x", "succeeded", { cost_usd: 0.2 })]));
  await store.open("r");
  assert.equal(store.node("r", "x").cost_usd, null);
});

test("a question appears with its step and goes when it is answered", async () => {
  const { store } = storeOf(trace(1, [step("h", "waiting_human")], {
    approvals: [{ id: "apr", step_id: "s_h", node_id: "h", status: "open", title: "OK?", choices: ["approve", "reject"], kind: "approval" }],
  }));
  await store.open("r");
  assert.equal(store.get("r").approvals.get("h").title, "OK?");
  store.patch({ run_id: "r", from: 1, seq: 2, steps: [step("h", "succeeded")] });
  assert.equal(store.get("r").approvals.size, 0);
  store.patch({
    run_id: "r", from: 2, seq: 3, steps: [step("g", "waiting_human")],
    approvals: [{ approval_id: "apr2", step_id: "s_g", node_id: "g", path: "g", question: { title: "And now?", editable: true } }],
  });
  assert.equal(store.get("r").approvals.get("g").editable, true);
});

test("a trace that cannot be loaded is said, and the next patch tries again", async () => {
  let broken = true;
  const store = new LiveStore({
    load: async () => { if (broken) throw Object.assign(new Error("No such run."), { status: 404 }); return trace(3, []); },
    pause: async () => {},
  });
  await store.open("r");
  assert.equal(store.get("r").error, "No such run.");
  broken = false;
  store.patch({ run_id: "r", from: 2, seq: 3 });
  await tick();
  await tick();
  assert.equal(store.get("r").loaded, true);
});

test("a wire is dashed where its branch was not taken", async () => {
  const { store } = storeOf(trace(5, [
    step("if", "succeeded", { alive: ["true"] }), step("a", "running"), step("b", "skipped", { started_at: null }), step("m", "succeeded"),
  ]));
  await store.open("r");
  assert.equal(store.wire("r", "if", "true", "a"), "run");
  assert.equal(store.wire("r", "if", "false", "b"), "skip");
  assert.equal(store.wire("r", "if", "false", "m"), "skip");
  assert.equal(store.wire("r", "a", "text", "m"), "");
});

test("rows stand in the order of their beginning, spans below them, nodes to come last", async () => {
  const { store } = storeOf(trace(1, [
    step("skipped", "skipped", { started_at: null }), step("b", "running", { started_at: "2026-01-01T00:00:02Z" }), step("a", "succeeded"),
  ], { spans: [{ id: "sp", step_path: "b", parent_id: null, kind: "llm", name: "chat", status: "running", started_at: "2026-01-01T00:00:02Z" }] }));
  await store.open("r");
  const rows = rowsOf(store.get("r"), [{ id: "a", title: "A" }, { id: "z", title: "Z" }]);
  assert.deepEqual(rows.map((row) => row.key), ["a", "b", "b sp", "skipped", "node z"]);
  assert.equal(mainPath(store.get("r")), "b");
});

test("bars lie within the axis and never vanish", async () => {
  const { store } = storeOf(trace(1, [step("a", "succeeded", { finished_at: "2026-01-01T00:00:00.001Z" }), step("b", "running", { started_at: "2026-01-01T00:00:03Z" })]));
  await store.open("r");
  const now = Date.parse("2026-01-01T00:00:04Z");
  const axis = axisOf(store.get("r"), now);
  const [a, b] = ["a", "b"].map((path) => barOf(store.step("r", path), axis, now));
  assert.ok(a.width > 0.5 && a.left === 0);
  assert.deepEqual([Math.round(b.left), Math.round(b.width)], [75, 25]);
  assert.equal(barOf(step("x", "pending", { started_at: null }), axis, now), null);
  assert.deepEqual(ticksOf(axis).map((tick) => tick.ms), [0, 1000, 2000, 3000]);
});

test("while a run waits, the axis goes on to now", async () => {
  const { store } = storeOf({ ...trace(1, [step("a", "waiting")]), run: { id: "r", status: "waiting" } });
  await store.open("r");
  const now = Date.parse("2026-01-01T00:01:00Z");
  assert.equal(axisOf(store.get("r"), now).end, now);
});

test("a step in a loop is named with its turns as people count them", async () => {
  const { store } = storeOf(trace(1, [step("rows", "running", { kind: "logic.for_each" }), step("rows[1.2]/again[0]/call", "failed", { label: "Ask the shop" })]));
  await store.open("r");
  const entry = store.get("r");
  assert.equal(stepName(entry, entry.steps.get("rows[1.2]/again[0]/call")), "Ask the shop · item 2 · try 2 · turn 1");
});

test("the column of times says how long a step has waited, and nothing of what never began", () => {
  const now = Date.parse("2026-01-01T00:01:01Z");
  const times = ["waiting", "waiting_human", "interrupted", "running"].map((status) => timeOf({ type: "step", item: step("a", status) }, now));
  assert.deepEqual(times, Array(4).fill("1 min 1 s"));
  assert.equal(timeOf({ type: "step", item: step("a", "skipped", { started_at: null }) }, now), "skipped");
  assert.equal(timeOf({ type: "node", item: { status: "pending" } }, now), "–");
  assert.equal(timeOf({ type: "span", item: step("a", "running") }, now), "…");
});

test("numbers are written as people read them", () => {
  assert.deepEqual([0.2, 412, 1480, 12_300, 61_000, null].map(duration), ["<1 ms", "412 ms", "1.48 s", "12.3 s", "1 min 1 s", "–"]);
  assert.deepEqual([null, 0, 0.00001, 0.0002, 3].map(cost), ["unpriced", "$0", "<$0.0001", "$0.0002", "$3.00"]);
  assert.deepEqual([{ text: "hi" }, { rows: [1, 2] }, { label: "Billing", extra: {} }, null].map(gist), ["hi", "2 items", "Billing", ""]);
});

test("a badge counts each turn once, by its latest try, and the costs of all", async () => {
  const at = (second) => ({ started_at: `2026-01-01T00:00:0${second}Z`, finished_at: `2026-01-01T00:00:0${second + 1}Z`, tokens: 5 });
  const { store } = storeOf(trace(1, [
    step("l", "succeeded", at(0)), step("l[0]/x", "succeeded", at(1)), step("l[1.2]/x", "succeeded", at(3)), step("l[1]/x", "failed", at(2)),
  ], { run: { id: "r", status: "succeeded" } }));
  await store.open("r");
  const { status, rounds, done, tokens, finished_at: end } = store.node("r", "x");
  assert.deepEqual([status, rounds, done, tokens, end], ["succeeded", 2, 2, 15, "2026-01-01T00:00:04Z"]);
  assert.notEqual(mainPath(store.get("r")), "l[1]/x");
});

test("the values of a step that was at work when the page came are not taken for none once it has ended", async () => {
  const { store } = storeOf(trace(1, [step("a", "running", { input: null, output: null })]));
  await store.open("r");
  assert.equal(store.step("r", "a").output, null);
  store.patch({ run_id: "r", from: 1, seq: 2, steps: [step("a", "succeeded", { finished_at: "2026-01-01T00:00:01Z" })] });
  assert.equal(store.step("r", "a").output, undefined);
  store.fill("r", step("a", "succeeded", { output: { text: "hi" }, input: {} }));
  store.patch({ run_id: "r", from: 2, seq: 3, steps: [step("a", "succeeded", { preview: "hi" })] });
  assert.deepEqual(store.step("r", "a").output, { text: "hi" });
});

test("a patch that is none is refused", () => {
  const { store } = storeOf(trace(0, []));
  assert.throws(() => store.patch({ run_id: "r" }), /without from, seq/);
});

test("of a long loop only what matters now is listed", async () => {
  const steps = [...Array(100).keys()].map((i) => step(`l[${i}]/x`, i === 50 ? "running" : "succeeded"));
  const { store } = storeOf(trace(1, [step("l", "running"), ...steps]));
  await store.open("r");
  assert.deepEqual(rowsOf(store.get("r")).map((row) => row.key), ["l", "l[50]/x"]);
  const opened = rowsOf(store.get("r"), [], { open: new Set(["l[7]/x"]) }).map((row) => row.key);
  assert.ok(opened.includes("l[7]/x"));
});

test("a step that speaks is shown before one that only works", async () => {
  const { store } = storeOf(trace(1, [step("a", "running"), step("b", "running")]));
  await store.open("r");
  assert.equal(mainPath(store.get("r")), "b");
  store.patch({ run_id: "r", from: 1, seq: 1, tokens: { a: "hi" } });
  assert.equal(mainPath(store.get("r")), "a");
});
