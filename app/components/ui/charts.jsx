// Light SVG charts for the first page: stacked bars over time, and a heat map. No chart library.

import { useEffect, useRef, useState } from "react";

const FIRST_SIZE = [760, 180];
const FOOT = 18;
const TOP = 10;
const SCALE = 30;

const SERIES = [
  { key: "succeeded", color: "var(--accent)", word: "succeeded" },
  { key: "failed", color: "var(--err)", word: "failed" },
  { key: "other", color: "var(--wait)", word: "waiting or running" },
];

function hourOf(at) {
  return new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

function niceTop(most) {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 8, 10].map((n) => n * power).find((n) => n >= most);
}

export function ChartLegend() {
  return (
    <span className="legend">
      {SERIES.map(({ key, color, word }) => <span key={key}><i style={{ background: color }} />{word}</span>)}
    </span>
  );
}

// The room there is, so that letters and bars keep their size on every screen.
function useSize() {
  const box = useRef(null);
  const [size, setSize] = useState(FIRST_SIZE);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => {
      setSize([Math.max(240, Math.round(entry.contentRect.width)), Math.max(FIRST_SIZE[1], Math.round(entry.contentRect.height))]);
    });
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  return [box, ...size];
}

// points: [{at, succeeded, failed, other}], oldest first.
export function BarChart({ points = [], label = "Runs per hour" }) {
  const [box, width, height] = useSize();
  const total = (point) => SERIES.reduce((sum, { key }) => sum + (point[key] || 0), 0);
  const top = niceTop(Math.max(0, ...points.map(total)));
  const inner = height - FOOT - TOP;
  const plot = width - SCALE;
  const slot = plot / Math.max(1, points.length);
  const bar = Math.min(24, slot * 0.7);
  const all = points.reduce((sum, point) => sum + total(point), 0);
  return (
    <div ref={box} className="chart-box">
    <svg className="chart" width={width} height={height} role="img" aria-label={`${label}: ${all} in total, at most ${Math.max(0, ...points.map(total))} in one hour`}>
      {[0, 0.5, 1].map((part) => {
        const y = TOP + inner * (1 - part);
        return (
          <g key={part}>
            <line x1="0" x2={plot} y1={y} y2={y} stroke="var(--line)" strokeDasharray={part ? "2 4" : undefined} />
            {part > 0 && <text x={width} y={y + 4} textAnchor="end">{top * part}</text>}
          </g>
        );
      })}
      {points.map((point, at) => {
        let y = TOP + inner;
        const x = at * slot + (slot - bar) / 2;
        return (
          <g key={point.at} className="bar">
            <title>{`${hourOf(point.at)} · ${SERIES.map(({ key, word }) => `${point[key] || 0} ${word}`).join(", ")}`}</title>
            <rect x={at * slot} y={TOP} width={slot} height={inner} fill="transparent" />
            {SERIES.map(({ key, color }) => {
              const tall = ((point[key] || 0) / top) * inner;
              y -= tall;
              return tall > 0 && <rect key={key} x={x} y={y} width={bar} height={Math.max(1.5, tall)} rx="2.5" fill={color} />;
            })}
            {at % 6 === 0 && <text x={at * slot + 2} y={height - 3} suppressHydrationWarning>{hourOf(point.at)}</text>}
          </g>
        );
      })}
    </svg>
    </div>
  );
}

// rows: [{id, name, href, cells: [number]}]; all rows share one scale.
export function HeatMap({ rows = [], unit = "tokens" }) {
  const most = Math.max(1, ...rows.flatMap((row) => row.cells));
  const columns = rows[0]?.cells.length ?? 24;
  return (
    <div className="heat" role="table" aria-label={`${unit} by workflow and hour`} style={{ gridTemplateColumns: `minmax(80px, 150px) repeat(${columns}, minmax(0, 1fr))` }}>
      {rows.map((row) => (
        <div key={row.id} role="row" style={{ display: "contents" }}>
          <a className="truncate-1 link" role="rowheader" href={row.href} style={{ color: "var(--text)" }}>{row.name}</a>
          {row.cells.map((value, at) => {
            const hours = columns - at;
            const words = `${value.toLocaleString()} ${unit}, ${hours === 1 ? "in the last hour" : `${hours} hours ago`}`;
            const style = value ? { background: "var(--accent)", opacity: 0.14 + 0.86 * Math.sqrt(value / most) } : undefined;
            return <span key={at} role="cell" className="heat-cell" style={style} title={words} aria-label={words} />;
          })}
        </div>
      ))}
    </div>
  );
}
