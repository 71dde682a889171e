// Asks for the run's input: a form from the trigger, filled with the last input or the example.
import { useMemo, useState } from "react";
import { Play } from "lucide-react";
import { FormContext } from "../inspector/form_context.jsx";
import { missing, startValues } from "../inspector/schema.js";
import { SchemaForm } from "../inspector/schema_form.jsx";
import { changed } from "../editor/places.js";
import { Dialog } from "../ui/dialog.jsx";

// A run form holds values, never expressions.
function literal(schema) {
  const fields = Object.entries(schema.properties ?? {});
  return {
    ...schema,
    properties: Object.fromEntries(fields.map(([name, field]) => [name, { ...field, mode: "literal" }])),
  };
}

export function RunDialog({ schema, lastInput, example, error, busy, onRun, onClose }) {
  const form = useMemo(() => literal(schema ?? {}), [schema]);
  const [values, setValues] = useState(() => startValues(schema, lastInput, example));
  const [tried, setTried] = useState(false);
  const faults = tried ? missing(schema, values) : {};
  // Fields hand over what was typed when they are left; the button takes the focus first, so all is here.
  const run = () => {
    setTried(true);
    setTimeout(() => setValues((now) => {
      if (!Object.keys(missing(schema, now)).length) queueMicrotask(() => onRun(now));
      return now;
    }), 0);
  };
  const context = useMemo(() => ({
    workflowId: "", nodeId: "", runId: "", items: [], preview: false, id: "run",
    errors: Object.fromEntries(Object.entries(faults).map(([name, text]) => [name, [text]])),
  }), [Object.keys(faults).join(" ")]);
  const empty = !Object.keys(schema?.properties ?? {}).length;
  return (
    <Dialog
      title="Run" label="Run the workflow" testid="run-dialog"
      first=".schema-form textarea, .schema-form input, .schema-form select" onClose={onClose} onSubmit={run}
      foot={(
        <>
          <span className="kbd">Ctrl Enter</span>
          <span className="row">
            <button type="button" className="btn" onClick={onClose}>Cancel</button>
            <button
              type="button" className="btn btn-primary" disabled={busy} onClick={run} data-testid="start-run"
            >
              <Play size={13} />{busy ? "Starting…" : "Run"}
            </button>
          </span>
        </>
      )}
    >
      {empty
        ? <p className="muted">This workflow needs no input.</p>
        : (
          <FormContext.Provider value={context}>
            <SchemaForm
              schema={form} value={values} onChange={(path, value) => setValues((now) => changed(now, path, value)[0])}
            />
          </FormContext.Provider>
        )}
      {error && <div className="callout callout-err" role="alert">{error}</div>}
    </Dialog>
  );
}
