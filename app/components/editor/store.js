// The document that is being edited: graph, catalogue, problems, selection, undo, and its way to the server.
import { apply, differences, found, meet, places, same } from "./ops.js";
import { Follower } from "./follow.js";
import { History } from "./history.js";
import { Sync } from "./sync.js";
import { asEdge, catalogOf } from "./model.js";

const randomId = () => Math.random().toString(36).slice(2, 12) + Date.now().toString(36);

const byNode = (problems) => {
  const found = new Map();
  for (const problem of problems) {
    if (!problem.node_id) continue;
    if (!found.has(problem.node_id)) found.set(problem.node_id, []);
    found.get(problem.node_id).push(problem);
  }
  return found;
};

const CHECK_AFTER_MS = 300;
const CATCH_UP_MS = 150;
const pause = (ms) => new Promise((go) => setTimeout(go, ms));

// The graph with the old one's objects for what is the same, so that only changes are drawn again.
function shared(before, graph) {
  const kept = (olds, items) => {
    const known = new Map(olds.map((old) => [old.id, old]));
    return items.map((item) => (same(known.get(item.id), item) ? known.get(item.id) : item));
  };
  return { ...graph, nodes: kept(before.nodes, graph.nodes), edges: kept(before.edges, graph.edges) };
}

// An op that sets what is there now.
const settingOf = (op, value) => ({
  ...op, [{ set_settings: "settings", set_label: "label" }[op.op] ?? "value"]: value,
});

const overlap = (a, b) => places(a).some((one) => places(b).some((other) => meet(one, other)));

// Of two ops that overlap, one for all that both set.
const wider = (a, b) => {
  if (a.op === "set_settings") return { ...a, settings: { ...b.settings, ...a.settings } };
  return (b.path ?? []).length < (a.path ?? []).length ? b : a;
};

// The graph with the ops; those that do not fit it are left out, and counted.
function laid(graph, ops) {
  let left = 0;
  for (const op of ops) {
    try {
      graph = apply(graph, [op]).graph;
    } catch {
      left += 1;
    }
  }
  return { graph, left };
}

const EMPTY = { schema: 1, nodes: [], edges: [] };

