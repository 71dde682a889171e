// The run below the canvas: a row per step with its time, and next to it what the chosen step does or asks.
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { ArrowUpRight, ChevronDown, ChevronUp, Play, TriangleAlert } from "lucide-react";
import { useEditor, useStore } from "../editor/context.jsx";
import { outline } from "../editor/actions.js";
import { ProblemList } from "./problems.jsx";
import { titleOf } from "../editor/model.js";
import { cost, duration, elapsed, remarks, tokens, warningCount } from "../js/format.js";
import { effectUnknown, RUN_DONE } from "../js/live.js";
import { useNow, useRun } from "../js/use_live.js";
import { StatusBadge } from "../ui/marks.jsx";
import { RunControls } from "./controls.jsx";
import { StepDetail } from "./detail.jsx";
import { axisOf, barOf, mainPath, rowsOf, ticksOf, timeOf } from "./rows.js";

const MARKS = {
  pending: "◌", running: "●", waiting_human: "◌", waiting: "◔", succeeded: "✓", failed: "✕", skipped: "–",
  canceled: "⊘", interrupted: "!",
  ok: "✓", error: "✕",
};
const TONES = {
  running: "run", waiting_human: "wait", waiting: "wait", interrupted: "wait", failed: "err", error: "err",
  skipped: "idle", canceled: "idle",
};

const Row = memo(function Row({ row, axis, now, on, onOpen }) {
  const { item } = row;
  const bar = row.type === "node" ? null : barOf(item, axis, now);
  const unknown = effectUnknown(item);
  const remark = remarks(item);
  const tone = unknown || remark ? "wait" : TONES[item.status] ?? "ok";
  return (
    <div
      className={`run-row ${on ? "on" : ""} ${row.type === "step" ? "" : "muted"}`} role="row" data-status={item.status}
      data-testid={row.type === "step" ? `row-${row.path}` : undefined}
    >
      <button
        type="button" role="gridcell" className="run-name" style={{ paddingLeft: row.depth * 18 }}
        onClick={() => onOpen(row)} disabled={row.type === "node"}
      >
        <span
          className={`run-mark tone-${tone}`} title={unknown ? item.error.message : undefined} aria-hidden="true"
        >
          {unknown || remark ? MARKS.interrupted : MARKS[item.status] ?? "✓"}
        </span>
        <span className="truncate-1" title={row.name}>{row.name}</span>
        {remark && <span className="badge badge-wait">{remark}</span>}
        <span className="sr-only">{item.status}{unknown && `: ${item.error.message}`}</span>
      </button>
      <div role="gridcell" className="run-bar">
        <i>{bar && <b className={`tone-${tone}`} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} />}</i>
      </div>
      <span role="gridcell" className={item.started_at ? "num" : "num faint"}>{timeOf(row, now)}</span>
      <span role="gridcell" className="num">
        {item.tokens ? tokens(item.tokens) : row.type === "step" ? <span className="faint">–</span> : ""}
      </span>
      <span role="gridcell" className="num">
        {item.tokens ? cost(item.cost_usd) : row.type === "step" ? <span className="faint">–</span> : ""}
      </span>
    </div>
  );
});

function Rows({ entry, chosen, onChoose, now }) {
  const store = useStore();
  const graph = useEditor((state) => state.graph);
  const catalog = useEditor((state) => state.catalog);
  const upcoming = useMemo(() => {
    const slots = new Set(graph.edges.filter((edge) => edge.source_port === "tool").map((edge) => edge.source));
    return outline(store.get())
      .filter(({ node, depth }) => depth === 0 && !slots.has(node.id) && !node.settings?.disabled)
      .map(({ node }) => ({ id: node.id, title: titleOf(node, catalog.get(node.kind)) }));
  }, [graph, catalog, store]);
  const axis = axisOf(entry, now);
  const rows = rowsOf(entry, upcoming, { open: new Set(chosen ? [chosen] : []) });
  const open = (row) => {
    onChoose(row.path);
    const nodeId = entry.steps.get(row.path)?.node_id;
    if (nodeId && store.get().byId.has(nodeId)) store.jump(nodeId);
  };
  return (
    <div className="run-rows" role="grid" aria-label="Steps">
      <div className="run-row run-row-head" role="row">
        <span role="columnheader">Step</span>
        <span role="columnheader" className="run-axis" aria-label="Time">
          <Marks axis={axis} count={2} when="few" /><Marks axis={axis} count={4} when="many" />
        </span>
        <span role="columnheader">Time</span><span role="columnheader">Tokens</span>
        <span role="columnheader">Cost</span>
      </div>
      {rows.map((row) => (
        <Row
          key={row.key} row={row} axis={axis} now={now} on={row.type === "step" && row.path === chosen} onOpen={open}
        />
      ))}
      {!rows.length && <div className="run-none muted">Starting…</div>}
    </div>
  );
}

