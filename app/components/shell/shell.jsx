// The parts of the shell that live in the browser: drawer on small screens, banners about the connection.

import { useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";
import { Menu, PlugZap, TriangleAlert, X } from "lucide-react";

const CALM_MS = 30_000;
const ALARMED_MS = 5_000;
const GRACE_MS = 1_500;

export function MobileBar({ brand, children }) {
  const [open, setOpen] = useState(false);
  const opener = useRef(null);
  const panel = useRef(null);
  const { pathname } = useLocation();
  useEffect(() => setOpen(false), [pathname]);
  useEffect(() => {
    if (open) panel.current?.querySelector("a, button")?.focus();
  }, [open]);
  const close = () => {
    setOpen(false);
    opener.current?.focus();
  };
  const keys = (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "Tab") return;
    const stops = [...panel.current.querySelectorAll("a[href], button:not([disabled])")];
    const [first, last] = [stops[0], stops[stops.length - 1]];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
    if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
  };
  return (
    <header className="mobile-bar">
      <button ref={opener} type="button" className="btn btn-ghost btn-icon" aria-label="Open the navigation"
        aria-expanded={open}
        data-testid="open-navigation" onClick={() => setOpen(true)}>
        <Menu size={18} aria-hidden="true" />
      </button>
      {brand}
      {open && (
        <div className="drawer" role="dialog" aria-modal="true" aria-label="Navigation" ref={panel} onKeyDown={keys}>
          <div className="nav-scrim" onClick={close} />
          <div className="drawer-panel">
            <button
              type="button" className="btn btn-ghost btn-icon drawer-close" aria-label="Close the navigation"
              onClick={close}
            >
              <X size={18} aria-hidden="true" />
            </button>
            {children}
          </div>
        </div>
      )}
    </header>
  );
}

// What /readyz says: null while it is well, else a sentence.
function useHealth() {
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    let timer = 0;
    let gone = false;
    const look = async () => {
      let next = null;
      try {
        const reply = await fetch("/readyz", { cache: "no-store" });
        if (!reply.ok) next = sentence(await reply.json().catch(() => null));
      } catch {
        next = null; // no answer at all is the other banner's subject
      }
      if (gone) return;
      setTrouble(next);
      timer = setTimeout(look, next ? ALARMED_MS : CALM_MS);
    };
    timer = setTimeout(look, GRACE_MS);
    return () => { gone = true; clearTimeout(timer); };
  }, []);
  return trouble;
}

export function sentence(body) {
  const failing = Object.entries(body?.checks ?? {}).filter(([, check]) => check?.ok === false);
  const said = failing.map(([name, check]) => check.message || `${name} does not answer`);
  return said.join(" ") || body?.detail || "A part of the server does not answer. What you change is kept.";
}

// A short break is not worth a word.
function useLasting(value) {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!value) { setLasting(false); return undefined; }
    const timer = setTimeout(() => setLasting(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return lasting;
}

export function Banners({ offline }) {
  const trouble = useHealth();
  const away = useLasting(offline);
  return (
    <div aria-live="polite">
      {away && (
        <div className="banner banner-wait" data-testid="offline-banner">
          <PlugZap size={15} aria-hidden="true" />The server cannot be reached. Reconnecting; this page goes on by
          itself.
        </div>
      )}
      {!away && trouble && (
        <div className="banner banner-err" data-testid="health-banner">
          <TriangleAlert size={15} aria-hidden="true" />{trouble}
        </div>
      )}
    </div>
  );
}
