// The stage page: the character alone on a transparent page, as OBS takes it for a browser source.
//
// ?framing=full|half|head, ?background=<CSS colour or address of a picture>, ?shadow=0|1 and ?mirror=0|1 take the place
// of what the control page says.

import { Link } from "../link/link";
import type { Framing } from "./puppet";
import { type Overrides, Stage } from "./stage";
import "./stage.css";

declare global {
  interface Window {
    /** The stage of this page, for those who script it. */
    bodydouble?: Stage;
  }
}

const FRAMINGS: readonly string[] = ["full", "half", "head"] satisfies Framing[];

function overrides(search: string): Overrides {
  const query = new URLSearchParams(search);
  const found: Overrides = {};
  const framing = query.get("framing");
  if (framing !== null && FRAMINGS.includes(framing)) found.framing = framing as Framing;
  const background = query.get("background");
  if (background !== null) found.background = background;
  for (const name of ["shadow", "mirror"] as const) {
    const value = query.get(name);
    if (value !== null) found[name] = value !== "0" && value !== "false";
  }
  return found;
}

const canvas = document.createElement("canvas");
const words = document.createElement("p");
words.role = "status";
words.hidden = true;
document.body.append(canvas, words);

/** What the program's refusal means to whoever set this page up. */
const REFUSED =
  "bodydouble was started anew and wants another token: give this page the address that its terminal shows " +
  "beside \u201cstage, OBS\u201d.";
const link = new Link("/ws/stage");
let troubled = "";

function tell(): void {
  words.textContent = link.refused ? REFUSED : troubled;
  words.hidden = words.textContent === "";
}

const trouble = (sentence: string): void => {
  troubled = sentence;
  tell();
};
link.onOpen(tell);
window.bodydouble = new Stage(canvas, link, { ...overrides(location.search), trouble });
