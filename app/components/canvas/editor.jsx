// The workflow editor: palette, canvas, inspector, run drawer over one store.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ReactFlowProvider } from "@xyflow/react";
import { CircleAlert, Info, ListTree, PanelRight, Plus, TriangleAlert, X } from "lucide-react";
import { Inspector } from "../inspector/inspector.jsx";
import { api } from "../js/api.js";
import { write } from "../js/exact.js";
import { live, RUN_DONE } from "../js/live.js";
import { useRun } from "../js/use_live.js";
import { Drawer } from "../run/drawer.jsx";
import { RunSettingsDialog } from "./run_settings.jsx";
import { RunDialog } from "../run/run_dialog.jsx";
import { addNext } from "../editor/actions.js";
import { Asks } from "./asks.jsx";
import { Canvas } from "./canvas.jsx";
import { EditorContext, useEditor } from "../editor/context.jsx";
import { listen } from "../editor/follow.js";
import { Outline } from "./outline.jsx";
import { Palette } from "./palette.jsx";
import { firstError } from "../run/problems.jsx";
import { EditorStore } from "../editor/store.js";
import { titleOf } from "../editor/model.js";
import { TopBar } from "./top_bar.jsx";
import "./editor.css";

const NOTICE_MS = 6000;
const NARROW = 1200;
const ROOMY = 700;

const transportFor = (id) => ({
  workflow: () => api("GET", `/api/workflows/${id}`),
  types: async () => (await api("GET", "/api/node-types")).items,
  compile: () => api("POST", `/api/workflows/${id}/compile`, {}),
  edits: (batch) => api("POST", `/api/workflows/${id}/edits`, batch),
});

function browserStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function Notice({ store }) {
  const notice = useEditor((state) => state.notice);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => store.notify(""), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice, store]);
  if (!notice) return null;
  const Icon = { error: CircleAlert, warning: TriangleAlert }[notice.tone] ?? Info;
  return (
    <div
      className={`ed-notice card notice-${notice.tone}`} role={notice.tone === "error" ? "alert" : "status"}
      data-testid="notice"
    >
      <Icon size={15} aria-hidden="true" /><span>{notice.text}</span>
      <button
        type="button" className="icon-button" aria-label="Close the notice" onClick={() => store.notify("")}
      >
        <X size={13} />
      </button>
    </div>
  );
}

// Sends what is left when the page goes, and asks before leaving with edits that were not taken yet.
function useLeaving(store) {
  useEffect(() => {
    const online = () => store.sync.retry();
    const leave = (event) => {
      document.activeElement?.blur?.();
      if (store.sync.pending.length || store.get().asks.length) event.preventDefault();
    };
    const gone = () => store.sync.leave();
    window.addEventListener("online", online);
    window.addEventListener("beforeunload", leave);
    window.addEventListener("pagehide", gone);
    return () => {
      window.removeEventListener("pagehide", gone);
      window.removeEventListener("online", online);
      window.removeEventListener("beforeunload", leave);
    };
  }, [store]);
}

// Shows a run: its trace is loaded once, and again at its end, when the values of all steps are there.
function useShownRun(store, runId) {
  useEffect(() => {
    store.set({ runId });
    if (runId) live.open(runId);
  }, [store, runId]);
  const entry = useRun(runId);
  const over = RUN_DONE.has(entry?.run?.status);
  const lacking = over
    && [...(entry?.steps.values() ?? [])].some((step) => step.status === "succeeded" && step.output === undefined);
  useEffect(() => {
    if (lacking) live.refresh(runId);
  }, [lacking, runId]);
  return entry;
}

// A link from elsewhere names a node, and perhaps a field of it: `?node=pay&field=url`.
function asked() {
  const address = new URLSearchParams(window.location.search);
  return { node: address.get("node"), field: address.get("field") };
}

function sentence(store, problem) {
  const { byId, catalog } = store.get();
  const node = byId.get(problem.node_id);
  const title = node ? titleOf(node, catalog.get(node.kind)) : "";
  return problem.message.includes(title) ? problem.message : `${title}: ${problem.message}`;
}

