// A run as rows of the drawer: steps in order, their spans below, and the nodes that are still to come.
import { RUN_DONE } from "../js/live.js";
import { duration, elapsed, millis, turnName } from "../js/format.js";

const MAX_SPANS = 200;
const MAX_ROWS = 300;
const FEW_STEPS = 80;
const URGENT = new Set(["running", "waiting_human", "failed", "interrupted"]);

// Where the axis of the bars begins and ends, in epoch milliseconds.
export function axisOf(entry, now) {
  const starts = [...entry.steps.values(), entry.run ?? {}].map((each) => millis(each.started_at)).filter(Boolean);
  const ends = [...entry.steps.values(), entry.run ?? {}].map((each) => millis(each.finished_at)).filter(Boolean);
  const start = starts.length ? Math.min(...starts) : now;
  const goesOn = entry.run && !RUN_DONE.has(entry.run.status);  // also while it waits
  const end = goesOn ? now : Math.max(start, ...ends);
  return { start, end: Math.max(end, start + 1) };
}

// Left edge and width of a bar in percent, or null when the thing has not started.
export function barOf(item, axis, now) {
  const from = millis(item.started_at);
  if (from === null) return null;
  const to = millis(item.finished_at) ?? Math.max(from, Math.min(now, axis.end));
  const whole = axis.end - axis.start;
  const left = Math.min(99.5, Math.max(0, ((from - axis.start) / whole) * 100));
  return { left, width: Math.min(100 - left, Math.max(0.6, ((to - from) / whole) * 100)) };
}

// What stands in the column of times: of a step that waits, how long it has.
export function timeOf({ type, item }, now) {
  if (item.status === "skipped") return "skipped";
  return type === "span" && item.status === "running" ? "…" : duration(elapsed(item, now));
}

// What a step is called: one in a loop with its turns, as people count them.
export function stepName(entry, step) {
  const turns = [...step.path.matchAll(/\[(\d+)(?:\.(\d+))?\]/g)];
  const named = turns.map((turn) =>
    turnName(entry.steps.get(step.path.slice(0, turn.index))?.kind, Number(turn[1]), Number(turn[2] ?? 1)));
  return [step.label || step.node_id, ...named.map((name) => name.toLowerCase())].join(" · ");
}

// Five round marks: {at: percent, ms}.
export function ticksOf(axis, count = 4) {
  const whole = axis.end - axis.start;
  const rough = whole / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const marks = [];
  for (let ms = 0; ms <= whole * 0.98; ms += step) marks.push({ at: (ms / whole) * 100, ms });
  return marks;
}

function spansUnder(entry, path, parent, depth) {
  const own = [
    ...entry.spans.values(),
  ].filter((span) => span.step_path === path && (span.parent_id ?? null) === parent);
  own.sort((a, b) => (millis(a.started_at) ?? 0) - (millis(b.started_at) ?? 0));
  return own.slice(0, MAX_SPANS).flatMap((span) => [
    { type: "span", key: `${path} ${span.id}`, path, item: span, name: `${span.kind} · ${span.name}`, depth },
    ...spansUnder(entry, path, span.id, depth + 1),
  ]);
}

// Spans whose parent was not recorded hang directly below their step.
function rootsOf(entry, path) {
  const ids = new Set([...entry.spans.values()].filter((span) => span.step_path === path).map((span) => span.id));
  const parents = new Set([null]);
  for (const span of entry.spans.values()) {
    if (span.step_path === path && span.parent_id && !ids.has(span.parent_id)) parents.add(span.parent_id);
  }
  return [...parents];
}

// Paths in the order in which their steps began; those that never did (skipped) come last.
function inTime(entry) {
  const began = (path) => millis(entry.steps.get(path).started_at) ?? Infinity;
  return [...entry.order].sort((a, b) => (began(a) === began(b) ? 0 : began(a) - began(b)));
}

// In a long loop only the rounds that matter now, and those of the open row, are listed; the trace has them all.
function isQuietRound(path, step, open) {
  if (!path.includes("/") || URGENT.has(step.status)) return false;
  const round = path.slice(0, path.lastIndexOf("/"));
  return ![...open].some((each) => each === path || each.startsWith(`${round}/`));
}

// `upcoming` are nodes {id, title} in order; those without a step are shown as still to come while the run goes on.
export function rowsOf(entry, upcoming = [], { open = new Set() } = {}) {
  const rows = [];
  for (const path of inTime(entry)) {
    const step = entry.steps.get(path);
    if (entry.order.length > FEW_STEPS && isQuietRound(path, step, open)) continue;
    if (rows.length >= MAX_ROWS) break;
    const depth = path.split("/").length - 1;
    rows.push({ type: "step", key: path, path, item: step, name: stepName(entry, step), depth });
    const shown = open.has(path) || step.status === "running";
    const spans = shown ? rootsOf(entry, path).flatMap((parent) => spansUnder(entry, path, parent, depth + 1)) : [];
    // The one span of an attempt says nothing the step does not say.
    rows.push(...spans.filter((row) => row.item.kind !== "attempt"));
  }
  if (entry.run && !RUN_DONE.has(entry.run.status)) {
    for (const { id, title } of upcoming) {
      if (!entry.nodes.has(id)) {
        rows.push({ type: "node", key: `node ${id}`, path: id, item: { status: "pending" }, name: title, depth: 0 });
      }
    }
  }
  return rows;
}

// The step a person wants to see without asking: one that waits for them, else the one at work, else the failed one.
export function mainPath(entry) {
  const steps = entry.order.map((path) => entry.steps.get(path));
  const speaking = steps.filter((step) => step.status === "running" && entry.texts.get(step.path)).at(-1);
  if (speaking && !steps.some((step) => step.status === "waiting_human")) return speaking.path;
  // What failed in a run that succeeded was mended or taken into account.
  const asking = [
    "waiting_human", "interrupted", "running", "failed", "waiting",
  ].filter((status) => status !== "failed" || entry.run?.status !== "succeeded");
  for (const status of asking) {
    const found = steps.filter((step) => step.status === status).at(-1);
    if (found) return found.path;
  }
  return steps.filter((step) => step.status === "succeeded").at(-1)?.path ?? null;
}
