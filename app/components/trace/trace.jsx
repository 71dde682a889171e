// The trace explorer: tree with bars, timeline, graph by status, log; and all that is known of the chosen span.

import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { Virtuoso } from "react-virtuoso";
import { cost, duration } from "../js/format.js";
import { effectUnknown, live, RUN_DONE } from "../js/live.js";
import * as model from "./model.js";
import { Details } from "./details.jsx";
import { GraphView } from "./graph.jsx";
import { Log } from "./log.jsx";
import { Axis, Timeline } from "./timeline.jsx";
import "./trace.css";

const TICK_MS = 250;
const WAIT_TICK_MS = 1000;
const VIEWS = ["Tree", "Timeline", "Graph", "Log"];

/** What the store knows of the run, in the shape of the API's trace; null until it is loaded. */
function traceOf(runId) {
  const entry = live.get(runId);
  if (!entry?.loaded) return null;
  return {
    run: entry.run, graph: entry.graph, seq: entry.seq, steps: entry.order.map((path) => entry.steps.get(path)),
    spans: [
      ...entry.spans.values(),
    ].map((span) => ({ ...span, attributes: { ...span.attributes, ...shortFacts(span) } })),
    approvals: [...entry.approvals.values()],
    waits: [...entry.waits.values()], loops: entry.loops, hidden: entry.hidden,
  };
}

/** A span of a live patch carries its tokens and cost at the top; the trace has them among its attributes. */
function shortFacts(span) {
  const facts = {};
  if (span.attributes?.cost_usd === undefined && span.cost_usd !== undefined) facts.cost_usd = span.cost_usd;
  if (span.attributes?.output_tokens === undefined && span.tokens) facts.output_tokens = span.tokens;
  return facts;
}

/** The run's trace from the live store; ticks while it runs, and is read whole again when it has ended. */
function useTrace(runId) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const [now, setNow] = useState(Date.now());
  const load = useCallback(() => live.refresh(runId), [runId]);
  useEffect(() => {
    const stop = live.subscribe(runId, redraw);
    live.open(runId);
    return stop;
  }, [runId]);
  const version = live.versionOf(runId);
  const trace = useMemo(() => traceOf(runId), [runId, version]);
  const status = trace?.run.status;
  const running = status === "running";
  const before = useRef(null);
  useEffect(() => {
    // Patches carry short facts only; prompts and completions are in the whole trace.
    if (before.current && before.current !== status) load();
    before.current = status ?? null;
  }, [status, load]);
  // Also the time that a step has waited goes on.
  const over = !status || RUN_DONE.has(status);
  useEffect(() => {
    if (over) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), running ? TICK_MS : WAIT_TICK_MS);
    return () => clearInterval(timer);
  }, [over, running]);
  return { trace, error: live.get(runId)?.error, load, now };
}

const WAITS = new Set(["waiting_human", "interrupted", "waiting"]);
const STARTED_BY = { manual: "by hand", api: "over the API", chat: "by a chat message", schedule: "by a schedule" };

function Stats({ trace, axis }) {
  const sums = model.totals(trace, axis);
  const { run } = trace;
  const tiles = [
    ["Duration", duration(sums.duration)],
    ["First token", duration(sums.firstToken)],
    [
      "Tokens", run.tokens.toLocaleString("en"),
      sums.input ? `${sums.input.toLocaleString("en")} in · ${sums.output.toLocaleString("en")} out` : null,
    ],
    ["Cost", cost(run.cost_usd)],
    ["Retries", sums.retries],
    ...(run.warning_count ? [["Warnings", run.warning_count]] : []),
    [
      "Started", run.started_at ? new Date(run.started_at).toLocaleTimeString() : "not yet",
      STARTED_BY[run.trigger] ?? `by ${run.trigger}`,
    ],
  ];
  return (
    <dl className="tx-stats" style={{ margin: 0 }}>
      {tiles.map(([name, value, more]) => (
        <div className="tx-stat" key={name}>
          <dt>{name}</dt>
          <dd>{value}{more && <small>{more}</small>}</dd>
        </div>
      ))}
    </dl>
  );
}

