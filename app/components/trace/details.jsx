// What is known of one row of the trace: error, input, output, prompt, completion, attempts, facts.

import { useEffect, useState } from "react";
import { ArrowUpRight, GitBranch } from "lucide-react";
import { api } from "../js/api.js";
import { cost, duration, isReference, references } from "../js/format.js";
import { live } from "../js/live.js";
import { Origin, WaitsFor } from "../run/words.jsx";
import { WholeValue } from "../ui/viewers.jsx";
import { ForkDialog } from "./fork.jsx";
import { STATUS, lasted } from "./model.js";
import { write } from "../js/exact.js";

const LARGE = 200_000;

export function textOf(value) {
  const shown = (_, item) => (isReference(item) ? `${item.preview}…` : item);
  return typeof value === "string" ? value : write(value, shown, 2) ?? "null";
}

function Code({ value, label }) {
  const [copied, setCopied] = useState(false);
  const [whole, setWhole] = useState(false);
  const text = textOf(value);
  const shown = whole || text.length <= LARGE ? text : text.slice(0, LARGE);
  const copy = () =>
    navigator.clipboard?.writeText(text).then(() => { setCopied(true); setTimeout(() => setCopied(false), 1500); });
  return (
    <>
      <pre className="tx-code" tabIndex={0} aria-label={label}>
        <button
          className="tx-copy" onClick={copy} aria-label={`${copied ? "Copied" : "Copy"} ${label}`}
        >
          {copied ? "Copied" : "Copy"}
        </button>{shown}
      </pre>
      {references(value).map((part) => <p className="tx-whole" key={part.$blob}><WholeValue reference={part} /></p>)}
      {shown.length < text.length && (
        <button className="tx-tab" onClick={() => setWhole(true)}>Show all {(text.length / 1000).toFixed(0)} kB</button>
      )}
    </>
  );
}

/** The step in full: the live store carries only short previews. */
function useStep(row, runId) {
  const [step, setStep] = useState(null);
  const id = row?.type === "step" ? row.item.id : null;
  const status = row?.status;
  useEffect(() => {
    let gone = false;
    setStep(null);
    if (id) api("GET", `/api/runs/${runId}/steps/${id}`).then((full) => !gone && setStep(full), () => {});
    return () => { gone = true; };
  }, [id, status, runId]);
  return step ?? row?.item ?? null;
}

function ErrorCard({ step, error, workflowId }) {
  const field = error.field ? `&field=${encodeURIComponent(error.field)}` : "";
  return (
    <div className="tx-card err" role="alert">
      <strong>{error.message}</strong>
      <p>
        {[
          error.code, step.attempt > 1 ? `${step.attempt} attempts` : null, duration(lasted(step)),
        ].filter(Boolean).join(" · ")}
      </p>
      {step.node_id && (
        <p><a
          href={`/workflows/${workflowId}?node=${encodeURIComponent(step.node_id)}${field}`} data-testid="go-to-field"
        >
          {error.field
            ? `Change “${error.field}” of ${step.label || step.node_id}`
            : `Open ${step.label || step.node_id} in the editor`} →</a></p>
      )}
    </div>
  );
}

function Conversation({ messages }) {
  if (!Array.isArray(messages)) return <Code value={messages} label="prompt" />;
  return messages.map((message, at) => (
    <div className="tx-turn" key={at}>
      <span>{message.role}{message.tool_call_id ? ` · answers ${message.tool_call_id}` : ""}</span>
      <Code value={message.text || message.tool_calls || message.content || ""} label={`${message.role} message`} />
    </div>
  ));
}