// As many marks as the axis has room for: the style shows one of the two sets.
function Marks({ axis, count, when }) {
  const name = (ms) => (ms ? duration(ms).replace(/\.0+(?= )/, "") : "0 s");
  return (
    <span className={`run-marks-${when}`}>
      {ticksOf(
        axis, count,
      ).map((tick) => (
        <i key={tick.ms} className={tick.at > 70 ? "last" : ""} style={{ left: `${tick.at}%` }}>{name(tick.ms)}</i>
      ))}
    </span>
  );
}

function Totals({ entry, now }) {
  const run = entry.run ?? {};
  const sums = [
    run.tokens ? `${tokens(run.tokens)} tokens` : "", run.tokens ? cost(run.cost_usd) : "",
  ].filter(Boolean).join(" · ");
  const time = elapsed(run, now);
  const asks = [
    ...entry.steps.values(),
  ].some((step) => step.status === "waiting_human" || step.status === "interrupted");
  const word = run.status === "waiting" && asks ? "waiting for a person" : run.status;
  return (
    <>
      <b>Run {run.number ? `#${run.number}` : ""}</b>
      {run.status && (
        <StatusBadge
          status={run.status}
          word={time === null || ["waiting", "paused"].includes(run.status) ? word : `${word} · ${duration(time)}`}
        />
      )}
      {run.warning_count > 0 && (
        <span className="badge badge-wait" data-testid="run-warnings">{warningCount(run.warning_count)}</span>
      )}
      <span className="muted num">{sums}</span>
    </>
  );
}

// Follows the main step until a person picks another; a question takes the attention back.
function useChosen(entry) {
  const [picked, setPicked] = useState(null);
  const runId = entry?.id;
  const main = entry ? mainPath(entry) : null;
  const asks = main && entry.steps.get(main)?.status === "waiting_human" ? main : null;
  useEffect(() => setPicked(null), [runId, asks]);
  return [picked && entry?.steps.has(picked) ? picked : main, setPicked];
}

const WAIT_TICK_MS = 1000;
const LEAST = 120;
const ABOVE = 200; // what is left of the window for the canvas
const STEP = 24;

// How high the drawer is and may be, whatever made it so: a drag, a question that needs room, another window size.
function useHeight(box) {
  const [size, setSize] = useState({ height: LEAST, most: LEAST });
  useEffect(() => {
    const read = () => setSize({ height: box.current.offsetHeight, most: Math.max(LEAST, window.innerHeight - ABOVE) });
    const watch = new ResizeObserver(read);
    watch.observe(box.current);
    window.addEventListener("resize", read);
    return () => {
      watch.disconnect();
      window.removeEventListener("resize", read);
    };
  }, [box]);
  return size;
}

// The upper edge of the drawer, moved by pointer or keys.
function Grip({ box }) {
  const { height, most } = useHeight(box);
  const set = (wish) =>
    box.current.style.setProperty("--drawer", `${Math.round(Math.max(LEAST, Math.min(most, wish)))}px`);
  const to = { ArrowUp: height + STEP, ArrowDown: height - STEP, Home: LEAST, End: most };
  return (
    <div
      className="ed-drawer-grip" role="separator" aria-orientation="horizontal" aria-label="Height of the drawer"
      tabIndex={0}
      aria-valuenow={height} aria-valuemin={LEAST} aria-valuemax={most} aria-valuetext={`${height} pixels`}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => event.buttons === 1 && set(box.current.getBoundingClientRect().bottom - event.clientY)}
      onKeyDown={(event) => {
        if (!(event.key in to)) return;
        event.preventDefault();
        event.stopPropagation();
        set(to[event.key]);
      }}
    />
  );
}

