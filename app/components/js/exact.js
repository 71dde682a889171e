// JSON with whole numbers as they are. JavaScript's numbers round from 2^53 on, and ids are longer: those become a
// BigInt. All JSON of ours is read and written here.

const LONG = /\d{16}/;
const TEXT_OR_LONG = /"(?:\\.|[^"\\])*"|-?\d{16,}(?![\d.eE])/g;
const MARK = "\u0000";
const MARKED = /^\u0000(-?\d+)$/;
const WRITTEN = /"\\u0000(-?\d+)"/g;

// Reads JSON. Throws SyntaxError as JSON.parse does.
export function parse(text, change = (_, value) => value) {
  if (!LONG.test(text)) return JSON.parse(text, change);
  const marked = text.replace(
    TEXT_OR_LONG, (found) => (found[0] === '"' || Number.isSafeInteger(Number(found)) ? found : `"\\u0000${found}"`),
  );
  return JSON.parse(marked, function (key, value) {
    const long = typeof value === "string" && value.startsWith(MARK) ? MARKED.exec(value) : null;
    return change.call(this, key, long ? BigInt(long[1]) : value);
  });
}

// Writes JSON as JSON.stringify does.
export function write(value, change = null, space = 0) {
  let long = false;
  const text = JSON.stringify(value, function (key, item) {
    const wish = typeof change === "function" ? change.call(this, key, item) : item;
    if (typeof wish !== "bigint") return wish;
    long = true;
    return MARK + wish;
  }, space);
  return long ? text.replace(WRITTEN, "$1") : text;
}

// A whole number as typed, exactly; a number of JavaScript for all others.
export function numberOf(text) {
  const number = Number(text);
  const whole = /^\s*[+-]?\d+\s*$/.test(text);
  return whole && !Number.isSafeInteger(number) ? BigInt(text.trim().replace(/^\+/, "")) : number;
}
