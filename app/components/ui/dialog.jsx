// A dialog for scripts: it takes the focus, keeps it inside, gives it back, and closes with Escape.
import { useEffect, useRef } from "react";
import { X } from "lucide-react";
import "./dialog.css";

const FOCUSABLE = "button:not([disabled]), input, textarea, select, [tabindex='0']";

// `onSubmit` is called by Ctrl Enter, after the field with the focus has handed over what was typed.
export function Dialog({ title, label = title, onClose, onSubmit, foot, first = "", testid, children }) {
  const box = useRef(null);
  const before = useRef(typeof document === "undefined" ? null : document.activeElement);
  useEffect(() => {
    (box.current.querySelector(first || ".dialog-body textarea, .dialog-body input, .dialog-body select")
      ?? box.current.querySelector(FOCUSABLE))?.focus();
    const back = before.current;
    return () => back?.focus?.();
  }, []); // once, when it opens
  const keys = (event) => {
    if (event.key === "Escape") onClose();
    if (onSubmit && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.target.blur?.();
      onSubmit();
    }
    if (event.key !== "Tab") return;
    const all = [...box.current.querySelectorAll(FOCUSABLE)];
    const edge = event.shiftKey ? all[0] : all.at(-1);
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? all.at(-1) : all[0]).focus();
  };
  return (
    <div className="dialog-scrim" onPointerDown={(event) => event.target === event.currentTarget && onClose()}>
      <div
        ref={box} className="dialog card" role="dialog" aria-modal="true" aria-label={label} onKeyDown={keys}
        data-testid={testid}
      >
        <div className="dialog-head row between">
          <h2 className="truncate-1">{title}</h2>
          <button type="button" className="icon-button" aria-label="Close" onClick={onClose}><X size={16} /></button>
        </div>
        <div className="dialog-body">{children}</div>
        <div className="dialog-foot row between">{foot}</div>
      </div>
    </div>
  );
}
