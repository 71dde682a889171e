// Widgets of a form besides texts: number, switch, choice, model, key-value, JSON, code.
import { lazy, Suspense, useEffect, useState } from "react";
import { Plus, X } from "lucide-react";
import { api } from "../js/api.js";
import { ExpressionField } from "./expression.jsx";
import { useForm } from "./form_context.jsx";
import { readJson, showJson } from "./schema.js";
import { useDraft } from "./use_draft.js";
import { numberOf, parse, write } from "../js/exact.js";

const CodeEditor = lazy(() => import("./code_editor.jsx"));

export function NumberField({ field, value, onCommit, label, invalid }) {
  const whole = field.type === "integer";
  const send = (text) => {
    if (text.trim() === "") onCommit(field.nullable ? null : (field.default ?? null));
    else if (Number.isFinite(Number(text))) {
      const number = numberOf(text);
      onCommit(whole && typeof number === "number" ? Math.round(number) : number);
    }
  };
  const { text, change, commit } = useDraft(value === null || value === undefined ? "" : String(value), send);
  return (
    <input
      className="input" type="number" value={text} step={whole ? 1 : "any"} min={field.minimum} max={field.maximum}
      placeholder={field.placeholder ?? (field.nullable ? "not set" : "")} aria-label={label}
      aria-invalid={invalid || undefined}
      onChange={(event) => change(event.target.value)} onBlur={commit}
    />
  );
}

export function SwitchField({ value, onCommit, label }) {
  return (
    <button
      type="button" className="switch" role="switch" aria-checked={Boolean(value)} aria-label={label}
      onClick={() => onCommit(!value)}
    >
      <i />
    </button>
  );
}

export function ChoiceField({ field, value, onCommit, label, invalid }) {
  const values = field.enum ?? field.options ?? [];
  const titles = field.enum && field.options?.length === field.enum.length ? field.options : values;
  const known = values.includes(value);
  return (
    <select className="input" value={known ? String(value) : ""} aria-label={label} aria-invalid={invalid || undefined}
      onChange={(event) => onCommit(values.find((each) => String(each) === event.target.value))}>
      {!known && <option value="" disabled>{value ? `${value} (not offered)` : "Choose…"}</option>}
      {values.map((each, i) => <option key={String(each)} value={String(each)}>{String(titles[i])}</option>)}
    </select>
  );
}

let models = null;

// The models this server can reach; asked once per page.
function useModels() {
  const [found, setFound] = useState([]);
  useEffect(() => {
    models ??= api("GET", "/api/models").then((answer) => answer.items ?? answer);
    let here = true;
    models.then((items) => here && setFound(items)).catch(() => { models = null; });
    return () => { here = false; };
  }, []);
  return found;
}

export function ModelField({ field, value, onCommit, label, invalid }) {
  const found = useModels();
  const usable = found.filter((model) => model.available);
  const rest = found.filter((model) => !model.available);
  const known = !value || found.some((model) => model.ref === value);
  const chosen = found.find((model) => model.ref === value);
  const title = (model) =>
    `${model.title}${model.local ? " · local" : ` · ${model.provider}`}${model.demo ? " · demo" : ""}`;
  return (
    <>
      <select
        className="input" value={value || ""} aria-label={label} aria-invalid={invalid || undefined}
        onChange={(event) => onCommit(event.target.value)}
      >
        <option value="">{field.placeholder || "Default model"}</option>
        {!known && <option value={value}>{value} (not found)</option>}
        {usable.map((model) => <option key={model.ref} value={model.ref}>{title(model)}</option>)}
        {rest.length > 0 && (
          <optgroup label="Not ready">
            {rest.map((model) => <option key={model.ref} value={model.ref}>{title(model)}</option>)}
          </optgroup>
        )}
      </select>
      {chosen?.note && <div className="field-hint">{chosen.note}</div>}
    </>
  );
}

// Another workflow of the workspace; the list is read anew whenever the field appears.
export function WorkflowField({ value, onCommit, label, invalid }) {
  const { workflowId } = useForm();
  const [found, setFound] = useState(null);
  useEffect(() => {
    let here = true;
    api("GET", "/api/workflows?limit=100").then((page) => here && setFound(page.items)).catch(() => {});
    return () => { here = false; };
  }, []);
  const others = (found ?? []).filter((workflow) => workflow.id !== workflowId);
  const known = !value || others.some((workflow) => workflow.id === value);
  return (
    <select
      className="input" value={value || ""} aria-label={label} aria-invalid={invalid || undefined}
      onChange={(event) => onCommit(event.target.value)}
    >
      <option value="">Choose a workflow</option>
      {!known && <option value={value}>{found ? `${value} (not in the list)` : value}</option>}
      {others.map((workflow) => <option key={workflow.id} value={workflow.id}>{workflow.name}</option>)}
    </select>
  );
}

