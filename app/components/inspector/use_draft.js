// A field's own text while it is typed; it goes out after a pause, or when the field is left.
import { useCallback, useEffect, useRef, useState } from "react";
import { useStore } from "../canvas/context.jsx";
import { usePlace } from "./form_context.jsx";

const PAUSE_MS = 300;

export function useDraft(value, onCommit, own = null) {
  const store = useStore();
  const around = usePlace();
  const place = own ?? around;
  const [text, setText] = useState(value);
  const kept = useRef({ value, text: value, timer: 0, held: false, onCommit });
  kept.current.onCommit = onCommit;

  const commit = useCallback(() => {
    const now = kept.current;
    clearTimeout(now.timer);
    now.timer = 0;
    if (now.held || now.text === now.value) return;
    now.value = now.text;
    now.onCommit(now.text);
  }, []);

  // A change from elsewhere (undo, another field) replaces the text; our own echo does not. Of a text that is being typed
  // the person decides: until then it is not saved.
  useEffect(() => {
    const now = kept.current;
    if (value === now.value) return;
    now.value = value;
    const decided = (next) => {
      now.held = false;
      now.text = next;
      setText(next);
    };
    if ((!now.timer && !now.held) || value === now.text || !store || !place) {
      if (!now.timer) decided(value);
      return;
    }
    clearTimeout(now.timer);
    Object.assign(now, { timer: 0, held: true });
    store.ask({
      ...place, mine: now.text, theirs: value,
      keep: () => { now.held = false; commit(); }, take: () => decided(now.value),
    });
  }, [value, store, place, commit]);

  const change = useCallback((next) => {
    kept.current.text = next;
    setText(next);
    clearTimeout(kept.current.timer);
    kept.current.timer = setTimeout(commit, PAUSE_MS);
  }, [commit]);

  // A field that disappears (another node was selected) hands over what was typed.
  useEffect(() => () => commit(), [commit]);

  return { text, change, commit };
}
