// The workflow as a list: the same graph, edited by keyboard and screen reader alone.
import { useMemo, useState } from "react";
import { Trash2, X } from "lucide-react";
import { KindTile } from "../js/icons.jsx";
import { useNodeRun } from "../js/use_live.js";
import { outline } from "../editor/actions.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { asEdge, portsOf, titleOf, whyNot } from "../editor/model.js";

const WORDS = { waiting_human: "waiting for a person", succeeded: "done" };

function Status({ id }) {
  const runId = useEditor((state) => state.runId);
  const step = useNodeRun(runId, id);
  return step
    ? <span className={`outline-status tone-${step.status}`}>{WORDS[step.status] ?? step.status}</span>
    : null;
}

function Wires({ node }) {
  const store = useStore();
  const graph = useEditor((state) => state.graph);
  const doc = store.get();
  const out = graph.edges.filter((edge) => edge.source === node.id);
  const name = (id) => titleOf(doc.byId.get(id), doc.catalog.get(doc.byId.get(id).kind));
  return out.map((edge) => (
    <li key={edge.id}>
      <span className="mono">
        {edge.source_port}
      </span> → {name(edge.target)} <span className="mono">{edge.target_port}</span>
      <button
        type="button" className="icon-button" aria-label={`Delete the wire to ${name(edge.target)}`}
        onClick={() => store.edit([{ op: "remove_edge", id: edge.id }])}
      >
        <X size={12} />
      </button>
    </li>
  ));
}

function Connect({ node }) {
  const store = useStore();
  const graph = useEditor((state) => state.graph);
  const [port, setPort] = useState("");
  const doc = store.get();
  const { outputs, tool } = portsOf(doc, node);
  const outs = [...outputs, ...(tool ? [{ name: "tool", title: "As a tool" }] : [])];
  const from = outs.some((each) => each.name === port) ? port : outs[0]?.name;
  const targets = useMemo(() => graph.nodes.flatMap((each) => {
    const { inputs, slots } = portsOf(doc, each);
    return [...inputs, ...slots]
      .filter((into) =>
        whyNot(doc, { source: node.id, source_port: from, target: each.id, target_port: into.name }) === null)
      .map((into) => ({
        id: each.id, port: into.name, text: `${titleOf(each, doc.catalog.get(each.kind))} · ${into.title || into.name}`,
      }));
  }), [graph, doc, node.id, from]);
  if (!outs.length) return null;
  return (
    <div className="outline-connect">
      <select
        className="input" aria-label={`Output of ${node.id}`} value={from}
        onChange={(event) => setPort(event.target.value)}
      >
        {outs.map((each) => <option key={each.name} value={each.name}>{each.title || each.name}</option>)}
      </select>
      <select
        className="input" aria-label={`Connect ${node.id} to`} value="" data-testid={`connect-${node.id}`}
        onChange={(event) => {
          const [target, into] = event.target.value.split(" ");
          store.edit([
            { op: "add_edge", edge: asEdge({ source: node.id, source_port: from, target, target_port: into }) },
          ]);
        }}
      >
        <option value="" disabled>{targets.length ? "Connect to…" : "Nothing fits"}</option>
        {targets.map((each) => (
          <option key={`${each.id} ${each.port}`} value={`${each.id} ${each.port}`}>{each.text}</option>
        ))}
      </select>
    </div>
  );
}

export function Outline({ onAdd, onOpen }) {
  const store = useStore();
  const graph = useEditor((state) => state.graph);
  const catalog = useEditor((state) => state.catalog);
  const chosen = useEditor((state) => state.nodes);
  const problems = useEditor((state) => state.problemsByNode);
  const rows = useMemo(() => outline(store.get()), [graph, catalog, store]);
  return (
    <div className="ed-outline" data-testid="outline">
      <label className="outline-add">
        <span className="sr-only">Add a node</span>
        <select className="input" value="" data-testid="outline-add" onChange={(event) => onAdd(event.target.value)}>
          <option value="" disabled>Add a node…</option>
          {[...catalog.values()].map((type) => <option key={type.kind} value={type.kind}>{type.title}</option>)}
        </select>
      </label>
      <ol aria-label="Nodes in order">
        {rows.map(({ node, depth }) => {
          const type = catalog.get(node.kind);
          const open = chosen.length === 1 && chosen[0] === node.id;
          const count = problems.get(node.id)?.length ?? 0;
          return (
            <li key={node.id} style={{ paddingLeft: depth * 16 }} className={chosen.includes(node.id) ? "on" : ""}>
              <div className="outline-row">
                <button
                  type="button" aria-expanded={open} data-testid={`outline-${node.id}`}
                  onClick={() => store.jump(node.id)} onDoubleClick={onOpen}
                >
                  <KindTile type={type} size={20} />
                  <span className="truncate-1">{titleOf(node, type)}</span>
                  {count > 0 && <span className="badge badge-err">{count}</span>}
                </button>
                <Status id={node.id} />
              </div>
              {open && (
                <div className="outline-more">
                  <ul aria-label="Wires"><Wires node={node} /></ul>
                  <Connect node={node} />
                  <div className="row">
                    <button type="button" className="btn btn-sm" onClick={onOpen}>Set up</button>
                    <button
                      type="button" className="btn btn-sm btn-danger" onClick={() => store.removeSelected()}
                    >
                      <Trash2 size={12} />Delete
                    </button>
                  </div>
                </div>
              )}
            </li>
          );
        })}
      </ol>
      {!rows.length && <p className="faint">No nodes yet.</p>}
    </div>
  );
}