export function KeyValueField({ field, value, onCommit, label, literal }) {
  // Values of any type are read as JSON when they are JSON.
  const read = field.additionalProperties?.type === "string" ? (text) => text : readJson;
  const pairs = Object.entries(value && typeof value === "object" ? value : {});
  const [fresh, setFresh] = useState(false);
  const put = (next) => onCommit(Object.fromEntries(next.filter(([key]) => key !== "")));
  return (
    <div className="pairs" role="group" aria-label={label}>
      {pairs.map(([key, each], i) => (
        <div className="pair" key={i}>
          <KeyInput
            value={key} label={`Name ${i + 1}`}
            onCommit={(name) => put(pairs.map((pair, at) => (at === i ? [name, pair[1]] : pair)))}
          />
          {literal
            ? <KeyInput
              value={showJson(each)} label={`Value of ${key}`}
              onCommit={(text) => put(pairs.map((pair, at) => (at === i ? [pair[0], read(text)] : pair)))}
            />
            : <ExpressionField
              value={showJson(each)} label={`Value of ${key}`}
              onCommit={(text) => put(pairs.map((pair, at) => (at === i ? [pair[0], read(text)] : pair)))}
            />}
          <button
            type="button" className="icon-button" aria-label={`Remove ${key}`}
            onClick={() => put(pairs.filter((_, at) => at !== i))}
          >
            <X size={13} />
          </button>
        </div>
      ))}
      {fresh
        ? (
          <div className="pair">
            <KeyInput
              value="" label="New name" autoFocus onCommit={(name) => { if (name) put([...pairs, [name, ""]]); }}
              onLeave={() => setFresh(false)}
            />
          </div>
        )
        : <button
          type="button" className="btn btn-ghost btn-sm" onClick={() => setFresh(true)}
        >
          <Plus size={12} />Add
        </button>}
    </div>
  );
}

export function KeyInput({
  value, onCommit, label, autoFocus = false, onLeave = null, placeholder = "", invalid = false,
}) {
  const { text, change, commit } = useDraft(value ?? "", onCommit);
  return (
    <input
      className="input" value={text} aria-label={label} autoFocus={autoFocus} placeholder={placeholder}
      aria-invalid={invalid || undefined}
      onChange={(event) => change(event.target.value)} onBlur={() => { commit(); onLeave?.(); }}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
    />
  );
}

// JSON, or a template text that becomes JSON when it is run.
export function JsonField({ field, value, onCommit, label, invalid, literal }) {
  const send = (text) => onCommit(readJson(text));
  if (!literal) {
    return (
      <ExpressionField
        value={showJson(value)} onCommit={send} rows={3} mono placeholder={field.placeholder} label={label}
        invalid={invalid}
      />
    );
  }
  return <LiteralJson value={value} onCommit={send} label={label} invalid={invalid} placeholder={field.placeholder} />;
}

function LiteralJson({ value, onCommit, label, invalid, placeholder }) {
  const { text, change, commit } = useDraft(showJson(value), onCommit);
  return (
    <textarea className="textarea mono" rows={3} value={text} aria-label={label} aria-invalid={invalid || undefined}
      placeholder={placeholder}
      onChange={(event) => change(event.target.value)} onBlur={commit} spellCheck={false} />
  );
}

// A JSON Schema; wrong JSON is kept as typed and said to be wrong, until it is right it is not sent.
export function SchemaField({ value, onCommit, label }) {
  const [fault, setFault] = useState("");
  const send = (text) => {
    if (!text.trim()) {
      setFault("");
      onCommit(null);
      return;
    }
    try {
      const schema = parse(text);
      setFault("");
      onCommit(schema);
    } catch (error) {
      setFault(`This is no JSON yet: ${error.message}`);
    }
  };
  return (
    <>
      <CodeField value={value ? write(value, null, 2) : ""} onCommit={send} language="json" label={label} />
      {fault && <div className="field-error" role="alert">{fault}</div>}
    </>
  );
}

export function CodeField({ value, onCommit, language = "python", label, invalid }) {
  const { text, change, commit } = useDraft(value ?? "", onCommit);
  return (
    <div className={`code-field ${invalid ? "is-invalid" : ""}`} onBlur={commit}>
      <Suspense fallback={<textarea className="textarea mono" rows={8} value={text} readOnly aria-label={label} />}>
        <CodeEditor text={text} language={language} label={label} onChange={change} />
      </Suspense>
    </div>
  );
}
