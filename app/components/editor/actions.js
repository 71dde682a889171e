// What a person does on the canvas, as edits of the document. Plain functions over the store.
import { absolute, containerAt, depthOf, freePlace, snap, CONTAINER_HEAD } from "./geometry.js";
import { copyText, pasteOps, readText } from "./clipboard.js";
import { tidy } from "./layout.js";
import { asEdge, bestWire, freeId, newNode, portsOf, sizeOf } from "./model.js";

const NEXT_TO = 80;

// Boxes of nodes on the canvas.
export function boxesOf(doc, nodes = doc.graph.nodes) {
  return nodes.map((node) => {
    const [width, height] = sizeOf(doc, node);
    return { id: node.id, ...absolute(node, doc.byId), width, height, depth: depthOf(node, doc.byId) };
  });
}

export const containersOf = (doc) =>
  boxesOf(doc, doc.graph.nodes.filter((node) => doc.catalog.get(node.kind)?.container));

// Where a place on the canvas is, seen from the container under it.
export function home(doc, point, except = new Set()) {
  const box = containerAt(point, containersOf(doc), except);
  if (!box) return { parent: null, position: { x: snap(point.x), y: snap(point.y) } };
  return {
    parent: box.id,
    position: { x: snap(point.x - box.x), y: Math.max(CONTAINER_HEAD, snap(point.y - box.y)) },
  };
}

// Adds a node of a kind. `wish` is a place on the canvas; `wire` = {source, source_port} or {target, target_port}
// connects it; `edge` is an edge it is put into. Returns the id, or null when it could not be.
export function addNode(store, kind, wish, { wire = null, edge = null, free = false } = {}) {
  const doc = store.get();
  const type = doc.catalog.get(kind);
  if (!type) return null;
  const id = freeId(kind, new Set(doc.byId.keys()));
  let { parent, position } = home(doc, wish);
  const partner = doc.byId.get(wire?.source ?? wire?.target ?? edge?.source);
  if (partner && (partner.parent ?? null) !== parent) {
    parent = partner.parent ?? null;
    const origin = parent ? absolute(doc.byId.get(parent), doc.byId) : { x: 0, y: 0 };
    position = { x: snap(wish.x - origin.x), y: snap(wish.y - origin.y) };
  }
  if (free) {
    const others = doc.graph.nodes.filter((node) => (node.parent ?? null) === parent);
    const boxes = others.map((node) => ({
      ...node.position, width: sizeOf(doc, node)[0], height: sizeOf(doc, node)[1],
    }));
    position = freePlace(position, sizeOf(doc, newNode(type, id, position)), boxes);
  }
  const node = newNode(type, id, position, parent);
  const ops = [{ op: "add_node", node }, ...wiresOf(withNode(doc, node), id, wire, edge)];
  if (!store.edit(ops)) return null;
  store.select([id]);
  return id;
}

const withNode = (doc, node) => ({
  ...doc,
  graph: { ...doc.graph, nodes: [...doc.graph.nodes, node] },
  byId: new Map(doc.byId).set(node.id, node),
});

function wiresOf(doc, id, wire, edge) {
  if (edge) {
    const without = { ...doc, graph: { ...doc.graph, edges: doc.graph.edges.filter((each) => each.id !== edge.id) } };
    const before = bestWire(without, edge.source, id, { from: edge.source_port });
    const after = bestWire(without, id, edge.target, { into: edge.target_port });
    if (!before || !after) return [];
    return [
      { op: "remove_edge", id: edge.id },
      { op: "add_edge", edge: asEdge(before) },
      { op: "add_edge", edge: asEdge(after) },
    ];
  }
  if (!wire) return [];
  const found = wire.source
    ? bestWire(doc, wire.source, id, { from: wire.source_port })
    : bestWire(doc, id, wire.target, { into: wire.target_port });
  return found ? [{ op: "add_edge", edge: asEdge(found) }] : [];
}

// Adds a node to the right of the selected one and connects it; without a selection at `wish`.
export function addNext(store, kind, wish) {
  const doc = store.get();
  const from = doc.nodes.length === 1 ? doc.byId.get(doc.nodes[0]) : null;
  if (!from) return addNode(store, kind, wish, { free: true });
  const { outputs } = portsOf(doc, from);
  const used = new Set(doc.graph.edges.filter((edge) => edge.source === from.id).map((edge) => edge.source_port));
  const port = outputs.find((each) => !used.has(each.name) && !each.error) ?? outputs[0];
  const at = absolute(from, doc.byId);
  const place = { x: at.x + sizeOf(doc, from)[0] + NEXT_TO, y: at.y };
  return addNode(store, kind, place, { wire: port ? { source: from.id, source_port: port.name } : null, free: true });
}

