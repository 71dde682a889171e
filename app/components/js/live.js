// What this page knows of runs, kept current by patches. One instance serves canvas, drawer and trace page.
//
// A patch is {run_id, from, seq, run?, steps?, spans?, tokens?, texts?, approvals?, logs?}: the changes of the
// events after `from` up to `seq`. A patch that is known already is dropped; a gap is closed by loading the trace.
import { parse } from "./exact.js";
import { MESSAGES } from "./protocol.gen.js";
import { api } from "./api.js";

export const RUN_DONE = new Set(["succeeded", "failed", "canceled"]);
export const ASKING = new Set(["waiting_human", "interrupted"]);
export const STEP_DONE = new Set(["succeeded", "failed", "skipped", "canceled"]);
// Of a canceled step: it was changing the outside, and nobody knows what became of it.
export const effectUnknown = (step) => step.status === "canceled" && step.error?.code === "effect_unknown";

const MAX_TEXT = 200_000;
const MAX_LOGS = 500;
const MAX_TRIES = 8;
const MAX_TURNS = 50;

const fresh = (id) => ({
  id, seq: 0, loaded: false, loading: null, error: "", ahead: [], run: null, graph: null, order: [],
  steps: new Map(), spans: new Map(), texts: new Map(), approvals: new Map(), waits: new Map(), logs: new Map(),
  nodes: new Map(),
  hidden: 0, loops: new Map(), turns: new Set(), byNode: new Map(),
});

// A trace may be newer than the events that follow it, and a turn older: what has ended does not begin again.
const isOlder = (step, known) =>
  known.attempt > step.attempt
    || (known.attempt === step.attempt && STEP_DONE.has(known.status) && !STEP_DONE.has(step.status));

// The earliest, or latest, of some times.
const earliest = (times) => times.reduce((least, each) => (each && (!least || each < least) ? each : least), null);
const newest = (times) => times.reduce((most, each) => (each && (!most || each > most) ? each : most), null);

// The steps that count: of a turn that was tried again, `loop[3.2]` after `loop[3]`, those of its latest try.
function latestTries(steps) {
  const latest = new Map();
  for (const step of steps) {
    const turn = step.path.replace(/\[(\d+)\.\d+\]/g, "[$1]");
    const known = latest.get(turn);
    if (!known || (known.started_at ?? "") <= (step.started_at ?? "")) latest.set(turn, step);
  }
  return [...latest.values()];
}

// The one badge of a node: its latest step, or the sum of its rounds when it ran in a loop. All tries cost.
function summary(all) {
  if (!all.length) return null;
  const steps = latestTries(all);
  const latest = steps.at(-1);
  if (all.length === 1) return { ...latest, rounds: 1, done: STEP_DONE.has(latest.status) ? 1 : 0 };
  const rank = [
    "failed", "waiting_human", "interrupted", "running", "waiting", "pending", "canceled", "succeeded", "skipped",
  ];
  const statuses = new Set(steps.map((step) => step.status));
  const status = rank.find((each) => statuses.has(each)) ?? latest.status;
  const costs = all.map((step) => step.cost_usd);
  return {
    ...latest,
    status,
    alive: steps.every((step) => Array.isArray(step.alive)) ? [...new Set(steps.flatMap((step) => step.alive))] : null,
    rounds: steps.length,
    done: steps.filter((step) => STEP_DONE.has(step.status)).length,
    failed: status === "failed" ? steps.filter((step) => step.status === "failed").length : 0,
    warnings: steps.flatMap((step) => step.warnings ?? []),
    tokens: all.reduce((sum, step) => sum + (step.tokens ?? 0), 0),
    cost_usd: costs.some((each) => each === null) ? null : costs.reduce((sum, each) => sum + (each ?? 0), 0),
    started_at: earliest(all.map((step) => step.started_at)),
    finished_at: steps.every((step) => step.finished_at) ? newest(all.map((step) => step.finished_at)) : null,
  };
}

