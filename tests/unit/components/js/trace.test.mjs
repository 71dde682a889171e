import assert from "node:assert/strict";
import { test } from "node:test";
import { bounds, culprit, filtered, rows, totals, visible, above } from "../../../../app/components/trace/model.js";

const at = (ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const step = (path, from, to, more = {}) => ({
  id: `s_${path}`, path, node_id: path.split("/").at(-1), label: "", kind: "data.set", status: "succeeded", attempt: 1, tokens: 0, cost_usd: 0,
  started_at: from === null ? null : at(from), finished_at: to === null ? null : at(to), ...more,
});
const trace = (steps, more = {}) => ({ run: { status: "succeeded", started_at: at(0), finished_at: at(100), queued_at: at(0) }, steps, spans: [], ...more });
const shape = (found) => found.map((row) => `${"  ".repeat(row.depth)}${row.label}`);

const LOOPED = [
  step("after", 90, 95), step("loop", 1, 80, { kind: "logic.for_each" }), step("begin", 0, 1), step("off", null, null, { status: "skipped" }),
  step("loop[10]/a", 60, 70), step("loop[2]/a", 30, 40, { status: "failed" }), step("loop[2.2]/a", 41, 50),
  step("loop[2.2]/in[0]/x", 42, null, { status: "running" }), step("loop[0]/b", 6, 9), step("loop[0]/a", 2, 5),
];

test("rows follow time and turn; tries of a turn stand beside each other", () => {
  assert.deepEqual(shape(rows(trace(LOOPED))), [
    "begin", "loop", "  Item 1", "    a", "    b", "  Item 3", "    a", "  Item 3 · try 2", "    a", "  Item 11", "    a", "after", "off",
  ]);
});

test("a turn is as long and as far as what lies in it, also deeper down", () => {
  const turn = rows(trace(LOOPED)).find((row) => row.label === "Item 3 · try 2");
  assert.deepEqual([turn.status, turn.item.started_at, turn.item.finished_at], ["running", at(41), null]);
});

test("a loop in a loop has its turns below its own step", () => {
  const steps = [step("loop", 0, 9), step("loop[0]/in", 1, 8), step("loop[0]/in[1]/x", 3, 4), step("loop[0]/in[0]/x", 1, 2)];
  assert.deepEqual(shape(rows(trace(steps))), ["loop", "  Turn 1", "    in", "      Turn 1", "        x", "      Turn 2", "        x"]);
});

test("a filter keeps what a match lies in, and nothing beside it", () => {
  const found = filtered(rows(trace(LOOPED)), "error");
  assert.deepEqual(shape(found), ["loop", "  Item 3", "    a"]);
  assert.deepEqual(shape(filtered(rows(trace(LOOPED)), "nothing like it")), []);
});

test("what is closed hides what lies below it, and leads up again", () => {
  const all = rows(trace(LOOPED));
  assert.deepEqual(shape(visible(all, new Set(["s_loop"]))), ["begin", "loop", "after", "off"]);
  assert.deepEqual(above(all, "s_loop[2]/a"), ["s_loop loop[2]/", "s_loop"]);
});

test("the axis goes from the first start to the last end, or to now while the run is not over", () => {
  const early = trace([step("a", -5, 120)]);
  const zero = Date.UTC(2026, 0, 1);
  assert.deepEqual(bounds(early), { start: zero - 5, end: zero + 120 });
  assert.deepEqual(bounds({ ...early, run: { ...early.run, status: "running" } }, zero + 500), { start: zero - 5, end: zero + 500 });
  assert.deepEqual(bounds({ ...early, run: { ...early.run, status: "waiting" } }, zero + 900), { start: zero - 5, end: zero + 900 });
  assert.equal(totals(early).duration, 125);
});

test("the first failure is the one that is shown", () => {
  const steps = [step("b", 9, 10, { status: "failed" }), step("a", 3, 4, { status: "failed" }), step("c", 1, 2)];
  assert.equal(culprit(trace(steps)).path, "a");
});

test("ten thousand steps become rows, and are searched, within a blink", () => {
  const steps = [step("loop", 0, 50_000, { kind: "logic.for_each" })];
  for (let i = 0; i < 5_000; i += 1) steps.push(step(`loop[${i}]/a`, i * 10, i * 10 + 4), step(`loop[${i}]/b`, i * 10 + 4, i * 10 + 8));
  const begun = performance.now();
  const all = rows(trace(steps));
  const found = filtered(all, "b");
  const took = performance.now() - begun;
  assert.equal(all.length, 15_001);
  assert.equal(found.length, 10_001);
  assert.ok(took < 1_000, `${took} ms`); // 60 ms; what grows with the square takes seconds
});

test("a step that went well with a remark says so in its row, and is found by it", async () => {
  const { remarks } = await import("../../../../app/components/js/format.js");
  const failed = { code: "items_failed", message: "2 of 5 items failed" };
  assert.equal(remarks({ status: "succeeded", warnings: [failed] }), "2 of 5 items failed");
  assert.equal(remarks({ status: "succeeded", warnings: [{ code: "answer_empty", message: "…" }] }), "1 warning");
  assert.equal(remarks({ status: "succeeded", warnings: [failed, failed] }), "2 warnings");
  assert.equal(remarks({ status: "failed", warnings: [failed] }), "");
  assert.equal(remarks({ status: "succeeded" }), "");
});
