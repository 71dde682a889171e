// What bounds the runs of this workflow: time, steps, tokens, money, and how many run at once.
import { useEffect, useState } from "react";
import { api } from "../js/api.js";
import { Dialog } from "../ui/dialog.jsx";
import { FormContext } from "../inspector/form_context.jsx";
import { SchemaForm } from "../inspector/schema_form.jsx";

const number = (title, more) => ({ title, type: "number", minimum: 1, mode: "literal", ...more });

const SCHEMA = {
  type: "object",
  properties: {
    timeout_s: number("Time limit (seconds)", {
      description: "At work; waiting for people, times and signals does not count.", placeholder: "300",
    }),
    max_steps: number("Steps at most", { type: "integer", placeholder: "10,000" }),
    max_tokens: number("Tokens at most", { type: "integer", placeholder: "no limit" }),
    max_cost_usd: number("Cost at most (US dollars)", { minimum: 0, placeholder: "no limit" }),
    concurrency: number("Runs at once", {
      type: "integer", placeholder: "no limit", description: "More wait for their turn.",
    }),
    concurrency_key: {
      title: "… for each value of", type: "string", mode: "literal", placeholder: "trigger.customer",
      description: "An expression over the trigger: runs with the same value take turns.",
    },
    priority: {
      title: "Priority", type: "string", enum: ["high", "default", "low"], options: ["High", "Normal", "Low"],
      default: "default", widget: "choice", mode: "literal",
    },
  },
};

const CONTEXT = { workflowId: "", nodeId: "", runId: "", items: [], preview: false, id: "run-settings", errors: {} };

export function RunSettingsDialog({ workflowId, onClose }) {
  const [values, setValues] = useState(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const place = `/api/workflows/${workflowId}/run-settings`;
  useEffect(() => {
    let here = true;
    api("GET", place).then((found) => here && setValues(found), (problem) => here && setError(problem.message));
    return () => { here = false; };
  }, [place]);
  const save = () => {
    setBusy(true);
    setError("");
    // A field hands over what was typed when it is left; the button takes the focus first.
    setTimeout(() => setValues((now) => {
      queueMicrotask(() =>
        api("PUT", place, now).then(onClose, (problem) => { setError(problem.message); setBusy(false); }));
      return now;
    }), 0);
  };
  return (
    <Dialog
      title="Limits of a run" testid="run-settings" onClose={onClose} onSubmit={save}
      foot={(
        <>
          <span className="kbd">Ctrl Enter</span>
          <span className="row">
            <button type="button" className="btn" onClick={onClose}>Cancel</button>
            <button
              type="button" className="btn btn-primary" disabled={busy || !values} onClick={save}
              data-testid="save-run-settings"
            >
              {busy ? "Saving…" : "Save"}
            </button>
          </span>
        </>
      )}
    >
      {!values && !error && <p className="muted" role="status">Loading…</p>}
      {values && (
        <FormContext.Provider value={CONTEXT}>
          <SchemaForm
            schema={SCHEMA} value={values}
            onChange={([field], value) => setValues((now) => ({ ...now, [field]: value === "" ? null : value }))}
          />
        </FormContext.Provider>
      )}
      {error && <div className="callout callout-err" role="alert">{error}</div>}
    </Dialog>
  );
}
