// A question of the run to a person, answered in place.
import { useEffect, useRef, useState } from "react";
import { CircleAlert, UserCheck } from "lucide-react";
import { useEditor } from "../editor/context.jsx";
import { outputsOf } from "../editor/model.js";
import { JsonViewer } from "../ui/viewers.jsx";
import { parse, write } from "../js/exact.js";
import { RECOVERY } from "../js/protocol.gen.js";

const WAIT_MS = 8000;
const words = (choice) => choice.charAt(0).toUpperCase() + choice.slice(1).replace(/_/g, " ");
const asText = (value) => (typeof value === "string" ? value : write(value, null, 2));

// Reads the edited text back: text stays text, everything else must be JSON.
export function readEdited(text, original) {
  if (typeof original === "string") return text;
  return parse(text);
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

// An answer ends the card: the focus goes to the step it belongs to, not to the beginning of the page.
const leave = (card) => card.current?.closest("[data-testid=step-detail]")?.focus();

function Reviewed({ value }) {
  if (typeof value === "string") return <div className="approval-value">{value}</div>;
  return <JsonViewer value={value} title="To review" openTo={2} />;
}

function Choices({ choices, sent, onChoose }) {
  return (
    <div className="row wrap">
      {choices.map((choice, i) => (
        <button
          key={choice} type="button" className={`btn ${i === 0 ? "btn-primary" : ""}`} disabled={sent !== ""}
          onClick={() => onChoose(choice)} data-testid={`answer-${choice}`}
        >
          {sent === choice ? "Sending…" : words(choice)}
        </button>
      ))}
    </div>
  );
}

export function Approval({ asked, onAnswer }) {
  const [comment, setComment] = useState("");
  const [text, setText] = useState(() => asText(asked.value ?? ""));
  const [fault, setFault] = useState("");
  const [sent, setSent] = useSent();
  const card = useRef(null);
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
    leave(card);
    onAnswer({ step_id: asked.step_id, choice, comment, value: write(value) });
  };
  const shown = asked.value !== null && asked.value !== undefined && asked.value !== "";
  return (
    <div ref={card} className="approval card" role="group" aria-label={asked.title} data-testid="approval">
      <div className="approval-scroll" tabIndex={0} role="group" aria-label="Question">
        <div className="approval-title"><UserCheck size={15} aria-hidden="true" /><b>{asked.title}</b></div>
        {asked.body && <p className="approval-body">{asked.body}</p>}
        {shown && !asked.editable && <Reviewed value={asked.value} />}
        {asked.editable && (
          <label className="field">
            <span className="field-hint">You may change it before you decide</span>
            <textarea
              className="textarea" rows={4} value={text} onChange={(event) => setText(event.target.value)}
              data-testid="approval-value"
            />
            {fault && <span className="field-error" role="alert">{fault}</span>}
          </label>
        )}
      </div>
      <div className="approval-foot">
        <label className="field">
          <span className="sr-only">Comment</span>
          <input
            className="input" value={comment} maxLength={4000} placeholder="Comment (optional)"
            onChange={(event) => setComment(event.target.value)} data-testid="approval-comment"
          />
        </label>
        <Choices choices={asked.choices} sent={sent} onChoose={answer} />
      </div>
    </div>
  );
}

// What a person may decide about a step that failed or was cut off. `form` ways first ask for a value.
const WAYS = [
  { name: "retry", choice: "retry", ...RECOVERY.retry },
  {
    name: "edit", choice: "retry", word: "Edit input…", what: "runs it again with an input that you change.",
    form: {
      title: "Input to try again with", hint: "What arrived at its ports, and its fields with their values filled in.",
      send: "Retry with this",
    },
  },
  {
    name: "give", choice: "done", ...RECOVERY.done, word: `${RECOVERY.done.word}…`,
    form: {
      title: "The result of the step", hint: "Its output by port, as it would have been.", send: "Go on with this",
    },
  },
  { name: "skip", choice: "skip", ...RECOVERY.skip },
  { name: "stop", choice: "stop", ...RECOVERY.stop },
];

