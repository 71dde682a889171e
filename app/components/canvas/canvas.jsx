// The canvas: React Flow over the editor's store.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Background, BackgroundVariant, ReactFlow, useReactFlow, useStore as useFlow } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { addNext, addNode } from "../editor/actions.js";
import { ContextMenu } from "./context_menu.jsx";
import { useEditor, useStore } from "../editor/context.jsx";
import { GRID, snap } from "../editor/geometry.js";
import { SmallMap } from "./minimap.jsx";
import { ContainerBox, Far, NodeBox } from "./node.jsx";
import { QuickAdd } from "./quick_add.jsx";
import { DRAG_TYPE } from "./search.js";
import { useShortcuts } from "./shortcuts.jsx";
import { Toolbar } from "./toolbar.jsx";
import { useFlowGraph } from "./use_flow_graph.jsx";
import { Follow, useView } from "./use_view.jsx";
import { elementAt, useWiring } from "./use_wiring.jsx";
import { DraftWire, Wire } from "./wire.jsx";

const NODE_TYPES = { box: NodeBox, container: ContainerBox };
const EDGE_TYPES = { wire: Wire };
const MANY_NODES = 300;
const BUSY_NODES = 100;
const FAR = 0.35;
const OPTIONS = {
  snapToGrid: true, snapGrid: [GRID, GRID], minZoom: 0.1, maxZoom: 2, connectionRadius: 28, deleteKeyCode: null,
  zoomOnDoubleClick: false,
  multiSelectionKeyCode: ["Meta", "Control"], selectionKeyCode: "Shift", nodesFocusable: false, edgesFocusable: false,
  proOptions: { hideAttribution: true }, elevateNodesOnSelect: false, disableKeyboardA11y: true,
};
const isFar = (state) => state.transform[2] < FAR;

const screenOf = (event) => ({ x: event.clientX, y: event.clientY });

function Empty({ onAdd }) {
  return (
    <div className="canvas-empty">
      <b>An empty workflow</b>
      <span>Drag a node from the left, or double-click here. Begin with a trigger.</span>
      <button type="button" className="btn btn-primary" onClick={onAdd}>Add a node</button>
    </div>
  );
}

// The right mouse button: opens a menu for a node, a wire, or the place under the pointer.
function useMenu(store, flow) {
  const [menu, setMenu] = useState(null);
  const on = useMemo(() => {
    const open = (event, target) => {
      event.preventDefault();
      setMenu({ ...target, ...screenOf(event), point: flow.screenToFlowPosition(screenOf(event)) });
    };
    return {
      onNodeContextMenu: (event, node) => open(event, { node: node.id }),
      onEdgeContextMenu: (event, edge) => open(event, { edge: edge.id }),
      onPaneContextMenu: (event) => open(event, {}),
      onSelectionContextMenu: (event) => open(event, { node: store.get().nodes[0] }),
    };
  }, [store, flow]);
  return [menu, setMenu, on];
}

