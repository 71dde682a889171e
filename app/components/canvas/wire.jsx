// Wires between ports, the wire that is being drawn, and why it would be refused.
import { memo } from "react";
import { BaseEdge, EdgeLabelRenderer, getBezierPath, useConnection } from "@xyflow/react";
import { Plus, X } from "lucide-react";
import { useWireState } from "../js/use_live.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { whyNot } from "../editor/model.js";

const BEND = 70;
const BELOW = 96;

// A wire that leads back goes below the nodes, so that a loop is seen as one.
function wayOf(props) {
  const { sourceX, sourceY, targetX, targetY, sourceHandleId } = props;
  if (targetX > sourceX || sourceHandleId === "tool") return getBezierPath(props);
  const low = Math.max(sourceY, targetY) + BELOW;
  const [right, left] = [sourceX + BEND, targetX - BEND];
  const down = `M${sourceX},${sourceY} C${right},${sourceY} ${right},${low} ${sourceX},${low}`;
  const up = `L${targetX},${low} C${left},${low} ${left},${targetY} ${targetX},${targetY}`;
  return [`${down} ${up}`, (sourceX + targetX) / 2, low];
}

export const Wire = memo(function Wire(props) {
  const { id, source, target, sourceHandleId, selected, data } = props;
  const runId = useEditor((state) => state.runId);
  const state = useWireState(runId, source, sourceHandleId, target);
  const store = useStore();
  const [path, x, y] = wayOf(props);
  const slot = sourceHandleId === "tool";
  return (
    <>
      <BaseEdge
        id={id} path={path} interactionWidth={18}
        className={`wire ${slot ? "wire-slot" : ""} ${state ? `wire-${state}` : ""}`}
      />
      {selected && !data.readOnly && (
        <EdgeLabelRenderer>
          <div
            className="wire-tools nopan nodrag" style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          >
            {!slot && (
              <button
                type="button" aria-label="Insert a node into this wire" title="Insert a node"
                onClick={(event) => data.onInsert(id, event)}
              >
                <Plus size={12} />
              </button>
            )}
            <button
              type="button" aria-label="Delete this wire" title="Delete"
              onClick={() => store.edit([{ op: "remove_edge", id }])}
            >
              <X size={12} />
            </button>
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

// Why the wire over this port is refused; null when nothing is to be said.
export function refusal(doc, connection) {
  const { fromHandle, toHandle } = connection;
  if (!fromHandle || !toHandle || fromHandle === toHandle) return null;
  if (fromHandle.type === toHandle.type) {
    if (fromHandle.nodeId === toHandle.nodeId && fromHandle.id === toHandle.id) return null;
    return fromHandle.type === "source"
      ? "Both are outputs. Connect an output to an input."
      : "Both are inputs. Connect an output to an input.";
  }
  const [from, to] = fromHandle.type === "source" ? [fromHandle, toHandle] : [toHandle, fromHandle];
  return whyNot(doc, { source: from.nodeId, source_port: from.id, target: to.nodeId, target_port: to.id });
}

export function DraftWire(props) {
  const { fromX, fromY, toX, toY, fromPosition, toPosition } = props;
  const store = useStore();
  const reason = useConnection((connection) => (connection.inProgress ? refusal(store.get(), connection) : null));
  const [path] = getBezierPath({
    sourceX: fromX, sourceY: fromY, sourcePosition: fromPosition, targetX: toX, targetY: toY,
    targetPosition: toPosition,
  });
  return (
    <g>
      <path className={`wire wire-draft ${reason ? "wire-refused" : ""}`} d={path} fill="none" />
      {reason && (
        <foreignObject x={toX + 12} y={toY - 132} width={260} height={120} className="wire-reason-box">
          <div className="wire-reason" role="status" data-testid="refusal">{reason}</div>
        </foreignObject>
      )}
    </g>
  );
}
