// The line above the canvas: where we are, the name, whether it is saved, problems, run.
import { useEffect, useState } from "react";
import {
  CalendarClock, CircleAlert, CircleCheck, CloudOff, Gauge, LoaderCircle, Play, TriangleAlert,
} from "lucide-react";
import { Link } from "react-router";
import { PaletteButton } from "../ui/palette.jsx";
import { useEditor, useStore } from "../editor/context.jsx";

function Name({ name, onRename }) {
  const store = useStore();
  const [text, setText] = useState(name);
  useEffect(() => setText(name), [name]);
  const save = () => {
    const clean = text.trim().slice(0, 200);
    if (clean && clean !== name) onRename(clean);
    else setText(name);
  };
  return (
    <span className="ed-name" data-text={text || " "}>
      <input
        value={text} aria-label="Name of the workflow" data-testid="workflow-name" maxLength={200} size={1}
        onChange={(event) => setText(event.target.value)} onBlur={save}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") {
            event.preventDefault();
            setText(name);
            requestAnimationFrame(() => store.toCanvas());
          }
        }}
      />
    </span>
  );
}

const STATES = {
  saved: ["saved", "", CircleCheck],
  saving: ["saving…", "badge-run", LoaderCircle],
  offline: ["offline", "badge-wait", CloudOff],
  asks: ["yours or theirs?", "badge-wait", TriangleAlert],
  refused: ["not saved", "badge-err", TriangleAlert],
};

function Saved() {
  const { state: saved, pending, message } = useEditor((each) => each.save);
  const asks = useEditor((each) => each.asks.length);
  const state = asks && saved === "saved" ? "asks" : saved;
  const [word, tone, Icon] = STATES[state];
  const text = state === "offline" ? `offline · ${pending} unsaved` : word;
  return (
    <span
      className={`badge ${tone}`} role="status" title={message || undefined} data-testid="save-state" data-state={state}
    >
      <Icon size={11} className={state === "saving" ? "spin" : undefined} aria-hidden="true" />{text}
    </span>
  );
}

function Problems({ onOpen }) {
  const problems = useEditor((state) => state.problems);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const rest = problems.length - errors;
  const [Icon, tone] = errors
    ? [CircleAlert, "tone-err"]
    : rest ? [TriangleAlert, "tone-wait"] : [CircleCheck, "tone-ok"];
  const word = errors
    ? `${errors} problem${errors > 1 ? "s" : ""}`
    : rest ? `${rest} hint${rest > 1 ? "s" : ""}` : "No problems";
  return (
    <button
      type="button" className="btn btn-ghost btn-sm" onClick={onOpen} aria-label={word} data-testid="open-problems"
    >
      <Icon size={14} className={tone} />
      <span className="hide-narrow">{word}</span>
      <span className="show-narrow">{errors || rest || ""}</span>
    </button>
  );
}

export function TopBar({ name, onRename, onProblems, onLimits, onRun, starting }) {
  const workflow = useEditor((state) => state.workflow);
  return (
    <header className="ed-top">
      <h1 className="sr-only">{name || workflow?.name || "Workflow"}</h1>
      <Link to="/" className="ed-brand" aria-label="AgentLoom, home"><i /></Link>
      <nav className="ed-crumbs" aria-label="Place">
        <Link to="/workflows">Workflows</Link><span aria-hidden="true">/</span>
        {workflow && <><span className="truncate-1">{workflow.project_name}</span><span aria-hidden="true">/</span></>}
      </nav>
      <Name name={name || workflow?.name || ""} onRename={onRename} />
      <Saved />
      <span className="grow" />
      <Problems onOpen={onProblems} />
      <PaletteButton />
      <button
        type="button" className="icon-button" aria-label="Limits of a run" title="Limits of a run" onClick={onLimits}
        data-testid="open-run-settings"
      >
        <Gauge size={16} />
      </button>
      {workflow && (
        <Link
          to={`/schedules?new=${workflow.id}`} className="icon-button" aria-label="Schedule…" title="Schedule…"
          data-testid="schedule"
        >
          <CalendarClock size={16} />
        </Link>
      )}
      <button
        type="button" className="btn btn-primary" onClick={onRun} disabled={starting} data-testid="run"
      >
        <Play size={13} />Run
      </button>
    </header>
  );
}
