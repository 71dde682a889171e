// Tidy: a layered layout from left to right, each container's body by itself and from the inside out.
import { CONTAINER_HEAD, CONTAINER_MIN, GRID, snap } from "./geometry.js";

const GAP_X = 80;
const GAP_Y = 40;
const MARGIN = 20;
const SWEEPS = 8;
const FOOT_ROOM = 30;

// Edges that close a cycle, found by a depth-first walk in node order.
function backEdges(ids, out) {
  const state = new Map();
  const back = new Set();
  for (const root of ids) {
    if (state.has(root)) continue;
    const stack = [[root, 0]];
    state.set(root, 1);
    while (stack.length) {
      const top = stack.at(-1);
      const edge = (out.get(top[0]) ?? [])[top[1]];
      top[1] += 1;
      if (!edge) {
        state.set(top[0], 2);
        stack.pop();
      } else if (state.get(edge.target) === 1) {
        back.add(edge.id);
      } else if (!state.has(edge.target)) {
        state.set(edge.target, 1);
        stack.push([edge.target, 0]);
      }
    }
  }
  return back;
}

const groupBy = (items, key) => {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
};

// Longest path from the sources; a source stands right before its first target.
function layersOf(ids, edges) {
  const into = groupBy(edges, (edge) => edge.target);
  const out = groupBy(edges, (edge) => edge.source);
  const left = new Map(ids.map((id) => [id, (into.get(id) ?? []).length]));
  const layer = new Map(ids.map((id) => [id, 0]));
  const ready = ids.filter((id) => left.get(id) === 0);
  for (let i = 0; i < ready.length; i += 1) {
    for (const edge of out.get(ready[i]) ?? []) {
      layer.set(edge.target, Math.max(layer.get(edge.target), layer.get(ready[i]) + 1));
      left.set(edge.target, left.get(edge.target) - 1);
      if (left.get(edge.target) === 0) ready.push(edge.target);
    }
  }
  for (const id of ids) {
    const targets = out.get(id) ?? [];
    if (!into.get(id)?.length && targets.length) {
      layer.set(id, Math.min(...targets.map((edge) => layer.get(edge.target))) - 1);
    }
  }
  return layer;
}

// Fewer crossings: each layer is sorted by the mean place of its neighbours, forth and back.
function order(layers, edges) {
  const into = groupBy(edges, (edge) => edge.target);
  const out = groupBy(edges, (edge) => edge.source);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    const place = new Map();
    for (const layer of layers) layer.forEach((id, i) => place.set(id, i));
    for (const layer of forth ? layers : [...layers].reverse()) {
      const mean = new Map(
        layer.map((id, i) => {
          const near = (forth ? into : out).get(id) ?? [];
          const spots = near.map((edge) => place.get(forth ? edge.source : edge.target) + (forth ? edge.rank : 0));
          return [id, spots.length ? spots.reduce((a, b) => a + b, 0) / spots.length : i];
        }),
      );
      layer.sort((a, b) => mean.get(a) - mean.get(b));
      layer.forEach((id, i) => place.set(id, i));
    }
  }
}

function place(layers, edges, size) {
  const spots = new Map();
  let x = 0;
  const into = groupBy(edges, (edge) => edge.target);
  for (const layer of layers) {
    const width = Math.max(...layer.map((id) => size(id)[0]));
    const height = layer.reduce((sum, id) => sum + size(id)[1] + GAP_Y, -GAP_Y);
    let y = -height / 2;
    const wishes = layer.map((id) => {
      const sources = (into.get(id) ?? []).map((edge) => edge.source).filter((each) => spots.has(each));
      if (!sources.length) return null;
      return sources.reduce((sum, each) => sum + spots.get(each).y + size(each)[1] / 2, 0) / sources.length;
    });
    layer.forEach((id, i) => {
      // A lone node follows its source's height; several share the middle.
      if (layer.length === 1 && wishes[i] !== null) y = wishes[i] - size(id)[1] / 2;
      spots.set(id, { x, y });
      y += size(id)[1] + GAP_Y;
    });
    x += width + GAP_X;
  }
  return spots;
}

// Nodes wired into a slot stand below their owner instead of in a layer.
function hang(slots, spots, size) {
  const used = new Map();
  for (const { source, target } of slots) {
    if (!spots.has(target) || spots.has(source)) continue;
    const nth = used.get(target) ?? 0;
    used.set(target, nth + 1);
    const owner = spots.get(target);
    spots.set(source, { x: owner.x + nth * (size(source)[0] + GRID), y: owner.y + size(target)[1] + GAP_Y * 2 });
  }
}

