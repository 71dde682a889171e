// Finding node types by a few letters, and their categories in order.

// Type of the data that a dragged node type carries.
export const DRAG_TYPE = "application/x-agentloom-kind";

export const CATEGORIES = [
  ["trigger", "Triggers"], ["model", "Models"], ["agent", "Agents"], ["tool", "Tools"], ["logic", "Logic"],
  ["data", "Data"], ["memory", "Memory"], ["human", "Human"], ["flow", "Flow"],
];

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

// Types by category in the order of CATEGORIES; unknown categories come last under their own name.
export function grouped(types) {
  const groups = new Map(CATEGORIES.map(([name, title]) => [name, { name, title, types: [] }]));
  for (const type of types) {
    if (!groups.has(type.category)) {
      groups.set(type.category, { name: type.category, title: type.category, types: [] });
    }
    groups.get(type.category).types.push(type);
  }
  return [...groups.values()].filter((group) => group.types.length);
}
