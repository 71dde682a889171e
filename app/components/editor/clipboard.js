// Nodes and edges as text: copied anywhere, pasted into any workflow.
import { renamedForm } from "./expressions.js";
import { withBody } from "./ops.js";
import { edgeId, freeId } from "./model.js";
import { parse, write } from "../js/exact.js";

const MARK = "agentloom/graph";
const MAX_CHARS = 2_000_000;

// The selected nodes with their bodies and the edges between them, as JSON text.
export function copyText(graph, ids) {
  const all = new Set(ids.flatMap((id) => withBody(graph.nodes, id)));
  const nodes = graph.nodes.filter((node) => all.has(node.id));
  const edges = graph.edges.filter((edge) => all.has(edge.source) && all.has(edge.target));
  return write({ format: MARK, schema: graph.schema ?? 1, nodes, edges }, null, 2);
}

// Reads what copyText wrote, or the graph of a workflow. Returns {nodes, edges} or null when the text is something
// else.
export function readText(text) {
  if (!text || text.length > MAX_CHARS || !/^\s*\{/.test(text)) return null;
  try {
    const value = parse(text);
    const graph = value.graph ?? value;
    const ok = Array.isArray(graph.nodes)
      && graph.nodes.every((node) => node && typeof node.kind === "string" && node.id);
    return ok && graph.nodes.length
      ? { nodes: graph.nodes, edges: Array.isArray(graph.edges) ? graph.edges : [] }
      : null;
  } catch {
    return null;
  }
}

// Ops that add a pasted piece with new ids. `at` moves its top left corner there, else it is shifted by `shift`.
export function pasteOps(piece, { graph, catalog }, { at = null, shift = 40, parent = null } = {}) {
  const taken = new Set(graph.nodes.map((node) => node.id));
  const names = new Map();
  for (const node of piece.nodes) {
    const id = freeId(node.id.replace(/_\d+$/, ""), taken);
    names.set(node.id, id);
    taken.add(id);
  }
  const roots = piece.nodes.filter((node) => !names.has(node.parent));
  const left = Math.min(...roots.map((node) => node.position?.x ?? 0));
  const top = Math.min(...roots.map((node) => node.position?.y ?? 0));
  const move = ({
    x = 0, y = 0,
  } = {}) => (at ? { x: at.x + x - left, y: at.y + y - top } : { x: x + shift, y: y + shift });
  const home = (node) => {
    if (at) return parent;
    return graph.nodes.some((each) => each.id === node.parent) ? node.parent : null;
  };
  const ops = inOrder(piece.nodes).map((node) => {
    const inner = names.has(node.parent);
    return {
      op: "add_node",
      node: {
        id: names.get(node.id),
        kind: node.kind,
        version: node.version ?? 1,
        label: node.label ?? "",
        config: renamedForm(node.config ?? {}, catalog.get(node.kind)?.config_schema ?? {}, names),
        settings: node.settings ?? {},
        position: inner ? node.position : move(node.position),
        parent: inner ? names.get(node.parent) : home(node),
        size: node.size ?? null,
      },
    };
  });
  for (const edge of piece.edges) {
    if (!names.has(edge.source) || !names.has(edge.target)) continue;
    const wire = {
      source: names.get(edge.source), source_port: edge.source_port,
      target: names.get(edge.target), target_port: edge.target_port,
    };
    ops.push({ op: "add_edge", edge: { id: edgeId(wire), ...wire } });
  }
  return { ops, ids: roots.map((node) => names.get(node.id)) };
}

// Owners before what lies in them.
function inOrder(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const depth = (node) => {
    let n = 0;
    for (let up = byId.get(node.parent); up && n < 64; up = byId.get(up.parent)) n += 1;
    return n;
  };
  return [...nodes].sort((a, b) => depth(a) - depth(b));
}
