// What of the canvas is seen: the beginning when it opens, a node somebody asked for, the middle for new nodes.
import { useCallback, useEffect, useLayoutEffect, useState } from "react";
import { useReactFlow } from "@xyflow/react";
import { boxesOf } from "../editor/actions.js";
import { RUN_DONE } from "../js/live.js";
import { useRun } from "../js/use_live.js";
import { mainPath } from "../run/rows.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { absolute, bounds } from "../editor/geometry.js";
import { sizeOf } from "../editor/model.js";

const READABLE = 0.75;
const BAR = 60;
const EDGE = 40;

// All of it when it can be read then, else its beginning.
function beginning(doc, pane) {
  const all = bounds(boxesOf(doc));
  const fit = Math.min((pane.width - 100) / all.width, (pane.height - 2 * BAR) / all.height, 1);
  const zoom = Math.max(fit, READABLE);
  const x = fit >= READABLE ? (pane.width - all.width * zoom) / 2 : 48;
  const y = all.height * zoom < pane.height ? (pane.height - BAR - all.height * zoom) / 2 : 48;
  return { x: x - all.x * zoom, y: y - all.y * zoom, zoom };
}

function middleOf(doc, node) {
  const at = absolute(node, doc.byId);
  const [width, height] = sizeOf(doc, node);
  return { x: at.x + width / 2, y: at.y + height / 2 };
}

// Where to look at first: at the node somebody asked for, else at the beginning.
function firstView(doc, pane) {
  if (!doc.graph.nodes.length) return { x: 0, y: 0, zoom: 1 };
  const view = beginning(doc, pane);
  const node = doc.byId.get(doc.focus?.node);
  if (!node) return view;
  const { x, y } = middleOf(doc, node);
  return { x: pane.width / 2 - x * view.zoom, y: pane.height / 2 - y * view.zoom, zoom: view.zoom };
}

// How far to move a thing so that all of it is in sight with some room: what was in sight stays as far as possible.
function shortBy(from, size, room) {
  if (from + size + EDGE > room) return Math.max(room - EDGE - size, EDGE) - from;
  return from < 0 ? EDGE - from : 0;
}

// While a run goes on the camera goes to the step at work when that is out of sight, until a person moves it
// themselves.
export function Follow({ wrapper }) {
  const store = useStore();
  const flow = useReactFlow();
  const runId = useEditor((state) => state.runId);
  const entry = useRun(runId);
  const path = entry?.run && !RUN_DONE.has(entry.run.status) ? mainPath(entry) : null;
  const nodeId = path ? entry.steps.get(path)?.node_id : null;
  useEffect(() => {
    const { byId } = store.get();
    const node = nodeId && byId.get(nodeId);
    if (!node || store.movedDuring === runId) return;
    const at = absolute(node, byId);
    const [width, height] = sizeOf(store.get(), node);
    const { x, y, zoom } = flow.getViewport();
    const pane = wrapper.current.getBoundingClientRect();
    const across = shortBy(at.x * zoom + x, width * zoom, pane.width);
    const down = shortBy(at.y * zoom + y, height * zoom, pane.height - BAR);
    if (across || down) flow.setViewport({ x: x + across, y: y + down, zoom }, { duration: 300 });
  }, [nodeId, runId, flow, store, wrapper]);
  return null;
}

export function useView(wrapper) {
  const store = useStore();
  const flow = useReactFlow();
  const focus = useEditor((state) => state.focus);
  // Known before the first node is drawn: a node that is seen does not move away from under the pointer.
  const [first, setFirst] = useState(null);
  useLayoutEffect(() => setFirst(firstView(store.get(), wrapper.current.getBoundingClientRect())), [store, wrapper]);
  const middle = useCallback(() => {
    const box = wrapper.current.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  }, [wrapper]);
  useEffect(() => {
    store.middle = () => {
      const point = flow.screenToFlowPosition(middle());
      return { x: point.x - 100, y: point.y - 40 };
    };
  }, [store, flow, middle]);
  useEffect(() => {
    const { byId } = store.get();
    const node = focus && byId.get(focus.node);
    if (!node) return;
    const { x, y } = middleOf(store.get(), node);
    flow.setCenter(x, y, { zoom: Math.max(flow.getZoom(), READABLE), duration: 200 });
  }, [focus, flow, store]);
  return { first, middle };
}