function Row({ row, axis, now, chosen, onChoose, twist, collapsed, onTwist }) {
  const state = effectUnknown(row.item)
    ? { ...model.STATUS.interrupted, word: row.item.error.message }
    : row.remark
      ? { ...model.STATUS.interrupted, word: model.STATUS.succeeded.word }
      : model.STATUS[row.status] ?? model.STATUS.pending;
  const line = model.bar(row.item, axis, now);
  return (
    <div
      className="tx-row" role="treeitem" aria-level={row.depth + 1} aria-selected={chosen}
      aria-expanded={twist ? !collapsed : undefined}
      tabIndex={chosen ? 0 : -1} data-key={row.key} data-status={row.status} onClick={() => onChoose(row)}
    >
      <span className="tx-name" style={{ paddingLeft: row.depth * 16 }}>
        {twist ? (
          <button
            className="tx-twist" tabIndex={-1} aria-label={collapsed ? "Expand" : "Collapse"}
            onClick={(e) => { e.stopPropagation(); onTwist(row.key); }}
          >
            {collapsed ? "▸" : "▾"}
          </button>
        ) : <span className="tx-twist" />}
        <span className={`tx-mark tone-${state.tone}`} title={state.word} aria-label={state.word}>{state.mark}</span>
        <i>{row.kind}</i>
        <b className={row.status === "failed"
          ? "tone-err"
          : row.status === "skipped" ? "tone-idle" : ""}>{row.label}</b>
        {row.remark && <span className="badge badge-wait">{row.remark}</span>}
      </span>
      <span className="tx-line">
        {line && <i className={`tone-${state.tone}`} style={{ left: `${line.left}%`, width: `${line.width}%` }} />}
      </span>
      <span className="tx-num">{row.status === "skipped" ? "not taken" : duration(model.lasted(row.item, now))}</span>
      <span className="tx-num tx-tok">{row.tokens ? row.tokens.toLocaleString("en") : ""}</span>
      <span className="tx-num tx-cost">{row.tokens ? cost(row.cost) : ""}</span>
    </div>
  );
}

const rowOf = (key) => document.querySelector(`.tx-row[data-key="${CSS.escape(key)}"]`);

function Tree({ all, axis, now, chosen, onChoose, none }) {
  const [collapsed, setCollapsed] = useState(() => new Set());
  const list = useRef(null);
  const shown = useMemo(() => model.visible(all, collapsed), [all, collapsed]);
  const twist = useCallback((key) => setCollapsed((old) => {
    const next = new Set(old);
    next.delete(key) || next.add(key);
    return next;
  }), []);
  // What was chosen elsewhere comes into sight, also out of a part that is closed. The list is laid out anew for that:
  // one that has just grown scrolls to where its rows were.
  const [jumps, jump] = useReducer((count) => count + 1, 0);
  const picked = useRef(null);
  const pick = (row) => {
    picked.current = row.key;
    onChoose(row);
  };
  useEffect(() => {
    if (!chosen || picked.current === chosen) return;
    picked.current = null;
    const above = model.above(all, chosen);
    setCollapsed((old) => (above.some((key) => old.has(key))
      ? new Set([...old].filter((key) => !above.includes(key)))
      : old));
    jump();
  }, [chosen]);
  const start = useMemo(
    () => ({ index: Math.max(0, shown.findIndex((row) => row.key === chosen)), align: "center" }), [jumps],
  );
  const onKeyDown = (event) => {
    const at = shown.findIndex((row) => row.key === chosen);
    const move = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(shown.length - 1, at + move));
      pick(shown[next]);
      list.current?.scrollIntoView({ index: next, done: () => rowOf(shown[next].key)?.focus() });
    } else if (event.key === "ArrowRight" && collapsed.has(chosen)) twist(chosen);
    else if (event.key === "ArrowLeft" && at >= 0 && model.hasChildren(shown, at)) twist(chosen);
  };
  return (
    <>
      <div className="tx-head" aria-hidden="true">
        <span>Span</span>
        <Axis axis={axis} />
        <span>Time</span><span className="tx-tok">Tokens</span><span className="tx-cost">Cost</span>
      </div>
      {shown.length === 0 && <p className="tx-empty">{none}</p>}
      {shown.length > 0 && (
        <Virtuoso
          className="tx-list" role="tree" aria-label="Spans of the run" tabIndex={chosen ? -1 : 0}
          onKeyDown={onKeyDown} ref={list} key={jumps} initialTopMostItemIndex={start} data={shown}
          fixedItemHeight={28} increaseViewportBy={200} computeItemKey={(_, row) => row.key}
          itemContent={(at, row) => (
            <Row row={row} axis={axis} now={now} chosen={row.key === chosen} onChoose={pick} onTwist={twist}
              collapsed={collapsed.has(row.key)} twist={collapsed.has(row.key) || model.hasChildren(shown, at)} />
          )}
        />
      )}
    </>
  );
}

