// The other tabs of the inspector, and the table of outputs.
import { useEffect } from "react";
import { Pin, PinOff } from "lucide-react";
import { SETTINGS as DEFAULTS } from "../js/protocol.gen.js";
import { useEditor, useStore } from "../editor/context.jsx";
import { liesOnCircle, portsOf, titleOf, typeName } from "../editor/model.js";
import { api } from "../js/api.js";
import { duration, elapsed, references } from "../js/format.js";
import { live } from "../js/live.js";
import { useRun } from "../js/use_live.js";
import { JsonViewer } from "../ui/viewers.jsx";
import { SchemaForm } from "./schema_form.jsx";
import { write } from "../js/exact.js";

const about = (port) => {
  const schema = port.json_schema ?? {};
  if (schema.enum) return `${typeName(port.type)} · one of ${schema.enum.length}`;
  if (port.branch) return "branch";
  return schema.description ?? typeName(port.type);
};

export function Outputs({ node }) {
  const store = useStore();
  const formPorts = useEditor((state) => state.ports[node.id]);
  const type = useEditor((state) => state.catalog.get(node.kind));
  const shown = formPorts ?? type?.outputs ?? [];
  const { outputs } = portsOf(store.get(), node);
  const error = outputs.find((port) => port.error);
  return (
    <section className="outputs">
      <h2 className="form-label">Outputs</h2>
      <table>
        <tbody>
          {shown.map((port) => (
            <tr key={port.name}>
              <td className="mono">{port.name}</td>
              <td className="faint">{about(port)}</td>
            </tr>
          ))}
          {error && <tr><td className="mono port-error-name">error</td><td className="faint">error route</td></tr>}
        </tbody>
      </table>
      <LastOutput node={node} />
    </section>
  );
}

// Loads the values of a step once when only a preview came live.
export function useValues(runId, step) {
  const lacking = step && step.finished_at && step.output === undefined;
  useEffect(() => {
    if (!lacking) return undefined;
    let here = true;
    api("GET", `/api/runs/${runId}/steps/${step.id}`).then((whole) => here && live.fill(runId, whole)).catch(() => {});
    return () => { here = false; };
  }, [lacking, runId, step?.id]);
}

// The node's latest step of the shown run with its values.
export function useLastStep(node) {
  const runId = useEditor((state) => state.runId);
  const run = useRun(runId);
  const steps = run ? run.order.map((path) => run.steps.get(path)).filter((step) => step.node_id === node.id) : [];
  const step = steps.at(-1) ?? null;
  useValues(runId, step);
  return step;
}

const only = (value) => {
  const entries = value && typeof value === "object" && !Array.isArray(value) ? Object.values(value) : [];
  return entries.length === 1 ? entries[0] : value;
};

function LastOutput({ node }) {
  const step = useLastStep(node);
  if (!step || step.output === undefined || step.output === null) return null;
  return (
    <div className="last-output">
      <div className="form-label"><span>Last output</span></div>
      <JsonViewer value={step.output} title={duration(elapsed(step))} openTo={1} />
    </div>
  );
}

const NOT_YET = "Not run yet. Run the workflow to see real values here.";

export function InputTab({ node }) {
  const step = useLastStep(node);
  const store = useStore();
  const graph = useEditor((state) => state.graph);
  const doc = store.get();
  const wires = graph.edges.filter((edge) => edge.target === node.id);
  const name = (id) => titleOf(doc.byId.get(id), doc.catalog.get(doc.byId.get(id)?.kind));
  return (
    <>
      <h2 className="form-label">Comes from</h2>
      {wires.length
        ? (
          <ul className="wire-list">
            {wires.map((edge) => (
              <li key={edge.id}>
                <button
                  type="button" className="link" onClick={() => store.jump(edge.source)}
                >
                  {name(edge.source)}
                </button> <span className="mono faint">{edge.source_port} → {edge.target_port}</span>
              </li>
            ))}
          </ul>
        )
        : <p className="muted">No wire leads here.</p>}
      <h2 className="form-label">Last input</h2>
      {step?.input
        ? <JsonViewer value={step.input.ports ?? step.input} title="Values by port" />
        : <p className="muted">{NOT_YET}</p>}
      {step?.input?.config && (
        <JsonViewer value={step.input.config} title="Settings with values filled in" openTo={1} />
      )}
    </>
  );
}

export function OutputTab({ node }) {
  const step = useLastStep(node);
  const runId = useEditor((state) => state.runId);
  const run = useRun(runId);
  if (!step) return <><Pinned node={node} /><p className="muted">{NOT_YET}</p></>;
  const text = live.text(runId, step.path);
  const logs = run.logs.get(step.path) ?? [];
  return (
    <>
      <Pinned node={node} output={step.status === "succeeded" ? step.output : null} />
      {step.error && <div className="callout callout-err" role="alert">{step.error.message}</div>}
      {step.status === "running" && text && <pre className="viewer viewer-body wrap" aria-live="polite">{text}</pre>}
      {step.output !== undefined && step.output !== null && (
        <JsonViewer value={step.output} title={`${step.status} · ${duration(elapsed(step))}`} />
      )}
      {typeof only(step.output) === "string" && only(step.output).includes("\n") && (
        <pre className="viewer viewer-body wrap">{only(step.output)}</pre>
      )}
      {step.status === "skipped" && <p className="muted">This branch was not taken.</p>}
      {logs.length > 0 && (
        <>
          <h2 className="form-label">Log</h2>
          <ul className="log">{logs.map((line, i) => <li key={i}>{line.message}</li>)}</ul>
        </>
      )}
    </>
  );
}

