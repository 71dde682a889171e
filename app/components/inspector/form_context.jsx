// What the fields of a form need to know of where they stand.
import { createContext, useContext } from "react";

const NOWHERE = { workflowId: "", nodeId: "", runId: "", items: [], errors: {}, preview: false, id: "form" };

export const FormContext = createContext(NOWHERE);

export const useForm = () => useContext(FormContext);

// Which field is being edited, as {key, title}; null where nobody else can edit it.
export const PlaceContext = createContext(null);

export const usePlace = () => useContext(PlaceContext);