export function TraceExplorer({ runId, workflowId }) {
  // Another run is another explorer: nothing chosen or filtered carries over.
  return runId
    ? <Explorer key={runId} runId={runId} workflowId={workflowId} />
    : <p className="tx-empty" role="status">Loading the trace …</p>;
}

function Bar({ view, onView, filter, onFilter, listed }) {
  return (
    <div className="tx-bar">
      <div role="tablist" aria-label="View" style={{ display: "flex", gap: 6 }}>
        {VIEWS.map((name) => (
          <button
            key={name} role="tab" className="tx-tab" aria-selected={view === name}
            data-testid={`trace-${name.toLowerCase()}`} onClick={() => onView(name)}
          >
            {name}
          </button>
        ))}
      </div>
      {listed && (
        <input
          className="tx-find" type="search" aria-label="Filter spans" placeholder="Filter spans…  error, >1s, llm"
          value={filter} onChange={(e) => onFilter(e.target.value)}
        />
      )}
    </div>
  );
}

function Explorer({ runId, workflowId }) {
  const { trace, error, load, now } = useTrace(runId);
  const [view, setView] = useState("Tree");
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState(null);
  const all = useMemo(() => (trace ? model.rows(trace) : []), [trace]);
  const known = useMemo(() => trace && model.extremes(trace), [trace]);
  // What takes long enough is decided anew while time passes.
  const shown = useMemo(() => model.filtered(all, filter), [all, filter, filter.includes(">") && now]);
  const current = all.find((row) => row.key === chosen) ?? null;
  useEffect(() => {
    if (chosen || !trace || !all.length) return;
    const bad = model.culprit(trace);
    setChosen(bad ? bad.id : (all.find((row) => WAITS.has(row.status)) ?? all[0]).key);
  }, [trace, all, chosen]);
  if (!trace) {
    return (
      <div className="tx-empty" role={error ? "alert" : "status"}>
        {error ? <>{error} <button className="tx-tab" onClick={load}>Try again</button></> : "Loading the trace …"}
      </div>
    );
  }
  const axis = model.bounds(trace, now, known);
  const listed = view !== "Log" && view !== "Graph";
  const none = filter.trim() ? "Nothing fits the filter." : "Nothing has started yet.";
  const choose = (row) => setChosen(row.key);
  const openTurn = (step) => {
    setView("Tree");
    setFilter("");
    setChosen(step.id);
  };
  return (
    <div className="tx" data-testid="trace">
      <Stats trace={trace} axis={axis} />
      <div className="tx-body">
        <section className="tx-main" aria-label="Trace">
          <Bar view={view} onView={setView} filter={filter} onFilter={setFilter} listed={listed} />
          {trace.hidden > 0 && listed && (
            <p className="tx-note" role="note" data-testid="trace-hidden">
              {trace.hidden.toLocaleString("en")} steps inside of loops are not listed. Choose a loop to open one of its
              turns.
            </p>
          )}
          {view === "Tree" && <Tree all={shown} axis={axis} now={now} chosen={chosen} onChoose={choose} none={none} />}
          {view === "Timeline" && (
            <Timeline all={shown} axis={axis} now={now} chosen={chosen} onChoose={choose} none={none} />
          )}
          {view === "Graph" && (
            <GraphView trace={trace} chosen={current?.item.node_id} onChoose={(step) => setChosen(step.id)} now={now} />
          )}
          {view === "Log" && <Log runId={runId} seq={trace.seq} />}
        </section>
        <Details row={current} trace={trace} workflowId={workflowId} now={now} onTurn={openTurn} />
      </div>
    </div>
  );
}
