// A node type as a sign: its icon, by the name that it declares.
import { Box, CircleHelp } from "lucide-react";
import { ICONS } from "./icons.gen.js";

// The tile of a node type in the colour of its category; without a type it is unknown.
export function KindTile({ type, size = 24 }) {
  const Icon = type ? (ICONS[type.icon] ?? Box) : CircleHelp;
  return (
    <span className="kind-tile" data-category={type?.category ?? "unknown"} style={{ width: size, height: size }}>
      <Icon size={Math.round(size * 0.58)} strokeWidth={2} aria-hidden="true" />
    </span>
  );
}
