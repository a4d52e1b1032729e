/** What a slider goes back to: the defaults of Settings in messages.py (a test compares them). */
export const DEFAULTS = { smooth: 0.5, place: 0.3, compensation: 0.7, fov: 60 } as const;

/** A setting that has a slider. */
export type Slid = keyof typeof DEFAULTS;

/** Chroma backgrounds: the green and blue that keying filters expect (OBS' own presets key on pure ones alike). */
export const GREEN = "#00b140";
export const BLUE = "#0047bb";

/** Seconds of the countdown before a calibration: time to step back from the desk. */
export const COUNTDOWN = 5;
/** In place of a countdown: leave off the one that is running; the calibration made before stays. */
export const LEAVE_OFF = -1;
