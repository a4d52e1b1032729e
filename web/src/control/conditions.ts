/** What the lamp says: how the camera does, in a colour and a few words. The program's own sentence goes before ours. */

import type { SourceReport } from "../messages";
import { capital } from "./format";

/** Colours of the lamp: good, busy (wait a moment), warning (a person has to do something), bad. */
export type Lamp = "good" | "busy" | "warning" | "bad";

/** A condition as it is shown. */
export interface Told {
  lamp: Lamp;
  title: string;
  sentence: string;
}

/** A word or two for each condition, and what to do about it where the program gives no sentence. */
const CONDITIONS: { [state in SourceReport["state"]]: Told } = {
  opening: { lamp: "busy", title: "Opening the camera", sentence: "This takes a second or two." },
  live: { lamp: "good", title: "Live", sentence: "" },
  waiting: { lamp: "busy", title: "Waiting for pictures", sentence: "The camera has sent none yet." },
  busy: {
    lamp: "warning",
    title: "Camera in use",
    sentence: "Another program has the camera. Close it there; it starts here by itself.",
  },
  no_permission: {
    lamp: "bad",
    title: "No permission",
    sentence: "The system does not let bodydouble use the camera. Allow it in the privacy settings.",
  },
  unplugged: {
    lamp: "bad",
    title: "Camera unplugged",
    sentence: "Plug it in again; it starts by itself.",
  },
  black: {
    lamp: "warning",
    title: "The picture is black",
    sentence: "Open the lens cover, or switch on a light.",
  },
  failed: { lamp: "bad", title: "The camera failed", sentence: "Choose another, or plug it in anew." },
};

/** A camera that never was there: nothing was unplugged, and nothing is broken. */
const NONE: Told = {
  lamp: "warning",
  title: "No camera found",
  sentence: "Plug one in and it starts by itself, or use the one of the device that shows this page.",
};

/** A sentence without what is of use only in a terminal: "(--camera browser)", "(bodydouble cameras)". */
export function forPages(sentence: string): string {
  return sentence.replace(/ \((?:--|bodydouble )[^)]*\)/g, "");
}

/**
 * How the camera does, in words. source: null where nothing was heard from the program yet. asked: the camera that was
 * chosen, "" for whichever there is.
 */
export function told(source: SourceReport | null, asked = ""): Told {
  if (!source) return { lamp: "busy", title: "Connecting", sentence: "" };
  const never = source.state === "unplugged" && source.captured === 0;
  if (never && asked === "") return NONE;
  const known = CONDITIONS[source.state];
  const title = never ? "Camera not found" : known.title;
  return { ...known, title, sentence: capital(forPages(source.message)) || known.sentence };
}
