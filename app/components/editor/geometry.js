// Sizes and places on the canvas, in canvas units.

export const GRID = 20;
export const NODE_WIDTH = 200;
const HEAD = 52;
const PORT_ROW = 20;
const FOOT = 30;
export const PORT_SIZE = 12;
const PAD = 6;
export const CONTAINER_SIZE = [520, 280];
export const CONTAINER_MIN = [300, 180];
export const CONTAINER_HEAD = 60;

export const snap = (value) => Math.round(value / GRID) * GRID;

// Rows of port labels: only where a side has more than one port need they be told apart.
export function portRows(ports) {
  return ports.length > 1 ? ports.length : 0;
}

export function nodeSize({ container, inputs, outputs, size }) {
  if (container) return size ?? CONTAINER_SIZE;
  const rows = Math.max(portRows(inputs), portRows(outputs));
  return [NODE_WIDTH, HEAD + (rows ? rows * PORT_ROW + PAD : 0) + FOOT];
}

// Distance of a port from the top of its node.
export function portTop(index, ports) {
  return portRows(ports) ? HEAD + PORT_ROW * (index + 0.5) : HEAD / 2 + 4;
}

// Place of a node on the canvas, whatever it lies in. `byId` maps ids to nodes.
export function absolute(node, byId) {
  let { x, y } = node.position;
  for (let up = byId.get(node.parent); up; up = byId.get(up.parent)) {
    x += up.position.x;
    y += up.position.y;
  }
  return { x, y };
}

export const inside = (point, box) =>
  point.x >= box.x && point.x <= box.x + box.width && point.y >= box.y && point.y <= box.y + box.height;

export const overlap = (a, b, gap = 0) =>
  a.x < b.x + b.width + gap && b.x < a.x + a.width + gap && a.y < b.y + b.height + gap && b.y < a.y + a.height + gap;

// The innermost container under a point, or null. `boxes` are {id, depth, x, y, width, height} of containers.
export function containerAt(point, boxes, except = new Set()) {
  let found = null;
  for (const box of boxes) {
    if (!except.has(box.id) && inside(point, box) && (!found || box.depth > found.depth)) found = box;
  }
  return found;
}

export function depthOf(node, byId) {
  let depth = 0;
  for (let up = byId.get(node.parent); up; up = byId.get(up.parent)) depth += 1;
  return depth;
}

// The nearest place at or below-right of `wish` where a box of this size covers no other.
export function freePlace(wish, [width, height], boxes) {
  const place = { x: snap(wish.x), y: snap(wish.y) };
  for (let step = 0; step < 200; step += 1) {
    const box = { ...place, width, height };
    const hit = boxes.find((other) => overlap(box, other, GRID / 2));
    if (!hit) return place;
    place.y = snap(hit.y + hit.height + GRID);
  }
  return place;
}

export function bounds(boxes) {
  if (!boxes.length) return { x: 0, y: 0, width: 0, height: 0 };
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
