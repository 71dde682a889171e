// Edits of a graph, the language between canvas and server; the twin of app/engine/graph/edits.py.
import { at, changed, NOTHING } from "./places.js";
import { SETTINGS } from "../js/protocol.gen.js";

export class EditRefused extends Error {}

const refuse = (sentence) => {
  throw new EditRefused(sentence);
};

// Nodes and edges by id while a list of ops is applied; arrays are built once at the end.
class Draft {
  constructor(graph) {
    this.schema = graph.schema ?? 1;
    this.nodes = new Map(graph.nodes.map((node) => [node.id, node]));
    this.edges = new Map(graph.edges.map((edge) => [edge.id, edge]));
  }

  node(id) {
    return this.nodes.get(id) ?? refuse(`There is no node '${id}'.`);
  }

  change(id, change) {
    this.nodes.set(id, { ...this.node(id), ...change });
  }

  checkParent(id, parent) {
    for (let above = parent; above !== null && above !== undefined; above = this.node(above).parent) {
      if (above === id) refuse(`'${id}' cannot be put inside itself.`);
    }
  }

  graph() {
    return { schema: this.schema, nodes: [...this.nodes.values()], edges: [...this.edges.values()] };
  }
}

// The node and all that lies in it, outermost first.
export function withBody(nodes, id) {
  const found = [id];
  for (let i = 0; i < found.length; i += 1) {
    for (const node of nodes) if (node.parent === found[i]) found.push(node.id);
  }
  return found;
}

function inserted(values, key, value, index) {
  if (index === undefined || index === null || index >= values.size) return values.set(key, value);
  const items = [...values];
  items.splice(index, 0, [key, value]);
  return new Map(items);
}

// Ops that bring removed values back one by one, each to where it stood among the others.
function additions(values, gone, order, make) {
  const place = new Map([...values.keys()].map((key, i) => [key, i]));
  const there = [...values.keys()].filter((key) => !gone.has(key)).map((key) => place.get(key));
  return order.map((key) => {
    const index = there.filter((each) => each < place.get(key)).length;
    there.push(place.get(key));
    return make(values.get(key), index);
  });
}

const APPLY = {
  add_node(draft, { node, index }) {
    if (draft.nodes.has(node.id)) refuse(`There is already a node '${node.id}'.`);
    draft.checkParent(node.id, node.parent);
    const whole = {
      version: 1, label: "", config: {}, parent: null, size: null, position: { x: 0, y: 0 }, ...node,
      settings: { ...SETTINGS, ...node.settings },
    };
    draft.nodes = inserted(draft.nodes, node.id, whole, index);
    return [{ op: "remove_node", id: node.id }];
  },

  remove_node(draft, { id }) {
    draft.node(id);
    const order = withBody([...draft.nodes.values()], id);
    const gone = new Set(order);
    const cut = new Set();
    for (const edge of draft.edges.values()) if (gone.has(edge.source) || gone.has(edge.target)) cut.add(edge.id);
    const undo = [
      ...additions(draft.nodes, gone, order, (node, index) => ({ op: "add_node", node, index })),
      ...additions(draft.edges, cut, [...cut], (edge, index) => ({ op: "add_edge", edge, index })),
    ];
    for (const each of cut) draft.edges.delete(each);
    for (const each of gone) draft.nodes.delete(each);
    return undo;
  },

  move(draft, { moves }) {
    const back = [];
    for (const step of moves) {
      const node = draft.node(step.id);
      const parent = "parent" in step ? step.parent : node.parent;
      draft.checkParent(step.id, parent);
      back.unshift({ id: step.id, x: node.position.x, y: node.position.y, parent: node.parent ?? null });
      draft.change(step.id, { position: { x: step.x, y: step.y }, parent: parent ?? null });
    }
    return [{ op: "move", moves: back }];
  },

  set_config(draft, op) {
    const { id, path = [] } = op;
    let result;
    try {
      result = changed(draft.node(id).config, path, "value" in op ? op.value : NOTHING);
    } catch (error) {
      refuse(`${error.message}.`);
    }
    const [config, undoPath, undo] = result;
    if (config === null || typeof config !== "object" || Array.isArray(config)) {
      refuse("A node's form must be an object.");
    }
    draft.change(id, { config });
    return [{ op: "set_config", id, path: undoPath, ...(undo === NOTHING ? {} : { value: undo }) }];
  },

  set_settings(draft, { id, settings }) {
    const before = { ...SETTINGS, ...draft.node(id).settings };
    draft.change(id, { settings: { ...before, ...settings } });
    return [
      { op: "set_settings", id, settings: Object.fromEntries(Object.keys(settings).map((key) => [key, before[key]])) },
    ];
  },

  set_label(draft, { id, label }) {
    const before = draft.node(id).label ?? "";
    draft.change(id, { label });
    return [{ op: "set_label", id, label: before }];
  },

  resize(draft, { id, size }) {
    const before = draft.node(id).size ?? null;
    draft.change(id, { size });
    return [{ op: "resize", id, size: before }];
  },

  add_edge(draft, { edge, index }) {
    if (draft.edges.has(edge.id)) refuse(`There is already an edge '${edge.id}'.`);
    draft.node(edge.source);
    draft.node(edge.target);
    if (index === undefined && [...draft.edges.values()].some((other) => samePorts(edge, other))) {
      refuse("These two ports are already connected.");
    }
    draft.edges = inserted(draft.edges, edge.id, edge, index);
    return [{ op: "remove_edge", id: edge.id }];
  },

  remove_edge(draft, { id }) {
    const edge = draft.edges.get(id) ?? refuse(`There is no edge '${id}'.`);
    const index = [...draft.edges.keys()].indexOf(id);
    draft.edges.delete(id);
    return [{ op: "add_edge", edge, index }];
  },

  replace(draft, { graph }) {
    const before = draft.graph();
    const next = new Draft(graph);
    draft.nodes = next.nodes;
    draft.edges = next.edges;
    return [{ op: "replace", graph: before }];
  },
};