function lower(spots, ids, size) {
  const boxes = ids.map((id) => ({ id, ...spots.get(id), width: size(id)[0], height: size(id)[1] }));
  boxes.sort((a, b) => a.y - b.y || a.x - b.x);
  boxes.forEach((box, i) => {
    for (let again = true; again; ) {
      again = false;
      for (const other of boxes.slice(0, i)) {
        const apart = box.x >= other.x + other.width || other.x >= box.x + box.width;
        if (!apart && box.y < other.y + other.height + GRID && other.y < box.y + box.height + GRID) {
          box.y = other.y + other.height + GRID;
          again = true;
        }
      }
    }
    spots.set(box.id, { x: box.x, y: box.y });
  });
}

function arrange(nodes, edges, size) {
  const ids = nodes.map((node) => node.id);
  const known = new Set(ids);
  const own = edges.filter((edge) => known.has(edge.source) && known.has(edge.target));
  const slots = own.filter((edge) => edge.slot);
  const hung = new Set(slots.map((edge) => edge.source));
  const flat = ids.filter((id) => !hung.has(id));
  const wires = own.filter((edge) => !edge.slot && !hung.has(edge.source) && !hung.has(edge.target));
  const back = backEdges(flat, groupBy(wires, (edge) => edge.source));
  const forward = wires.filter((edge) => !back.has(edge.id));
  const level = layersOf(flat, forward);
  const first = Math.min(0, ...level.values());
  const layers = [];
  for (const id of flat) (layers[level.get(id) - first] ??= []).push(id);
  const full = layers.filter(Boolean);
  order(full, forward);
  const spots = place(full, forward, size);
  hang(slots, spots, size);
  for (const id of ids) if (!spots.has(id)) spots.set(id, { x: 0, y: 0 });
  lower(spots, ids, size);
  return spots;
}

// Returns moves and resizes that tidy the graph.
// `sizeOf(node)` is [width, height]; `slot(edge)` says whether an edge ends in a slot; `rank(edge)` orders the
// edges of one node by their port, between 0 and 1.
export function tidy(graph, { sizeOf, slot = () => false, rank = () => 0, isContainer = () => false }) {
  const edges = graph.edges.map((edge) => ({ ...edge, slot: slot(edge), rank: rank(edge) }));
  const bodies = groupBy(graph.nodes, (node) => node.parent ?? null);
  const sizes = new Map();
  const moves = [];
  const resizes = [];
  const visit = (parent) => {
    const nodes = bodies.get(parent) ?? [];
    for (const node of nodes) {
      if (bodies.has(node.id) || isContainer(node)) visit(node.id);
      if (!sizes.has(node.id)) sizes.set(node.id, sizeOf(node));
    }
    if (!nodes.length) return;
    const size = (id) => sizes.get(id);
    const spots = arrange(nodes, edges, size);
    const left = Math.min(...[...spots.values()].map((spot) => spot.x));
    const top = Math.min(...[...spots.values()].map((spot) => spot.y));
    const [dx, dy] = parent === null ? [0, 0] : [MARGIN, CONTAINER_HEAD + MARGIN];
    let [right, bottom] = [0, 0];
    for (const node of nodes) {
      const spot = spots.get(node.id);
      const at = { x: snap(spot.x - left + dx), y: snap(spot.y - top + dy) };
      right = Math.max(right, at.x + size(node.id)[0]);
      bottom = Math.max(bottom, at.y + size(node.id)[1]);
      if (at.x !== node.position.x || at.y !== node.position.y) {
        moves.push({ id: node.id, ...at, parent: node.parent ?? null });
      }
    }
    if (parent === null) return;
    const grown = [
      Math.max(CONTAINER_MIN[0], snap(right + MARGIN)),
      Math.max(CONTAINER_MIN[1], snap(bottom + MARGIN + FOOT_ROOM)),
    ];
    sizes.set(parent, grown);
    const owner = graph.nodes.find((node) => node.id === parent);
    if (!owner.size || owner.size[0] !== grown[0] || owner.size[1] !== grown[1]) {
      resizes.push({ op: "resize", id: parent, size: grown });
    }
  };
  visit(null);
  return [...(moves.length ? [{ op: "move", moves }] : []), ...resizes];
}
