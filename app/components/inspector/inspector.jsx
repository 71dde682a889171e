// The right side: the selected node's form, what came in, what went out, its settings, its documentation.
import { useEffect, useMemo, useRef, useState } from "react";
import { Copy, Ellipsis, Power, Trash2, X } from "lucide-react";
import { duplicate, setDisabled } from "../editor/actions.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { subtitle, titleOf } from "../editor/model.js";
import { KindTile } from "../js/icons.jsx";
import { useRun } from "../js/use_live.js";
import { completions } from "./completions.js";
import { FormContext } from "./form_context.jsx";
import { DocsTab, InputTab, OutputTab, Outputs, SettingsTab } from "./panels.jsx";
import { SchemaForm } from "./schema_form.jsx";
import { useDraft } from "./use_draft.js";
import { write } from "../js/exact.js";

const SHORTCUTS = [
  ["Tab", "Add a node after the selected one"], ["/", "Search the nodes"], ["Enter", "Open the selected node"],
  ["F2", "Rename"], ["Ctrl Z", "Undo"], ["Ctrl Shift Z", "Redo"], ["Ctrl C / X / V", "Copy, cut, paste"],
  ["Ctrl D", "Duplicate"], ["Ctrl A", "Select all"], ["Del", "Delete"], ["D", "Switch off or on"],
  ["Esc", "From anywhere back to the canvas; there: select nothing"], ["Arrows", "Move"],
  ["1 · 0", "Fit · actual size"], ["Shift L", "Tidy"], ["Ctrl Enter", "Run"],
];

const TABS = [
  ["setup", "Set up"], ["input", "Input"], ["output", "Output"], ["settings", "Settings"], ["docs", "Docs"],
];
const SETTINGS = "settings";

// Last outputs by node id, for completions and previews.
export function outputsOf(run) {
  const found = new Map();
  for (const step of run?.steps.values() ?? []) {
    if (step.output && typeof step.output === "object") found.set(step.node_id, step.output);
  }
  return found;
}

// Messages by path of the field.
function errorsOf(problems) {
  const found = {};
  for (const problem of problems ?? []) {
    const field = (problem.field ?? "").replace(/^config\./, "");
    (found[field] ??= []).push(problem.message);
  }
  return found;
}

function Name({ node, type }) {
  const store = useStore();
  const place = useMemo(() => ({ key: `node.${node.id}.label`, title: "Name" }), [node.id]);
  const { text, change, commit } = useDraft(node.label ?? "", (label) => store.setLabel(node.id, label), place);
  return (
    <input
      className="name-field" value={text} placeholder={type?.title ?? node.kind} aria-label="Name of the node"
      data-testid="node-name" maxLength={200}
      onChange={(event) => change(event.target.value)} onBlur={commit}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
    />
  );
}

