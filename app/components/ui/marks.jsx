// Small marks: status, time, category. Used by Python wrappers and by other scripts alike.

import { useEffect, useState } from "react";
import {
  Ban, Braces, Check, CircleDashed, Clock, CornerDownLeft, Database, Hourglass, LoaderCircle, Pause, PencilLine,
  Play, Send, SkipForward, Sparkles, Split, Unplug, UserRound, Wrench, X,
} from "lucide-react";
import { duration } from "../js/format.js";
import { STATUSES } from "../js/protocol.gen.js";

const ICONS = {
  pending: Clock, running: LoaderCircle, paused: Pause, waiting: Hourglass, waiting_human: UserRound, succeeded: Check,
  failed: X, canceled: Ban, skipped: SkipForward, interrupted: Unplug, draft: PencilLine, published: Check,
  archived: Ban,
};

// Colour, icon and word: none of the three stands alone.

export function StatusBadge({ status, word }) {
  const known = STATUSES[status] ?? { tone: "idle", word: status || "not run yet" };
  const Icon = ICONS[status] ?? CircleDashed;
  return (
    <span className={`badge badge-${known.tone}`} data-status={status}>
      <Icon size={11} className={status === "running" ? "spin" : undefined} aria-hidden="true" />
      {word || known.word}
    </span>
  );
}

const CATEGORY = {
  trigger: Play, model: Sparkles, tool: Wrench, logic: Split, memory: Database, transform: Braces, human: UserRound,
  flow: CornerDownLeft,
};

export function CategoryIcon({ category, size = 22 }) {
  const Icon = CATEGORY[category] ?? Send;
  return (
    <span className="category-icon" style={{ background: `var(--${category})`, width: size, height: size }}>
      <Icon size={Math.round(size * 0.6)} aria-hidden="true" />
    </span>
  );
}

const STEPS = [
  [60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [2592000, 86400, "d"],
];

export function ago(from, now = Date.now()) {
  const seconds = Math.max(0, (now - new Date(from).getTime()) / 1000);
  if (seconds < 10) return "just now";
  for (const [limit, unit, name] of STEPS) if (seconds < limit) return `${Math.floor(seconds / unit)} ${name} ago`;
  return new Date(from).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

export function TimeAgo({ at }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 20_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="muted">–</span>;
  return <time dateTime={at} title={new Date(at).toLocaleString()} suppressHydrationWarning>{ago(at)}</time>;
}

// How long something took, or has been going on while it has no end.
export function Elapsed({ start, end, live }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!live || end) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [live, end]);
  if (!start || (!end && !live)) return <span className="muted">–</span>;
  const until = end ? new Date(end).getTime() : Date.now();
  return (
    <span className="num" suppressHydrationWarning>{duration(Math.max(0, until - new Date(start).getTime()))}</span>
  );
}
