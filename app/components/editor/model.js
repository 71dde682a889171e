// Questions about a graph and its node types: ports, possible wires, what lies upstream, new names.
import { PORT_MATRIX, TYPE_NAMES } from "../js/protocol.gen.js";
import { nodeSize, portRows, portTop } from "./geometry.js";

export const ERROR_PORT = { name: "error", type: "object", title: "Error", error: true };
export const TOOL_PORT = { name: "tool", type: "tool", title: "As a tool" };

const placeholder = (names) => [...new Set(names)].map((name) => ({ name, type: "any", title: name }));

// The catalogue by kind.
export const catalogOf = (items) => new Map(items.map((item) => [item.kind, item]));

export const titleOf = (node, type) => node.label || type?.title || node.kind;

// Sockets on the left. Slots (ports of type tool) are apart: they stand at the bottom.
export function inputsOf(node, type, edges = []) {
  if (!type) return placeholder(edges.filter((edge) => edge.target === node.id).map((edge) => edge.target_port));
  return type.inputs.filter((port) => port.type !== "tool");
}

export const slotsOf = (type) => (type ? type.inputs.filter((port) => port.type === "tool") : []);

// Sockets on the right. `ports` holds those that depend on the form, by node id, as the server computed them.
export function outputsOf(node, type, ports = {}, edges = []) {
  if (!type) return placeholder(edges.filter((edge) => edge.source === node.id).map((edge) => edge.source_port));
  const shown = (ports[node.id] ?? type.outputs).filter((port) => port.socket !== false);
  return node.settings?.on_error === "error_port" ? [...shown, ERROR_PORT] : shown;
}

// All ports of a node by side; `tool` says whether it may be wired into a slot.
export function portsOf(doc, node) {
  const type = doc.catalog.get(node.kind);
  const edges = type ? [] : doc.graph.edges;
  return {
    inputs: inputsOf(node, type, edges),
    slots: slotsOf(type),
    outputs: outputsOf(node, type, doc.ports, edges),
    tool: Boolean(type?.tool),
  };
}

export function sizeOf(doc, node) {
  const type = doc.catalog.get(node.kind);
  return nodeSize({ ...portsOf(doc, node), container: Boolean(type?.container), size: node.size });
}

const CONTAINER_PORT_TOP = 26;

// Where the ports of a node are: {port, kind, side, x, y, labelled}, x and y being the port's middle.
export function portPlaces(doc, node) {
  const { inputs, slots, outputs, tool } = portsOf(doc, node);
  const [width, height] = sizeOf(doc, node);
  const container = Boolean(doc.catalog.get(node.kind)?.container);
  const y = (index, all) => (container && !portRows(all) ? CONTAINER_PORT_TOP : portTop(index, all));
  const column = (all, kind, side, x) =>
    all.map((port, i) => ({ port, kind, side, x, y: y(i, all), labelled: portRows(all) > 0 }));
  return [
    ...column(inputs, "target", "left", 0),
    ...column(outputs, "source", "right", width),
    ...slots.map((port, i) => (
      { port, kind: "target", side: "bottom", x: (width * (i + 1)) / (slots.length + 1), y: height, labelled: true }
    )),
    ...(tool ? [{ port: TOOL_PORT, kind: "source", side: "top", x: width / 2, y: 0, labelled: false }] : []),
  ];
}

const portNamed = (ports, name) => ports.find((port) => port.name === name);

export function sourcePort(doc, node, name) {
  const { outputs, tool } = portsOf(doc, node);
  return portNamed(outputs, name) ?? (tool && name === TOOL_PORT.name ? TOOL_PORT : undefined);
}

export function targetPort(doc, node, name) {
  const { inputs, slots } = portsOf(doc, node);
  return portNamed(inputs, name) ?? portNamed(slots, name);
}

// The reason why a value of one port type does not fit another, or null. From the server's own matrix.
export function misfit(source, target) {
  return PORT_MATRIX[`${source}>${target}`] ?? null;
}

export const typeName = (type) => TYPE_NAMES[type] ?? type;

const ANCESTORS = new WeakMap();

// Ids of the nodes from which wires lead to `id`, itself included; remembered for as long as the graph lives.
export function ancestors(graph, id) {
  if (!ANCESTORS.has(graph)) {
    const into = new Map();
    for (const edge of graph.edges) {
      if (!into.has(edge.target)) into.set(edge.target, []);
      into.get(edge.target).push(edge.source);
    }
    ANCESTORS.set(graph, { into, found: new Map() });
  }
  const { into, found } = ANCESTORS.get(graph);
  if (!found.has(id)) {
    const seen = new Set([id]);
    for (const each of seen) for (const source of into.get(each) ?? []) seen.add(source);
    found.set(id, seen);
  }
  return found.get(id);
}

