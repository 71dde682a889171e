// A field's own text while it is typed; it goes out after a pause, or when the field is left.
import { useCallback, useEffect, useRef, useState } from "react";

const PAUSE_MS = 300;

export function useDraft(value, onCommit) {
  const [text, setText] = useState(value);
  const kept = useRef({ value, text: value, timer: 0, onCommit });
  kept.current.onCommit = onCommit;

  // A change from elsewhere (undo, another field) replaces the text; our own echo does not.
  useEffect(() => {
    if (value === kept.current.value) return;
    kept.current.value = value;
    if (kept.current.timer) return;
    kept.current.text = value;
    setText(value);
  }, [value]);

  const commit = useCallback(() => {
    clearTimeout(kept.current.timer);
    kept.current.timer = 0;
    if (kept.current.text === kept.current.value) return;
    kept.current.value = kept.current.text;
    kept.current.onCommit(kept.current.text);
  }, []);

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
