// A search field that answers at once and tells the server after a pause, and arrow keys for lists of rows.

import { useEffect, useRef, useState } from "react";
import { Search, X } from "lucide-react";

const PAUSE_MS = 220;

// The key / leads to the field, unless it is typed somewhere.
function useSlash(input, shortcut) {
  useEffect(() => {
    if (!shortcut) return undefined;
    const focus = (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, [input, shortcut]);
}

export function SearchField({ value, placeholder, label, testid, onSearch, shortcut = true }) {
  const [text, setText] = useState(value ?? "");
  const [focused, setFocused] = useState(false);
  const input = useRef(null);
  const timer = useRef(0);
  const sent = useRef(value ?? "");

  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value ?? "";
      setText(value ?? "");
    }
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useSlash(input, shortcut);

  const send = (next) => {
    sent.current = next;
    onSearch?.(next);
  };
  const change = (next) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => send(next), PAUSE_MS);
  };
  const clear = () => {
    clearTimeout(timer.current);
    setText("");
    send("");
    input.current?.focus();
  };

  return (
    <div className="search" role="search">
      <Search size={14} aria-hidden="true" />
      <input
        ref={input} className="input" type="search" value={text} placeholder={placeholder}
        aria-label={label || placeholder}
        data-testid={testid} onChange={(event) => change(event.target.value)}
        onFocus={() => setFocused(true)} onBlur={() => setFocused(false)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && text) { event.stopPropagation(); clear(); }
          if (event.key === "Enter") { clearTimeout(timer.current); send(text); }
        }}
      />
      {text
        ? <button
          type="button" className="search-clear" aria-label="Clear the search" onClick={clear}
        >
          <X size={13} />
        </button>
        : shortcut && !focused && <span className="kbd" aria-hidden="true">/</span>}
    </div>
  );
}

// Arrow keys, Home and End move between the links of a list of rows or cards.
export function ArrowKeys({ children, className }) {
  const root = useRef(null);
  const move = (event) => {
    const links = [...root.current.querySelectorAll(".stretched")];
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    const columns = links.filter((link) => rowOf(link) === rowOf(links[0])).length;
    const next = {
      ArrowDown: at + columns, ArrowUp: at - columns, ArrowRight: columns > 1 ? at + 1 : at,
      ArrowLeft: columns > 1 ? at - 1 : at,
      Home: 0, End: links.length - 1,
    }[event.key];
    if (next === undefined || next === at || !links[next]) return;
    event.preventDefault();
    links[next].focus();
  };
  return <div ref={root} className={className} onKeyDown={move}>{children}</div>;
}

// Links whose boxes start at the same height stand in one row of cards.
function rowOf(link) {
  return Math.round((link.closest(".card-link, tr") ?? link).getBoundingClientRect().top);
}
