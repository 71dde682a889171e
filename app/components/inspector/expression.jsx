// Text with {{ expressions }}: coloured, completed while typing, with the value it has in the last run below.
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { Braces } from "lucide-react";
import { api } from "../js/api.js";
import { brief } from "../js/format.js";
import { insert, matching, pieces, wordAt } from "./completions.js";
import { useForm } from "./form_context.jsx";
import { useDraft } from "./use_draft.js";
import { write } from "../js/exact.js";

const PREVIEW_AFTER_MS = 350;

function usePreview(text, mode) {
  const { workflowId, nodeId, runId, preview } = useForm();
  const [shown, setShown] = useState(null);
  const wanted = preview && text && (mode === "expression" || text.includes("{{"));
  useEffect(() => {
    if (!wanted) {
      setShown(null);
      return undefined;
    }
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const body = { workflow_id: workflowId, node_id: nodeId, text, mode, run_id: runId || null };
        setShown(await api("POST", "/api/expressions/preview", body, { signal: stop.signal }));
      } catch (error) {
        if (error.name !== "AbortError") setShown(null);
      }
    }, PREVIEW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text, mode, wanted, workflowId, nodeId, runId]);
  return shown;
}

// Without a run only the trigger's example is known: then a missing value is no fault of the text.
function Preview({ text, mode }) {
  const shown = usePreview(text, mode);
  if (!shown) return null;
  if (!shown.ok) {
    const broken = shown.run_id || (shown.position !== null && shown.position !== undefined);
    return broken ? <div className="preview preview-error" role="status">{shown.message}</div> : null;
  }
  if (!shown.run_id && (shown.value === null || shown.value === undefined || shown.value === "")) return null;
  return <div className="preview" role="status" title={brief(shown.value, 2000)}>= {brief(shown.value, 160)}</div>;
}

