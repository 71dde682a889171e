// A trace as rows: pure functions over the JSON of GET /api/runs/{id}/trace. No React, no DOM.
import { duration, remarks, turnName } from "../js/format.js";
import { STATUSES } from "../js/protocol.gen.js";

const MARKS = {
  pending: "○", running: "●", paused: "‖", waiting: "◔", waiting_human: "◌", succeeded: "✓", failed: "✕", skipped: "–",
  canceled: "⊘", interrupted: "!",
};

// Word, colour and mark of every status in a trace.
export const STATUS = Object.fromEntries(
  Object.entries(MARKS).map(([status, mark]) => [status, { ...STATUSES[status], mark }]),
);

const ms = (moment) => (moment ? Date.parse(moment) : null);

// The first start and the last end of what is known, in epoch ms; null without any. Of one state of the trace only
// once.
export function extremes(trace) {
  let [start, end] = [ms(trace.run.started_at), ms(trace.run.finished_at)];
  for (const step of trace.steps) {
    const [from, to] = [ms(step.started_at), ms(step.finished_at)];
    if (from !== null && (start === null || from < start)) start = from;
    if (to !== null && (end === null || to > end)) end = to;
  }
  return { start, end };
}

const OVER = new Set(["succeeded", "failed", "canceled"]);

// Where the run starts and ends on the time axis, in epoch ms; a run that is not over, also one that waits, ends now.
export function bounds(trace, now = Date.now(), known = extremes(trace)) {
  const start = known.start ?? ms(trace.run.queued_at) ?? now;
  const end = OVER.has(trace.run.status) ? known.end ?? now : now;
  return { start, end: Math.max(end, start + 1) };
}

/** Left edge and width of a bar in percent of the axis; null when it never started. */
export function bar(item, axis, now = Date.now()) {
  const from = ms(item.started_at);
  if (from === null) return null;
  const to = ms(item.finished_at) ?? Math.min(now, axis.end);
  const whole = axis.end - axis.start;
  const left = Math.min(99.5, Math.max(0, ((from - axis.start) / whole) * 100));
  return { left, width: Math.min(100 - left, Math.max(0.4, ((to - from) / whole) * 100)) };
}

export function lasted(item, now = Date.now()) {
  const from = ms(item.started_at);
  if (from === null) return null;
  return Math.max(0, (ms(item.finished_at) ?? now) - from);
}

/** Five round marks for the axis, as {at: percent, label}. */
export function ticks(axis) {
  const whole = axis.end - axis.start;
  const rough = whole / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  const marks = [];
  for (let at = 0; at <= whole; at += step) {
    marks.push({ at: (at / whole) * 100, label: at ? duration(at).replace(/\.0+ s$/, " s") : "0 s" });
  }
  return marks;
}

const tokensOf = (span) => (span.attributes.input_tokens ?? 0) + (span.attributes.output_tokens ?? 0);

function spanRows(spans, parentId, depth, stepKey) {
  const rows = [];
  const children = spans.filter((s) => (s.parent_id ?? null) === parentId);
  const attempts = children.filter((s) => s.kind === "attempt");
  const plain = attempts.length === 1 && attempts[0].status !== "failed";
  for (const span of children) {
    if (span.kind === "attempt" && plain) {
      rows.push(...spanRows(spans, span.id, depth, stepKey)); // one good attempt is no news
      continue;
    }
    rows.push({
      key: span.id, type: "span", depth, stepKey, kind: span.kind, label: span.name, item: span,
      status: span.status, tokens: tokensOf(span) || null, cost: span.attributes.cost_usd ?? null,
    });
    rows.push(...spanRows(spans, span.id, depth + 1, stepKey));
  }
  return rows;
}

// In the order of their start; what never began comes last. Dates are read once each.
function inOrder(items) {
  const starts = new Map(items.map((item) => [item, ms(item.started_at) ?? Infinity]));
  return [...items].sort((a, b) => (starts.get(a) === starts.get(b) ? 0 : starts.get(a) - starts.get(b)));
}

// A turn of a loop as the end of a prefix: `loop[3]/` is its fourth, `loop[3.2]/` the second try of that one.
const TURN = /\[(\d+)(?:\.(\d+))?\]\/$/;

// Steps by the prefix of their level ("" is the graph itself), and the turns of each loop by its path.
function levelsOf(steps) {
  const [levels, turns] = [new Map(), new Map()];
  for (const step of steps) {
    let prefix = step.path.slice(0, step.path.lastIndexOf("/") + 1);
    if (!levels.has(prefix)) levels.set(prefix, []);
    levels.get(prefix).push(step);
    for (let found = TURN.exec(prefix); found; found = TURN.exec(prefix)) {
      const loop = prefix.slice(0, found.index);
      if (!turns.has(loop)) turns.set(loop, new Map());
      if (!turns.get(loop).has(prefix)) {
        turns.get(loop).set(prefix, { prefix, index: Number(found[1]), attempt: Number(found[2] ?? 1), steps: [] });
      }
      turns.get(loop).get(prefix).steps.push(step);
      prefix = prefix.slice(0, loop.lastIndexOf("/") + 1);
    }
  }
  return { levels, turns };
}

