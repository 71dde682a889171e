// The document as React Flow wants it. Objects of what did not change are kept, so that only changes are drawn again.
import { depthOf, PORT_SIZE } from "../editor/geometry.js";
import { portPlaces, sizeOf } from "../editor/model.js";

function flowNode(doc, node, old, handlers) {
  const type = doc.catalog.get(node.kind);
  const [width, height] = sizeOf(doc, node);
  const depth = depthOf(node, doc.byId);
  return {
    ...old,
    id: node.id,
    type: type?.container ? "container" : "box",
    position: node.position,
    parentId: node.parent ?? undefined,
    width,
    height,
    // Known sizes and ports: wires end right before a box is drawn and measured for the first time.
    measured: { width, height },
    handles: portPlaces(doc, node).map(({ port, kind, side, x, y }) => ({
      id: port.name, type: kind, position: side, x: x - PORT_SIZE / 2, y: y - PORT_SIZE / 2, width: PORT_SIZE,
      height: PORT_SIZE,
    })),
    zIndex: type?.container ? depth : depth + 1,
    data: { node, ports: doc.ports[node.id], ...handlers },
  };
}

// Nodes, containers before what lies in them. Those in `moved` stand again where the document says.
export function flowNodes(doc, before, handlers, moved = new Set()) {
  const known = new Map(before.map((node) => [node.id, node]));
  const chosen = new Set(doc.nodes);
  const nested = doc.graph.nodes.some((node) => node.parent);
  const ordered = nested
    ? [...doc.graph.nodes].sort((a, b) => depthOf(a, doc.byId) - depthOf(b, doc.byId))
    : doc.graph.nodes;
  return ordered.map((node) => {
    const old = known.get(node.id);
    const selected = chosen.has(node.id);
    const same = old?.data.node === node && old.data.ports === doc.ports[node.id] && doc.catalog.has(node.kind);
    if (same && !moved.has(node.id)) return old.selected === selected ? old : { ...old, selected };
    return { ...flowNode(doc, node, old, handlers), selected };
  });
}

export function flowEdges(doc, before, handlers) {
  const known = new Map(before.map((edge) => [edge.id, edge]));
  const chosen = new Set(doc.edges);
  return doc.graph.edges.map((edge) => {
    const old = known.get(edge.id);
    const selected = chosen.has(edge.id);
    if (old && old.data.edge === edge) return old.selected === selected ? old : { ...old, selected };
    return {
      id: edge.id, type: "wire", source: edge.source, sourceHandle: edge.source_port, target: edge.target,
      targetHandle: edge.target_port, selected, zIndex: doc.byId.get(edge.source)?.parent ? 3 : 0,
      data: { edge, ...handlers },
    };
  });
}
