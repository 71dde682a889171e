// Sentences about a step that drawer and trace share: where its output is from, what it waits for.
import { History, Timer } from "lucide-react";

const ORIGINS = {
  copied: "Taken from the run this one goes on from. The node was not executed again.",
  pinned: "The pinned output. The node was not executed.",
  cached: "The output stored for the same input. The node was not executed.",
  disabled: "The node is switched off and passed its input through.",
  given: "The output was given by a person.",
};

export function Origin({ step }) {
  const words = ORIGINS[step.origin];
  return words
    ? <p className="muted step-origin" data-testid="origin"><History size={13} aria-hidden="true" />{words}</p>
    : null;
}

const at = (moment) => new Date(moment).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function WaitsFor({ wait }) {
  if (!wait) return <p className="muted">Waiting. No worker is held meanwhile.</p>;
  return (
    <div className="callout callout-wait" data-testid="waits-for">
      <Timer size={14} aria-hidden="true" />
      <div>
        {wait.for === "time" && <>Waits until {at(wait.until)}.</>}
        {wait.for === "signal" && (
          <>Waits for the signal <b>{wait.name}</b>{wait.until ? `, at the latest until ${at(wait.until)}` : ""}.</>
        )}
        {wait.for === "retry" && <>The last try failed. The next one begins at {at(wait.until)}.</>}
        {wait.for === "turn" && (
          <>Item {parseInt(wait.name, 10) + 1} failed. Its next try begins at {at(wait.until)}.</>
        )}
        {wait.for === "run" && <>Waits for <a href={`/runs/${wait.run_id}`}>the run it started</a>.</>}
      </div>
    </div>
  );
}
