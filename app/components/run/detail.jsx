// What one step does, gave or asks: streaming text, question, error, output.
import { useEffect, useRef } from "react";
import { CircleAlert } from "lucide-react";
import { useEditor, useStore } from "../editor/context.jsx";
import { useValues } from "../inspector/panels.jsx";
import { ASKING, live } from "../js/live.js";
import { useRun } from "../js/use_live.js";
import { StatusBadge } from "../ui/marks.jsx";
import { JsonViewer } from "../ui/viewers.jsx";
import { Approval, Recovery } from "./approval.jsx";
import { stepName } from "./rows.js";
import { Origin, WaitsFor } from "./words.jsx";

// Text that grows; it stays at its end unless somebody scrolled up.
function Stream({ text, done }) {
  const box = useRef(null);
  const stick = useRef(true);
  useEffect(() => {
    if (stick.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <pre
      ref={box} className="stream" tabIndex={0} aria-label="Text of the step" data-testid="stream"
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        stick.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {text}{!done && <span className="caret" aria-hidden="true" />}
    </pre>
  );
}

export function StepError({ step }) {
  const store = useStore();
  const known = useEditor((state) => state.byId.has(step.node_id));
  return (
    <div className="callout callout-err" role="alert" data-testid="step-error">
      <CircleAlert size={14} />
      <div>
        <div>{step.error.message}</div>
        {known && (
          <button
            type="button" className="link" onClick={() => store.jump(step.node_id, step.error.field ?? "")}
            data-testid="go-to-field"
          >
            {step.error.field ? "Go to the field" : "Go to the node"}
          </button>
        )}
      </div>
    </div>
  );
}

const single = (output) => {
  const values = output && typeof output === "object" && !Array.isArray(output) ? Object.values(output) : [];
  return values.length === 1 ? values[0] : output;
};

function Result({ step }) {
  const value = single(step.output);
  if (value === undefined || value === null) return null;
  return typeof value === "string"
    ? <Stream text={value} done />
    : <JsonViewer value={step.output} title="Output" openTo={2} />;
}

export function StepDetail({ runId, path, onAnswer }) {
  const entry = useRun(runId);
  const step = entry.steps.get(path);
  useValues(runId, step);
  if (!step) return null;
  const asked = entry.approvals.get(path);
  const text = live.text(runId, path);
  const running = step.status === "running";
  const cut = step.status === "interrupted" || (asked?.recovery && step.status === "waiting_human");
  return (
    <div
      className="step-detail" role="group" aria-label={step.label || step.node_id} tabIndex={-1}
      data-testid="step-detail"
    >
      <div className="row between">
        <b className="truncate-1">{stepName(entry, step)}</b>
        <StatusBadge
          status={step.status} word={step.attempt > 1 ? `attempt ${step.attempt} · ${step.status}` : undefined}
        />
      </div>
      <Origin step={step} />
      {asked && ASKING.has(step.status) && (asked.recovery
        ? <Recovery key={asked.id ?? path} asked={asked} onAnswer={onAnswer} />
        : <Approval key={asked.id ?? path} asked={asked} onAnswer={onAnswer} />)}
      {step.status === "waiting" && <WaitsFor wait={entry.waits.get(path)} />}
      {step.error && !cut && <StepError step={step} />}
      {step.status === "succeeded"
        && step.warnings?.map(({ message }) => (
          <div key={message} className="callout callout-wait" data-testid="step-warning">{message}</div>
        ))}
      {running && text && <Stream text={text} done={false} />}
      {running && !text && <p className="muted">Working…</p>}
      {!running && step.output !== undefined && <Result step={step} />}
      {!running && step.output === undefined && step.preview && <Stream text={step.preview} done />}
      {step.status === "skipped" && <p className="muted">This branch was not taken.</p>}
    </div>
  );
}