function stepRows(known, prefix, depth, rows) {
  for (const step of inOrder(known.levels.get(prefix) ?? [])) {
    rows.push({
      key: step.id, type: "step", depth, stepKey: step.id, kind: step.kind.split(".")[0],
      label: step.label || step.node_id,
      item: step, status: step.status, tokens: step.tokens || null, cost: step.cost_usd, remark: remarks(step),
    });
    const spans = known.spans.get(step.path) ?? [];
    const ids = new Set(spans.map((s) => s.id));
    const rooted = spans.map((s) => (s.parent_id && !ids.has(s.parent_id) ? { ...s, parent_id: null } : s));
    rows.push(...spanRows(inOrder(rooted), null, depth + 1, step.id));
    const turns = [...(known.turns.get(step.path)?.values() ?? [])];
    for (const turn of turns.sort((a, b) => a.index - b.index || a.attempt - b.attempt)) {
      rows.push({
        key: `${step.id} ${turn.prefix.slice(prefix.length)}`, type: "group", depth: depth + 1, stepKey: step.id,
        kind: "turn", label: turnName(step.kind, turn.index, turn.attempt),
        item: extent(turn.steps), status: groupStatus(turn.steps), tokens: null, cost: null,
      });
      stepRows(known, turn.prefix, depth + 2, rows);
    }
  }
  return rows;
}

function extent(steps) {
  const starts = steps.map((s) => s.started_at).filter(Boolean).sort();
  const ends = steps.map((s) => s.finished_at);
  return { started_at: starts[0] ?? null, finished_at: ends.every(Boolean) ? [...ends].sort().at(-1) : null };
}

function groupStatus(steps) {
  for (const status of ["failed", "waiting_human", "interrupted", "running", "waiting", "canceled"]) {
    if (steps.some((s) => s.status === status)) return status;
  }
  return "succeeded";
}

/** All rows of the tree in order, each with its depth. */
export function rows(trace) {
  const spansByPath = new Map();
  for (const span of trace.spans) {
    if (!spansByPath.has(span.step_path)) spansByPath.set(span.step_path, []);
    spansByPath.get(span.step_path).push(span);
  }
  return stepRows({ ...levelsOf(trace.steps), spans: spansByPath }, "", 0, []);
}

/** Rows that match a filter such as `error`, `>1s`, `llm` or a name; ancestors of a match stay. */
export function filtered(all, text) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return all;
  const fits = (row) =>
    words.every((word) => {
      const longer = /^>(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(word);
      if (longer) return (lasted(row.item) ?? 0) > Number(longer[1]) * { ms: 1, s: 1000, m: 60_000 }[longer[2] ?? "s"];
      if (word === "error") return row.status === "failed";
      if (word === "warning" && row.remark) return true;
      return `${row.label} ${row.kind} ${row.status} ${row.item.kind ?? ""}`.toLowerCase().includes(word);
    });
  const keep = new Set();
  const above = [];
  all.forEach((row, at) => {
    above.length = row.depth;
    above[row.depth] = at;
    if (fits(row)) above.forEach((each) => keep.add(each));
  });
  return all.filter((_, at) => keep.has(at));
}

/** Hide the rows below collapsed ones. */
export function visible(all, collapsed) {
  const out = [];
  let hiddenBelow = Infinity;
  for (const row of all) {
    if (row.depth > hiddenBelow) continue;
    hiddenBelow = collapsed.has(row.key) ? row.depth : Infinity;
    out.push(row);
  }
  return out;
}

/** Keys of the rows that a row lies in. */
export function above(all, key) {
  const keys = [];
  const at = all.findIndex((row) => row.key === key);
  let depth = all[at]?.depth ?? 0;
  for (let i = at - 1; i >= 0 && depth > 0; i -= 1) {
    if (all[i].depth >= depth) continue;
    depth = all[i].depth;
    keys.push(all[i].key);
  }
  return keys;
}

export function hasChildren(all, at) {
  return at + 1 < all.length && all[at + 1].depth > all[at].depth;
}

/** Numbers of the head line. */
export function totals(trace, axis = bounds(trace)) {
  const llm = trace.spans.filter((s) => s.kind === "llm");
  const firsts = llm
    .filter((s) => s.attributes.first_token_ms !== undefined && s.started_at)
    .map((s) => ms(s.started_at) + s.attributes.first_token_ms - axis.start);
  return {
    duration: trace.run.started_at ? axis.end - axis.start : null,
    firstToken: firsts.length ? Math.min(...firsts) : null,
    input: llm.reduce((sum, s) => sum + (s.attributes.input_tokens ?? 0), 0),
    output: llm.reduce((sum, s) => sum + (s.attributes.output_tokens ?? 0), 0),
    retries: trace.steps.reduce((sum, s) => sum + Math.max(0, (s.attempt ?? 1) - 1), 0),
  };
}

/** The step that made the run fail, if one did. */
export function culprit(trace) {
  return inOrder(trace.steps.filter((s) => s.status === "failed"))[0] ?? null;
}
