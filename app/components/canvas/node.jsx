// Boxes on the canvas: nodes, containers, placeholders of unknown kinds, and their ports.
import { createContext, memo, useContext } from "react";
import { Handle, NodeResizer } from "@xyflow/react";
import {
  Ban, Check, Clock, Hourglass, LoaderCircle, Pin, SkipForward, Timer, TriangleAlert, Unplug, X,
} from "lucide-react";
import { cost, duration, elapsed, gist, gistOfPreview, remarks } from "../js/format.js";
import { KindTile } from "../js/icons.jsx";
import { effectUnknown } from "../js/live.js";
import { STATUSES } from "../js/protocol.gen.js";
import { useNodeRun, useNodeText, useNow } from "../js/use_live.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { CONTAINER_MIN } from "../editor/geometry.js";
import { portPlaces, subtitle, titleOf, typeName, whyNot } from "../editor/model.js";

// Whether the canvas is seen from so far away that words would only cost time.
export const Far = createContext(false);

const ICONS = {
  pending: Clock, running: LoaderCircle, waiting_human: Hourglass, waiting: Timer, succeeded: Check, failed: X,
  skipped: SkipForward, canceled: Ban, interrupted: Unplug,
};

// Drawn in a box of fixed size: React Flow never has to measure the node again while statuses change.
const StatusBadge = memo(function StatusBadge({ step, streaming }) {
  const running = step.status === "running";
  const now = useNow(running, 500);
  const remark = remarks(step);
  const Icon = remark ? TriangleAlert : ICONS[step.status] ?? Clock;
  const { word, tone } = remark ? { tone: "wait" } : STATUSES[step.status] ?? STATUSES.pending;
  const time = duration(elapsed(step, now));
  const text = remark || (step.status === "succeeded" ? time : running && streaming ? "streaming" : word);
  return (
    <span
      className={`node-badge tone-${tone}`} data-status={step.status}
      title={running ? time : remark ? step.warnings.map(({ message }) => message).join("\n") : undefined}
    >
      <Icon size={11} className={running ? "spin" : undefined} aria-hidden="true" />
      <span>{step.rounds > 1 ? `${step.failed || step.done}/${step.rounds} · ${text}` : text}</span>
    </span>
  );
});

function figures(step) {
  if (step.status === "failed" || effectUnknown(step)) return step.error?.message ?? "";
  const parts = [];
  if (step.tokens) parts.push(`${step.tokens.toLocaleString("en-US")} tok`);
  if (step.tokens) parts.push(cost(step.cost_usd));
  if (parts.length || step.status !== "succeeded") return parts.join(" · ");
  return step.output === undefined ? gistOfPreview(step.preview) : gist(step.output);
}

const Footer = memo(function Footer({ id, problems }) {
  const runId = useEditor((state) => state.runId);
  const step = useNodeRun(runId, id);
  const text = useNodeText(runId, id);
  if (!step) {
    return (
      <div className="node-foot">
        <span className="mono faint">{id}</span>
        {problems > 0 && <span className="node-problem">{problems} to fix</span>}
      </div>
    );
  }
  const streaming = step.status === "running" && text !== "";
  return (
    <div className="node-foot" aria-live="off">
      <StatusBadge step={step} streaming={streaming} />
      {streaming
        ? <span className="node-stream"><bdi>{text.replace(/\s+/g, " ")}</bdi></span>
        : <span className="node-figures" title={figures(step)}>{figures(step)}</span>}
    </div>
  );
});

// Whether the wire that is being drawn fits this port; React Flow's own state changes with each move of the pointer,
// ours only when a wire is taken up or dropped.
function useFit(id, port, kind) {
  const store = useStore();
  return useEditor((state) => {
    const from = state.drawing;
    if (!from) return "";
    if (from.nodeId === id && from.id === port && from.type === kind) return "from";
    if (from.type === kind) return "other";
    const [a, b] = [{ node: from.nodeId, port: from.id }, { node: id, port }];
    const [source, target] = kind === "target" ? [a, b] : [b, a];
    const wire = { source: source.node, source_port: source.port, target: target.node, target_port: target.port };
    return fits(store.get(), wire) ? "fits" : "refused";
  });
}

// Each pair of ports is judged once per graph.
const JUDGED = new WeakMap();

function fits(doc, wire) {
  if (!JUDGED.has(doc.graph)) JUDGED.set(doc.graph, new Map());
  const known = JUDGED.get(doc.graph);
  const key = `${wire.source}.${wire.source_port}>${wire.target}.${wire.target_port}`;
  if (!known.has(key)) known.set(key, whyNot(doc, wire) === null);
  return known.get(key);
}

function Port({ id, port, kind, position, style, labelled }) {
  const fit = useFit(id, port.name, kind);
  const tip = port.title && port.title !== port.name
    ? `${port.title} · ${typeName(port.type)}`
    : `${port.name} · ${typeName(port.type)}`;
  return (
    <Handle
      type={kind} id={port.name} position={position} style={style} data-type={port.type} data-fit={fit || undefined}
      className={`port ${port.error ? "port-error" : ""} ${port.branch ? "port-branch" : ""}`}
      data-testid={`port-${id}-${kind === "source" ? "out" : "in"}-${port.name}`}
    >
      <span className={`port-tip port-tip-${position}`}>
        {tip}{kind === "target" && port.required ? " · required" : ""}
      </span>
      {labelled && <span className={`port-label port-label-${position}`}>{port.title || port.name}</span>}
    </Handle>
  );
}

