// A read-only picture of a workflow: its real nodes and edges in the colours of their categories.

import { useId } from "react";

const BOX = { w: 200, h: 84 };
const MARGIN = 60;
const SMALLEST_SCALE = 0.62;

const sizeOf = (node) => (node.size ? { w: node.size[0], h: node.size[1] } : BOX);

// Positions are relative to the container a node lies in.
export function placed(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const origin = (node, depth = 0) => {
    const parent = depth < 64 && node.parent ? byId.get(node.parent) : null;
    const base = parent ? origin(parent, depth + 1) : { x: 0, y: 0 };
    return { x: base.x + node.x, y: base.y + node.y };
  };
  return nodes.map((node) => ({ ...node, ...origin(node), ...sizeOf(node) }));
}

export function bounds(boxes) {
  if (boxes.length === 0) return { x: 0, y: 0, w: 400, h: 120 };
  const left = Math.min(...boxes.map((box) => box.x)) - MARGIN;
  const top = Math.min(...boxes.map((box) => box.y)) - MARGIN;
  const right = Math.max(...boxes.map((box) => box.x + box.w)) + MARGIN;
  const bottom = Math.max(...boxes.map((box) => box.y + box.h)) + MARGIN;
  return { x: left, y: top, w: right - left, h: bottom - top };
}

// Tools hang below the agent they serve; all other edges run from right to left sides.
export function path(source, target, tool) {
  if (tool) {
    const [x1, y1, x2, y2] = [source.x + source.w / 2, source.y, target.x + target.w / 2, target.y + target.h];
    const bend = Math.max(30, Math.abs(y2 - y1) / 2);
    return `M${x1} ${y1} C${x1} ${y1 - bend} ${x2} ${y2 + bend} ${x2} ${y2}`;
  }
  const [x1, y1, x2, y2] = [source.x + source.w, source.y + source.h / 2, target.x, target.y + target.h / 2];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  return `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function GraphPreview({ graph, label = "Workflow", height = 92, large = false }) {
  const clip = useId();
  const boxes = placed(graph?.nodes ?? []);
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const area = bounds(boxes);
  const minWidth = large ? area.w * SMALLEST_SCALE : undefined;
  return (
    <div className="graph-preview" style={{ height, overflowX: large ? "auto" : "hidden" }} tabIndex={large ? 0 : undefined}
      role={large ? "group" : undefined} aria-label={large ? `Picture of ${label}` : undefined}>
      <svg viewBox={`${area.x} ${area.y} ${area.w} ${area.h}`} role="img" preserveAspectRatio="xMidYMid meet" style={{ minWidth }}
        aria-label={`${label}: ${boxes.length} nodes, ${graph?.edges?.length ?? 0} connections`}>
        {boxes.filter((box) => box.container).map((box) => (
          <rect key={box.id} className="container" x={box.x} y={box.y} width={box.w} height={box.h} rx="14" />
        ))}
        {(graph?.edges ?? []).map((edge) => {
          const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
          return source && target && (
            <path key={edge.id} className={`edge ${edge.tool ? "edge-tool" : ""}`} d={path(source, target, edge.tool)} />
          );
        })}
        {boxes.map((box, at) => (
          <g key={box.id} transform={`translate(${box.x} ${box.y})`}>
            {!box.container && (
              <>
                <clipPath id={`${clip}-${at}`}><rect width={box.w} height={box.h} rx="14" /></clipPath>
                <rect className="box" width={box.w} height={box.h} rx="14" />
                <rect width="14" height={box.h} clipPath={`url(#${clip}-${at})`} fill={`var(--${box.category})`} />
              </>
            )}
            {large && (
              <>
                <text x="28" y={box.container ? 30 : 36} fontSize="17">{short(box.label, 19)}</text>
                {!box.container && <text className="kind" x="28" y="60" fontSize="14">{short(box.kind, 23)}</text>}
              </>
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}