// `transport` has workflow(), types(), compile() and edits(batch); `storage` keeps unsent edits over a reload.
export class EditorStore {
  constructor({ workflowId, transport, storage = null, now = Date.now }) {
    this.transport = transport;
    this.now = now;
    this.listeners = new Set();
    // The middle of what is seen, in canvas units; the canvas says where that is.
    this.middle = () => ({ x: 0, y: 0 });
    // Brings the keyboard back to the canvas; the canvas says how.
    this.toCanvas = () => {};
    this.history = new History();
    this.contested = null;
    this.state = {
      phase: "loading",
      message: "",
      workflow: null,
      runId: "",
      graph: EMPTY,
      byId: new Map(),
      catalog: new Map(),
      ports: {},
      inputSchema: null,
      problems: [],
      problemsByNode: new Map(),
      nodes: [],
      edges: [],
      save: { state: "saved", pending: 0, message: "" },
      focus: null,
      drawing: null,
      over: null,
      notice: null,
      canUndo: false,
      canRedo: false,
      // Fields that somebody else has changed as well: {key, title, op, mine, theirs}; the graph has ours, `op` sets
      // it.
      asks: [],
    };
    this.sync = new Sync({
      send: (batch) => transport.edits(batch),
      storage,
      key: `agentloom.edits.${workflowId}`,
      client: randomId(),
      on: {
        state: (state, pending, error) => this.set({ save: { state, pending, message: error?.message ?? "" } }),
        saved: (result) => this.found(result),
        behind: (revision) => this.catchUp(revision),
        overtaken: (found) => found.forEach(({ op, value }) => this.overtaken(op, value)),
        refused: (error) => this.refused(error),
      },
    });
    this.follower = new Follower({ sync: this.sync, apply: (ops) => this.theirs(ops), load: () => this.reload() });
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = () => this.state;

  set(change) {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener();
  }

  // `asked` is the node, and perhaps the field of it, that is to be open from the beginning.
  async load(asked = {}) {
    this.set({ phase: "loading", message: "" });
    try {
      const [workflow, types] = await Promise.all([this.transport.workflow(), this.transport.types()]);
      this.sync.revision = workflow.revision;
      this.set({ workflow, catalog: catalogOf(types) });
      this.show(workflow.graph);
      this.again(this.sync.restore());
      this.jump(asked.node, asked.field);
      this.set({ phase: "ready" });
    } catch (error) {
      this.set({ phase: error.status === 404 ? "missing" : "failed", message: error.message });
      return;
    }
    this.sync.flush();
    await this.compile();
  }

  // Checks the draft as it stands on the server. Returns the answer, or null when it did not come.
  async compile() {
    try {
      const result = await this.transport.compile();
      this.found(result);
      this.set({ inputSchema: result.input_schema ?? null });
      return result;
    } catch (error) {
      this.notify(error.message, "error");
      return null;
    }
  }

  found({ problems, ports }) {
    this.set({ problems, problemsByNode: byNode(problems), ports: ports ?? this.state.ports });
  }

  show(graph) {
    const byId = new Map(graph.nodes.map((node) => [node.id, node]));
    const edgeIds = new Set(graph.edges.map((edge) => edge.id));
    const { nodes, edges } = this.state;
    this.set({
      graph,
      byId,
      nodes: nodes.every((id) => byId.has(id)) ? nodes : nodes.filter((id) => byId.has(id)),
      edges: edges.every((id) => edgeIds.has(id)) ? edges : edges.filter((id) => edgeIds.has(id)),
      canUndo: this.history.canUndo,
      canRedo: this.history.canRedo,
    });
  }

  // Applies ops the server does not know yet on top of what it gave; those that no longer fit are left out.
  again(ops) {
    const { graph, left } = laid(this.state.graph, ops);
    if (left) this.notify("An edit of yours no longer fitted and was left out.", "warning");
    this.show(graph);
  }

  // Loads the draft again below what of ours is not saved yet.
  async reload() {
    const workflow = await this.sync.still(async () => {
      const found = await this.transport.workflow();
      const before = this.state.graph;
      this.sync.revision = found.revision;
      this.set({ workflow: found });
      this.show(shared(before, found.graph));
      this.again(this.sync.pending);
      this.renew(found.graph);
      this.history.overtake(differences(before, this.state.graph));
      return found;
    });
    this.checkSoon();
    return workflow.revision;
  }

  // Others were faster: what they did is about to come, or is loaded.
  async catchUp(revision) {
    await pause(CATCH_UP_MS);
    return this.sync.revision >= revision ? this.sync.revision : this.reload();
  }

  // Applies what somebody else did, below our edits that are still on their way. Returns false when it does not fit.
  theirs(ops) {
    const touched = ops.flatMap(places);
    const over = (op) => places(op).some((mine) => touched.some((place) => meet(mine, place)));
    const rivals = this.sync.unsettled.filter((op) => "was" in op && over(op));
    const mine = this.state.graph;
    let under;
    try {
      under = apply(this.under(), ops).graph;
      this.show(apply(under, this.sync.pending.filter((op) => !("was" in op) && over(op))).graph);
    } catch {
      return false;
    }
    this.history.overtake(touched);
    this.renew(under);
    for (const op of rivals) {
      if (!this.state.byId.has(op.id)) continue;
      const theirs = found(under, op);
      const known = rivals.some((each) => overlap(each, op) && same(each.was, theirs)) || same(found(mine, op), theirs);
      if (known) this.show(laid(this.state.graph, [settingOf(op, found(mine, op))]).graph);
      else this.hold(op, mine, under);
    }
    this.checkSoon();
    return true;
  }

  // The server did not take an edit, because somebody else had changed the value first: ours stays, and is asked about.
  overtaken(op, value) {
    if (!this.state.byId.has(op.id)) return;
    const decided = this.sync.waiting.some((each) => "was" in each && overlap(each, op) && same(each.was, value));
    if (decided || same(found(this.state.graph, op), value)) return;
    const theirs = laid(this.under(), [settingOf(op, value)]).graph;
    this.history.overtake(places(op));
    this.hold(op, this.state.graph, theirs);
  }

  // The graph as it is without what is asked about.
  under() {
    return laid(this.state.graph, this.state.asks.map(({ op, theirs }) => settingOf(op, theirs))).graph;
  }

  // What is asked about is compared with a newer graph of the others; ours is laid on it again.
  renew(under) {
    const ids = new Set(under.nodes.map((node) => node.id));
    const asks = this.state.asks.map((ask) => (ids.has(ask.op.id) ? { ...ask, theirs: found(under, ask.op) } : ask));
    if (!asks.length) return;
    this.set({ asks: asks.filter(({ mine, theirs }) => !same(mine, theirs)) });
    this.show(laid(this.state.graph, asks.map(({ op }) => op)).graph);
  }

  // Asks what is to become of a field that was changed here and elsewhere, given both graphs; nothing of it is sent
  // until then. A question about more takes up those about less.
  hold(edited, ours, under, title = null) {
    const met = this.state.asks.filter(({ op }) => overlap(op, edited));
    const waiting = this.sync.waiting.filter((op) => "was" in op && overlap(op, edited));
    const whole = { ...[...met.map(({ op }) => op), ...waiting].reduce(wider, edited) };
    delete whole.was;
    const mine = found(ours, whole);
    const removes = whole.op === "set_config" && !("value" in whole) && mine === null;
    const op = removes ? whole : settingOf(whole, mine);
    this.sync.withdraw((each) => "was" in each && overlap(each, op));
    const ask = {
      key: places(op)[0].join("."), title: title || met[0]?.title || this.titleOf(op), op, mine,
      theirs: found(under, op),
    };
    const at = this.state.asks.indexOf(met[0]);
    const asks = this.state.asks.filter((each) => !met.includes(each));
    asks.splice(at < 0 ? asks.length : at, 0, ask);
    this.set({ asks });
    this.show(laid(this.state.graph, [op]).graph);
  }

  titleOf(op) {
    const node = this.state.byId.get(op.id);
    const field = this.state.catalog.get(node?.kind)?.config_schema?.properties?.[op.path?.[0]];
    return field?.title ?? op.path?.[0] ?? (op.op === "set_label" ? "Name" : "Settings");
  }

  // Does an edit of a field that somebody else has changed while it was typed: it is asked about. Returns whether it
  // was.
  contest(title, act) {
    const { asks } = this.state;
    this.contested = title ?? "";
    try {
      act();
    } finally {
      this.contested = null;
    }
    return this.state.asks !== asks;
  }

  decide(key, choice) {
    const ask = this.state.asks.find((each) => each.key === key);
    if (!ask) return;
    const { op, theirs } = ask;
    this.set({ asks: this.state.asks.filter((each) => each !== ask) });
    this.show(laid(this.state.graph, [settingOf(op, theirs)]).graph);
    if (choice === "keep") this.edit([op]);
    else this.history.overtake(places(op));
    // The keyboard goes on where it was: in the field, or on the canvas where that is not to be seen.
    this.toCanvas();
    const { nodes } = this.state;
    if (nodes.length === 1 && nodes[0] === op.id) {
      this.jump(op.id, op.op === "set_label" ? "$label" : places(op)[0].slice(2).join("."));
    }
  }

  checkSoon() {
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.compile(), CHECK_AFTER_MS);
  }

