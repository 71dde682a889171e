// A read-only picture of a workflow: its real nodes and edges in the colours of their categories.

import { useEffect, useId, useRef, useState } from "react";
import { Maximize, Minus, Plus } from "lucide-react";

const BOX = { w: 220, h: 84 };
const MARGIN = 60;
const LINE = 15;
const ZOOM = 1.3;
const SMALLEST_VIEW = 400;

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

// A label in at most two lines.
export function lines(label) {
  if (label.length <= LINE) return [label];
  const at = label.lastIndexOf(" ", LINE);
  const first = at > 0 ? label.slice(0, at) : label.slice(0, LINE);
  const rest = label.slice(first.length).trim();
  return [first, rest.length > LINE ? `${rest.slice(0, LINE - 1)}…` : rest];
}

function Box({ box, clip, large }) {
  const words = large ? lines(box.label) : [];
  const top = box.container ? 34 : box.h / 2 + 8 - (words.length - 1) * 14;
  return (
    <g transform={`translate(${box.x} ${box.y})`}>
      <title>{`${box.label} (${box.kind})`}</title>
      {box.container ? <rect className="body-box" width={box.w} height={box.h} rx="14" /> : (
        <>
          <clipPath id={clip}><rect width={box.w} height={box.h} rx="12" /></clipPath>
          <rect className="box" width={box.w} height={box.h} rx="12" />
          <rect width="14" height={box.h} clipPath={`url(#${clip})`} fill={`var(--${box.category})`} />
        </>
      )}
      {words.map((word, at) => <text key={word} x="28" y={top + at * 28} fontSize="23">{word}</text>)}
    </g>
  );
}

// Drag moves the picture, Ctrl and wheel (or the buttons, or + − 0 and the arrow keys) zoom and move it.
function useView(area, key) {
  const [view, setView] = useState(area);
  useEffect(() => setView(area), [key]);
  const zoom = (factor) => setView((old) => {
    const w = Math.min(area.w * 2, Math.max(SMALLEST_VIEW, old.w / factor));
    const h = (old.h * w) / old.w;
    return { x: old.x + (old.w - w) / 2, y: old.y + (old.h - h) / 2, w, h };
  });
  const move = (dx, dy) => setView((old) => ({ ...old, x: old.x + dx, y: old.y + dy }));
  return { view, zoom, move, fit: () => setView(area) };
}

// A large picture is moved with the pointer and zoomed with Ctrl and the wheel.
function useHands(svg, large, zoom, move) {
  const grip = useRef(null);
  useEffect(() => {
    if (!large) return undefined;
    const wheel = (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM);
    };
    const picture = svg.current;
    picture.addEventListener("wheel", wheel, { passive: false });
    return () => picture.removeEventListener("wheel", wheel);
  }, [large]);
  if (!large) return {};
  const leave = () => { grip.current = null; };
  return {
    onPointerDown: (event) => {
      grip.current = { x: event.clientX, y: event.clientY };
      svg.current.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event) => {
      if (!grip.current) return;
      const unit = 1 / svg.current.getScreenCTM().a;
      move((grip.current.x - event.clientX) * unit, (grip.current.y - event.clientY) * unit);
      grip.current = { x: event.clientX, y: event.clientY };
    },
    onPointerUp: leave, onPointerCancel: leave,
  };
}

function Tools({ zoom, fit }) {
  return (
    <div className="graph-tools">
      <button type="button" className="btn btn-icon btn-sm" aria-label="Zoom out" onClick={() => zoom(1 / ZOOM)}>
        <Minus size={13} />
      </button>
      <button type="button" className="btn btn-icon btn-sm" aria-label="Zoom in" onClick={() => zoom(ZOOM)}>
        <Plus size={13} />
      </button>
      <button type="button" className="btn btn-icon btn-sm" aria-label="Show all of it" onClick={fit}>
        <Maximize size={13} />
      </button>
    </div>
  );
}

export function GraphPreview({ graph, label = "Workflow", height = 92, large = false }) {
  const clip = useId();
  const svg = useRef(null);
  const boxes = placed(graph?.nodes ?? []);
  const edges = graph?.edges ?? [];
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const area = bounds(boxes);
  const { view, zoom, move, fit } = useView(area, Object.values(area).join(" "));
  const shown = large ? view : area;
  const hands = useHands(svg, large, zoom, move);
  const keys = (event) => {
    const step = view.w / 10;
    const known = {
      "+": () => zoom(ZOOM), "=": () => zoom(ZOOM), "-": () => zoom(1 / ZOOM), 0: fit, ArrowLeft: () => move(-step, 0),
      ArrowRight: () => move(step, 0), ArrowUp: () => move(0, -step), ArrowDown: () => move(0, step),
    }[event.key];
    if (!known || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    known();
  };

  return (
    <div className={`graph-preview ${large ? "movable" : ""}`} style={{ height }} {...(large ? {
      tabIndex: 0, role: "group", "aria-label": `Picture of ${label}. Plus and minus zoom, arrow keys move it.`,
      onKeyDown: keys,
    } : {})}>
      <svg ref={svg} viewBox={`${shown.x} ${shown.y} ${shown.w} ${shown.h}`} role="img"
        preserveAspectRatio="xMidYMid meet"
        aria-label={`${label}: ${boxes.length} nodes, ${edges.length} connections`} {...hands}>
        {boxes.filter((box) => box.container).map((box) => <Box key={box.id} box={box} large={large} />)}
        {edges.map((edge) => {
          const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
          return source && target && (
            <path
              key={edge.id} className={`edge ${edge.tool ? "edge-tool" : ""}`} d={path(source, target, edge.tool)}
            />
          );
        })}
        {boxes.map((box, at) => !box.container && <Box key={box.id} box={box} clip={`${clip}-${at}`} large={large} />)}
      </svg>
      {large && <Tools zoom={zoom} fit={fit} />}
    </div>
  );
}
