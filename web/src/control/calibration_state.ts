/**
 * What the calibration shows, from the program's reports: two a second are too few for a countdown, so the seconds are
 * counted on here. A result is shown for a while, and only if its calibration was seen to begin. Milliseconds.
 */

import type { CalibrationReport } from "../messages";

/** What is shown. end: when the phase ends, on the page's clock. */
export interface Shown {
  state: CalibrationReport["state"];
  end: number;
  message: string;
}

/** Nothing is shown. */
export const NOTHING: Shown = { state: "none", end: 0, message: "" };
/** How long a result is shown: time to step near again and read two sentences. */
export const RESULT_STAYS = 7000;

/** What to show after a report that came `now`. */
export function shownAfter(shown: Shown, report: CalibrationReport, now: number): Shown {
  const running = shown.state === "countdown" || shown.state === "holding";
  if (report.state === "countdown" || report.state === "holding") {
    const end = now + report.seconds * 1000;
    const same = shown.state === report.state && Math.abs(shown.end - end) < 700;
    return { state: report.state, end: same ? shown.end : end, message: report.message };
  }
  if (running && (report.state === "done" || report.state === "failed")) {
    return { state: report.state, end: now + RESULT_STAYS, message: report.message };
  }
  if (running || (shown.state !== "none" && now > shown.end)) return NOTHING;
  return shown;
}

/** The figure of the countdown: whole seconds left, at least 1. */
export function left(shown: Shown, now: number): number {
  return Math.max(1, Math.ceil((shown.end - now) / 1000));
}
