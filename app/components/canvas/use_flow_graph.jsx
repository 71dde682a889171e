// Nodes and edges of the canvas: dragging and selecting are local, the store hears finished moves.
import { useCallback, useEffect, useState } from "react";
import { applyEdgeChanges, applyNodeChanges, useReactFlow } from "@xyflow/react";
import { containersOf, dropOps } from "../editor/actions.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { flowEdges, flowNodes } from "./flow_graph.js";
import { containerAt } from "../editor/geometry.js";

const stay = (change) => change.type !== "remove";
const chosenOf = (items) => items.filter((item) => item.selected).map((item) => item.id);

export function useFlowGraph(handlers) {
  const store = useStore();
  const flow = useReactFlow();
  const [nodes, setNodes] = useState([]);
  const [edges, setEdges] = useState([]);
  const graph = useEditor((state) => state.graph);
  const ports = useEditor((state) => state.ports);
  const catalog = useEditor((state) => state.catalog);
  const chosenNodes = useEditor((state) => state.nodes);
  const chosenEdges = useEditor((state) => state.edges);

  useEffect(() => {
    setNodes((before) => flowNodes(store.get(), before, handlers));
  }, [graph, ports, catalog, chosenNodes, store, handlers]);
  useEffect(() => {
    setEdges((before) => flowEdges(store.get(), before, handlers));
  }, [graph, chosenEdges, store, handlers]);

  const onNodesChange = useCallback((changes) => setNodes((before) => {
    const after = applyNodeChanges(changes.filter(stay), before);
    if (changes.some((change) => change.type === "select")) {
      queueMicrotask(() => store.select(chosenOf(after), store.get().edges));
    }
    return after;
  }), [store]);
  const onEdgesChange = useCallback((changes) => setEdges((before) => {
    const after = applyEdgeChanges(changes.filter(stay), before);
    if (changes.some((change) => change.type === "select")) {
      queueMicrotask(() => store.select(store.get().nodes, chosenOf(after)));
    }
    return after;
  }), [store]);

  const placeOf = useCallback(
    (node) => ({ id: node.id, ...flow.getInternalNode(node.id).internals.positionAbsolute }), [flow],
  );
  // The container that would take the dragged node shows it.
  const onNodeDrag = useCallback((_, node, dragged) => {
    const doc = store.get();
    const at = placeOf(node);
    const point = { x: at.x + (node.width ?? 0) / 2, y: at.y + (node.height ?? 0) / 2 };
    const over = containerAt(point, containersOf(doc), new Set(dragged.map((each) => each.id)))?.id ?? null;
    if (over !== doc.over) store.set({ over });
  }, [store, placeOf]);
  const onNodeDragStop = useCallback((_, __, dragged) => {
    store.edit(dropOps(store.get(), dragged.map(placeOf)));
    store.set({ over: null });
    const moved = new Set(dragged.map((node) => node.id));
    setNodes((before) => flowNodes(store.get(), before, handlers, moved));
  }, [store, placeOf, handlers]);

  return { nodes, edges, onNodesChange, onEdgesChange, onNodeDrag, onNodeDragStop };
}