const samePorts = (a, b) =>
  a.source === b.source && a.source_port === b.source_port && a.target === b.target && a.target_port === b.target_port;

// What an op that sets a value finds there; the server sets nothing that somebody else has changed since.
const WAS = {
  set_config: (node, { path = [] }) => at(node.config, path) ?? null,
  set_settings: (node, { settings }) => {
    const before = { ...SETTINGS, ...node.settings };
    return Object.fromEntries(Object.keys(settings).map((key) => [key, before[key] ?? null]));
  },
  set_label: (node) => node.label ?? "",
};

// Applies ops in order. Returns the new graph, the ops that undo them, in the order undo must apply them, and the ops
// with what they found (`was`).
export function apply(graph, ops) {
  const draft = new Draft(graph);
  let inverse = [];
  const seen = [];
  for (const op of ops) {
    const rule = APPLY[op.op] ?? refuse(`There is no edit '${op.op}'.`);
    const was = WAS[op.op];
    seen.push(was ? { ...op, was: was(draft.node(op.id), op) } : op);
    inverse = [...rule(draft, op), ...inverse];
  }
  return { graph: draft.graph(), inverse, ops: seen };
}

// What an op that sets a value would find in the graph; null where there is none.
export const found = (graph, op) => WAS[op.op](graph.nodes.find(({ id }) => id === op.id), op);

// What an op touches, as places in the document; a place holds all that lies below it.
export function places(op) {
  if (op.op === "replace") return [[]];
  if (op.op.endsWith("_edge")) return [["edge", op.edge?.id ?? op.id]];
  if (op.op === "move") return op.moves.map(({ id }) => ["node", id, "position"]);
  const node = ["node", op.node?.id ?? op.id];
  const part = {
    set_config: () => [[...node, "config", ...(op.path ?? [])]],
    set_settings: () => Object.keys(op.settings).map((key) => [...node, "settings", key]),
    set_label: () => [[...node, "label"]],
    resize: () => [[...node, "size"]],
  }[op.op];
  return part ? part() : [node];
}

// Whether two places are one, or one lies in the other.
export const meet = (a, b) => a.slice(0, b.length).every((key, i) => key === b[i]);

// The places at which two graphs differ, by node and edge.
export function differences(before, after) {
  const compare = (kind, a, b) => {
    const old = new Map(a.map((item) => [item.id, item]));
    const fresh = new Map(b.map((item) => [item.id, item]));
    const ids = [...new Set([...old.keys(), ...fresh.keys()])];
    return ids.filter((id) => !same(old.get(id), fresh.get(id))).map((id) => [kind, id]);
  };
  return [...compare("node", before.nodes, after.nodes), ...compare("edge", before.edges, after.edges)];
}

// Whether two JSON values are the same.
export function same(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