function Views({ view, problems, onToggle }) {
  return (
    <div className="segments" role="group" aria-label="Shown below">
      <button type="button" aria-checked={view === "run"} role="radio" onClick={() => onToggle("run")}>Run</button>
      <button
        type="button" aria-checked={view === "problems"} role="radio" onClick={() => onToggle("problems")}
        data-testid="tab-problems"
      >
        Problems{problems.length ? ` ${problems.length}` : ""}
      </button>
    </div>
  );
}

function NoRun({ runId, error, onRun }) {
  if (runId) return <p className="run-none muted">{error || "Loading the run…"}</p>;
  return (
    <div className="run-none">
      <span className="muted">Not run yet. A run shows here what each step does, step by step.</span>
      <button type="button" className="btn btn-sm" onClick={onRun}><Play size={12} />Run</button>
    </div>
  );
}

export function Drawer({ view, setView, open, setOpen, starting, onControl, onAnswer, onRun }) {
  const runId = useEditor((state) => state.runId);
  const problems = useEditor((state) => state.problems);
  const entry = useRun(runId);
  const status = entry?.run?.status;
  const now = useNow(open && status && !RUN_DONE.has(status), status === "running" ? undefined : WAIT_TICK_MS);
  const [chosen, setChosen] = useChosen(entry);
  const box = useRef(null);
  const toggle = (name) => {
    setOpen(view !== name || !open);
    setView(name);
  };
  return (
    <section
      ref={box} className={`ed-drawer ${open ? "" : "is-closed"}`} aria-label="Run and problems" data-testid="drawer"
      data-run={status}
    >
      {open && <Grip box={box} />}
      <header className="ed-drawer-head">
        <Views view={view} problems={problems} onToggle={toggle} />
        {view === "run" && entry && <Totals entry={entry} now={now} />}
        {starting && <span className="badge badge-run" role="status">starting…</span>}
        <span className="grow" />
        {view === "run" && <RunControls runId={runId} status={status} onControl={onControl} />}
        {view === "run" && entry?.run && (
          <a
            className="btn btn-ghost btn-sm" href={`/runs/${runId}`} aria-label="Open trace" data-testid="open-trace"
          >
            <span className="wide-only">Open trace</span><ArrowUpRight size={13} />
          </a>
        )}
        <button
          type="button" className="icon-button" aria-label={open ? "Close the drawer" : "Open the drawer"}
          onClick={() => setOpen(!open)}
        >
          {open ? <ChevronDown size={16} /> : <ChevronUp size={16} />}
        </button>
      </header>
      <div className="sr-only" role="status" aria-live="polite">
        {entry?.run ? `Run ${entry.run.number ?? ""} ${status}` : ""}
      </div>
      {open && view === "problems" && <ProblemList />}
      {open && view === "run" && entry && (entry.run || entry.order.length > 0) && (
        <div className="ed-drawer-body">
          <div className="ed-drawer-left">
            {entry.run?.error && <RunError error={entry.run.error} entry={entry} />}
            {entry.run?.notice && <div className="callout callout-wait">{entry.run.notice}</div>}
            <Rows entry={entry} chosen={chosen} onChoose={setChosen} now={now} />
          </div>
          {chosen && <StepDetail runId={runId} path={chosen} onAnswer={onAnswer} />}
        </div>
      )}
      {open && view === "run" && !entry?.run && <NoRun runId={runId} error={entry?.error} onRun={onRun} />}
    </section>
  );
}

function RunError({ error, entry }) {
  const failed = entry.order.map((path) => entry.steps.get(path)).find((step) => step.status === "failed");
  if (failed) return null;
  return <div className="callout callout-err" role="alert"><TriangleAlert size={14} />{error.message}</div>;
}
