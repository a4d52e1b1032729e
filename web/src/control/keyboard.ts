/** The keys that steer the page, in one table: what a key does, what the help says of it. Pure. */

/** What a key can do. */
export type Action =
  | "record"
  | "snapshot"
  | "mirror"
  | "calibrate"
  | "virtual_camera"
  | "fullscreen"
  | "frame_full"
  | "frame_half"
  | "frame_head"
  | "help";

/** One line of the help: the key as it is printed, what it does. */
export interface Shortcut {
  action: Action;
  key: string;
  label: string;
}

/** All shortcuts, in the order of the help. */
export const SHORTCUTS: readonly Shortcut[] = [
  { action: "record", key: "Space", label: "Start or stop recording" },
  { action: "snapshot", key: "S", label: "Take a snapshot" },
  { action: "calibrate", key: "C", label: "Calibrate" },
  { action: "mirror", key: "M", label: "Mirror" },
  { action: "virtual_camera", key: "V", label: "Virtual camera on or off" },
  { action: "fullscreen", key: "F", label: "Full screen stage" },
  { action: "frame_full", key: "1", label: "Show the full body" },
  { action: "frame_half", key: "2", label: "Show the upper half" },
  { action: "frame_head", key: "3", label: "Show the head" },
  { action: "help", key: "?", label: "Show this help" },
];

const BY_KEY = new Map(SHORTCUTS.map((s) => [s.key === "Space" ? " " : s.key.toLowerCase(), s.action]));

/** What is needed of a KeyboardEvent. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

/** What is needed of the element that has the focus. */
export interface Focus {
  tagName: string;
  type?: string;
  isContentEditable?: boolean;
}

const TEXT_TYPES = new Set(["", "text", "search", "url", "email", "number", "password", "tel"]);
const PRESSED_BY_SPACE = new Set(["BUTTON", "A", "SUMMARY"]);

/** Whether keys belong to the focused element: a field that takes text, or a list that jumps to what is typed. */
export function isTyping(focus: Focus | null): boolean {
  if (!focus) return false;
  if (focus.isContentEditable) return true;
  if (focus.tagName === "TEXTAREA" || focus.tagName === "SELECT") return true;
  return focus.tagName === "INPUT" && TEXT_TYPES.has(focus.type ?? "");
}

/** What a key press does, null for nothing. Space on a focused button, link or box presses that, as it should. */
export function actionFor(press: Press, focus: Focus | null): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.repeat || isTyping(focus)) return null;
  const box = focus?.tagName === "INPUT" && focus.type !== "range";
  if (press.key === " " && focus && (PRESSED_BY_SPACE.has(focus.tagName) || box)) return null;
  return BY_KEY.get(press.key.toLowerCase()) ?? null;
}