function Ports({ id, places }) {
  return places.map(({ port, kind, side, x, y, labelled }) => (
    <Port
      key={`${kind} ${port.name}`} id={id} port={port} kind={kind} position={side} style={{ left: x, top: y }}
      labelled={labelled}
    />
  ));
}

// From far away ports are bare: React Flow measures them in each box that comes into sight, and a wire ends nowhere
// without its port.
function FarPorts({ places }) {
  return places.map(({ port, kind, side, x, y }) => (
    <Handle
      key={`${kind} ${port.name}`} type={kind} id={port.name} position={side} style={{ left: x, top: y }}
      className="port port-far" isConnectable={false}
    />
  ));
}

export const NodeBox = memo(function NodeBox({ id, data, selected }) {
  const { node } = data;
  const type = useEditor((state) => state.catalog.get(node.kind));
  const formPorts = useEditor((state) => state.ports[id]);
  const problems = useEditor((state) => state.problemsByNode.get(id));
  const unknownEdges = useEditor((state) => (type ? null : state.graph.edges));
  const runId = useEditor((state) => state.runId);
  const step = useNodeRun(runId, id);
  const store = useStore();
  const far = useContext(Far);
  void formPorts;
  void unknownEdges;
  const errors = (problems ?? []).filter((problem) => problem.severity === "error").length;
  const state = [
    "node", selected && "is-selected", step && `is-${step.status}`, errors > 0 && "has-errors", !type && "is-unknown",
    node.settings?.disabled && "is-disabled",
  ].filter(Boolean).join(" ");
  const title = titleOf(node, type);
  const places = portPlaces(store.get(), node);
  if (far) {
    return (
      <div className={`${state} is-far`} data-testid={`node-${id}`} data-kind={node.kind}>
        <KindTile type={type} size={48} />
        <FarPorts places={places} />
      </div>
    );
  }
  return (
    <div className={state} data-testid={`node-${id}`} data-kind={node.kind}>
      <div className="node-head">
        <KindTile type={type} />
        <div className="node-words">
          <div className="node-title" title={title}>{title}</div>
          <div className="node-sub" title={subtitle(node, type)}>{subtitle(node, type)}</div>
        </div>
        {node.settings?.pinned && (
          <span className="node-mark tone-wait" title="The output is pinned">
            <Pin size={13} aria-label="Pinned output" />
          </span>
        )}
        {(problems ?? []).length > 0 && (
          <span className={`node-mark ${errors ? "tone-err" : "tone-wait"}`} title={problems[0].message}>
            <TriangleAlert size={13} aria-label={`${problems.length} problems`} />
          </span>
        )}
      </div>
      <Footer id={id} problems={errors} />
      <Ports id={id} places={places} />
    </div>
  );
});

export const ContainerBox = memo(function ContainerBox({ id, data, selected }) {
  const { node } = data;
  const store = useStore();
  const type = useEditor((state) => state.catalog.get(node.kind));
  const problems = useEditor((state) => state.problemsByNode.get(id));
  const empty = useEditor((state) => !state.graph.nodes.some((each) => each.parent === id));
  const runId = useEditor((state) => state.runId);
  const step = useNodeRun(runId, id);
  const over = useEditor((state) => state.over === id);
  const far = useContext(Far);
  const errors = (problems ?? []).some((problem) => problem.severity === "error");
  const places = portPlaces(store.get(), node);
  const marks = [selected && "is-selected", step && `is-${step.status}`, errors && "has-errors", over && "is-over"];
  return (
    <div
      className={["node container-node", ...marks].filter(Boolean).join(" ")}
      data-testid={`node-${id}`} data-kind={node.kind}
    >
      <NodeResizer
        isVisible={selected} minWidth={CONTAINER_MIN[0]} minHeight={CONTAINER_MIN[1]}
        onResizeEnd={(_, box) => data.onResize(id, box)}
      />
      <div className="node-head">
        <KindTile type={type} />
        <div className="node-words">
          <div className="node-title">{titleOf(node, type)}</div>
          <div className="node-sub">{subtitle(node, type)}</div>
        </div>
        {(problems ?? []).length > 0 && (
          <span className={`node-mark ${errors ? "tone-err" : "tone-wait"}`} title={problems[0].message}>
            <TriangleAlert size={13} aria-label={`${problems.length} problems`} />
          </span>
        )}
      </div>
      <div className="container-body">
        {empty && <span>Drop nodes here. They run once for every item, as <code>{"{{ item }}"}</code>.</span>}
      </div>
      <Footer id={id} problems={0} />
      {far ? <FarPorts places={places} /> : <Ports id={id} places={places} />}
    </div>
  );
});
