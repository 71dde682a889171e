// What the fields of a form need to know of where they stand.
import { createContext, useContext } from "react";

const NOWHERE = { workflowId: "", nodeId: "", runId: "", items: [], errors: {}, preview: false, id: "form" };

export const FormContext = createContext(NOWHERE);

export const useForm = () => useContext(FormContext);
