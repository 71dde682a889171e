// Changing a value deep inside another without touching the rest.
import { changed } from "./places.js";

export const setIn = (value, path, next) => changed(value, path, next)[0];