// Why these ports cannot be connected, as a sentence, or null when they can.
export function whyNot(doc, { source, source_port, target, target_port }) {
  const [from, to] = [doc.byId.get(source), doc.byId.get(target)];
  if (!from || !to) return "One of the nodes is gone.";
  const name = (node) => `“${titleOf(node, doc.catalog.get(node.kind))}”`;
  if (source === target) return "A node cannot be connected to itself.";
  const [out, into] = [sourcePort(doc, from, source_port), targetPort(doc, to, target_port)];
  if (!out || !into) return "This port does not exist any more.";
  if ((from.parent ?? null) !== (to.parent ?? null)) {
    const inner = from.parent ? from : to;
    const owner = doc.byId.get(inner.parent);
    return `${name(inner)} lies inside ${name(owner)}. Wires stay inside; use {{ item }} for the value of each round.`;
  }
  const reason = misfit(out.type, into.type);
  if (reason) return reason;
  const same = (edge) =>
    edge.source === source && edge.source_port === source_port && edge.target === target
      && edge.target_port === target_port;
  if (doc.graph.edges.some(same)) return "These two ports are connected already.";
  if (ancestors(doc.graph, source).has(target)) {
    return `This would make a loop: ${name(to)} leads to ${name(from)} already.`;
  }
  return null;
}

// The first pair of free ports by which a wire from `source` to `target` is possible, or null.
export function bestWire(doc, source, target, { from = null, into = null } = {}) {
  const [a, b] = [doc.byId.get(source), doc.byId.get(target)];
  if (!a || !b) return null;
  const { outputs, tool } = portsOf(doc, a);
  const { inputs, slots } = portsOf(doc, b);
  const used = new Set(doc.graph.edges.filter((edge) => edge.target === target).map((edge) => edge.target_port));
  const outs = [
    ...outputs.filter((port) => !port.error), ...(tool ? [TOOL_PORT] : []),
  ].filter((p) => !from || p.name === from);
  const ins = [...inputs, ...slots].filter((port) => !into || port.name === into);
  ins.sort((p, q) => Number(used.has(p.name) && !p.many) - Number(used.has(q.name) && !q.many));
  for (const out of outs) {
    for (const port of ins) {
      const wire = { source, source_port: out.name, target, target_port: port.name };
      if (whyNot(doc, wire) === null) return wire;
    }
  }
  return null;
}

// Whether a new node of this type could take a wire from, or give one to, a port of the given type.
export function couldTake(type, portType) {
  return type.inputs.some((port) => misfit(portType, port.type) === null);
}

export function couldGive(type, portType) {
  const outs = type.outputs.filter((port) => port.socket !== false);
  return (type.tool && portType === "tool") || outs.some((port) => misfit(port.type, portType) === null);
}

// Ids of the nodes from which a path leads to `id`, nearest first; for a node in a body also those before its
// container.
export function upstream(graph, id) {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const seen = new Set([id]);
  const queue = [id];
  for (let i = 0; i < queue.length; i += 1) {
    const parent = byId.get(queue[i])?.parent;
    if (parent && !seen.has(parent)) queue.push(parent);
    for (const edge of graph.edges) {
      if (edge.target === queue[i] && !seen.has(edge.source)) {
        seen.add(edge.source);
        queue.push(edge.source);
      }
    }
  }
  const owners = new Set();
  for (let up = byId.get(id)?.parent; up; up = byId.get(up)?.parent) owners.add(up);
  return queue.slice(1).filter((each) => !owners.has(each));
}

// A free node id made from the last word of the kind: `classify`, `classify_2`.
export function freeId(kind, taken) {
  const word = kind.split(".").at(-1).toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "") || "node";
  let id = word;
  for (let n = 2; taken.has(id); n += 1) id = `${word}_${n}`;
  return id;
}

export const edgeId = (wire) => {
  const text = `${wire.source}.${wire.source_port}>${wire.target}.${wire.target_port}`;
  return text.length <= 100 ? text : `e${Math.random().toString(36).slice(2, 12)}`;
};

export const asEdge = (wire) => ({ id: edgeId(wire), ...wire });

// A new node of a type at a place on the canvas.
export function newNode(type, id, position, parent = null) {
  return {
    id,
    kind: type.kind,
    version: type.version,
    label: "",
    config: structuredClone(type.default_config ?? {}),
    settings: {},
    position,
    parent,
    size: null,
  };
}

// Whether the way out of a node leads back to it; such a node may begin a loop drawn by hand.
export function liesOnCircle(graph, id) {
  const seen = new Set();
  const ahead = [id];
  while (ahead.length) {
    const here = ahead.pop();
    for (const edge of graph.edges) {
      if (edge.source !== here || seen.has(edge.target)) continue;
      if (edge.target === id) return true;
      seen.add(edge.target);
      ahead.push(edge.target);
    }
  }
  return false;
}

// What is worth knowing at a glance besides the title: the type, and its first short choice.
export function subtitle(node, type) {
  if (!type) return `unknown kind · ${node.kind}`;
  const fields = Object.entries(type.config_schema?.properties ?? {});
  const shown = fields.find(([name, field], i) =>
    (field.widget === "model" || (i === 0 && field.enum)) && node.config?.[name]);
  const value = shown ? String(node.config[shown[0]]) : "";
  const named = node.label && node.label !== type.title ? type.title : "";
  return [named, value].filter(Boolean).join(" · ") || type.summary;
}
