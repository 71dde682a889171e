// The command palette: opens with Ctrl+K or ⌘K, goes to pages and runs actions. Entries come from outside.

import { useContext, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { ColorModeContext } from "$/utils/context-registry";
import { Command } from "cmdk";
import { api } from "../js/api.js";
import {
  Activity, ArrowRight, BookOpen, Bot, CalendarClock, FilePlus, Home, Inbox, LogOut, Moon, Settings, Sun, SunMoon,
  Workflow,
} from "lucide-react";

const ICONS = {
  home: Home, workflows: Workflow, templates: BookOpen, runs: Activity, schedules: CalendarClock, approvals: Inbox,
  models: Bot, settings: Settings,
  new: FilePlus, leave: LogOut, light: Sun, dark: Moon, system: SunMoon,
};
const OPEN = "agentloom:palette";
const THEME = "theme-";

export const openPalette = () => window.dispatchEvent(new Event(OPEN));

export function PaletteButton() {
  const [mac, setMac] = useState(false);
  useEffect(() => setMac(/Mac|iPhone|iPad/.test(navigator.platform)), []);
  return (
    <button
      type="button" className="btn btn-ghost btn-sm palette-button" onClick={openPalette} data-testid="open-palette"
    >
      <span className="sr-only">Open the command palette </span><span className="kbd">{mac ? "⌘K" : "Ctrl K"}</span>
    </button>
  );
}

const MOST_FOUND = 8;
const PAUSE_MS = 120;

// What the server finds by name: `source` is a list of the API that takes `search`, its items have id and name.
function useFound(source, href, group, open, text) {
  const [found, setFound] = useState([]);
  useEffect(() => {
    if (!open || !source) return undefined;
    let gone = false;
    const timer = setTimeout(() => {
      api("GET", `${source}?limit=${MOST_FOUND}&search=${encodeURIComponent(text.trim().slice(0, 200))}`).then(
        (page) =>
          !gone
            && setFound(
              page.items.map(({ id, name }) => ({ id, label: name, group, icon: "workflows", href: `${href}/${id}` })),
            ),
        () => !gone && setFound([]), // the pages and actions are there all the same
      );
    }, text ? PAUSE_MS : 0);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [source, href, group, open, text]);
  return found;
}

// Ctrl+K, ⌘K and the button show the palette.
function useOpener(onOpen) {
  useEffect(() => {
    const keys = (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) {
        return;
      }
      event.preventDefault();
      onOpen();
    };
    window.addEventListener(OPEN, onOpen);
    document.addEventListener("keydown", keys);
    return () => {
      window.removeEventListener(OPEN, onOpen);
      document.removeEventListener("keydown", keys);
    };
  }, []);
}

function Groups({ entries, onChoose }) {
  const groups = [...new Set(entries.map((entry) => entry.group))];
  return groups.map((group) => (
    <Command.Group key={group} heading={group}>
      {entries.filter((entry) => entry.group === group).map((entry) => {
        const Icon = ICONS[entry.icon] ?? ArrowRight;
        return (
          <Command.Item
            key={entry.id} value={`${entry.label} ${entry.id}`} keywords={entry.keywords}
            onSelect={() => onChoose(entry)}
          >
            <Icon size={15} aria-hidden="true" />{entry.label}
          </Command.Item>
        );
      })}
    </Command.Group>
  ));
}

// entries: [{id, label, group, icon?, href?, keywords?}]. Ids `theme-…` choose the appearance here; of others without
// href onAction gets the id. `source`, `sourceHref`, `sourceGroup`: more entries, found by name as one types.
export function CommandPalette({ entries: fixed = [], onAction, source = "", sourceHref = "", sourceGroup = "" }) {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const { setColorMode } = useContext(ColorModeContext);
  const before = useRef(null);
  const [text, setText] = useState("");
  const found = useFound(source, sourceHref, sourceGroup, open, text);
  const entries = [...fixed, ...found];

  useOpener(() => {
    before.current = document.activeElement;
    setText("");
    setOpen(true);
  });

  if (!open) return null;
  const close = () => {
    setOpen(false);
    before.current?.focus?.();
  };
  const choose = (entry) => {
    setOpen(false);
    if (entry.href) navigate(entry.href);
    else if (entry.id.startsWith(THEME)) setColorMode(entry.id.slice(THEME.length));
    else onAction?.(entry.id);
  };
  return (
    <>
      <div className="palette-scrim" onClick={close} />
      <div className="palette" role="dialog" aria-modal="true" aria-label="Command palette" data-testid="palette"
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          if (event.key === "Tab") event.preventDefault();
        }}>
        <Command label="Command palette" loop>
          <Command.Input
            autoFocus value={text} onValueChange={setText}
            placeholder={source ? "Go to a page or workflow, or run an action…" : "Go to a page or run an action…"}
          />
          <Command.List>
            <Command.Empty>Nothing fits.</Command.Empty>
            <Groups entries={entries} onChoose={choose} />
          </Command.List>
        </Command>
        <div className="palette-foot">
          <span><span className="kbd">↑↓</span> choose</span>
          <span><span className="kbd">↵</span> open</span>
          <span><span className="kbd">esc</span> close</span>
        </div>
      </div>
    </>
  );
}