function Choices({ id, items, at, onChoose, onPoint }) {
  const list = useRef(null);
  useEffect(
    () => { list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [at],
  ); // newer browsers return a promise
  return (
    <ul
      id={id} ref={list} className="completions card" role="listbox" aria-label="Values you can use"
      data-testid="completions"
    >
      {items.map((item, i) => (
        <li
          key={item.path} id={`${id}-${i}`} role="option" aria-selected={i === at} onPointerMove={() => onPoint(i)}
          onPointerDown={(event) => { event.preventDefault(); onChoose(item); }}
        >
          <span className="mono">{item.path}</span><span className="faint">{item.sample || item.title}</span>
        </li>
      ))}
    </ul>
  );
}

// What may be completed at the cursor, and whether the list is shown: while a word is typed, or when it is asked for.
function useCompletions(text, mode) {
  const { items } = useForm();
  const [cursor, setCursor] = useState(null);
  const [picking, setPicking] = useState(false);
  const [at, setAt] = useState(0);
  const word = cursor === null ? null : wordAt(text, cursor, mode);
  const narrowed = word && (word.word || picking || mode === "expression") ? matching(items, word.word) : [];
  const found = picking && !word ? items.slice(0, 60) : narrowed;
  const begun = word && (word.word.length > 0 || /\{\{ ?$/.test(text.slice(0, cursor)));
  const open = cursor !== null && found.length > 0 && Boolean(picking || begun);
  return { cursor, setCursor, picking, setPicking, at, setAt, found, open };
}

// The keys of the list; Enter in a field of one line is its end.
function onKeys(event, { list, rows, choose, commit }) {
  const { found, at, setAt, setPicking, setCursor } = list;
  if ((event.ctrlKey || event.metaKey) && event.key === " ") {
    setPicking(true);
    event.preventDefault();
    return;
  }
  if (!list.open) {
    if (event.key === "Enter" && rows === 1) commit();
    return;
  }
  if (event.key === "ArrowDown") setAt((at + 1) % found.length);
  else if (event.key === "ArrowUp") setAt((at - 1 + found.length) % found.length);
  else if (event.key === "Enter" || event.key === "Tab") choose(found[Math.min(at, found.length - 1)]);
  else if (event.key === "Escape") { setPicking(false); setCursor(null); }
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// The height of the text, and where the cursor goes after a completion.
function useTextArea(text, rows) {
  const area = useRef(null);
  const next = useRef(null);
  useLayoutEffect(() => {
    const element = area.current;
    if (rows > 1) {
      element.style.height = "auto";
      element.style.height = `${Math.min(element.scrollHeight + 2, 420)}px`;
    }
    if (next.current !== null) {
      element.setSelectionRange(next.current, next.current);
      next.current = null;
    }
  }, [text, rows]);
  return { area, next };
}

// The same text in colour, behind the field.
function Coloured({ text, mode, ref }) {
  const marked = (piece, i) => (piece.code ? <mark key={i}>{piece.text}</mark> : piece.text);
  return (
    <div ref={ref} className="expression-back" aria-hidden="true">
      {mode === "expression" ? text : pieces(text).map(marked)}{"\n"}
    </div>
  );
}

function Pick({ label, onPick }) {
  return (
    <button
      type="button" className="expression-pick" title="Insert a value  Ctrl+Space"
      aria-label={`Insert a value into ${label}`} tabIndex={-1}
      onPointerDown={(event) => { event.preventDefault(); onPick(); }}
    >
      <Braces size={13} />
    </button>
  );
}

// `mode` is template or expression. `rows` above 1 makes it a text area that grows with its text.
export function ExpressionField({
  value, onCommit, mode = "template", rows = 1, placeholder = "", label, invalid, mono = false,
}) {
  const given = typeof value === "string" ? value : value == null ? "" : write(value);
  const { text, change, commit } = useDraft(given, onCommit);
  const list = useCompletions(text, mode);
  const { cursor, setCursor, picking, setPicking, at, setAt, found, open } = list;
  const { area, next } = useTextArea(text, rows);
  const back = useRef(null);
  const id = useId();
  const closeList = () => { setPicking(false); setAt(0); };
  const choose = useCallback((item) => {
    const result = insert(text, cursor ?? text.length, item.path, mode);
    next.current = result.cursor;
    change(result.text);
    setCursor(result.cursor);
    closeList();
    area.current.focus();
  }, [text, cursor, mode, change]);
  const track = (event) => setCursor(event.target.selectionStart);
  const edit = (event) => {
    change(rows === 1 ? event.target.value.replace(/\n/g, " ") : event.target.value);
    track(event);
    closeList();
  };
  const scroll = ({ target: { scrollTop, scrollLeft } }) => Object.assign(back.current, { scrollTop, scrollLeft });
  const pick = () => {
    area.current.focus();
    setCursor(area.current.selectionStart);
    setPicking(!picking);
  };
  return (
    <div className="expression">
      <div className={`expression-box ${rows > 1 ? "" : "one-line"} ${mono || mode === "expression" ? "mono" : ""}`}>
        <Coloured text={text} mode={mode} ref={back} />
        <textarea
          ref={area} className="textarea" value={text} rows={rows} placeholder={placeholder} aria-label={label}
          aria-invalid={invalid || undefined} spellCheck={mode !== "expression" && !mono} role="combobox"
          aria-expanded={open} aria-controls={open ? id : undefined} aria-autocomplete="list"
          aria-activedescendant={open ? `${id}-${at}` : undefined} onChange={edit}
          onKeyDown={(event) => onKeys(event, { list, rows, choose, commit })} onClick={track}
          onKeyUp={(event) => /^(Arrow|Home|End)/.test(event.key) && !open && track(event)}
          onFocus={track} onBlur={() => { commit(); setCursor(null); setPicking(false); }} onScroll={scroll}
        />
        <Pick label={label} onPick={pick} />
        {open && (
          <Choices id={id} items={found} at={Math.min(at, found.length - 1)} onChoose={choose} onPoint={setAt} />
        )}
      </div>
      <Preview text={text} mode={mode} />
    </div>
  );
}
