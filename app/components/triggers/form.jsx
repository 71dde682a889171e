// Makes or changes a schedule: which workflow, when, in which zone, with what input.
import { useEffect, useMemo, useRef, useState } from "react";
import { CalendarClock, CircleAlert, TriangleAlert } from "lucide-react";
import { startValues } from "../inspector/schema.js";
import { api } from "../js/api.js";
import { write } from "../js/exact.js";
import { Combobox } from "./combobox.jsx";
import { RuleFields } from "./rule_fields.jsx";
import { fromCron, ownZone, readInput, shown, START, toCron, until, zones } from "./rule.js";
import "./triggers.css";

const PAUSE_MS = 250;
const OWN = ["workflow_id", "name", "cron", "timezone", "input", "missed"];

export function Field({ id, label, hint, error, children }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && !error && <span className="field-hint" id={`${id}-hint`}>{hint}</span>}
      {error && (
        <span className="field-error" id={`${id}-error`} role="alert">
          <CircleAlert size={12} aria-hidden="true" />{error}
        </span>
      )}
    </div>
  );
}

// What the rule means, asked from the server as it is the server that fires.
function usePreview(cron, timezone) {
  const [preview, setPreview] = useState(null);
  const [fault, setFault] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setPreview(await api("POST", "/api/schedules/preview", { cron, timezone }, { signal: stop.signal }));
        setFault(null);
      } catch (error) {
        if (error.name === "AbortError") return;
        setFault({ field: error.context?.field === "timezone" ? "timezone" : "cron", message: error.message });
      }
    }, PAUSE_MS);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [cron, timezone]);
  return { preview, fault };
}

