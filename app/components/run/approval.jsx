// A question of the run to a person, answered in place.
import { useEffect, useState } from "react";
import { UserCheck } from "lucide-react";
import { JsonViewer } from "../ui/viewers.jsx";

const WAIT_MS = 8000;
const words = (choice) => choice.charAt(0).toUpperCase() + choice.slice(1).replace(/_/g, " ");
const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

// Reads the edited text back: text stays text, everything else must be JSON.
export function readEdited(text, original) {
  if (typeof original === "string") return text;
  return JSON.parse(text);
}

export function Approval({ asked, onAnswer }) {
  const [comment, setComment] = useState("");
  const [text, setText] = useState(() => asText(asked.value ?? ""));
  const [fault, setFault] = useState("");
  const [sent, setSent] = useState("");
  useEffect(() => {
    if (!sent) return undefined;
    // A refused answer shows a notice elsewhere; the card must be usable again.
    const timer = setTimeout(() => setSent(""), WAIT_MS);
    return () => clearTimeout(timer);
  }, [sent]);
  const answer = (choice) => {
    let value = null;
    if (asked.editable && text !== asText(asked.value ?? "")) {
      try {
        value = readEdited(text, asked.value);
      } catch (error) {
        setFault(`This is no JSON: ${error.message}`);
        return;
      }
    }
    setFault("");
    setSent(choice);
    onAnswer({ step_id: asked.step_id, choice, comment, value });
  };
  const shown = asked.value !== null && asked.value !== undefined && asked.value !== "";
  return (
    <div className="approval card" role="group" aria-label={asked.title} data-testid="approval">
      <div className="approval-scroll" tabIndex={0} role="group" aria-label="Question">
        <div className="approval-title"><UserCheck size={15} aria-hidden="true" /><b>{asked.title}</b></div>
        {asked.body && <p className="approval-body">{asked.body}</p>}
        {shown && !asked.editable && (typeof asked.value === "string" ? <div className="approval-value">{asked.value}</div> : <JsonViewer value={asked.value} title="To review" openTo={2} />)}
        {asked.editable && (
          <label className="field">
            <span className="field-hint">You may change it before you decide</span>
            <textarea className="textarea" rows={4} value={text} onChange={(event) => setText(event.target.value)} data-testid="approval-value" />
            {fault && <span className="field-error" role="alert">{fault}</span>}
          </label>
        )}
      </div>
      <div className="approval-foot">
        <label className="field">
          <span className="sr-only">Comment</span>
          <input className="input" value={comment} maxLength={4000} placeholder="Comment (optional)" onChange={(event) => setComment(event.target.value)} data-testid="approval-comment" />
        </label>
        <div className="row wrap">
          {asked.choices.map((choice, i) => (
            <button key={choice} type="button" className={`btn ${i === 0 ? "btn-primary" : ""}`} disabled={sent !== ""} onClick={() => answer(choice)} data-testid={`answer-${choice}`}>
              {sent === choice ? "Sending…" : words(choice)}
            </button>
          ))}
        </div>
      </div>
    </div>
  );
}