// Starting a run: edits first reach the server, then the check decides, then the form asks for the input.
function useRunning(store, { entry, runId, answered, onStart, showProblems, showRun }) {
  const [dialog, setDialog] = useState(null);
  const [starting, setStarting] = useState(false);
  const waits = useRef(false);
  const lastInput = entry?.run?.input;
  const ask = useCallback(async () => {
    document.activeElement?.blur?.();
    if (!(await store.settled())) {
      store.notify("Your latest edits are not saved yet. Run again when the server can be reached.", "warning");
      return;
    }
    const result = await store.compile();
    if (!result) return;
    const error = firstError(result.problems);
    if (error) {
      store.notify(`Cannot run: ${sentence(store, error)}`, "error");
      showProblems();
      return;
    }
    setDialog({ schema: result.input_schema ?? { properties: {} } });
  }, [store, showProblems]);
  const start = useCallback((input) => {
    waits.current = true;
    setStarting(true);
    showRun();
    onStart({ input: write(input), key: `editor-${crypto.getRandomValues(new Uint32Array(4)).join("")}` });
  }, [onStart, showRun]);
  // The server answered: a new run, which the address then names, or the sentence why not. Answers outlive the page:
  // one that came before it was opened is not for it.
  useEffect(() => {
    if (!waits.current) return;
    waits.current = false;
    setStarting(false);
    if (answered.message) store.notify(answered.message, answered.ok ? "warning" : "error");
    if (answered.ok) {
      setDialog(null);
      window.history.replaceState(window.history.state, "", `?run=${runId}`);
    }
  }, [answered.count]);
  return { dialog, setDialog, starting, ask, start, lastInput };
}

function Broken({ store }) {
  const phase = useEditor((state) => state.phase);
  const message = useEditor((state) => state.message);
  if (phase === "missing") {
    return (
      <div className="ed-broken">
        <h2>There is no such workflow</h2>
        <p className="muted">It may have been deleted, or it belongs to another workspace.</p>
        <a className="btn" href="/workflows">All workflows</a>
      </div>
    );
  }
  return (
    <div className="ed-broken">
      <h2>The workflow could not be loaded</h2>
      <p className="muted">{message}</p>
      <button type="button" className="btn" onClick={() => store.load()}>Try again</button>
    </div>
  );
}

// The drawer below the canvas. A run takes its place there when there is one and there is room.
function useDrawer(runId) {
  const [drawer, setDrawer] = useState({ view: "run", open: false });
  useEffect(() => {
    if (runId && window.innerHeight > ROOMY) setDrawer((before) => ({ ...before, open: true }));
  }, [runId]);
  const setView = useCallback((view) => setDrawer((before) => ({ ...before, view })), []);
  const setOpen = useCallback((open) => setDrawer((before) => ({ ...before, open })), []);
  const showProblems = useCallback(() => setDrawer({ view: "problems", open: true }), []);
  const showRun = useCallback(() => setDrawer({ view: "run", open: true }), []);
  return { ...drawer, setView, setOpen, show: { showProblems, showRun } };
}

// What stands left and right of the canvas, and what opens it.
function useSides(store) {
  const focus = useEditor((state) => state.focus);
  const [shown, setShown] = useState("nodes");
  const [sideOpen, setSideOpen] = useState(() => window.innerWidth >= 768);
  const [inspectorOpen, setInspectorOpen] = useState(() => window.innerWidth > NARROW);
  const search = useRef(null);
  // A field somebody asked for opens the inspector even where that covers the canvas.
  useEffect(() => {
    if (focus && (focus.field !== null || window.innerWidth > NARROW)) setInspectorOpen(true);
  }, [focus]);
  const openPalette = useCallback(() => {
    setShown("nodes");
    setSideOpen(true);
    requestAnimationFrame(() => search.current?.focus());
  }, []);
  const openInspector = useCallback(() => {
    setInspectorOpen(true);
    store.set({ focus: { node: store.get().nodes[0], field: "", at: Date.now() } });
  }, [store]);
  return {
    side: { shown, setShown, search, open: sideOpen, setOpen: setSideOpen },
    inspector: { open: inspectorOpen, setOpen: setInspectorOpen },
    openPalette, openInspector,
    // Where the inspector covers the canvas, it comes with a node and goes with a click beside it.
    cover: (open) => () => window.innerWidth <= NARROW && setInspectorOpen(open),
  };
}