// A node type dragged from the list: onto the canvas, into a container, or into a wire.
function useDrop(store, flow, wrapper) {
  return useMemo(() => ({
    onDragOver: (event) => {
      if (!event.dataTransfer.types.includes(DRAG_TYPE)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    },
    onDrop: (event) => {
      const kind = event.dataTransfer.getData(DRAG_TYPE);
      if (!kind) return;
      event.preventDefault();
      const point = flow.screenToFlowPosition(screenOf(event));
      const wire = elementAt(screenOf(event), ".react-flow__edge");
      const edge = wire && store.get().graph.edges.find((each) => each.id === wire.dataset.id);
      addNode(store, kind, { x: point.x - 100, y: point.y - 26 }, { edge });
      wrapper.current.focus();
    },
  }), [store, flow, wrapper]);
}

// The small search: where it is open and what for, and what becomes of a choice.
function useQuick(store, flow, wrapper) {
  const [quick, setQuick] = useState(null);
  const view = useView(wrapper);
  const { middle } = view;
  const handlers = useMemo(() => ({
    onResize: (id, box) => {
      const move = { id, x: snap(box.x), y: snap(box.y), parent: store.get().byId.get(id)?.parent ?? null };
      store.edit([{ op: "move", moves: [move] }, { op: "resize", id, size: [snap(box.width), snap(box.height)] }]);
    },
    onInsert: (edgeId, event) => {
      const edge = store.get().graph.edges.find((each) => each.id === edgeId);
      const point = flow.screenToFlowPosition(screenOf(event));
      setQuick({ screen: screenOf(event), point: { x: point.x - 100, y: point.y - 40 }, edge });
    },
  }), [store, flow]);
  const openQuick = useCallback((screen = null) => {
    const at = screen ?? middle();
    setQuick({ screen: at, point: flow.screenToFlowPosition(at), next: screen === null });
  }, [flow, middle]);
  const choose = useCallback((kind) => {
    const { point, wire, edge, next } = quick;
    setQuick(null);
    const id = next ? addNext(store, kind, point) : addNode(store, kind, point, { wire, edge });
    if (id) store.set({ focus: { node: id, field: "", at: Date.now() } });
  }, [quick, store]);
  const leaveQuick = useCallback(() => {
    setQuick(null);
    wrapper.current.focus();
  }, [wrapper]);
  return { quick, setQuick, openQuick, choose, leaveQuick, handlers, view };
}

export function Canvas({ onRun, onPalette, onOpenInspector, onNodeClick, onPaneClick }) {
  const store = useStore();
  const flow = useReactFlow();
  const wrapper = useRef(null);
  const { quick, setQuick, openQuick, choose, leaveQuick, handlers, view } = useQuick(store, flow, wrapper);
  const count = useEditor((state) => state.graph.nodes.length);
  const far = useFlow(isFar) && count > BUSY_NODES;
  const graph = useFlowGraph(handlers);
  const wiring = useWiring(setQuick);
  const [menu, setMenu, onMenu] = useMenu(store, flow);
  const dropping = useDrop(store, flow, wrapper);

  const closeMenu = useCallback(() => {
    setMenu(null);
    wrapper.current.focus();
  }, [setMenu]);
  useEffect(() => { store.toCanvas = () => wrapper.current?.focus(); }, [store]);
  useShortcuts({
    store, flow, wrapper, openQuick, onRun, onPalette, onOpenInspector, onLeave: onPaneClick, quickOpen: quick !== null,
  });

  return (
    <div
      className="canvas" ref={wrapper} tabIndex={-1} data-testid="canvas" role="application"
      aria-label="Canvas of the workflow" {...dropping}
      onDoubleClick={(event) => event.target.classList.contains("react-flow__pane") && openQuick(screenOf(event))}
    >
      <Far.Provider value={far}>
        {view.first && (
          <ReactFlow
            {...OPTIONS} {...graph} {...wiring} {...onMenu} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES}
            connectionLineComponent={DraftWire}
            onSelectionDragStop={(event, dragged) => graph.onNodeDragStop(event, null, dragged)}
            onNodeDoubleClick={onOpenInspector}
            onNodeClick={onNodeClick} onPaneClick={onPaneClick}
            onlyRenderVisibleElements={count > MANY_NODES} defaultViewport={view.first}
            onMoveStart={(event) => event && (store.movedDuring = store.get().runId)}
          >
            <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.4} />
            <SmallMap />
            <Follow wrapper={wrapper} />
            <Toolbar />
          </ReactFlow>
        )}
      </Far.Provider>
      {count === 0 && <Empty onAdd={() => openQuick()} />}
      {quick && <QuickAdd {...quick} onChoose={choose} onClose={leaveQuick} />}
      {menu && (
        <ContextMenu
          {...menu} onClose={closeMenu} onAdd={() => openQuick(screenOf({ clientX: menu.x, clientY: menu.y }))}
          onOpen={onOpenInspector}
        />
      )}
    </div>
  );
}
