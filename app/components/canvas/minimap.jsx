// The small map: one path per category instead of one element per node, so that large graphs cost nothing while
// dragging.
import { useCallback, useMemo } from "react";
import { Panel, useReactFlow, useStore as useFlow, useViewport } from "@xyflow/react";
import { boxesOf } from "../editor/actions.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { bounds } from "../editor/geometry.js";

const SIZE = { width: 150, height: 92 };
const MARGIN = 40;

// {area, paths}: what the map shows, and the boxes of each category as one path.
function drawing(doc) {
  const boxes = boxesOf(doc);
  const all = bounds(boxes);
  const scale = Math.max((all.width + 2 * MARGIN) / SIZE.width, (all.height + 2 * MARGIN) / SIZE.height, 6);
  const area = {
    x: all.x - (SIZE.width * scale - all.width) / 2, y: all.y - (SIZE.height * scale - all.height) / 2,
    width: SIZE.width * scale, height: SIZE.height * scale, scale,
  };
  const paths = new Map();
  for (const box of boxes) {
    const type = doc.catalog.get(doc.byId.get(box.id).kind);
    const key = type?.container ? "container" : (type?.category ?? "faint");
    paths.set(key, `${paths.get(key) ?? ""}M${box.x} ${box.y}h${box.width}v${box.height}h${-box.width}z`);
  }
  return { area, paths: [...paths].sort(([a], [b]) => Number(b === "container") - Number(a === "container")) };
}

export function SmallMap() {
  const store = useStore();
  const flow = useReactFlow();
  const graph = useEditor((state) => state.graph);
  const catalog = useEditor((state) => state.catalog);
  const width = useFlow((state) => state.width);
  const height = useFlow((state) => state.height);
  const { x, y, zoom } = useViewport();
  const { area, paths } = useMemo(() => drawing(store.get()), [graph, catalog, store]);
  const go = useCallback((event) => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    flow.setCenter(area.x + at[0] * area.width, area.y + at[1] * area.height, { zoom: flow.getZoom() });
  }, [flow, area]);
  if (!graph.nodes.length) return null;
  const seen = { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
  return (
    <Panel position="bottom-right" className="small-map card">
      <svg
        {...SIZE} viewBox={`${area.x} ${area.y} ${area.width} ${area.height}`} role="img"
        aria-label="Small map of the workflow"
        onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); go(event); }}
        onPointerMove={go}
        onWheel={(event) => (event.deltaY < 0 ? flow.zoomIn() : flow.zoomOut())}
      >
        {paths.map(([category, d]) => (
          <path
            key={category} d={d} data-category={category}
            style={{ fill: `var(--${category === "container" ? "line-2" : category})` }}
          />
        ))}
        <rect {...seen} className="small-map-view" strokeWidth={area.scale * 1.5} rx={area.scale * 3} />
      </svg>
    </Panel>
  );
}