const emptyOf = (type) => (type === "text" ? "" : null);

// The output ports of the node as a form to fill in; nothing when it is not in the graph any more.
function useResult(nodeId) {
  const node = useEditor((state) => state.byId.get(nodeId));
  const type = useEditor((state) => node && state.catalog.get(node.kind));
  const ports = useEditor((state) => state.ports);
  const outputs = type ? outputsOf(node, type, ports).filter((port) => !port.error && port.type !== "tool") : [];
  return Object.fromEntries(outputs.map((port) => [port.name, emptyOf(port.type)]));
}

function RecoveryForm({ way, start, busy, onSend, onBack }) {
  const [text, setText] = useState(() => write(start, null, 2));
  const [fault, setFault] = useState("");
  const send = () => {
    try {
      onSend(parse(text));
    } catch (error) {
      setFault(`This is no JSON: ${error.message}`);
    }
  };
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    onBack();
  };
  return (
    <>
      <div className="approval-scroll" onKeyDown={onKeyDown}>
        <label className="field">
          <b>{way.form.title}</b>
          <span className="field-hint">{way.form.hint}</span>
          <textarea
            className="textarea mono" rows={5} autoFocus value={text}
            onChange={(event) => { setText(event.target.value); setFault(""); }} data-testid="recovery-value"
            spellCheck={false}
          />
          {fault && <span className="field-error" role="alert">{fault}</span>}
        </label>
      </div>
      <div className="approval-foot" onKeyDown={onKeyDown}>
        <div className="row wrap">
          <button
            type="button" className="btn btn-sm btn-primary" disabled={busy} onClick={send} data-testid="recover-send"
          >
            {busy ? "Sending…" : way.form.send}
          </button>
          <button type="button" className="btn btn-sm" onClick={onBack}>Back</button>
        </div>
      </div>
    </>
  );
}

// A step failed or was cut off: what happened, what may be done about it, and what each of that does.
export function Recovery({ asked, onAnswer }) {
  const [open, setOpen] = useState(null);
  const [left, setLeft] = useState("");
  const [sent, setSent] = useSent();
  const card = useRef(null);
  const result = useResult(asked.node_id);
  const ways = WAYS.filter((way) => asked.choices.includes(way.choice));
  const send = (way, value = null) => {
    setSent(way.name);
    leave(card);
    onAnswer({ step_id: asked.step_id, choice: way.choice, comment: "", value: write(value) });
  };
  // Back from a form the focus is on the button that opened it.
  const back = () => {
    setLeft(open.name);
    setOpen(null);
  };
  return (
    <div ref={card} className="approval card" role="group" aria-label={asked.title} data-testid="recovery">
      {open && (
        <RecoveryForm
          key={open.name} way={open} start={open.choice === "done" ? result : asked.value ?? {}} busy={sent !== ""}
          onSend={(value) => send(open, value)} onBack={back}
        />
      )}
      {!open && (
        <>
          <div className="approval-scroll" tabIndex={0} role="group" aria-label="Question">
            <div className="approval-title"><CircleAlert size={15} aria-hidden="true" /><b>{asked.title}</b></div>
            {asked.body && <p className="approval-body">{asked.body}</p>}
            <ul className="approval-ways">
              {ways.map((way) => <li key={way.name}><b>{way.word.replace("…", "")}</b> {way.what}</li>)}
            </ul>
            {asked.value && <JsonViewer value={asked.value} title="Its input" openTo={1} />}
          </div>
          <div className="approval-foot">
            <div className="row wrap">
              {ways.map((way, at) => (
                <button
                  key={way.name} type="button" className={`btn btn-sm ${at === 0 ? "btn-primary" : ""}`}
                  disabled={sent !== ""} autoFocus={way.name === left}
                  onClick={() => (way.form ? setOpen(way) : send(way))} data-testid={`recover-${way.name}`}
                >
                  {sent === way.name ? "Sending…" : way.word}
                </button>
              ))}
            </div>
          </div>
        </>
      )}
    </div>
  );
}
