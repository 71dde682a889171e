// A field's own text while it is typed; it goes out after a pause, or when the field is left.
import { useCallback, useEffect, useRef, useState } from "react";
import { useStore } from "../editor/context.jsx";
import { usePlace } from "./form_context.jsx";

const PAUSE_MS = 300;

export function useDraft(value, onCommit, own = null) {
  const store = useStore();
  const around = usePlace();
  const place = own ?? around;
  const [text, setText] = useState(value);
  const kept = useRef({ value, text: value, timer: 0, contested: false, onCommit });
  Object.assign(kept.current, { onCommit, store, title: place?.title });

  const commit = useCallback(() => {
    const now = kept.current;
    clearTimeout(now.timer);
    now.timer = 0;
    if (now.text === now.value) return;
    now.value = now.text;
    const send = () => now.onCommit(now.text);
    if (now.contested) now.contested = !now.store.contest(now.title, send);
    else send();
  }, []);

  // A change from elsewhere (undo, another field) replaces the text; our own echo does not. Of a text that is being
  // typed the person decides: the store asks.
  useEffect(() => {
    const now = kept.current;
    if (value === now.value) return;
    now.value = value;
    if (now.timer && value !== now.text && store && place) {
      now.contested = true;
      commit();
    } else if (!now.timer) {
      Object.assign(now, { text: value, contested: false });
      setText(value);
    }
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