function Preview({ preview, fault }) {
  if (fault || !preview) {
    return (
      <div className="sched-next" aria-busy={!fault}>
        <p className="muted">
          {fault ? "The next times appear when the rule can be read." : "Working out the next times…"}
        </p>
      </div>
    );
  }
  const elsewhere = preview.timezone !== ownZone();
  return (
    <div className="sched-next" data-testid="preview">
      <p className="sched-words" aria-live="polite">
        <CalendarClock size={14} aria-hidden="true" />
        {preview.words} <span className="muted">({preview.timezone})</span>
      </p>
      {preview.warnings.map((one) => (
        <p key={one} className="callout callout-wait" role="status">
          <TriangleAlert size={15} aria-hidden="true" />{one}
        </p>
      ))}
      <ol>
        {preview.next_fires.map(({ at }) => (
          <li key={at}>
            <span className="num">
              {shown(
                at, preview.timezone, at.slice(0, 4) === String(new Date().getFullYear()) ? {} : { year: "numeric" },
              )}
            </span>
            <span className="muted num">{elsewhere ? `${shown(at)} here` : until(at)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const option = (one) => ({ value: one.id, words: one.name });

// The workflows to choose from; a long list is searched on the server.
function useWorkflows() {
  const [found, setFound] = useState({ items: null, more: false });
  const timer = useRef(0);
  const read = async (search) => {
    const page = await api("GET", `/api/workflows?limit=200${search ? `&search=${encodeURIComponent(search)}` : ""}`);
    setFound((before) => ({
      items: [...new Map([...(before.items ?? []), ...page.items].map((one) => [one.id, one])).values()],
      more: before.more || Boolean(page.next_cursor),
    }));
  };
  useEffect(() => { read("").catch(() => setFound({ items: [], more: false })); }, []);
  const search = (text) => {
    clearTimeout(timer.current);
    if (found.more && text) timer.current = setTimeout(() => read(text).catch(() => {}), PAUSE_MS);
  };
  return { workflows: found.items, search };
}

const asText = (value) => (value === null || value === undefined ? "" : write(value, null, 2));

// What a workflow takes, an example of it, and why it could not start now.
async function learn(workflowId) {
  const [workflow, checked] = await Promise.all([
    api("GET", `/api/workflows/${workflowId}`),
    api("POST", `/api/workflows/${workflowId}/compile`),
  ]);
  const named = Object.keys(checked.input_schema?.properties ?? {}).length;
  const example = named ? startValues(checked.input_schema, workflow.example_input) : workflow.example_input;
  const fault = checked.problems.find((one) => one.severity === "error");
  const warning = !checked.input_schema
    ? "This workflow has no trigger yet."
    : fault ? `This workflow cannot run yet: ${fault.message}` : "";
  return { name: workflow.name, example: asText(example), warning };
}

export function ScheduleForm({ scheduleId, workflowId, onSaved, onClose }) {
  const [values, setValues] = useState(
    scheduleId ? null : { workflow_id: workflowId || "", name: "", timezone: ownZone(), missed: "once", input: "" },
  );
  const [rule, setRule] = useState(START);
  const [about, setAbout] = useState({ name: "", example: "", warning: "" });
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const { workflows, search } = useWorkflows();
  const zoneOptions = useMemo(
    () =>
      zones()
        .map((zone) => ({
          value: zone, words: zone,
          note: shown(Date.now(), zone, { weekday: undefined, day: undefined, month: undefined }),
        })),
    [],
  );
  const cron = toCron(rule);
  const { preview, fault } = usePreview(cron, values?.timezone ?? "UTC");
  const set = (name, value) => {
    setValues((before) => ({ ...before, [name]: value }));
    setErrors((before) => ({ ...before, [name]: "", all: "" }));
  };

  useEffect(() => {
    if (!scheduleId) return;
    api("GET", `/api/schedules/${scheduleId}`).then((one) => {
      setRule(fromCron(one.cron));
      setValues({
        workflow_id: one.workflow_id, name: one.name, timezone: one.timezone, missed: one.missed,
        input: asText(one.input),
      });
    }, (error) => {
      setValues({ workflow_id: "", name: "", timezone: "UTC", missed: "once", input: "" });
      setErrors({ all: error.message });
    });
  }, [scheduleId]);

  const chosen = values?.workflow_id;
  const first = useRef(true);
  useEffect(() => {
    if (!chosen) return undefined;
    let current = true;
    const kept = scheduleId && first.current;
    first.current = false;
    learn(chosen).then((found) => {
      if (!current) return;
      setAbout((before) => {
        // what somebody typed stays; what was only filled in makes way for the new workflow's example
        if (!kept) {
          setValues((now) => (now.input.trim() && now.input !== before.example
            ? now
            : { ...now, input: found.example }));
        }
        return found;
      });
    }, (error) => current && setErrors((before) => ({ ...before, workflow_id: error.message })));
    return () => { current = false; };
  }, [chosen]);

  const refuse = (field, message) => {
    const name = field?.startsWith("input") ? "input" : field;
    setErrors(OWN.includes(name) ? { [name]: message } : { all: message });
    setTimeout(() => form.current?.querySelector("[aria-invalid=true]")?.focus(), 0);
  };
  const save = async (event) => {
    event.preventDefault();
    if (busy) return;
    if (!values.workflow_id) { refuse("workflow_id", "Choose the workflow that is to start."); return; }
    let input;
    try {
      input = readInput(values.input);
    } catch (error) {
      refuse("input", error.message);
      return;
    }
    setBusy(true);
    try {
      const wish = { ...values, input, cron, name: values.name.trim() || about.name || null };
      const path = scheduleId ? `/api/schedules/${scheduleId}` : "/api/schedules";
      const saved = await api(scheduleId ? "PATCH" : "POST", path, wish);
      onSaved(saved.name);
    } catch (error) {
      refuse(error.context?.field, error.message);
      setBusy(false);
    }
  };
  if (!values) {
    return <div className="sched-form" aria-busy="true"><div className="skeleton" style={{ height: 260 }} /></div>;
  }
  const said = { ...errors, ...(fault ? { [fault.field]: errors[fault.field] || fault.message } : {}) };
  const options = workflows === null ? [] : workflows.map(option);
  if (chosen && about.name && !options.some((one) => one.value === chosen)) {
    options.push({ value: chosen, words: about.name });
  }
  const none = workflows !== null && !options.length;
  return (
    <form ref={form} className="sched-form" onSubmit={save} noValidate data-testid="schedule-form">
      <Field
        id="sched-workflow" label="Workflow" error={said.workflow_id}
        hint={none ? "There is no workflow yet: make one first." : ""}
      >
        <Combobox id="sched-workflow" value={values.workflow_id} options={options}
          onChange={(value) => set("workflow_id", value)} onSearch={search}
          placeholder={workflows === null ? "Loading…" : "Search workflows"} invalid={Boolean(said.workflow_id)}
          testid="sched-workflow" nothing="No workflow has this name" />
      </Field>
      {about.warning && chosen && (
        <div className="callout callout-wait" role="status"><TriangleAlert size={15} aria-hidden="true" />
          <div>
            {about.warning} Until that is mended <a className="link" href={`/workflows/${chosen}`}>in the editor</a>,
            nothing starts and each time is recorded as failed.
          </div>
        </div>
      )}
      <RuleFields
        rule={rule}
        onChange={(change) => {
          setRule((before) => ({ ...before, ...change }));
          setErrors((before) => ({ ...before, cron: "" }));
        }}
        error={said.cron} cron={cron}
      />
      <Field id="sched-zone" label="Time zone" error={said.timezone}>
        <Combobox id="sched-zone" value={values.timezone} options={zoneOptions}
          onChange={(value) => set("timezone", value)} free
          placeholder="Search time zones, such as Berlin" invalid={Boolean(said.timezone)} testid="sched-zone"
          nothing="No zone in this list; press Enter to use the name as it is" />
      </Field>
      <Preview preview={preview} fault={fault} />
      <Field id="sched-name" label="Name" hint={values.name ? "" : "Empty: the workflow's name."} error={said.name}>
        <input id="sched-name" className="input" value={values.name} maxLength={200} placeholder={about.name}
          aria-invalid={Boolean(said.name) || undefined}
          onChange={(event) => set("name", event.target.value)} data-testid="sched-name" autoComplete="off" />
      </Field>
      <Field
        id="sched-input" label="Input of each run (JSON)" error={said.input}
        hint="Filled with the workflow's example; leave it empty when the workflow needs none."
      >
        <textarea id="sched-input" className="textarea mono"
          rows={Math.min(6, Math.max(3, values.input.split("\n").length))} value={values.input} spellCheck={false}
          aria-invalid={Boolean(said.input) || undefined} onChange={(event) => set("input", event.target.value)}
          data-testid="sched-input" />
      </Field>
      <fieldset className="sched-missed">
        <legend className="field-label">When the server was off at that time</legend>
        {[
          ["once", "Run once when it is back", "However many times were missed."],
          ["skip", "Skip it", "The next time comes as planned."],
        ].map(([key, words, note]) => (
          <label
            key={key}
          ><input
            type="radio" name="missed" value={key} checked={values.missed === key} onChange={() => set("missed", key)}
            data-testid={`missed-${key}`}
          />
            <span>{words} <span className="muted">{note}</span></span></label>
        ))}
      </fieldset>
      {said.all && (
        <div className="callout callout-err" role="alert">
          <CircleAlert size={15} aria-hidden="true" /><div>{said.all}</div>
        </div>
      )}
      <div className="row sched-foot">
        <button type="button" className="btn" onClick={() => onClose()}>Cancel</button>
        <button
          type="submit" className="btn btn-primary" disabled={busy || Boolean(fault)} data-testid="save-schedule"
        >
          {busy ? "Saving…" : scheduleId ? "Save" : "Create schedule"}
        </button>
      </div>
    </form>
  );
}