function Menu({ node }) {
  const store = useStore();
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event) => !box.current?.contains(event.target) && setOpen(false);
    document.addEventListener("pointerdown", close);
    return () => document.removeEventListener("pointerdown", close);
  }, [open]);
  const off = Boolean(node.settings?.disabled);
  const items = [
    [<Copy size={13} key="i" />, "Duplicate", () => duplicate(store)],
    [<Power size={13} key="i" />, off ? "Switch on" : "Switch off", () => setDisabled(store, [node.id], !off)],
    [<Trash2 size={13} key="i" />, "Delete", () => store.removeSelected()],
  ];
  const keys = (event) => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    setOpen(false);
    box.current.querySelector("button").focus();
  };
  return (
    <div className="menu-anchor" ref={box} onKeyDown={keys}>
      <button
        type="button" className="icon-button" aria-label="More" aria-haspopup="menu" aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Ellipsis size={16} />
      </button>
      {open && (
        <div className="context-menu card menu-drop" role="menu">
          {items.map(([icon, title, act]) => (
            <button
              key={title} type="button" role="menuitem" onClick={() => { setOpen(false); act(); }}
            >
              <span className="row">{icon}{title}</span>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

const TRIES = 30;

// Tries again with each frame or two until the act succeeds: tabs are drawn and code editors are loaded by and by.
function untilDone(act) {
  let left = TRIES;
  const timer = setInterval(() => {
    left -= 1;
    if (act() || left === 0) clearInterval(timer);
  }, 40);
  return () => clearInterval(timer);
}

// Puts the cursor into the field at a path, or the one around it; an empty path means the first. Says whether it could.
function putCursor(panel, wanted, inSettings) {
  if (!panel) return false;
  if (wanted === "$label") {
    panel.querySelector(".name-field")?.select();
    return true;
  }
  const fields = [...panel.querySelectorAll("[data-field]")];
  const path = inSettings ? wanted.slice(SETTINGS.length + 1) : wanted;
  const around = (field) => path === field || path.startsWith(`${field}.`);
  const best = path === "" ? fields[0] : fields.filter((each) => around(each.dataset.field)).at(-1);
  if (!best || best.querySelector("textarea[readonly]")) return false;
  best.scrollIntoView({ block: "nearest" });
  const target = best.querySelector("textarea, input, select, .cm-content, button[role=switch], button");
  target?.focus();
  return Boolean(target);
}

// Puts the cursor into the field somebody asked for, once its tab is drawn.
function useJump(node, setTab, root) {
  const focus = useEditor((state) => state.focus);
  const [advanced, setAdvanced] = useState(false);
  useEffect(() => setAdvanced(false), [node?.id]);
  useEffect(() => {
    if (!focus || focus.node !== node?.id || focus.field === null) return undefined;
    const wanted = focus.field.replace(/^config\./, "");
    const inSettings = wanted.startsWith(`${SETTINGS}.`);
    if (wanted !== "$label") setTab(inSettings ? SETTINGS : "setup");
    setAdvanced(true);
    return untilDone(() => putCursor(root.current, wanted, inSettings));
  }, [focus, node?.id, setTab, root]);
  return advanced;
}

function Close({ onClose }) {
  return (
    <button type="button" className="icon-button inspector-close" aria-label="Close" onClick={onClose}>
      <X size={16} />
    </button>
  );
}

function Workflow({ onClose }) {
  const count = useEditor((state) => state.graph.nodes.length);
  const wires = useEditor((state) => state.graph.edges.length);
  return (
    <div className="inspector-none">
      <Close onClose={onClose} />
      <h2>Workflow</h2>
      <p className="muted">{count} nodes, {wires} wires. Select a node to set it up.</p>
      <h3>Keys</h3>
      <dl className="keys">
        {SHORTCUTS.map(([key, what]) => (
          <div key={key}><dt><span className="kbd">{key}</span></dt><dd>{what}</dd></div>
        ))}
      </dl>
    </div>
  );
}

function Many({ count }) {
  const store = useStore();
  return (
    <div className="inspector-none">
      <h2>{count} nodes</h2>
      <p className="muted">Drag to move them together.</p>
      <div className="row wrap">
        <button
          type="button" className="btn btn-sm" onClick={() => duplicate(store)}
        >
          <Copy size={13} />Duplicate
        </button>
        <button
          type="button" className="btn btn-sm btn-danger" onClick={() => store.removeSelected()}
        >
          <Trash2 size={13} />Delete
        </button>
      </div>
    </div>
  );
}

function Tabs({ tab, onTab }) {
  const keys = (event, i) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = TABS[(i + by + TABS.length) % TABS.length][0];
    onTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label="Node">
      {TABS.map(([name, title], i) => (
        <button
          key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name}
          aria-controls="inspector-panel" tabIndex={tab === name ? 0 : -1}
          onClick={() => onTab(name)} onKeyDown={(event) => keys(event, i)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

function SetUp({ node, type, problems }) {
  const store = useStore();
  const whole = (problems ?? []).filter((problem) => !problem.field);
  const change = (path, value) => store.setConfig(node.id, path, value);
  return (
    <>
      {whole.map((problem) => (
        <div
          key={problem.message}
          className={`callout ${problem.severity === "error" ? "callout-err" : "callout-wait"}`} role="alert"
        >
          {problem.message}
        </div>
      ))}
      {type
        ? <SchemaForm key={node.id} schema={type.config_schema} value={node.config} onChange={change} />
        : <Unknown node={node} />}
      {type && <Outputs node={node} />}
    </>
  );
}

export function Inspector({ onClose }) {
  const store = useStore();
  const chosen = useEditor((state) => state.nodes);
  const node = useEditor((state) => (state.nodes.length === 1 ? state.byId.get(state.nodes[0]) : undefined));
  const type = useEditor((state) => (node ? state.catalog.get(node.kind) : undefined));
  const graph = useEditor((state) => state.graph);
  const ports = useEditor((state) => state.ports);
  const problems = useEditor((state) => (node ? state.problemsByNode.get(node.id) : undefined));
  const runId = useEditor((state) => state.runId);
  const workflowId = useEditor((state) => state.workflow?.id ?? "");
  const run = useRun(runId);
  const [tab, setTab] = useState("setup");
  const panel = useRef(null);
  const openAdvanced = useJump(node, setTab, panel);
  const nodeId = node?.id;
  const runVersion = run?.seq;

  const items = useMemo(
    () => (nodeId ? completions(store.get(), nodeId, outputsOf(run)) : []),
    [store, nodeId, graph, ports, run, runVersion],
  );
  const form = useMemo(() => ({
    workflowId, nodeId, runId, items, errors: errorsOf(problems), preview: true, openAdvanced, id: nodeId,
  }), [workflowId, nodeId, runId, items, problems, openAdvanced]);

  if (!node) {
    return (
      <aside className="inspector" aria-label="Inspector">
        {chosen.length > 1 ? <Many count={chosen.length} /> : <Workflow onClose={onClose} />}
      </aside>
    );
  }
  return (
    <aside className="inspector" aria-label={`Node ${titleOf(node, type)}`} ref={panel} data-testid="inspector">
      <header className="inspector-head">
        <KindTile type={type} />
        <div className="inspector-name">
          <Name key={node.id} node={node} type={type} />
          <div className="faint truncate-1">
            <span className="mono">{node.id}</span> · {type?.title ?? subtitle(node, type)}
          </div>
        </div>
        <Menu node={node} />
        <Close onClose={onClose} />
      </header>
      <Tabs tab={tab} onTab={setTab} />
      <div className="inspector-body" id="inspector-panel" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={-1}>
        <FormContext.Provider value={form}>
          {tab === "setup" && <SetUp node={node} type={type} problems={problems} />}
          {tab === "input" && <InputTab node={node} />}
          {tab === "output" && <OutputTab node={node} />}
          {tab === SETTINGS && <SettingsTab key={node.id} node={node} type={type} />}
          {tab === "docs" && <DocsTab type={type} />}
        </FormContext.Provider>
      </div>
    </aside>
  );
}

function Unknown({ node }) {
  return (
    <>
      <p className="muted">
        This server has no node of the kind <code>{node.kind}</code>. Its settings are kept, but the workflow cannot run
        with it.
      </p>
      <pre className="viewer viewer-body">{write(node.config, null, 2)}</pre>
    </>
  );
}