  async refused(error) {
    this.notify(`${error.message} The workflow was loaded again.`, "error");
    try {
      await this.reload();
      this.sync.tell(this.sync.pending.length ? "saving" : "saved");
    } catch (failure) {
      this.set({ phase: "failed", message: failure.message });
    }
  }

  // Changes the document. Returns false, and says why, when the ops do not fit it.
  edit(ops, { merge = null, record = true } = {}) {
    if (!ops.length) return true;
    let applied;
    try {
      applied = apply(this.state.graph, ops);
    } catch (error) {
      this.notify(error.message, "error");
      return false;
    }
    if (record) this.history.push({ ops, inverse: applied.inverse, merge, at: this.now() });
    const under = this.under();
    this.show(applied.graph);
    const sent = applied.ops.filter((op) => !this.held(op, under));
    // Who takes a node away has decided about its fields.
    const left = this.state.asks.filter(({ op }) =>
      this.state.byId.has(op.id) && !ops.some((each) => each.op === "replace"));
    if (left.length < this.state.asks.length) this.set({ asks: left });
    if (sent.length) this.sync.push(sent);
    return true;
  }

  // Keeps an edit back when its field is asked about.
  held(op, under) {
    if (!("was" in op) || !this.state.byId.has(op.id)) return false;
    if (this.contested === null && !this.state.asks.some((ask) => overlap(ask.op, op))) return false;
    this.hold(op, this.state.graph, under, this.contested);
    return true;
  }

