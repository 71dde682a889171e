// The next time of a schedule: how long until then, on the clock here and on the clock of its zone.
import { useEffect, useState } from "react";
import { ownZone, shown, until } from "./rule.js";

export function NextTime({ at, zone }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 20_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="muted">–</span>;
  const elsewhere = zone && zone !== ownZone() && shown(at, zone) !== shown(at);
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} suppressHydrationWarning>
      <span className="num" style={{ display: "block" }}>{until(at)}</span>
      <span className="muted num" style={{ display: "block" }}>{shown(at)}</span>
      {elsewhere && (
        <span className="muted num" style={{
          display: "block",
        }}>{shown(at, zone)} in {zone.split("/").pop().replaceAll("_", " ")}</span>
      )}
    </time>
  );
}

// A moment in the past or future, as the clock here shows it.
export function Moment({ at }) {
  if (!at) return <span className="muted">–</span>;
  return (
    <time dateTime={at} className="num" suppressHydrationWarning>
      {shown(at, "", { year: "numeric", second: undefined })}
    </time>
  );
}
