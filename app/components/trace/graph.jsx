// The graph that ran, coloured by what happened. Drawn once as SVG: no canvas library is needed to read.

import { duration } from "../js/format.js";
import { STATUS, lasted } from "./model.js";

const WIDTH = 220;
const HEIGHT = 56;

function place(nodes) {
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const at = (node) => {
    const parent = node.parent ? byId.get(node.parent) : null;
    const base = parent ? at(parent) : { x: 0, y: 0 };
    return { x: base.x + (node.position?.x ?? 0), y: base.y + (node.position?.y ?? 0) };
  };
  return new Map(nodes.map((n) => [n.id, { ...at(n), w: n.size?.[0] ?? WIDTH, h: n.size?.[1] ?? HEIGHT }]));
}

function tone(status) {
  const name = (STATUS[status] ?? STATUS.pending).tone;
  return `var(--${name === "idle" ? "line-2" : name})`;
}

function EdgePath({ a, b, taken }) {
  const [x1, y1, x2, y2] = [a.x + a.w, a.y + Math.min(a.h, HEIGHT) / 2, b.x, b.y + Math.min(b.h, HEIGHT) / 2];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  return (
    <path
      d={`M${x1} ${y1} C ${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} fill="none" strokeWidth="2"
      stroke={taken ? "var(--ok)" : "var(--line-2)"} strokeDasharray={taken ? undefined : "5 4"}
    />
  );
}

function NodeBox({ node, box, step, chosen, onChoose, now }) {
  const state = STATUS[step?.status ?? "pending"];
  const choose = () => step && onChoose(step);
  return (
    <g
      role="button" tabIndex={step ? 0 : -1} aria-label={`${node.label || node.id}: ${state.word}`} onClick={choose}
      onKeyDown={(e) => (e.key === "Enter" || e.key === " ") && choose()}
    >
      <rect
        x={box.x} y={box.y} width={box.w} height={box.h} rx="10" fill="var(--panel)"
        stroke={chosen ? "var(--accent)" : tone(step?.status)} strokeWidth={chosen ? 3 : 1.5}
        strokeDasharray={step?.status === "skipped" ? "5 4" : undefined}
      />
      <text x={box.x + 14} y={box.y + 23} fontSize="13" fontWeight="600" fill="var(--text)">
        {(node.label || node.id).slice(0, 26)}
      </text>
      <text
        x={box.x + 14} y={box.y + 42} fontSize="11"
        fill={step && step.status !== "skipped" ? tone(step.status) : "var(--muted)"}
      >
        {state.mark} {state.word}{step?.started_at ? ` · ${duration(lasted(step, now))}` : ""}
      </text>
    </g>
  );
}

export function GraphView({ trace, chosen, onChoose, now }) {
  const nodes = trace.graph?.nodes ?? [];
  if (!nodes.length) return <p className="tx-empty">The graph of this run is not available.</p>;
  const boxes = place(nodes);
  const steps = new Map();
  for (const step of trace.steps) {
    if (!steps.has(step.node_id) || step.status === "failed") steps.set(step.node_id, step);
  }
  const all = [...boxes.values()];
  const [left, top] = [Math.min(...all.map((b) => b.x)) - 40, Math.min(...all.map((b) => b.y)) - 40];
  const [right, bottom] = [Math.max(...all.map((b) => b.x + b.w)) + 40, Math.max(...all.map((b) => b.y + b.h)) + 40];
  const ordered = [...nodes].sort((a, b) => (a.parent ? 1 : 0) - (b.parent ? 1 : 0));
  const reached = (id) => steps.has(id) && steps.get(id).status !== "skipped";
  return (
    <div className="tx-graph" data-testid="trace-graph-view">
      <svg
        viewBox={`${left} ${top} ${right - left} ${bottom - top}`}
        style={{ width: "100%", minWidth: (right - left) * 0.62, maxWidth: right - left }} role="group"
        aria-label="Graph by status"
      >
        {(trace.graph.edges ?? []).map((edge) => (
          <EdgePath
            key={edge.id} a={boxes.get(edge.source)} b={boxes.get(edge.target)}
            taken={steps.get(edge.source)?.status === "succeeded" && reached(edge.target)}
          />
        ))}
        {ordered.map((node) => (
          <NodeBox
            key={node.id} node={node} box={boxes.get(node.id)} step={steps.get(node.id)} chosen={node.id === chosen}
            onChoose={onChoose} now={now}
          />
        ))}
      </svg>
    </div>
  );
}
