// The rows of a trace as bars on one axis; only those in sight are drawn.

import { useMemo } from "react";
import { Virtuoso } from "react-virtuoso";
import { duration } from "../js/format.js";
import * as model from "./model.js";

export function Axis({ axis }) {
  return (
    <span className="tx-axis">
      {model.ticks(
        axis,
      ).map((t) => (
        <span key={t.label} className={t.at > 90 ? "last" : ""} style={{ left: `${t.at}%` }}>{t.label}</span>
      ))}
    </span>
  );
}

const LANE = 26;

// Where a bar's words stand: behind it, before it, or in it when it leaves no room on either side.
function labelPlace({ left, width }) {
  if (left + width <= 60) return "";
  return left >= 30 ? "flip" : "within";
}

function Bar({ row, axis, now, chosen, onChoose }) {
  const line = model.bar(row.item, axis, now);
  const tone = (model.STATUS[row.status] ?? model.STATUS.pending).tone;
  return (
    <div className="tx-lane">
      <button className={`tone-${tone} ${labelPlace(line)}`} aria-pressed={chosen} onClick={() => onChoose(row)}
        style={{ left: `${line.left}%`, width: `${line.width}%` }} title={`${row.label}: ${row.status}`}>
        <span>{row.label} · {duration(model.lasted(row.item, now))}</span>
      </button>
    </div>
  );
}

export function Timeline({ all, axis, now, chosen, onChoose, none }) {
  const started = useMemo(() => all.filter((row) => row.item.started_at && row.type !== "group"), [all]);
  if (!started.length) return <p className="tx-empty">{none}</p>;
  return (
    <div className="tx-gantt">
      <div className="tx-lane tx-lane-head" aria-hidden="true"><Axis axis={axis} /></div>
      <Virtuoso
        className="tx-lanes" role="group" aria-label="Timeline of the run" data={started} fixedItemHeight={LANE}
        increaseViewportBy={200} computeItemKey={(_, row) => row.key}
        initialTopMostItemIndex={{
          index: Math.max(0, started.findIndex((row) => row.key === chosen)), align: "center",
        }}
        itemContent={(_, row) => (
          <Bar row={row} axis={axis} now={now} chosen={row.key === chosen} onChoose={onChoose} />
        )}
      />
    </div>
  );
}