  undo() {
    this.step(this.history.undo(), "Nothing to undo.");
  }

  redo() {
    this.step(this.history.redo(), "Nothing to redo.");
  }

  step(found, otherwise) {
    if (!found) this.notify(otherwise, "info");
    else if (found.overtaken) this.notify("Somebody else has changed this since. It stays as they left it.", "warning");
    else this.edit(found.ops, { record: false });
    this.set({ canUndo: this.history.canUndo, canRedo: this.history.canRedo });
  }

  select(nodes, edges = []) {
    const same = (a, b) => a.length === b.length && a.every((id, i) => id === b[i]);
    if (same(nodes, this.state.nodes) && same(edges, this.state.edges)) return;
    this.set({ nodes, edges });
  }

  connect(wire) {
    return this.edit([{ op: "add_edge", edge: asEdge(wire) }]);
  }

  removeSelected() {
    const { nodes, edges, byId, graph } = this.state;
    const gone = new Set(nodes);
    // What lies in a container that goes, goes with it.
    const roots = nodes.filter((id) => !owners(byId, id).some((owner) => gone.has(owner)));
    const touched = new Set(
      graph.edges.filter((edge) => gone.has(edge.source) || gone.has(edge.target)).map((e) => e.id),
    );
    this.edit([
      ...edges.filter((id) => !touched.has(id)).map((id) => ({ op: "remove_edge", id })),
      ...roots.map((id) => ({ op: "remove_node", id })),
    ]);
  }

  // Opens a node's field: selects the node and asks the inspector to put the cursor there.
  jump(nodeId, field = null) {
    if (!this.state.byId.has(nodeId)) return;
    this.set({ nodes: [nodeId], edges: [], focus: { node: nodeId, field, at: this.now() } });
  }

  setConfig(id, path, value) {
    this.edit([{ op: "set_config", id, path, value }], { merge: `${id}.config.${path.join(".")}` });
  }

  setSettings(id, settings) {
    this.edit([{ op: "set_settings", id, settings }], { merge: `${id}.settings.${Object.keys(settings)}` });
  }

  setLabel(id, label) {
    this.edit([{ op: "set_label", id, label: label.slice(0, 200) }], { merge: `${id}.label` });
  }

  // Waits until all edits are on the server; false when that does not happen in time.
  async settled(timeoutMs = 8000) {
    const until = this.now() + timeoutMs;
    while (this.sync.pending.length) {
      if (this.now() > until || this.state.save.state === "offline") return false;
      await new Promise((go) => setTimeout(go, 30));
    }
    return true;
  }

  notify(text, tone = "info") {
    this.set({ notice: text ? { text, tone, at: this.now() } : null });
  }
}

function owners(byId, id) {
  const found = [];
  for (let up = byId.get(id)?.parent; up; up = byId.get(up)?.parent) found.push(up);
  return found;
}