export class LiveStore {
  constructor({
    load = (runId, turn) => api("GET", `/api/runs/${runId}/trace${turn ? `?parent=${encodeURIComponent(turn)}` : ""}`),
    pause = (ms) => new Promise((go) => setTimeout(go, ms)),
  } = {}) {
    this.load = load;
    this.pause = pause;
    this.runs = new Map();
    this.listeners = new Map();
    this.version = new Map();
  }

  entry(runId) {
    if (!this.runs.has(runId)) this.runs.set(runId, fresh(runId));
    return this.runs.get(runId);
  }

  // Takes over a whole trace as GET /api/runs/{id}/trace gives it, unless something newer is known, and turns of it.
  snapshot(trace, turns = []) {
    const entry = this.entry(trace.run.id);
    if (entry.loaded && trace.seq < entry.seq) return;
    Object.assign(entry, { loaded: true, seq: trace.seq, run: trace.run, graph: trace.graph ?? entry.graph });
    entry.steps = new Map();
    entry.byNode = new Map();
    entry.order = [];
    for (const step of trace.steps) this.putStep(entry, step);
    entry.hidden = trace.hidden ?? 0;
    entry.loops = new Map((trace.loops ?? []).map((loop) => [loop.path, loop]));
    entry.spans = new Map(trace.spans.map((span) => [span.id, span]));
    entry.approvals = new Map();
    for (const asked of trace.approvals) if (asked.status === "open") this.putApproval(entry, asked);
    // They come by time: of several items of a loop that wait, the first is shown.
    entry.waits = new Map([...(trace.waits ?? [])].reverse().map((wait) => [wait.step_path, wait]));
    for (const turn of turns) this.join(entry, turn);
    this.count(entry);
    this.tell(entry, null);
  }

  // What the server pushes: a patch as JSON.
  push(text) {
    this.patch(parse(text));
  }

  patch(patch) {
    const lacking = MESSAGES.patch.required.filter((name) => patch?.[name] === undefined);
    if (lacking.length) throw new TypeError(`A patch without ${lacking.join(", ")}`);
    const entry = this.entry(patch.run_id);
    const touched = new Set();
    if (!entry.loaded || entry.loading || patch.from > entry.seq) {
      entry.ahead.push(patch);
      this.refresh(patch.run_id);
    } else if (patch.seq > entry.seq) {
      this.facts(entry, patch, touched);
    }
    for (const [path, text] of Object.entries(patch.texts ?? {})) {
      entry.texts.set(path, text.slice(-MAX_TEXT));
      touched.add(path);
    }
    for (const [path, text] of Object.entries(patch.tokens ?? {})) {
      entry.texts.set(path, ((entry.texts.get(path) ?? "") + text).slice(-MAX_TEXT));
      touched.add(path);
    }
    this.tell(entry, touched);
  }

  facts(entry, patch, touched) {
    for (const step of patch.steps ?? []) this.stepFact(entry, step, touched);
    for (const span of patch.spans ?? []) {
      entry.spans.set(span.id, { ...entry.spans.get(span.id), ...span });
      touched.add(span.step_path);
    }
    for (const asked of patch.approvals ?? []) {
      this.putApproval(entry, asked);
      touched.add(asked.path);
    }
    for (const wait of patch.waits ?? []) {
      entry.waits.set(wait.step_path, wait);
      touched.add(wait.step_path);
    }
    for (const [path, lines] of Object.entries(patch.logs ?? {})) {
      entry.logs.set(path, [...(entry.logs.get(path) ?? []), ...lines].slice(-MAX_LOGS));
      touched.add(path);
    }
    if (patch.run) {
      entry.run = { ...entry.run, ...patch.run };
      // A waiting run that was decided elsewhere, or ended, asks no one any more.
      if (RUN_DONE.has(entry.run.status)) entry.approvals = new Map();
    }
    entry.seq = patch.seq;
    this.count(entry, touched);
  }