// The moves of dragged nodes. `places` are {id, x, y} on the canvas; a node dropped into a container lies in it.
export function dropOps(doc, places) {
  const dragged = new Set(places.map((place) => place.id));
  const moves = [];
  for (const { id, x, y } of places) {
    const node = doc.byId.get(id);
    if (!node || (node.parent && dragged.has(node.parent))) continue;
    const [width, height] = sizeOf(doc, node);
    const inner = new Set(doc.graph.nodes.filter((each) => isWithin(each, id, doc.byId)).map((each) => each.id));
    const box = containerAt({ x: x + width / 2, y: y + height / 2 }, containersOf(doc), inner);
    const origin = box ?? { x: 0, y: 0 };
    const parent = box?.id ?? null;
    const next = { x: snap(x - origin.x), y: snap(y - origin.y) };
    if (parent) next.y = Math.max(CONTAINER_HEAD, next.y);
    if (parent) next.x = Math.max(0, next.x);
    if (next.x !== node.position.x || next.y !== node.position.y || parent !== (node.parent ?? null)) {
      moves.push({ id, ...next, parent });
    }
  }
  return moves.length ? [{ op: "move", moves }, ...growOps(doc, moves)] : [];
}

function isWithin(node, id, byId) {
  for (let each = node; each; each = byId.get(each.parent)) if (each.id === id) return true;
  return false;
}

// Containers grow so that what was put into them fits.
function growOps(doc, moves) {
  const wanted = new Map();
  for (const { id, x, y, parent } of moves) {
    if (!parent) continue;
    const [width, height] = sizeOf(doc, doc.byId.get(id));
    const [w, h] = wanted.get(parent) ?? sizeOf(doc, doc.byId.get(parent));
    wanted.set(parent, [Math.max(w, x + width + 20), Math.max(h, y + height + 50)]);
  }
  return [...wanted]
    .filter(([id, size]) => String(size) !== String(sizeOf(doc, doc.byId.get(id))))
    .map(([id, size]) => ({ op: "resize", id, size: size.map(snap) }));
}

export function nudge(store, dx, dy) {
  const doc = store.get();
  const moves = doc.nodes
    .map((id) => doc.byId.get(id))
    .map((node) => ({ id: node.id, x: node.position.x + dx, y: node.position.y + dy, parent: node.parent ?? null }));
  if (moves.length) store.edit([{ op: "move", moves }], { merge: `nudge ${doc.nodes}` });
}

export function tidyAll(store) {
  const doc = store.get();
  const order = (edge) => {
    const ports = portsOf(doc, doc.byId.get(edge.source)).outputs;
    return Math.max(0, ports.findIndex((port) => port.name === edge.source_port)) / (ports.length + 1);
  };
  store.edit(
    tidy(doc.graph, {
      sizeOf: (node) => sizeOf(doc, node),
      slot: (edge) => edge.source_port === "tool",
      rank: order,
      isContainer: (node) => Boolean(doc.catalog.get(node.kind)?.container),
    }),
  );
}

export const selectionText = (store) => copyText(store.get().graph, store.get().nodes);

// Pastes copied nodes; `at` is a place on the canvas. Says whether the text was a graph.
export function pasteText(store, text, at = null) {
  const piece = readText(text);
  if (!piece) return false;
  const doc = store.get();
  const where = at ? home(doc, at) : null;
  const { ops, ids } = pasteOps(piece, doc, where ? { at: where.position, parent: where.parent } : {});
  if (store.edit(ops)) store.select(ids);
  return true;
}

export function duplicate(store) {
  if (store.get().nodes.length) pasteText(store, selectionText(store));
}

export function setDisabled(store, ids, disabled) {
  store.edit(ids.map((id) => ({ op: "set_settings", id, settings: { disabled } })));
}

// Reads the workflow in order: triggers first, then by wires, bodies below their container.
export function outline(doc) {
  const left = new Map(doc.graph.nodes.map((node) => [node.id, 0]));
  for (const edge of doc.graph.edges) left.set(edge.target, (left.get(edge.target) ?? 0) + 1);
  const order = [];
  const queue = doc.graph.nodes.filter((node) => left.get(node.id) === 0).map((node) => node.id);
  const seen = new Set(queue);
  while (order.length < doc.graph.nodes.length) {
    if (!queue.length) {
      const rest = doc.graph.nodes.find((node) => !seen.has(node.id));
      seen.add(rest.id);
      queue.push(rest.id);
    }
    const id = queue.shift();
    order.push(id);
    for (const edge of doc.graph.edges) {
      if (edge.source !== id || seen.has(edge.target)) continue;
      left.set(edge.target, left.get(edge.target) - 1);
      if (left.get(edge.target) === 0) {
        seen.add(edge.target);
        queue.push(edge.target);
      }
    }
  }
  const rows = [];
  const put = (parent, depth) => {
    for (const id of order) {
      const node = doc.byId.get(id);
      if ((node.parent ?? null) !== parent) continue;
      rows.push({ node, depth });
      put(id, depth + 1);
    }
  };
  put(null, 0);
  return rows;
}
