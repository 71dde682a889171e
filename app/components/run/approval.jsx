// A question of the run to a person, answered in place.
import { useEffect, useState } from "react";
import { CircleAlert, UserCheck } from "lucide-react";
import { JsonViewer } from "../ui/viewers.jsx";

const WAIT_MS = 8000;
const words = (choice) => choice.charAt(0).toUpperCase() + choice.slice(1).replace(/_/g, " ");
const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

// Reads the edited text back: text stays text, everything else must be JSON.
export function readEdited(text, original) {
  if (typeof original === "string") return text;
  return JSON.parse(text);
}

// What was sent, for a while: a refused answer shows a notice elsewhere, and the card must be usable again.
function useSent() {
  const [sent, setSent] = useState("");
  useEffect(() => {
    if (!sent) return undefined;
    const timer = setTimeout(() => setSent(""), WAIT_MS);
    return () => clearTimeout(timer);
  }, [sent]);
  return [sent, setSent];
}

export function Approval({ asked, onAnswer }) {
  const [comment, setComment] = useState("");
  const [text, setText] = useState(() => asText(asked.value ?? ""));
  const [fault, setFault] = useState("");
  const [sent, setSent] = useSent();
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

const EDITS = {
  retry: { title: "Input to try again with", hint: "What arrived at the ports, and the fields with their values filled in." },
  done: { title: "What the step gave", hint: "Output by port, as it would have been." },
};

// A step failed or was cut off: try again (with another input), say what it gave, go on without it, or stop.
export function Recovery({ asked, onAnswer }) {
  const [edit, setEdit] = useState(null);
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const [sent, setSent] = useSent();
  const send = (choice, value = null) => {
    setFault("");
    setSent(choice);
    onAnswer({ step_id: asked.step_id, choice, comment: "", value });
  };
  const open = (choice) => {
    setEdit(choice);
    setFault("");
    setText(JSON.stringify(choice === "retry" ? asked.value ?? {} : {}, null, 2));
  };
  const sendEdited = () => {
    try {
      send(edit, JSON.parse(text));
    } catch (error) {
      setFault(`This is no JSON: ${error.message}`);
    }
  };
  const can = (choice) => asked.choices.includes(choice);
  const button = (choice, word, onClick, primary = false) => can(choice) && (
    <button key={word} type="button" className={`btn btn-sm ${primary ? "btn-primary" : ""}`} disabled={sent !== ""} onClick={onClick} data-testid={`recover-${word.toLowerCase().split(" ")[0].replace("…", "")}`}>
      {sent === choice && !edit ? "Sending…" : word}
    </button>
  );
  return (
    <div className="approval card" role="group" aria-label={asked.title} data-testid="recovery">
      <div className="approval-scroll" tabIndex={0} role="group" aria-label="Question">
        <div className="approval-title"><CircleAlert size={15} aria-hidden="true" /><b>{asked.title}</b></div>
        {!edit && asked.body && <p className="approval-body">{asked.body}</p>}
        {!edit && asked.value && <JsonViewer value={asked.value} title="Its input" openTo={1} />}
        {edit && (
          <label className="field">
            <span>{EDITS[edit].title}. <span className="muted">{EDITS[edit].hint}</span></span>
            <textarea className="textarea mono" rows={5} autoFocus value={text} onChange={(event) => setText(event.target.value)} data-testid="recovery-value" spellCheck={false} />
            {fault && <span className="field-error" role="alert">{fault}</span>}
          </label>
        )}
      </div>
      <div className="approval-foot">
        {edit
          ? (
            <div className="row wrap">
              <button type="button" className="btn btn-sm btn-primary" disabled={sent !== ""} onClick={sendEdited} data-testid="recover-send">{sent ? "Sending…" : edit === "retry" ? "Try again with this" : "Go on with this"}</button>
              <button type="button" className="btn btn-sm" onClick={() => setEdit(null)}>Back</button>
            </div>
          )
          : (
            <div className="row wrap">
              {button("retry", "Retry", () => send("retry"), true)}
              {button("retry", "Edit input…", () => open("retry"))}
              {button("done", "Give the result…", () => open("done"))}
              {button("skip", "Skip", () => send("skip"))}
              {button("stop", "Stop the run", () => send("stop"))}
            </div>
          )}
      </div>
    </div>
  );
}