  stepFact(entry, step, touched) {
    const before = entry.steps.get(step.path);
    if (before && isOlder(step, before)) return;
    if (before && before.attempt !== step.attempt && step.status === "running") entry.texts.delete(step.path);
    this.putStep(entry, step);
    if (!ASKING.has(step.status)) entry.approvals.delete(step.path);
    touched.add(step.path);
  }

  putStep(entry, step) {
    if (!entry.steps.has(step.path)) {
      entry.order.push(step.path);
      if (!entry.byNode.has(step.node_id)) entry.byNode.set(step.node_id, []);
      entry.byNode.get(step.node_id).push(step.path);
    }
    const known = entry.steps.get(step.path);
    const merged = { ...known, ...step };
    // A trace says of a step at work that it has no values. When it has ended they are not none but not here yet.
    if (known && STEP_DONE.has(step.status) && !STEP_DONE.has(known.status)) {
      Object.assign(merged, { input: step.input, output: step.output });
    }
    entry.steps.set(step.path, merged);
  }

  // Adds the values of a step that was loaded by itself.
  fill(runId, step) {
    const entry = this.entry(runId);
    this.putStep(entry, step);
    this.count(entry, new Set([step.path]));
    this.tell(entry, new Set([step.path]));
  }

  // Loads one turn of a loop, such as `loop[3]`, in all its tries: a long run's trace holds only some. It stays
  // open when the trace is read anew. Returns its first step; none: null.
  async turn(runId, path) {
    const entry = this.entry(runId);
    const turn = await this.load(runId, path);
    if (!turn.steps.length) return null;
    entry.turns.delete(path);
    entry.turns.add(path);
    if (entry.turns.size > MAX_TURNS) entry.turns.delete(entry.turns.values().next().value);
    await entry.loading; // a trace that was on its way would not have it
    this.join(entry, turn);
    this.count(entry);
    this.tell(entry, null);
    return turn.steps[0];
  }

  // Adds what lies in a turn to what is known of the whole run.
  join(entry, turn) {
    for (const step of turn.steps) {
      const known = entry.steps.get(step.path);
      if (!known) entry.hidden = Math.max(0, entry.hidden - 1);
      if (!known || !isOlder(step, known)) this.putStep(entry, step);
    }
    for (const span of turn.spans) {
      if (!entry.spans.get(span.id)?.finished_at || span.finished_at) entry.spans.set(span.id, span);
    }
    for (const loop of turn.loops ?? []) entry.loops.set(loop.path, loop);
  }

  putApproval(entry, asked) {
    const question = asked.question ?? asked;
    const step = [...entry.steps.values()].find((each) => each.id === asked.step_id || each.path === asked.path);
    const path = asked.path ?? step?.path ?? asked.node_id;
    entry.approvals.set(path, {
      path,
      id: asked.approval_id ?? asked.id,
      step_id: asked.step_id ?? step?.id,
      node_id: asked.node_id ?? step?.node_id,
      kind: question.kind ?? "approval",
      title: question.title,
      body: question.body ?? "",
      choices: question.choices ?? ["approve", "reject"],
      value: question.value ?? null,
      editable: Boolean(question.editable),
      recovery: Boolean(question.recovery),
    });
  }

  // Recomputes the summaries of nodes; all, or those of the touched steps.
  count(entry, touched = null) {
    const nodes = touched ? new Set([...touched].map((path) => entry.steps.get(path)?.node_id)) : entry.byNode.keys();
    if (!touched) entry.nodes = new Map();
    for (const id of nodes) {
      const paths = entry.byNode.get(id);
      if (paths) entry.nodes.set(id, summary(paths.map((path) => entry.steps.get(path))));
    }
  }

