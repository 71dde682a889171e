// Edits of a graph, the language between canvas and server; the twin of app/engine/graph/edits.py.
import { SETTINGS } from "./protocol.gen.js";

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

export function getIn(value, path) {
  return path.reduce((inner, key) => (inner === null || inner === undefined ? undefined : inner[key]), value);
}

export function setIn(value, path, next) {
  if (path.length === 0) return next;
  const [key, ...rest] = path;
  const copy = Array.isArray(value) ? [...value] : { ...(value ?? {}) };
  copy[key] = setIn(copy[key], rest, next);
  return copy;
}

const APPLY = {
  add_node(draft, { node }) {
    if (draft.nodes.has(node.id)) refuse(`There is already a node '${node.id}'.`);
    if (node.parent) draft.node(node.parent);
    draft.nodes.set(node.id, { label: "", config: {}, settings: {}, parent: null, size: null, version: 1, ...node });
    return [{ op: "remove_node", id: node.id }];
  },

  remove_node(draft, { id }) {
    draft.node(id);
    const ids = withBody([...draft.nodes.values()], id);
    const gone = new Set(ids);
    const nodes = ids.map((each) => draft.nodes.get(each));
    const edges = [...draft.edges.values()].filter((edge) => gone.has(edge.source) || gone.has(edge.target));
    for (const edge of edges) draft.edges.delete(edge.id);
    for (const each of ids) draft.nodes.delete(each);
    return [...nodes.map((node) => ({ op: "add_node", node })), ...edges.map((edge) => ({ op: "add_edge", edge }))];
  },

  move(draft, { moves }) {
    const back = [];
    for (const { id, x, y, parent = null } of moves) {
      const node = draft.node(id);
      if (parent !== null) draft.node(parent);
      if (parent === id || withBody([...draft.nodes.values()], id).includes(parent)) {
        refuse(`'${id}' cannot lie in itself.`);
      }
      back.unshift({ id, x: node.position.x, y: node.position.y, parent: node.parent ?? null });
      draft.change(id, { position: { x, y }, parent });
    }
    return [{ op: "move", moves: back }];
  },

  set_config(draft, { id, path, value }) {
    const { config } = draft.node(id);
    const before = getIn(config, path);
    draft.change(id, { config: setIn(config, path, value) });
    // Undoing a value that was not there restores the whole form: there is no op that removes a key.
    return before === undefined
      ? [{ op: "set_config", id, path: [], value: config }]
      : [{ op: "set_config", id, path, value: before }];
  },

  set_settings(draft, { id, settings }) {
    const node = draft.node(id);
    const before = Object.fromEntries(Object.keys(settings).map((key) => [key, node.settings?.[key] ?? SETTINGS[key]]));
    draft.change(id, { settings: { ...node.settings, ...settings } });
    return [{ op: "set_settings", id, settings: before }];
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

  add_edge(draft, { edge }) {
    if (draft.edges.has(edge.id)) refuse(`There is already an edge '${edge.id}'.`);
    draft.node(edge.source);
    draft.node(edge.target);
    draft.edges.set(edge.id, edge);
    return [{ op: "remove_edge", id: edge.id }];
  },

  remove_edge(draft, { id }) {
    const edge = draft.edges.get(id) ?? refuse(`There is no edge '${id}'.`);
    draft.edges.delete(id);
    return [{ op: "add_edge", edge }];
  },

  replace(draft, { graph }) {
    const before = draft.graph();
    const next = new Draft(graph);
    draft.nodes = next.nodes;
    draft.edges = next.edges;
    return [{ op: "replace", graph: before }];
  },
};

// Applies ops in order. Returns the new graph and the ops that undo them, in the order undo must apply them.
export function apply(graph, ops) {
  const draft = new Draft(graph);
  let inverse = [];
  for (const op of ops) {
    const rule = APPLY[op.op] ?? refuse(`There is no edit '${op.op}'.`);
    inverse = [...rule(draft, op), ...inverse];
  }
  return { graph: draft.graph(), inverse };
}
