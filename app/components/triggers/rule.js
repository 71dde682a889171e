// Rules as people choose them, and as cron writes them. Pure.
import { parse } from "../js/exact.js";

export const KINDS = [
  ["minutes", "Every few minutes"],
  ["hourly", "Every hour"],
  ["daily", "Every day"],
  ["weekdays", "Monday to Friday"],
  ["weekly", "Every week"],
  ["monthly", "Every month"],
  ["custom", "Cron rule"],
];
export const EVERY = [1, 2, 3, 5, 10, 15, 20, 30];
export const DAYS = [[1, "Mon"], [2, "Tue"], [3, "Wed"], [4, "Thu"], [5, "Fri"], [6, "Sat"], [0, "Sun"]];
export const START = { kind: "daily", every: 15, minute: 0, time: "09:00", days: [1], day: "1", cron: "0 9 * * *" };

const clock = (time) => {
  const found = /^(\d{1,2}):(\d{2})/.exec(time ?? "");
  return found ? [Number(found[2]), Number(found[1])] : [0, 0];
};

// The cron rule of a choice.
export function toCron(rule) {
  const [minute, hour] = clock(rule.time);
  switch (rule.kind) {
    case "minutes": return `${Number(rule.every) === 1 ? "*" : `*/${rule.every}`} * * * *`;
    case "hourly": return `${Number(rule.minute) || 0} * * * *`;
    case "daily": return `${minute} ${hour} * * *`;
    case "weekdays": return `${minute} ${hour} * * 1-5`;
    case "weekly": return `${minute} ${hour} * * ${[...rule.days].sort().join(",") || "1"}`;
    case "monthly": return `${minute} ${hour} ${rule.day} * *`;
    default: return rule.cron;
  }
}

const whole = (text, most) => /^\d{1,2}$/.test(text) && Number(text) <= most;
const two = (text) => text.padStart(2, "0");

// The choice that a cron rule stands for; what fits none of them stays a cron rule.
export function fromCron(cron) {
  const parts = cron.trim().split(/\s+/);
  const found = parts.length === 5 ? choice(...parts) : null;
  return { ...START, cron, ...(found ?? { kind: "custom" }) };
}

function choice(minute, hour, day, month, weekday) {
  if (month !== "*") return null;
  if (hour === "*" && day === "*" && weekday === "*") {
    const step = minute === "*" ? 1 : Number(/^\*\/(\d+)$/.exec(minute)?.[1]);
    if (EVERY.includes(step)) return { kind: "minutes", every: step };
    return whole(minute, 59) ? { kind: "hourly", minute: Number(minute) } : null;
  }
  if (!whole(minute, 59) || !whole(hour, 23)) return null;
  const time = `${two(hour)}:${two(minute)}`;
  if (day === "*" && weekday === "*") return { kind: "daily", time };
  if (day === "*" && weekday === "1-5") return { kind: "weekdays", time };
  if (day === "*" && /^[0-6](,[0-6])*$/.test(weekday)) {
    return { kind: "weekly", time, days: weekday.split(",").map(Number) };
  }
  if (weekday === "*" && (day === "L" || (whole(day, 31) && Number(day) > 0))) return { kind: "monthly", time, day };
  return null;
}

// Names that browsers leave out of their list of zones, because they know an older one.
const NEWER = [
  "UTC", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Yangon", "Asia/Ho_Chi_Minh", "Europe/Kyiv", "America/Nuuk",
];

export function zones() {
  const known = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
  return [...new Set([...NEWER, ...known])].sort();
}

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

// A moment as the clocks of a zone show it, such as "Mon, 23 Nov, 09:00".
export function shown(at, zone, more = {}) {
  const form = {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...more,
  };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...form, timeZone: zone || undefined }).format(new Date(at));
  } catch {
    return new Date(at).toISOString().slice(0, 16).replace("T", " ");
  }
}

// How long until a moment, in its two largest units.
export function until(at, now = Date.now()) {
  const minutes = Math.round((new Date(at).getTime() - now) / 60_000);
  if (minutes < 1) return "in a moment";
  if (minutes < 60) return `in ${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `in ${hours} h ${minutes % 60} min` : `in ${hours} h`;
  const days = Math.floor(hours / 24);
  if (days < 60) return hours % 24 && days < 7 ? `in ${days} d ${hours % 24} h` : `in ${days} d`;
  return `in ${Math.round(days / 30)} months`;
}

// Options that hold all words of a search; those that begin with it come first.
export function matching(options, query, most = 60) {
  const plain = (text) => text.toLowerCase().replaceAll("_", " ");
  const words = plain(query).split(/\s+/).filter(Boolean);
  const found = options.filter((one) => words.every((word) => plain(`${one.value} ${one.words}`).includes(word)));
  const first = (one) => Number(!plain(one.words).split(/[/ ]/).some((part) => part.startsWith(words[0] ?? "")));
  return found.sort((a, b) => first(a) - first(b)).slice(0, most);
}

// Reads the JSON of an input; an empty text is no input. Throws a sentence that says where it stops.
export function readInput(text) {
  if (!text.trim()) return null;
  try {
    return parse(text);
  } catch (error) {
    const place = /position (\d+)/.exec(error.message)?.[1];
    const line = place ? text.slice(0, Number(place)).split("\n").length : 0;
    throw new Error(
      `This is not valid JSON${line ? `: look at line ${line}` : ""}. Texts and names stand in double quotes.`,
    );
  }
}
