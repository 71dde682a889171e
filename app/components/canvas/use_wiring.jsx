// Drawing wires: which are possible, and what a wire does that is dropped on a node or on nothing.
import { useCallback } from "react";
import { useReactFlow } from "@xyflow/react";
import { useStore } from "../editor/context.jsx";
import { asEdge, bestWire, sourcePort, targetPort, whyNot } from "../editor/model.js";

const wireOf = (connection) => ({
  source: connection.source, source_port: connection.sourceHandle,
  target: connection.target, target_port: connection.targetHandle,
});

const screenOf = (event) => {
  const at = "changedTouches" in event ? event.changedTouches[0] : event;
  return { x: at.clientX, y: at.clientY };
};

export function elementAt(screen, selector) {
  return document.elementsFromPoint(screen.x, screen.y).map((element) => element.closest(selector)).find(Boolean);
}

// The best wire between a node and the one it was dropped on, seen from the port where it began.
function dropped(doc, from, hitId) {
  return from.type === "source"
    ? bestWire(doc, from.nodeId, hitId, { from: from.id })
    : bestWire(doc, hitId, from.nodeId, { into: from.id });
}

export function useWiring(ask) {
  const store = useStore();
  const flow = useReactFlow();
  const isValidConnection = useCallback((connection) => whyNot(store.get(), wireOf(connection)) === null, [store]);
  const onConnect = useCallback((connection) => store.connect(wireOf(connection)), [store]);
  const onConnectStart = useCallback((_, { nodeId, handleId, handleType }) => {
    store.set({ drawing: { nodeId, id: handleId, type: handleType } });
  }, [store]);
  const onConnectEnd = useCallback((event, { fromHandle: from, isValid, toHandle }) => {
    store.set({ drawing: null });
    if (!from || isValid || toHandle) return;
    const doc = store.get();
    const screen = screenOf(event);
    const hitId = elementAt(screen, ".react-flow__node")?.dataset.id;
    if (hitId && hitId !== from.nodeId && !doc.catalog.get(doc.byId.get(hitId)?.kind)?.container) {
      const wire = dropped(doc, from, hitId);
      if (wire) store.edit([{ op: "add_edge", edge: asEdge(wire) }]);
      else store.notify("No port of this node takes that wire.", "warning");
      return;
    }
    const forth = from.type === "source";
    const node = doc.byId.get(from.nodeId);
    const port = forth ? sourcePort(doc, node, from.id) : targetPort(doc, node, from.id);
    if (!port) return;
    const point = flow.screenToFlowPosition(screen);
    ask({
      screen,
      point: forth ? { x: point.x, y: point.y - 30 } : { x: point.x - 200, y: point.y - 30 },
      wire: forth ? { source: node.id, source_port: port.name } : { target: node.id, target_port: port.name },
      portType: port.type,
      side: forth ? "take" : "give",
    });
  }, [flow, store, ask]);
  return { isValidConnection, onConnect, onConnectStart, onConnectEnd };
}
