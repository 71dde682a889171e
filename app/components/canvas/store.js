// The document that is being edited: graph, catalogue, problems, selection, undo, and its way to the server.
import { apply } from "./ops.js";
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
    };
    this.sync = new Sync({
      send: (batch) => transport.edits(batch),
      storage,
      key: `agentloom.edits.${workflowId}`,
      client: randomId(),
      on: {
        state: (state, pending, error) => this.set({ save: { state, pending, message: error?.message ?? "" } }),
        saved: (result) => this.found(result),
        behind: () => this.reload(),
        refused: (error) => this.refused(error),
      },
    });
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
    let { graph } = this.state;
    for (const op of ops) {
      try {
        graph = apply(graph, [op]).graph;
      } catch {
        this.notify("An edit of yours no longer fitted and was left out.", "warning");
      }
    }
    this.show(graph);
  }

  async reload() {
    const workflow = await this.transport.workflow();
    this.set({ workflow });
    this.show(workflow.graph);
    this.again(this.sync.waiting);
    this.notify("Somebody else changed this workflow; it was loaded again with your edits.", "info");
    return workflow.revision;
  }

  async refused(error) {
    this.notify(`${error.message} The workflow was loaded again.`, "error");
    try {
      const workflow = await this.transport.workflow();
      this.sync.revision = workflow.revision;
      this.set({ workflow, save: { state: "saved", pending: 0, message: "" } });
      this.show(workflow.graph);
      await this.compile();
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
    this.show(applied.graph);
    this.sync.push(ops);
    return true;
  }

  undo() {
    this.step(this.history.undo(), "Nothing to undo.");
  }

  redo() {
    this.step(this.history.redo(), "Nothing to redo.");
  }

  step(ops, otherwise) {
    if (!ops) this.notify(otherwise, "info");
    else this.edit(ops, { record: false });
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
    const touched = new Set(graph.edges.filter((edge) => gone.has(edge.source) || gone.has(edge.target)).map((e) => e.id));
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
