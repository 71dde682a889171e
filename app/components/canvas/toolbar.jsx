// The bar at the foot of the canvas: zoom, fit, tidy, undo, redo.
import { Panel, useReactFlow, useViewport } from "@xyflow/react";
import { Maximize, Minus, Plus, Redo2, Undo2, Waypoints } from "lucide-react";
import { tidyAll } from "../editor/actions.js";
import { useEditor, useStore } from "../editor/context.jsx";

const SMOOTH = { duration: 150 };

export function Toolbar() {
  const store = useStore();
  const flow = useReactFlow();
  const { zoom } = useViewport();
  const canUndo = useEditor((state) => state.canUndo);
  const canRedo = useEditor((state) => state.canRedo);
  const tidy = () => {
    tidyAll(store);
    setTimeout(() => flow.fitView({ padding: 0.15, maxZoom: 1, duration: 250 }), 30);
  };
  return (
    <Panel position="bottom-center" className="canvas-bar card" role="toolbar" aria-label="Canvas">
      <button
        type="button" className="btn btn-ghost btn-sm btn-icon" title="Zoom out  −" aria-label="Zoom out"
        onClick={() => flow.zoomOut(SMOOTH)}
      >
        <Minus size={14} />
      </button>
      <button
        type="button" className="btn btn-ghost btn-sm zoom-word" title="Actual size  0"
        onClick={() => flow.zoomTo(1, SMOOTH)}
      >
        {Math.round(zoom * 100)}%
      </button>
      <button
        type="button" className="btn btn-ghost btn-sm btn-icon" title="Zoom in  +" aria-label="Zoom in"
        onClick={() => flow.zoomIn(SMOOTH)}
      >
        <Plus size={14} />
      </button>
      <button
        type="button" className="btn btn-ghost btn-sm" title="Show everything  1"
        onClick={() => flow.fitView({ padding: 0.15, maxZoom: 1, duration: 200 })}
      >
        <Maximize size={13} />Fit
      </button>
      <button
        type="button" className="btn btn-ghost btn-sm" title="Lay out in order  Shift+L" data-testid="tidy"
        onClick={tidy}
      >
        <Waypoints size={13} />Tidy
      </button>
      <button
        type="button" className="btn btn-ghost btn-sm btn-icon" title="Undo  Ctrl+Z" aria-label="Undo"
        data-testid="undo" disabled={!canUndo} onClick={() => store.undo()}
      >
        <Undo2 size={14} />
      </button>
      <button
        type="button" className="btn btn-ghost btn-sm btn-icon" title="Redo  Ctrl+Shift+Z" aria-label="Redo"
        data-testid="redo" disabled={!canRedo} onClick={() => store.redo()}
      >
        <Redo2 size={14} />
      </button>
    </Panel>
  );
}
