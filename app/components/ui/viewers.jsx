// Read-only views of code and JSON with copying; large values open piece by piece.

import { useMemo, useState } from "react";
import { Check, ChevronDown, ChevronRight, Copy, Download, WrapText } from "lucide-react";
import { isReference, megabytes } from "../js/format.js";
import { write } from "../js/exact.js";

const LONG_TEXT = 600;
const MANY = 100;
const LARGE_CODE = 100_000;

export function CopyButton({ text, label = "Copy" }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button type="button" className="btn btn-ghost btn-sm" onClick={copy} aria-live="polite">
      {copied ? <Check size={12} /> : <Copy size={12} />}{copied ? "Copied" : label}
    </button>
  );
}

export function CodeViewer({ text = "", title = "" }) {
  const [wrap, setWrap] = useState(true);
  const [whole, setWhole] = useState(false);
  const shown = whole || text.length <= LARGE_CODE ? text : text.slice(0, LARGE_CODE);
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <span className="truncate-1">{title}</span>
        <span className="row">
          <button type="button" className="btn btn-ghost btn-sm" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
            <WrapText size={12} />Wrap
          </button>
          <CopyButton text={text} />
        </span>
      </div>
      <pre className={`viewer-body ${wrap ? "wrap" : ""}`} tabIndex={0} aria-label={title || "Code"}>
        {shown}
        {shown.length < text.length && (
          <button type="button" className="json-more" onClick={() => setWhole(true)}>
            … show all {Math.round(text.length / 1000)} kB
          </button>
        )}
      </pre>
    </div>
  );
}

function Leaf({ value }) {
  const [whole, setWhole] = useState(false);
  if (typeof value === "string") {
    const cut = !whole && value.length > LONG_TEXT;
    return (
      <span className="json-string">
        {write(cut ? value.slice(0, LONG_TEXT) : value).replaceAll("\\n", "\u21b5\n")}
        {cut && (
          <button
            type="button" className="json-more" onClick={() => setWhole(true)}
          >
            +{value.length - LONG_TEXT}
          </button>
        )}
      </span>
    );
  }
  return (
    <span className={["number", "bigint"].includes(typeof value) ? "json-number" : "json-word"}>{String(value)}</span>
  );
}

// A way to a value that is too large for the page.
export function WholeValue({ reference }) {
  return (
    <a className="btn btn-sm" href={`/api/values/${reference.$blob}`} download data-testid="whole-value">
      <Download size={12} />Download all {megabytes(reference.size)}
    </a>
  );
}

function Row({ depth, name, children, toggle }) {
  return (
    <div className="json-row" style={{ paddingLeft: depth * 16 }}>
      {toggle ?? <span className="json-pad" />}
      <span>
        {name !== undefined && <><span className="json-key">{name}</span><span className="json-mark">: </span></>}
        {children}
      </span>
    </div>
  );
}

function Branch({ value, name, depth, openTo }) {
  const [open, setOpen] = useState(depth < openTo);
  const [limit, setLimit] = useState(MANY);
  const list = Array.isArray(value);
  const entries = list ? value.map((item, at) => [at, item]) : Object.entries(value);
  const [left, right] = list ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) {
    return <Row depth={depth} name={name}><span className="json-mark">{left}{right}</span></Row>;
  }
  const count = `${entries.length} ${list ? "item" : "key"}${entries.length === 1 ? "" : "s"}`;
  const toggle = (
    <button type="button" className="json-toggle" aria-expanded={open}
      aria-label={`${open ? "Collapse" : "Expand"} ${name ?? "value"}`}
      onClick={() => setOpen(!open)}>
      {open ? <ChevronDown size={12} /> : <ChevronRight size={12} />}
    </button>
  );
  return (
    <>
      <Row depth={depth} name={name} toggle={toggle}>
        <span className="json-mark">{open ? left : `${left} ${count} ${right}`}</span>
      </Row>
      {open
        && entries.slice(
          0, limit,
        ).map(([key, item]) => <Value key={key} value={item} name={key} depth={depth + 1} openTo={openTo} />)}
      {open && entries.length > limit && (
        <Row depth={depth + 1}>
          <button
            type="button" className="json-more" onClick={() => setLimit(limit + MANY * 5)}
          >
            {entries.length - limit} more
          </button>
        </Row>
      )}
      {open && <Row depth={depth}><span className="json-mark">{right}</span></Row>}
    </>
  );
}

function Value(props) {
  const { value, name, depth } = props;
  if (isReference(value)) {
    return (
      <Row depth={depth} name={name}>
        <span className="json-string">{value.preview}…</span> <WholeValue reference={value} />
      </Row>
    );
  }
  if (value !== null && typeof value === "object") return <Branch {...props} />;
  return <Row depth={depth} name={name}><Leaf value={value} /></Row>;
}

export function JsonViewer({ value, title = "", openTo = 2 }) {
  const kind = useMemo(() => (value === undefined ? null : value), [value]);
  return (
    <div className="viewer">
      <div className="viewer-bar">
        <span className="truncate-1">{title}</span>
        <CopyButton text={() => write(kind, null, 2)} />
      </div>
      <div className="viewer-body" tabIndex={0} role="group" aria-label={title || "JSON"}>
        <Value value={kind} depth={0} openTo={openTo} />
      </div>
    </div>
  );
}
