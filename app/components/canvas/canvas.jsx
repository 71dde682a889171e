// The canvas: React Flow over the editor's store. Dragging and selecting are local; the store hears finished edits.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import {
  applyEdgeChanges, applyNodeChanges, Background, BackgroundVariant, MiniMap, ReactFlow, useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { addNext, addNode, boxesOf, dropOps } from "./actions.js";
import { ContextMenu } from "./context_menu.jsx";
import { useEditor, useStore } from "./context.jsx";
import { absolute, bounds, GRID, snap } from "./geometry.js";
import { asEdge, bestWire, sizeOf, sourcePort, targetPort, whyNot } from "./model.js";
import { ContainerBox, NodeBox } from "./node.jsx";
import { QuickAdd } from "./quick_add.jsx";
import { DRAG_TYPE } from "./search.js";
import { useShortcuts } from "./shortcuts.jsx";
import { Toolbar } from "./toolbar.jsx";
import { DraftWire, Wire } from "./wire.jsx";

const NODE_TYPES = { box: NodeBox, container: ContainerBox };
const EDGE_TYPES = { wire: Wire };
const MANY_NODES = 300;
const READABLE = 0.75;
const NODE_COLOR = (node) => `var(--${node.data.category}, var(--faint))`;

// React Flow's nodes for the graph; objects of unchanged nodes are kept, so only changed ones render.
function flowNodes(doc, before, handlers) {
  const known = new Map(before.map((node) => [node.id, node]));
  const depth = (node) => {
    let n = 0;
    for (let up = doc.byId.get(node.parent); up; up = doc.byId.get(up.parent)) n += 1;
    return n;
  };
  const chosen = new Set(doc.nodes);
  const ordered = doc.graph.nodes.some((node) => node.parent)
    ? [...doc.graph.nodes].sort((a, b) => depth(a) - depth(b))
    : doc.graph.nodes;
  return ordered.map((node) => {
    const old = known.get(node.id);
    const [width, height] = sizeOf(doc, node);
    const selected = chosen.has(node.id);
    if (old && old.data.node === node && old.width === width && old.height === height) {
      return old.selected === selected ? old : { ...old, selected };
    }
    const type = doc.catalog.get(node.kind);
    return {
      ...old,
      id: node.id,
      type: type?.container ? "container" : "box",
      position: node.position,
      parentId: node.parent ?? undefined,
      width,
      height,
      selected,
      zIndex: type?.container ? depth(node) : depth(node) + 1,
      data: { node, category: type?.category ?? "faint", onResize: handlers.resize },
      ariaLabel: node.label || type?.title || node.kind,
    };
  });
}

function flowEdges(doc, before, handlers) {
  const known = new Map(before.map((edge) => [edge.id, edge]));
  const chosen = new Set(doc.edges);
  return doc.graph.edges.map((edge) => {
    const old = known.get(edge.id);
    const selected = chosen.has(edge.id);
    if (old && old.data.edge === edge) return old.selected === selected ? old : { ...old, selected };
    return {
      id: edge.id, type: "wire", source: edge.source, sourceHandle: edge.source_port, target: edge.target,
      targetHandle: edge.target_port, selected, zIndex: doc.byId.get(edge.source)?.parent ? 3 : 0,
      data: { edge, onInsert: handlers.insert },
    };
  });
}

