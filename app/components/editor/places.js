// Places inside JSON values; the twin of app/engine/graph/places.py.

export class BadPlace extends Error {}

// Set this to take a value away; found where there is none. null is JSON's null.
export const NOTHING = Symbol("nothing");

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// The value at a place; undefined where there is none.
export function at(value, place) {
  return place.reduce(
    (here, key) => (here !== null && typeof here === "object" && Object.hasOwn(here, key) ? here[key] : undefined),
    value,
  );
}

function made(place, next) {
  return [...place].reverse().reduce((value, key) => {
    if (typeof key === "string") return { [key]: value };
    if (key !== 0) throw new BadPlace(`the list is empty, it has no place ${key}`);
    return [value];
  }, next);
}

function changedObject(value, key, rest, next) {
  if (!Object.hasOwn(value, key)) {
    if (next === NOTHING) return [value, [], value];
    return [{ ...value, [key]: made(rest, next) }, [key], NOTHING];
  }
  if (!rest.length && next === NOTHING) {
    const { [key]: gone, ...left } = value;
    return [left, [key], gone];
  }
  const [inner, undoPlace, undo] = changed(value[key], rest, next);
  return [{ ...value, [key]: inner }, [key, ...undoPlace], undo];
}

function changedList(items, index, rest, next) {
  if (index > items.length) throw new BadPlace(`the list has ${items.length} items, it has no place ${index}`);
  if (index === items.length) return [next === NOTHING ? items : [...items, made(rest, next)], [], items];
  if (!rest.length && next === NOTHING) return [items.filter((_, at) => at !== index), [], items];
  const [inner, undoPlace, undo] = changed(items[index], rest, next);
  return [items.map((item, at) => (at === index ? inner : item)), [index, ...undoPlace], undo];
}

// Returns the value with `next` at the place, and the place and value that undo this.
export function changed(value, place, next) {
  if (!place.length) return [next, [], value];
  const [key, ...rest] = place;
  if (value === null || value === undefined) return [next === NOTHING ? null : made(place, next), [], null];
  if (isObject(value) && typeof key === "string") return changedObject(value, key, rest, next);
  if (Array.isArray(value) && typeof key === "number") return changedList(value, key, rest, next);
  throw new BadPlace(`the form has no place '${place.join(".")}' there`);
}