// How a loop fared, and a way to any of its turns: of a long one the trace lists only some.
function Turns({ runId, path, loop, onOpen }) {
  const [number, setNumber] = useState("");
  const [said, setSaid] = useState("");
  const open = async (event) => {
    event.preventDefault();
    const wanted = Number(number);
    if (!Number.isInteger(wanted) || wanted < 1) return setSaid("Give the number of a turn: 1 is the first.");
    try {
      const first = await live.turn(runId, `${path}[${wanted - 1}]`);
      if (first) onOpen(first);
      else setSaid(`There is no turn ${wanted}.`);
    } catch (problem) {
      setSaid(problem.message);
    }
    return undefined;
  };
  return (
    <>
      <Facts pairs={{
        "Turns, each try counted": loop.turns, Succeeded: loop.succeeded, Failed: loop.failed, Running: loop.running,
      }} />
      <h3>Open a turn</h3>
      <form className="tx-turns" onSubmit={open}>
        <input
          className="input" type="number" min={1} value={number} aria-label="Number of the turn"
          onChange={(event) => setNumber(event.target.value)} data-testid="turn-number"
        />
        <button type="submit" className="btn btn-sm" data-testid="open-turn">Show it</button>
        <span className="muted" role="status">{said}</span>
      </form>
    </>
  );
}

function Question({ open, editor }) {
  return (
    <div className="tx-card wait">
      <strong>{open?.title ?? "Waiting for a person"}</strong>
      {open?.body && <p>{open.body}</p>}
      <p><a href={editor}>Answer in the editor</a> or in <a href="/approvals">Approvals</a>.</p>
    </div>
  );
}

function Input({ input }) {
  const { ports, config } = input;
  return (
    <>
      {ports !== undefined && <><h3>Values that arrived</h3><Code value={ports} label="input" /></>}
      {config !== undefined && (
        <><h3>Fields after expressions were filled in</h3><Code value={config} label="fields" /></>
      )}
      {ports === undefined && config === undefined && <Code value={input} label="input" />}
    </>
  );
}

function stepTabs(step, row, trace, workflowId, onTurn) {
  const tabs = {};
  const attempts = trace.spans.filter((s) => s.step_path === step.path && s.kind === "attempt");
  const llm = trace.spans.filter((s) => s.step_path === step.path && s.kind === "llm");
  const tried = attempts.some((s) => s.status === "failed");
  if (step.status === "waiting") {
    tabs.Waiting = () => <WaitsFor wait={trace.waits.find((wait) => wait.step_path === step.path)} />;
  }
  if (step.status === "waiting_human" || step.status === "interrupted") {
    const open = trace.approvals.find((a) => a.step_id === step.id || a.node_id === step.node_id);
    tabs.Question = () => <Question open={open} editor={`/workflows/${workflowId}?run=${trace.run.id}`} />;
  }
  if (step.error) tabs.Error = () => <ErrorCard step={step} error={step.error} workflowId={workflowId} />;
  if (row.status === "skipped") tabs.Why = () => <p className="tx-empty">This branch was not taken.</p>;
  if (step.output !== null && step.output !== undefined) {
    tabs.Output = () => <><Origin step={step} /><Code value={step.output} label="output" /></>;
  }
  if (step.input?.ports || step.input) {
    tabs.Input = () => <Input input={step.input} />;
  }
  if (llm.length) {
    tabs.Prompt = () =>
      llm.map((s) => (
        <div key={s.id}>
          <h3>{s.name} · {s.attributes.model ?? ""}</h3><Conversation messages={s.attributes.messages} />
        </div>
      ));
    tabs.Completion = () =>
      llm.map((s) => (
        <div key={s.id}><h3>{s.name}</h3><Code value={s.attributes.completion ?? ""} label="completion" /></div>
      ));
  }
  if (tried) tabs.Attempts = () => attempts.map((s) => (
    <div className="tx-turn" key={s.id}>
      <span>{s.name} · {STATUS[s.status]?.word} · {duration(lasted(s))}</span>
      {s.attributes.error && <Code value={s.attributes.error.message ?? s.attributes.error} label="error" />}
    </div>
  ));
  const loop = trace.loops.get(step.path);
  if (loop) {
    tabs.Turns = () => <Turns key={step.path} runId={trace.run.id} path={step.path} loop={loop} onOpen={onTurn} />;
  }
  tabs.Facts = () => (
    <Facts pairs={{
      Node: step.node_id, Kind: step.kind, Path: step.path, Attempt: step.attempt,
      ...(step.origin ? { Origin: step.origin } : {}), Tokens: step.tokens,
      Cost: step.tokens ? cost(step.cost_usd) : "–", Time: duration(lasted(step)),
      ...(step.waited_s ? { Waited: duration(step.waited_s * 1000) } : {}), Started: step.started_at ?? "–",
      Ended: step.finished_at ?? "–",
    }} />
  );
  return tabs;
}

