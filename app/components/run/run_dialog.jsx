// Asks for the run's input: a form from the trigger, filled with the last input or the example.
import { useEffect, useMemo, useRef, useState } from "react";
import { Play, X } from "lucide-react";
import { FormContext } from "../inspector/form_context.jsx";
import { missing, startValues } from "../inspector/schema.js";
import { SchemaForm } from "../inspector/schema_form.jsx";
import { setIn } from "../canvas/values.js";

const FOCUSABLE = "button:not([disabled]), input, textarea, select, [tabindex='0']";

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
  const box = useRef(null);
  const before = useRef(document.activeElement);
  const faults = tried ? missing(schema, values) : {};
  useEffect(() => {
    box.current.querySelector(".schema-form textarea, .schema-form input, .schema-form select")?.focus();
    const back = before.current;
    return () => back?.focus?.();
  }, []);
  // Fields hand over what was typed when they are left; the button takes the focus first, so all is here.
  const run = () => {
    setTried(true);
    setTimeout(() => setValues((now) => {
      if (!Object.keys(missing(schema, now)).length) queueMicrotask(() => onRun(now));
      return now;
    }), 0);
  };
  const keys = (event) => {
    if (event.key === "Escape") onClose();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.target.blur?.();
      run();
    }
    if (event.key !== "Tab") return;
    const all = [...box.current.querySelectorAll(FOCUSABLE)];
    const edge = event.shiftKey ? all[0] : all.at(-1);
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0]).focus();
  };
  const context = useMemo(() => ({
    workflowId: "", nodeId: "", runId: "", items: [], preview: false, id: "run",
    errors: Object.fromEntries(Object.entries(faults).map(([name, text]) => [name, [text]])),
  }), [JSON.stringify(faults)]);
  const empty = !Object.keys(schema?.properties ?? {}).length;
  return (
    <div className="dialog-scrim" onPointerDown={(event) => event.target === event.currentTarget && onClose()}>
      <div ref={box} className="dialog card" role="dialog" aria-modal="true" aria-label="Run the workflow" onKeyDown={keys} data-testid="run-dialog">
        <div className="dialog-head row between"><h2>Run</h2><button type="button" className="icon-button" aria-label="Close" onClick={onClose}><X size={16} /></button></div>
        <div className="dialog-body">
          {empty
            ? <p className="muted">This workflow needs no input.</p>
            : (
              <FormContext.Provider value={context}>
                <SchemaForm schema={form} value={values} onChange={(path, value) => setValues((now) => setIn(now, path, value))} />
              </FormContext.Provider>
            )}
          {error && <div className="callout callout-err" role="alert">{error}</div>}
        </div>
        <div className="dialog-foot row between">
          <span className="kbd">Ctrl Enter</span>
          <span className="row">
            <button type="button" className="btn" onClick={onClose}>Cancel</button>
            <button type="button" className="btn btn-primary" disabled={busy} onClick={run} data-testid="start-run"><Play size={13} />{busy ? "Starting…" : "Run"}</button>
          </span>
        </div>
      </div>
    </div>
  );
}