function Side({ store, side, onOpen }) {
  const add = useCallback((kind) => {
    const id = addNext(store, kind, store.middle());
    if (id) store.set({ focus: { node: id, field: null, at: Date.now() } });
  }, [store]);
  return (
    <aside className="ed-side" aria-label="Nodes">
      <div className="segments ed-side-tabs" role="radiogroup" aria-label="Left side">
        <button
          type="button" role="radio" aria-checked={side.shown === "nodes"} onClick={() => side.setShown("nodes")}
        >
          <Plus size={13} />Nodes
        </button>
        <button
          type="button" role="radio" aria-checked={side.shown === "outline"} onClick={() => side.setShown("outline")}
          data-testid="show-outline"
        >
          <ListTree size={13} />Outline
        </button>
      </div>
      {side.shown === "nodes" ? <Palette ref={side.search} onAdd={add} /> : <Outline onAdd={add} onOpen={onOpen} />}
    </aside>
  );
}

function Toggle({ part, label, icon: Icon }) {
  return (
    <button
      type="button" className="btn btn-icon btn-sm" aria-label={label} aria-expanded={part.open}
      onClick={() => part.setOpen(!part.open)}
    >
      <Icon size={14} />
    </button>
  );
}

function Body({ store, props }) {
  const { runId, name, answered, onStart, onControl, onAnswer, onRename } = props;
  const phase = useEditor((state) => state.phase);
  const [limits, setLimits] = useState(false);
  const entry = useShownRun(store, runId);
  const drawer = useDrawer(runId);
  const running = useRunning(store, { entry, runId, answered, onStart, ...drawer.show });
  useLeaving(store);
  const { side, inspector, openPalette, openInspector, cover } = useSides(store);
  // A dialog gives the keyboard back to what opened it; the canvas takes it when that is gone.
  const afterDialog = () => requestAnimationFrame(() => document.activeElement === document.body && store.toCanvas());

  if (phase === "missing" || phase === "failed") return <Broken store={store} />;
  const closed = [!side.open && "no-side", !inspector.open && "no-inspector", !drawer.open && "drawer-closed"];
  return (
    <div
      className={["editor", ...closed].filter(Boolean).join(" ")}
      data-phase={phase} data-testid="editor"
    >
      <TopBar
        name={name} onRename={onRename} onProblems={drawer.show.showProblems} onLimits={() => setLimits(true)}
        onRun={running.ask}
        starting={running.starting}
      />
      <Side store={store} side={side} onOpen={() => inspector.setOpen(true)} />
      <main className="ed-main">
        {phase === "ready"
          ? <Canvas
            onRun={running.ask} onPalette={openPalette} onOpenInspector={openInspector} onNodeClick={cover(true)}
            onPaneClick={cover(false)}
          />
          : <div className="ed-loading" role="status">Loading the workflow…</div>}
        <div className="ed-corner">
          <Toggle part={side} label="Nodes and outline" icon={ListTree} />
          <Toggle part={inspector} label="Inspector" icon={PanelRight} />
        </div>
      </main>
      {inspector.open && <Inspector onClose={() => inspector.setOpen(false)} />}
      <Drawer
        view={drawer.view} setView={drawer.setView} open={drawer.open} setOpen={drawer.setOpen}
        starting={running.starting}
        onControl={onControl} onAnswer={onAnswer} onRun={running.ask}
      />
      {running.dialog && (
        <RunDialog
          schema={running.dialog.schema} lastInput={running.lastInput} example={store.get().workflow?.example_input}
          busy={running.starting}
          onRun={running.start} onClose={() => { running.setDialog(null); afterDialog(); }}
        />
      )}
      {limits && (
        <RunSettingsDialog workflowId={props.workflowId} onClose={() => { setLimits(false); afterDialog(); }} />
      )}
      <Asks />
      <Notice store={store} />
    </div>
  );
}

// `runId` is the run to show if it is one of this workflow (`runOf`): state outlives the page it was made on.
// `answered` = {count, ok, message} changes with each answer of the server to a start.
export function WorkflowEditor(props) {
  const { workflowId } = props;
  const store = useMemo(
    () => new EditorStore({ workflowId, transport: transportFor(workflowId), storage: browserStorage() }),
    [workflowId],
  );
  useEffect(() => {
    if (!workflowId) return undefined;
    const loaded = store.load(asked());
    return listen(workflowId, { hear: (message) => loaded.then(() => store.follower.hear(message)) });
  }, [store, workflowId]);
  const answered = { count: 0, ok: true, message: "", ...props.answered };
  const runId = props.runOf === workflowId ? props.runId : "";
  return (
    <EditorContext.Provider value={store}>
      <ReactFlowProvider>
        <Body key={workflowId} store={store} props={{ ...props, answered, runId }} />
      </ReactFlowProvider>
    </EditorContext.Provider>
  );
}