function spanTabs(span) {
  const { messages, completion, error, ...rest } = span.attributes;
  const tabs = {};
  if (error) {
    tabs.Error = () => (
      <div className="tx-card err" role="alert"><strong>{error.message ?? textOf(error)}</strong></div>
    );
  }
  if (completion !== undefined) tabs.Completion = () => <Code value={completion} label="completion" />;
  if (messages !== undefined) tabs.Prompt = () => <Conversation messages={messages} />;
  if (rest.result !== undefined) tabs.Result = () => <Code value={rest.result} label="result" />;
  if (rest.arguments !== undefined) tabs.Arguments = () => <Code value={rest.arguments} label="arguments" />;
  tabs.Facts = () => (
    <Facts pairs={{
      Kind: span.kind, Time: duration(lasted(span)),
      ...Object.fromEntries(Object.entries(rest).filter(([k]) => !["result", "arguments"].includes(k))),
    }} />
  );
  return tabs;
}

function Facts({ pairs }) {
  return (
    <dl className="tx-facts">
      {Object.entries(pairs).map(([name, value]) => [
        <dt key={name}>{name.replaceAll("_", " ")}</dt>,
        <dd key={`${name}-v`}>{typeof value === "object" ? textOf(value) : String(value)}</dd>,
      ])}
    </dl>
  );
}

function Acts({ step, onFork }) {
  return (
    <div className="tx-acts">
      <button type="button" className="btn btn-sm" onClick={onFork} data-testid="fork-from">
        <GitBranch size={12} />Run from here…
      </button>
      {step.child_run_id && (
        <a className="btn btn-sm" href={`/runs/${step.child_run_id}`} data-testid="child-run">
          Open the run it called<ArrowUpRight size={12} />
        </a>
      )}
    </div>
  );
}

export function Details({ row, trace, workflowId, now, onTurn }) {
  const step = useStep(row, trace.run.id);
  const [tab, setTab] = useState(null);
  const [forking, setForking] = useState(false);
  useEffect(() => { setTab(null); setForking(false); }, [row?.key]);
  if (!row) return <aside className="tx-side"><p className="tx-empty">Choose a span to see its values.</p></aside>;
  const state = row.remark
    ? { ...STATUS.interrupted, word: STATUS.succeeded.word }
    : STATUS[row.status] ?? STATUS.pending;
  const tabs = row.type === "span"
    ? spanTabs(row.item)
    : row.type === "group" ? {} : stepTabs(step, row, trace, workflowId, onTurn);
  const names = Object.keys(tabs);
  const shown = names.includes(tab) ? tab : names[0];
  return (
    <aside className="tx-side" aria-label={`Details of ${row.label}`}>
      <div className="tx-side-head">
        <h2>{row.label}</h2>
        <span className={`tx-badge tone-${state.tone}`}>
          {state.mark} {state.word}{row.item.started_at ? ` · ${duration(lasted(row.item, now))}` : ""}
        </span>
      </div>
      {row.type === "step" && step.waited_s !== null && step.waited_s !== undefined && (
        <p className="tx-waited muted" data-testid="waited">{duration(step.waited_s * 1000)} of it waiting</p>
      )}
      {row.remark
        && row.item.warnings.map(({ message }) => (
          <p key={message} className="tx-remark" data-testid="step-warning">{message}</p>
        ))}
      <div className="tx-tabs" role="tablist" aria-label="Details">
        {names.map((name) => (
          <button
            key={name} role="tab" className="tx-tab" aria-selected={name === shown} onClick={() => setTab(name)}
          >
            {name}
          </button>
        ))}
      </div>
      {row.type === "step" && trace.run.started_at && <Acts step={step} onFork={() => setForking(true)} />}
      {forking && <ForkDialog trace={trace} step={step} onClose={() => setForking(false)} />}
      <div className="tx-panel" role="tabpanel" aria-label={shown} tabIndex={0}>
        {shown ? tabs[shown]() : <p className="tx-empty">An item of the loop: choose a step inside.</p>}
      </div>
    </aside>
  );
}
