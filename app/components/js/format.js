// Numbers as people read them: `cost` and `duration` are twins of app/state/formatting.py; one table of examples tests
// both.
import { parse, write } from "./exact.js";

export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// A turn of a loop as people count: "Item 2 · try 3".
export function turnName(kind, index, attempt = 1) {
  const noun = kind === "logic.for_each" ? "Item" : "Turn";
  return `${noun} ${index + 1}${attempt > 1 ? ` · try ${attempt}` : ""}`;
}

export const tokens = (count) => (count ? count.toLocaleString("en-US") : "–");

// Null is a call without a known price; that is not free.
export function cost(usd) {
  if (usd === null || usd === undefined) return "unpriced";
  if (usd === 0) return "$0";
  if (usd < 0.0001) return "<$0.0001";
  if (usd < 0.1) return `$${usd.toFixed(4)}`;
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export const millis = (iso) => (iso ? Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(iso) ? iso : `${iso}Z`) : null);

// Time a step or run took, up to now while it goes on; null before it started.
export function elapsed({ started_at: start, finished_at: end }, now = Date.now()) {
  if (!start) return null;
  return Math.max(0, (end ? millis(end) : now) - millis(start));
}

export const megabytes = (bytes) => (bytes < 1_000_000
  ? `${Math.round(bytes / 1000)} kB`
  : `${(bytes / 1_000_000).toFixed(1)} MB`);

// A very large part of a value comes as a reference to it.
export const isReference = (value) =>
  value !== null && typeof value === "object" && typeof value.$blob === "string" && "preview" in value
    && "size" in value;

// All references in a value, outermost first.
export function references(value) {
  if (value === null || typeof value !== "object") return [];
  return isReference(value) ? [value] : Object.values(value).flatMap(references);
}

// A value as one line of text.
export function brief(value, limit = 80) {
  const text = typeof value === "string" ? value : write(value);
  if (text === undefined) return "";
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

const single = (output) => {
  const values = output && typeof output === "object" && !Array.isArray(output) ? Object.values(output) : [];
  return values.length === 1 ? values[0] : output;
};

// What is to be noticed of a step that went well, in a word or two; "" when nothing is.
export function remarks({ status, warnings = [] }) {
  if (status !== "succeeded" || !warnings?.length) return "";
  const items = warnings.filter(({ code }) => code === "items_failed");
  if (items.length === 1 && warnings.length === 1) return items[0].message;
  return warningCount(warnings.length);
}

export const warningCount = (number) => (number ? `${number} warning${number === 1 ? "" : "s"}` : "");

// An output in a few words: its text, its first plain value, or how much it holds.
export function gist(output) {
  const value = single(output);
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return brief(value);
  if (Array.isArray(value)) return `${value.length} item${value.length === 1 ? "" : "s"}`;
  const plain = Object.values(
    value,
  ).find((each) => each !== null && typeof each !== "object" && String(each).length < 40);
  return plain !== undefined ? String(plain) : `${Object.keys(value).length} fields`;
}

// The same of the first 200 characters of an output, as events carry it.
export function gistOfPreview(text) {
  if (!text || !/^[[{]/.test(text)) return text ?? "";
  try {
    return gist(parse(text));
  } catch {
    return "";
  }
}
