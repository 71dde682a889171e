// A small search at the cursor that adds a node; after a dropped wire only with kinds that fit it.
import { useEffect, useMemo, useRef, useState } from "react";
import { KindTile } from "../js/icons.jsx";
import { useEditor } from "../editor/context.jsx";
import { couldGive, couldTake, typeName } from "../editor/model.js";
import { find, grouped } from "./search.js";

const WIDTH = 280;
const HEIGHT = 340;

// The kinds that a text finds among those that fit: into a wire, or to one of its ends.
function useFitting(text, portType, side, edge) {
  const catalog = useEditor((state) => state.catalog);
  return useMemo(() => {
    const all = grouped([...catalog.values()]).flatMap((group) => group.types);
    const fitting = all.filter((type) => {
      if (edge) return type.inputs.length > 0 && !type.trigger;
      if (side === "take") return couldTake(type, portType);
      if (side === "give") return couldGive(type, portType);
      return true;
    });
    return find(fitting, text);
  }, [catalog, text, portType, side, edge]);
}

export function QuickAdd({ screen, portType, side, edge, onChoose, onClose }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const box = useRef(null);
  const list = useRef(null);
  const types = useFitting(text, portType, side, edge);

  useEffect(() => {
    const close = (event) => !box.current?.contains(event.target) && onClose();
    document.addEventListener("pointerdown", close, true);
    return () => document.removeEventListener("pointerdown", close, true);
  }, [onClose]);
  useEffect(
    () => { list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }); }, [at],
  ); // newer browsers return a promise

  const keys = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") onClose();
    else if (event.key === "ArrowDown") setAt((at + 1) % Math.max(1, types.length));
    else if (event.key === "ArrowUp") setAt((at - 1 + types.length) % Math.max(1, types.length));
    else if (event.key === "Enter" && types[at]) onChoose(types[at].kind);
    else return;
    event.preventDefault();
  };
  const left = Math.max(8, Math.min(screen.x, window.innerWidth - WIDTH - 8));
  const top = Math.max(8, Math.min(screen.y, window.innerHeight - HEIGHT - 8));
  return (
    <div
      ref={box} className="quick-add card" style={{ left, top, width: WIDTH, maxHeight: HEIGHT }} role="dialog"
      aria-label="Add a node" data-testid="quick-add"
    >
      <input
        className="input" autoFocus value={text}
        placeholder={portType ? `Nodes that fit ${typeName(portType)}…` : "Add a node…"}
        aria-label="Search nodes" role="combobox" aria-expanded="true" aria-controls="quick-list"
        aria-activedescendant={types[at] ? `quick-${types[at].kind}` : undefined}
        onChange={(event) => { setText(event.target.value); setAt(0); }} onKeyDown={keys}
      />
      <ul id="quick-list" ref={list} role="listbox" aria-label="Nodes">
        {types.map((type, i) => (
          <li
            key={type.kind} id={`quick-${type.kind}`} role="option" aria-selected={i === at}
            onPointerMove={() => setAt(i)} onClick={() => onChoose(type.kind)}
          >
            <KindTile type={type} size={22} />
            <span><b>{type.title}</b><small>{type.summary}</small></span>
          </li>
        ))}
        {!types.length && <li className="faint" role="presentation">No node fits “{text}”.</li>}
      </ul>
    </div>
  );
}
