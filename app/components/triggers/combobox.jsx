// A text field that offers what fits: type to narrow, arrow keys to move, Enter to take.
import { useEffect, useId, useRef, useState } from "react";
import { Check, ChevronsUpDown } from "lucide-react";
import { matching } from "./rule.js";

export function Combobox({
  id, value, options, onChange, onSearch, placeholder, invalid, describedBy, testid, free = false,
  nothing = "Nothing fits",
}) {
  const [query, setQuery] = useState(null);
  const [at, setAt] = useState(0);
  const list = useId();
  const box = useRef(null);
  const open = query !== null;
  const chosen = options.find((one) => one.value === value);
  const found = open ? matching(options, query) : [];
  const close = () => setQuery(null);
  const take = (one) => {
    close();
    if (one && one.value !== value) onChange(one.value);
  };
  const change = (text) => {
    setQuery(text);
    setAt(0);
    onSearch?.(text);
  };
  // A dialog around this hears Escape on the document before any element does: the window comes first.
  useEffect(() => {
    if (!open) return undefined;
    const escape = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      close();
    };
    window.addEventListener("keydown", escape, true);
    return () => window.removeEventListener("keydown", escape, true);
  }, [open]);
  useEffect(() => {
    if (open) box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, open]);
  const leave = () => {
    if (free && open && query.trim() && query.trim() !== value) {
      onChange(found.length === 1 ? found[0].value : query.trim());
    }
    close();
  };
  const keys = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      if (!open) return change("");
      setAt((before) => Math.min(Math.max(before + move, 0), Math.max(found.length - 1, 0)));
    }
    if (event.key === "Enter" && open) {
      event.preventDefault();
      if (found[at]) take(found[at]);
      else leave();
    }
    return undefined;
  };
  return (
    <div className="combo" ref={box}>
      <input
        id={id} className="input" role="combobox" autoComplete="off" spellCheck={false}
        value={open ? query : chosen?.words ?? value ?? ""}
        placeholder={placeholder} aria-expanded={open} aria-controls={list} aria-autocomplete="list"
        aria-invalid={invalid || undefined}
        aria-describedby={describedBy} aria-activedescendant={open && found[at] ? `${list}-${at}` : undefined}
        data-testid={testid}
        onChange={(event) => change(event.target.value)} onClick={() => !open && change("")} onBlur={leave}
        onKeyDown={keys}
      />
      <ChevronsUpDown size={14} aria-hidden="true" />
      {open && (
        <ul id={list} role="listbox" className="combo-list" aria-label={placeholder}>
          {found.map((one, i) => (
            <li
              key={one.value} id={`${list}-${i}`} role="option" aria-selected={i === at} data-value={one.value}
              onPointerDown={(event) => { event.preventDefault(); take(one); }}
              onPointerMove={() => i !== at && setAt(i)}
            >
              <span className="truncate-1">{one.words}</span>
              {one.note && <span className="muted num">{one.note}</span>}
              {one.value === value && <Check size={13} aria-hidden="true" />}
            </li>
          ))}
          {!found.length && (
            <li className="muted" role="option" aria-selected="false" aria-disabled="true">{nothing}</li>
          )}
        </ul>
      )}
    </div>
  );
}
