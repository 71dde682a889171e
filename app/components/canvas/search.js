// Finding node types by a few letters, and grouping them by category.

// Type of the data that a dragged node type carries.
export const DRAG_TYPE = "application/x-agentloom-kind";

const TITLES = { trigger: "Triggers", model: "Models & agents", tool: "Tools" };

function titleOf(category) {
  return TITLES[category] ?? category[0].toUpperCase() + category.slice(1);
}

// How well a text is found in a type: 0 not at all; the beginning of the title counts most.
export function score(type, text) {
  const wish = text.trim().toLowerCase();
  if (!wish) return 1;
  const title = type.title.toLowerCase();
  if (title.startsWith(wish)) return 5;
  if (title.split(/\s+/).some((word) => word.startsWith(wish))) return 4;
  if (title.includes(wish)) return 3;
  if (type.kind.includes(wish) || type.category.includes(wish)) return 2;
  return wish.split(/\s+/).every((word) => `${title} ${type.summary.toLowerCase()}`.includes(word)) ? 1 : 0;
}

export function find(types, text) {
  const ranked = types.map((type) => [score(type, text), type]).filter(([points]) => points > 0);
  return ranked.sort((a, b) => b[0] - a[0]).map(([, type]) => type);
}

// Found types by category, in the order that the categories have in all types.
export function grouped(found, all = found) {
  const groups = new Map(
    all.map(({ category }) => [category, { name: category, title: titleOf(category), types: [] }]),
  );
  for (const type of found) groups.get(type.category).types.push(type);
  return [...groups.values()].filter((group) => group.types.length);
}