// A pinned output stands in for executing the node in runs that are started from here.
function Pinned({ node, output = null }) {
  const store = useStore();
  const pinned = node.settings?.pinned ?? null;
  if (!pinned && !output) return null;
  if (!pinned && references(output).length) return <p className="muted">This output is too large to be pinned.</p>;
  if (!pinned) {
    return (
      <button
        type="button" className="btn btn-sm" onClick={() => store.setSettings(node.id, { pinned: output })}
        data-testid="pin-output"
      >
        <Pin size={12} />Pin this output
      </button>
    );
  }
  return (
    <section className="pinned" data-testid="pinned">
      <div className="callout callout-wait">
        <Pin size={14} /><div>Runs started here use this output. The node is not executed.</div>
      </div>
      <JsonViewer value={pinned} title="Pinned output" openTo={1} />
      <button
        type="button" className="btn btn-sm" onClick={() => store.setSettings(node.id, { pinned: null })}
        data-testid="unpin-output"
      >
        <PinOff size={12} />Unpin
      </button>
    </section>
  );
}

const ON_ERROR = ["Stop the run", "Go on with the default", "Take the error port", "Ask a person"];

function settingsSchema(type, settings, inSlot, onCircle) {
  const when = { on_error: "continue" };
  const fields = {
    timeout_s: { title: "Time limit (seconds)", type: "number", minimum: 1, mode: "literal" },
    retries: { title: "Retries", type: "integer", minimum: 0, maximum: 10, mode: "literal" },
    retry_delay_s: { title: "Delay before a retry (seconds)", type: "number", minimum: 0, mode: "literal" },
    backoff: {
      title: "Delay grows", type: "string", enum: ["exponential", "fixed"],
      options: ["Doubles each time", "Stays the same"], widget: "choice", mode: "literal",
    },
    on_error: {
      title: "When it fails", type: "string", enum: ["stop", "continue", "error_port", "ask"], options: ON_ERROR,
      widget: "choice", mode: "literal",
    },
    default: {
      title: "Default output", widget: "json", mode: "literal", show_if: when,
      description: "Taken as the output when the node fails.",
    },
    cache_s: {
      title: "Use the same output again for (seconds)", type: "integer", minimum: 0, maximum: 2_592_000,
      mode: "literal", description: "For the same input the stored output is taken. 0: never.",
    },
    max_iterations: {
      title: "Turns of the loop at most", type: "integer", minimum: 1, maximum: 100_000, mode: "literal",
      description: "More end the run with an error.",
    },
    disabled: { title: "Switched off", type: "boolean", mode: "literal", description: "Passes its input through." },
  };
  if (!settings.retries) {
    delete fields.retry_delay_s;
    delete fields.backoff;
  }
  if (type?.effects !== "none" || type?.trigger || type?.container) delete fields.cache_s;
  if (!onCircle) delete fields.max_iterations;
  if (type?.tool) {
    fields.tool_name = {
      title: "Name as a tool", type: "string", mode: "literal", placeholder: inSlot,
      description: "How an agent calls it.",
    };
    fields.tool_description = {
      title: "Description as a tool", type: "string", widget: "prompt", mode: "literal",
      description: "When an agent should use it.",
    };
  }
  return { type: "object", properties: fields };
}

export function SettingsTab({ node, type }) {
  const store = useStore();
  const graph = useEditor((state) => state.graph);
  const settings = { ...DEFAULTS, ...node.settings };
  const change = (path, value) => {
    const [field, ...rest] = path;
    if (rest.length === 0 && value !== null) store.setSettings(node.id, { [field]: value });
    else if (field === "default") store.setSettings(node.id, { default: value });
  };
  return (
    <SchemaForm
      schema={settingsSchema(type, settings, node.id, liesOnCircle(graph, node.id))} value={settings} onChange={change}
    />
  );
}

export function DocsTab({ type }) {
  if (!type) return <p className="muted">Nothing is known about this kind of node.</p>;
  return (
    <div className="docs">
      <p>{type.summary}</p>
      {type.description.split(/\n{2,}/).filter(Boolean).map((text) => <p key={text}>{codeIn(text)}</p>)}
      <PortTable title="Inputs" ports={type.inputs} />
      <PortTable title="Outputs" ports={type.outputs} />
      {(type.examples ?? []).length > 0 && <h2>Examples</h2>}
      {(type.examples ?? []).map((example) => (
        <details key={example.title}>
          <summary>{example.title}</summary><pre className="viewer viewer-body wrap">{write(example, null, 2)}</pre>
        </details>
      ))}
      <p className="faint mono">{type.kind} · version {type.version}</p>
    </div>
  );
}

const codeIn = (text) =>
  text.split(/(`[^`]+`)/).map((part, i) => (part.startsWith("`") ? <code key={i}>{part.slice(1, -1)}</code> : part));

function PortTable({ title, ports }) {
  if (!ports.length) return null;
  return (
    <>
      <h2>{title}</h2>
      <table>
        <tbody>
          {ports.map((port) => (
            <tr key={port.name}><td className="mono">{port.name}</td><td className="faint">{about(port)}</td></tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