  // Loads the trace; who asks while it is on its way shares the answer. Patches wait until it is there.
  refresh(runId) {
    const entry = this.entry(runId);
    entry.loading ??= this.reload(entry).finally(() => {
      entry.loading = null;
      this.tell(entry, null);
    });
    return entry.loading;
  }

  async reload(entry) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const trace = await this.load(entry.id);
        this.snapshot(trace, await Promise.all([...entry.turns].map((turn) => this.load(entry.id, turn))));
        entry.error = "";
        if (this.catchUp(entry)) return;
      } catch (error) {
        entry.error = error.message;
        if (error.status !== 0) return;
      }
      if (attempt >= MAX_TRIES) return;
      // A trace may be a moment older than the patch that made us ask.
      await this.pause(Math.min(250 * 2 ** attempt, 5000));
    }
  }

  // Applies the patches that waited. Says whether all fitted on.
  catchUp(entry) {
    const waiting = entry.ahead;
    entry.ahead = [];
    for (const patch of waiting) {
      if (patch.from > entry.seq) entry.ahead.push(patch);
      else if (patch.seq > entry.seq) this.facts(entry, patch, new Set());
    }
    return entry.ahead.length === 0;
  }

  // Makes sure the run is known; for pages that open it.
  open(runId) {
    const entry = this.entry(runId);
    return entry.loaded ? Promise.resolve() : this.refresh(runId);
  }

  // Calls `listener` when the run changes; with a node id only when that node does. Returns the way to stop.
  subscribe(runId, listener, nodeId = "") {
    const key = `${runId}\n${nodeId}`;
    if (!this.listeners.has(key)) this.listeners.set(key, new Set());
    this.listeners.get(key).add(listener);
    return () => {
      this.listeners.get(key)?.delete(listener);
      if (!this.listeners.get(key)?.size) this.listeners.delete(key);
    };
  }

  tell(entry, touched) {
    this.version.set(entry.id, (this.version.get(entry.id) ?? 0) + 1);
    const nodes = touched && new Set([...touched].map((path) => entry.steps.get(path)?.node_id ?? path));
    for (const [key, listeners] of this.listeners) {
      const [runId, nodeId] = key.split("\n");
      if (runId !== entry.id || (nodeId && nodes && !nodes.has(nodeId))) continue;
      for (const listener of [...listeners]) listener();
    }
  }

  // Counts the changes of a run: a stable value for useSyncExternalStore.
  versionOf(runId) {
    return this.version.get(runId) ?? 0;
  }

  get(runId) {
    return this.runs.get(runId) ?? null;
  }

  node(runId, nodeId) {
    return this.runs.get(runId)?.nodes.get(nodeId) ?? null;
  }

  step(runId, path) {
    return this.runs.get(runId)?.steps.get(path) ?? null;
  }

  text(runId, path) {
    return this.runs.get(runId)?.texts.get(path) ?? "";
  }

  // How a wire fared: ok, run, skip, or "" when nothing is known yet.
  wire(runId, source, sourcePort, target) {
    const [from, to] = [this.node(runId, source), this.node(runId, target)];
    if (!from) return "";
    if (from.status === "skipped" || to?.status === "skipped") return "skip";
    if (Array.isArray(from.alive) && !from.alive.includes(sourcePort)) return "skip";
    if (from.status !== "succeeded" && !from.alive?.includes(sourcePort)) return "";
    if (!to || to.status === "pending") return "";
    return to.status === "running" ? "run" : "ok";
  }

  // Text that streams into a node: that of its step which runs now.
  nodeText(runId, nodeId) {
    const last = this.node(runId, nodeId);
    return last ? this.text(runId, last.path) : "";
  }
}

export const live = new LiveStore();

// The server pushes to `window.agentloomLive.push`; pushes from before this script was loaded wait in `queue`.
if (typeof window !== "undefined") {
  const early = window.agentloomLive?.queue ?? [];
  window.agentloomLive = live;
  for (const text of early) live.push(text);
}