export function Canvas({ onRun, onPalette, onOpenInspector }) {
  const store = useStore();
  const flow = useReactFlow();
  const wrapper = useRef(null);
  const [nodes, setNodes] = useState([]);
  const [edges, setEdges] = useState([]);
  const [quick, setQuick] = useState(null);
  const [menu, setMenu] = useState(null);
  const graph = useEditor((state) => state.graph);
  const ports = useEditor((state) => state.ports);
  const catalog = useEditor((state) => state.catalog);
  const chosenNodes = useEditor((state) => state.nodes);
  const chosenEdges = useEditor((state) => state.edges);
  const focus = useEditor((state) => state.focus);

  const handlers = useMemo(() => ({
    resize: (id, box) => {
      const node = store.get().byId.get(id);
      const moved = { id, x: snap(box.x), y: snap(box.y), parent: node?.parent ?? null };
      store.edit([{ op: "move", moves: [moved] }, { op: "resize", id, size: [snap(box.width), snap(box.height)] }]);
    },
    insert: (edgeId, event) => {
      const edge = store.get().graph.edges.find((each) => each.id === edgeId);
      const point = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
      setQuick({ screen: { x: event.clientX, y: event.clientY }, point: { x: point.x - 100, y: point.y - 40 }, edge });
    },
  }), [store, flow]);

  useEffect(() => setNodes((before) => flowNodes(store.get(), before, handlers)), [graph, ports, catalog, chosenNodes, store, handlers]);
  useEffect(() => setEdges((before) => flowEdges(store.get(), before, handlers)), [graph, chosenEdges, store, handlers]);

  // A problem or the outline asked for a node: bring it into view when it is not.
  useEffect(() => {
    const node = focus && store.get().byId.get(focus.node);
    if (!node) return;
    const at = absolute(node, store.get().byId);
    const [width, height] = sizeOf(store.get(), node);
    flow.setCenter(at.x + width / 2, at.y + height / 2, { zoom: Math.max(flow.getZoom(), 0.8), duration: 200 });
  }, [focus, flow, store]);

  // Everything when that can be read, else the beginning.
  const showBeginning = useCallback(() => {
    const doc = store.get();
    const all = bounds(boxesOf(doc));
    const pane = wrapper.current.getBoundingClientRect();
    const fit = Math.min((pane.width - 100) / all.width, (pane.height - 120) / all.height, 1);
    const zoom = Math.max(fit, READABLE);
    const x = fit >= READABLE ? (pane.width - all.width * zoom) / 2 : 48;
    const y = all.height * zoom < pane.height ? (pane.height - 60 - all.height * zoom) / 2 : 48;
    flow.setViewport({ x: x - all.x * zoom, y: y - all.y * zoom, zoom });
  }, [flow, store]);

  const onNodesChange = useCallback((changes) => {
    setNodes((before) => {
      const after = applyNodeChanges(changes.filter((change) => change.type !== "remove"), before);
      if (changes.some((change) => change.type === "select")) {
        queueMicrotask(() => store.select(after.filter((node) => node.selected).map((node) => node.id), store.get().edges));
      }
      return after;
    });
  }, [store]);
  const onEdgesChange = useCallback((changes) => {
    setEdges((before) => {
      const after = applyEdgeChanges(changes.filter((change) => change.type !== "remove"), before);
      if (changes.some((change) => change.type === "select")) {
        queueMicrotask(() => store.select(store.get().nodes, after.filter((edge) => edge.selected).map((edge) => edge.id)));
      }
      return after;
    });
  }, [store]);

  const onDragStop = useCallback((_, __, dragged) => {
    const places = dragged.map((node) => ({ id: node.id, ...flow.getInternalNode(node.id).internals.positionAbsolute }));
    const ops = dropOps(store.get(), places);
    if (ops.length) store.edit(ops);
    setNodes((before) => flowNodes(store.get(), before.map((node) => (node.data.over ? { ...node, data: { ...node.data, over: false } } : node)), handlers));
  }, [flow, store, handlers]);

  const wireOf = (connection) => ({
    source: connection.source, source_port: connection.sourceHandle,
    target: connection.target, target_port: connection.targetHandle,
  });
  const isValid = useCallback((connection) => whyNot(store.get(), wireOf(connection)) === null, [store]);
  const onConnect = useCallback((connection) => store.connect(wireOf(connection)), [store]);

  // A wire dropped on a node takes its best port; one dropped on nothing asks for a new node.
  const onConnectEnd = useCallback((event, connection) => {
    const { fromHandle, fromNode, isValid: ok, toHandle } = connection;
    if (!fromHandle || !fromNode || ok || toHandle) return;
    const at = "changedTouches" in event ? event.changedTouches[0] : event;
    const screen = { x: at.clientX, y: at.clientY };
    const forth = fromHandle.type === "source";
    const hit = document.elementsFromPoint(screen.x, screen.y).map((element) => element.closest(".react-flow__node")).find(Boolean);
    const doc = store.get();
    const hitId = hit?.dataset.id;
    if (hitId && hitId !== fromNode.id && !doc.catalog.get(doc.byId.get(hitId)?.kind)?.container) {
      const wire = forth
        ? bestWire(doc, fromNode.id, hitId, { from: fromHandle.id })
        : bestWire(doc, hitId, fromNode.id, { into: fromHandle.id });
      if (wire) store.edit([{ op: "add_edge", edge: asEdge(wire) }]);
      else store.notify("No port of this node takes that wire.", "warning");
      return;
    }
    const node = doc.byId.get(fromNode.id);
    const port = forth ? sourcePort(doc, node, fromHandle.id) : targetPort(doc, node, fromHandle.id);
    const point = flow.screenToFlowPosition(screen);
    setQuick({
      screen,
      point: forth ? { x: point.x, y: point.y - 30 } : { x: point.x - 200, y: point.y - 30 },
      wire: forth ? { source: node.id, source_port: port.name } : { target: node.id, target_port: port.name },
      portType: port.type,
      side: forth ? "take" : "give",
    });
  }, [flow, store]);

  const middle = useCallback(() => {
    const box = wrapper.current.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  }, []);

  useEffect(() => {
    store.middle = () => {
      const point = flow.screenToFlowPosition(middle());
      return { x: point.x - 100, y: point.y - 40 };
    };
  }, [store, flow, middle]);

  const openQuick = useCallback((screen = null) => {
    const at = screen ?? middle();
    setQuick({ screen: at, point: flow.screenToFlowPosition(at), next: screen === null });
  }, [flow, middle]);

  const onDrop = useCallback((event) => {
    const kind = event.dataTransfer.getData(DRAG_TYPE);
    if (!kind) return;
    event.preventDefault();
    const screen = { x: event.clientX, y: event.clientY };
    const point = flow.screenToFlowPosition(screen);
    const wire = document.elementsFromPoint(screen.x, screen.y).map((element) => element.closest(".react-flow__edge")).find(Boolean);
    const edge = wire && store.get().graph.edges.find((each) => each.id === wire.dataset.id);
    addNode(store, kind, { x: point.x - 100, y: point.y - 26 }, { edge });
    wrapper.current.focus();
  }, [flow, store]);

  const choose = useCallback((kind) => {
    const { point, wire, edge, next } = quick;
    setQuick(null);
    const id = next ? addNext(store, kind, point) : addNode(store, kind, point, { wire, edge });
    if (id) store.set({ focus: { node: id, field: "", at: Date.now() } });
  }, [quick, store]);

  useShortcuts({ store, flow, wrapper, openQuick, onRun, onPalette, onOpenInspector, quickOpen: quick !== null });

  const openMenu = (target) => (event) => {
    event.preventDefault();
    setMenu({ ...target(event), x: event.clientX, y: event.clientY, point: flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }) });
  };

  return (
    <div
      className="canvas" ref={wrapper} tabIndex={-1} data-testid="canvas" role="application" aria-label="Canvas of the workflow"
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(DRAG_TYPE)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      }}
      onDrop={onDrop}
      onDoubleClick={(event) => {
        if (event.target.classList.contains("react-flow__pane")) openQuick({ x: event.clientX, y: event.clientY });
      }}
    >
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES} connectionLineComponent={DraftWire}
        onNodesChange={onNodesChange} onEdgesChange={onEdgesChange} onNodeDragStop={onDragStop}
        onSelectionDragStop={(event, dragged) => onDragStop(event, null, dragged)}
        onConnect={onConnect} onConnectEnd={onConnectEnd} isValidConnection={isValid} connectionRadius={28}
        onNodeContextMenu={(event, node) => openMenu(() => ({ node: node.id }))(event)}
        onEdgeContextMenu={(event, edge) => openMenu(() => ({ edge: edge.id }))(event)}
        onPaneContextMenu={openMenu(() => ({}))}
        onSelectionContextMenu={openMenu(() => ({ node: store.get().nodes[0] }))}
        onNodeDoubleClick={() => onOpenInspector()}
        onlyRenderVisibleElements={graph.nodes.length > MANY_NODES}
        snapToGrid snapGrid={[GRID, GRID]} minZoom={0.1} maxZoom={2} deleteKeyCode={null} zoomOnDoubleClick={false}
        multiSelectionKeyCode={["Meta", "Control"]} selectionKeyCode="Shift" nodesFocusable={false} edgesFocusable={false}
        onInit={showBeginning} proOptions={{ hideAttribution: true }} elevateNodesOnSelect={false}
        disableKeyboardA11y
      >
        <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.4} />
        <MiniMap pannable zoomable nodeColor={NODE_COLOR} nodeStrokeWidth={0} nodeBorderRadius={8} ariaLabel="Small map of the workflow" />
        <Toolbar />
      </ReactFlow>
      {graph.nodes.length === 0 && (
        <div className="canvas-empty">
          <b>An empty workflow</b>
          <span>Drag a node from the left, or double-click here. Begin with a trigger.</span>
          <button type="button" className="btn btn-primary" onClick={() => openQuick()}>Add a node</button>
        </div>
      )}
      {quick && <QuickAdd {...quick} onChoose={choose} onClose={() => { setQuick(null); wrapper.current.focus(); }} />}
      {menu && <ContextMenu {...menu} onClose={() => setMenu(null)} onAdd={() => openQuick({ x: menu.x, y: menu.y })} onOpen={onOpenInspector} />}
    </div>
  );
}
