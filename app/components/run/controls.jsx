// What one can do to a run that goes on: pause, resume, cancel.
import { useEffect, useState } from "react";
import { Pause, Play, Square } from "lucide-react";
import { RUN_DONE } from "../js/live.js";

const WORDS = {
  pause: { icon: Pause, word: "Pause", going: "Pausing…" },
  resume: { icon: Play, word: "Resume", going: "Resuming…" },
  cancel: { icon: Square, word: "Cancel", going: "Canceling…" },
};

// `onControl({run_id, action})`. What was asked for is shown until the run says that it has happened.
export function RunControls({ runId, status, onControl }) {
  const [asked, setAsked] = useState("");
  useEffect(() => setAsked(""), [runId, status]);
  if (!status || RUN_DONE.has(status)) return null;
  return [status === "paused" ? "resume" : "pause", "cancel"].map((action) => {
    const { icon: Icon, word, going } = WORDS[action];
    return (
      <button
        key={action} type="button" className="btn btn-ghost btn-sm" disabled={asked !== ""} aria-label={word}
        data-testid={`${action}-run`}
        onClick={() => { setAsked(action); onControl({ run_id: runId, action }); }}
      >
        <Icon size={12} /><span className="wide-only">{asked === action ? going : word}</span>
      </button>
    );
  });
}
