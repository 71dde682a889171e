// Go on from a step in a new run: what was finished before it is taken over, and may be changed.
import { useState } from "react";
import { GitBranch, X } from "lucide-react";
import { api } from "../js/api.js";
import { references } from "../js/format.js";
import { Dialog } from "../ui/dialog.jsx";
import { parse, write } from "../js/exact.js";

const isTop = (step) => !step.path.includes("/");

// Steps that are certainly taken over: those of the graph itself from which no way leads from the chosen one.
export function kept(trace, path) {
  const chosen = path.split("/")[0].replace(/\[.*$/, "");
  const after = new Set([chosen]);
  const ahead = [chosen];
  while (ahead.length) {
    const here = ahead.pop();
    for (const edge of trace.graph?.edges ?? []) {
      if (edge.source === here && !after.has(edge.target)) {
        after.add(edge.target);
        ahead.push(edge.target);
      }
    }
  }
  return trace.steps.filter((step) => isTop(step) && step.status === "succeeded" && !after.has(step.node_id));
}

function Change({ steps, change, onChange, onRemove, runId }) {
  const choose = async (path) => {
    const step = steps.find((each) => each.path === path);
    onChange({ path, text: "Loading…", fault: "" });
    try {
      const whole = await api("GET", `/api/runs/${runId}/steps/${step.id}`);
      if (references(whole.output).length) {
        throw new Error("This output is too large to be changed here. Give it as “outputs” over the API.");
      }
      onChange({ path, text: write(whole.output, null, 2), fault: "" });
    } catch (error) {
      onChange({ path, text: "", fault: error.message });
    }
  };
  return (
    <div className="field" data-testid="fork-change">
      <div className="row between">
        <select
          className="input" aria-label="Step whose output is changed" value={change.path}
          onChange={(event) => choose(event.target.value)}
        >
          <option value="" disabled>Choose a step…</option>
          {steps.map((step) => <option key={step.path} value={step.path}>{step.label || step.node_id}</option>)}
        </select>
        <button
          type="button" className="icon-button" aria-label="Do not change this output" onClick={onRemove}
        >
          <X size={14} />
        </button>
      </div>
      {change.path && (
        <textarea
          className="textarea mono" rows={6} aria-label="Output by port, as JSON" spellCheck={false} value={change.text}
          onChange={(event) => onChange({ ...change, text: event.target.value, fault: "" })} data-testid="fork-output"
        />
      )}
      {change.fault && <span className="field-error" role="alert">{change.fault}</span>}
    </div>
  );
}

export function ForkDialog({ trace, step, onClose }) {
  const [version, setVersion] = useState("original");
  const [changes, setChanges] = useState([]);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const name = step.label || step.node_id;
  const steps = kept(trace, step.path);
  const set = (at, change) => setChanges((all) => all.map((each, i) => (i === at ? change : each)));
  const start = async () => {
    const outputs = {};
    for (const [at, change] of changes.entries()) {
      if (!change.path) continue;
      try {
        outputs[change.path] = parse(change.text);
      } catch (fault) {
        set(at, { ...change, fault: `This is no JSON: ${fault.message}` });
        return;
      }
    }
    setBusy(true);
    setError("");
    try {
      const run = await api("POST", `/api/runs/${trace.run.id}/fork`, { from_step: step.path, version, outputs });
      window.location.assign(`/runs/${run.run_id ?? run.id}`);
    } catch (problem) {
      setError(problem.message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Run from “${name}”`} testid="fork-dialog" onClose={onClose} onSubmit={start}
      foot={(
        <>
          <span className="kbd">Ctrl Enter</span>
          <span className="row">
            <button type="button" className="btn" onClick={onClose}>Cancel</button>
            <button
              type="button" className="btn btn-primary" disabled={busy} onClick={start} data-testid="fork-start"
            >
              <GitBranch size={13} />{busy ? "Starting…" : "Run from here"}
            </button>
          </span>
        </>
      )}
    >
      <p className="muted">
        A new run takes over what was finished before this step. “{name}” and all that follows it are executed again,
        with their effects.
      </p>
      <fieldset className="choice-list">
        <legend className="form-label">Workflow</legend>
        <label>
          <input
            type="radio" name="fork-version" checked={version === "original"} onChange={() => setVersion("original")}
          /> Version {trace.run.version}, which ran
        </label>
        <label>
          <input
            type="radio" name="fork-version" checked={version === "current"} onChange={() => setVersion("current")}
            data-testid="fork-current"
          /> As it is now in the editor
        </label>
      </fieldset>
      {steps.length > 0 && (
        <section className="field">
          <span className="form-label">Outputs of earlier steps</span>
          {changes.map((change, at) => (
            <Change
              key={at} steps={steps} change={change} runId={trace.run.id} onChange={(next) => set(at, next)}
              onRemove={() => setChanges((all) => all.filter((_, i) => i !== at))}
            />
          ))}
          <span>
            <button
              type="button" className="btn btn-ghost btn-sm"
              onClick={() => setChanges((all) => [...all, { path: "", text: "", fault: "" }])}
              data-testid="fork-add-change"
            >
              {changes.length ? "Change another output…" : "Change an output…"}
            </button>
          </span>
        </section>
      )}
      {error && <div className="callout callout-err" role="alert">{error}</div>}
    </Dialog>
  );
}
