// A trace as rows: pure functions over the JSON of GET /api/runs/{id}/trace. No React, no DOM.

export const STATUS = {
  pending: { word: "pending", mark: "○", tone: "idle" },
  running: { word: "running", mark: "●", tone: "run" },
  paused: { word: "paused", mark: "‖", tone: "wait" },
  waiting: { word: "waiting", mark: "◔", tone: "wait" },
  waiting_human: { word: "waiting for a person", mark: "◌", tone: "wait" },
  succeeded: { word: "succeeded", mark: "✓", tone: "ok" },
  failed: { word: "failed", mark: "✕", tone: "err" },
  skipped: { word: "not taken", mark: "–", tone: "idle" },
  canceled: { word: "canceled", mark: "⊘", tone: "idle" },
  interrupted: { word: "interrupted", mark: "!", tone: "wait" },
};

const ms = (moment) => (moment ? Date.parse(moment) : null);

/** Where the run starts and ends on the time axis, in epoch ms; an unfinished run ends now. */
export function bounds(trace, now = Date.now()) {
  const starts = [ms(trace.run.started_at), ...trace.steps.map((s) => ms(s.started_at))].filter((t) => t !== null);
  const start = starts.length ? Math.min(...starts) : (ms(trace.run.queued_at) ?? now);
  const ends = [ms(trace.run.finished_at), ...trace.steps.map((s) => ms(s.finished_at))].filter((t) => t !== null);
  const live = !["succeeded", "failed", "canceled"].includes(trace.run.status);
  const end = live && trace.run.status === "running" ? now : ends.length ? Math.max(...ends) : now;
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

export function duration(item, now = Date.now()) {
  const from = ms(item.started_at);
  if (from === null) return null;
  return Math.max(0, (ms(item.finished_at) ?? now) - from);
}

export function formatMs(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return "<1 ms";
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(value / 60_000);
  return `${minutes} min ${Math.round((value % 60_000) / 1000)} s`;
}

export function formatCost(value) {
  if (value === null || value === undefined) return "unpriced";
  if (value === 0) return "$0";
  return value < 0.01 ? `$${value.toFixed(4)}` : `$${value.toFixed(2)}`;
}

/** Five round marks for the axis, as {at: percent, label}. */
export function ticks(axis) {
  const whole = axis.end - axis.start;
  const rough = whole / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough) ?? rough;
  const marks = [];
  for (let at = 0; at <= whole; at += step) marks.push({ at: (at / whole) * 100, label: at ? formatMs(at).replace(/\.0+ s$/, " s") : "0 s" });
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

const byStart = (a, b) => (ms(a.started_at) ?? Infinity) - (ms(b.started_at) ?? Infinity);
// A round of a loop in a path: `loop[3]/…` is its fourth, `loop[3.2]/…` the second try of that one.
const ROUND = /^[^[]*\[(\d+)(?:\.(\d+))?\]\//;

function roundOf(path) {
  const found = ROUND.exec(path);
  return found && { at: found[0], index: Number(found[1]), attempt: Number(found[2] ?? 1) };
}

function roundName(step, { index, attempt }) {
  const noun = step.kind === "logic.for_each" ? "Item" : "Turn";
  return `${noun} ${index + 1}${attempt > 1 ? ` · try ${attempt}` : ""}`;
}

function stepRows(steps, spansByPath, prefix, depth) {
  const here = steps.filter((s) => s.path.startsWith(prefix) && !s.path.slice(prefix.length).includes("/"));
  const rows = [];
  for (const step of [...here].sort(byStart)) {
    rows.push({
      key: step.id, type: "step", depth, stepKey: step.id, kind: step.kind.split(".")[0], label: step.label || step.node_id,
      item: step, status: step.status, tokens: step.tokens || null, cost: step.cost_usd,
    });
    const spans = spansByPath.get(step.path) ?? [];
    const known = new Set(spans.map((s) => s.id));
    const rooted = spans.map((s) => (s.parent_id && !known.has(s.parent_id) ? { ...s, parent_id: null } : s));
    rows.push(...spanRows([...rooted].sort(byStart), null, depth + 1, step.id));
    const own = step.path.slice(prefix.length);
    const inner = steps.filter((s) => s.path.startsWith(`${prefix}${own}[`));
    const bodies = new Map();
    for (const each of inner) {
      const round = roundOf(each.path.slice(prefix.length));
      if (!round) continue;
      if (!bodies.has(round.at)) bodies.set(round.at, { ...round, steps: [] });
      bodies.get(round.at).steps.push(each);
    }
    for (const round of [...bodies.values()].sort((a, b) => a.index - b.index || a.attempt - b.attempt)) {
      const innerPrefix = `${prefix}${round.at}`;
      const body = round.steps;
      rows.push({
        key: `${step.id} ${round.at}`, type: "group", depth: depth + 1, stepKey: step.id, kind: "round", label: roundName(step, round),
        item: extent(body), status: groupStatus(body), tokens: null, cost: null,
      });
      rows.push(...stepRows(body, spansByPath, innerPrefix, depth + 2));
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
  for (const status of ["failed", "waiting_human", "interrupted", "running", "waiting", "canceled"]) if (steps.some((s) => s.status === status)) return status;
  return "succeeded";
}

/** All rows of the tree in order, each with its depth. */
export function rows(trace) {
  const spansByPath = new Map();
  for (const span of trace.spans) {
    if (!spansByPath.has(span.step_path)) spansByPath.set(span.step_path, []);
    spansByPath.get(span.step_path).push(span);
  }
  return stepRows(trace.steps, spansByPath, "", 0);
}

/** Rows that match a filter such as `error`, `>1s`, `llm` or a name; ancestors of a match stay. */
export function filtered(all, text) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return all;
  const fits = (row) =>
    words.every((word) => {
      const longer = /^>(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(word);
      if (longer) return (duration(row.item) ?? 0) > Number(longer[1]) * { ms: 1, s: 1000, m: 60_000 }[longer[2] ?? "s"];
      if (word === "error") return row.status === "failed";
      return `${row.label} ${row.kind} ${row.status} ${row.item.kind ?? ""}`.toLowerCase().includes(word);
    });
  const keep = new Set();
  all.forEach((row, at) => {
    if (!fits(row)) return;
    keep.add(at);
    let depth = row.depth;
    for (let up = at - 1; up >= 0 && depth > 0; up--) if (all[up].depth < depth) { keep.add(up); depth = all[up].depth; }
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
export function totals(trace, now = Date.now()) {
  const axis = bounds(trace, now);
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
  return trace.steps.filter((s) => s.status === "failed").sort(byStart)[0] ?? null;
}
