/** Calibration over the picture: how to stand, a countdown to be read from across the room, a ring, the result. */

import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { left, NOTHING, type Shown, shownAfter } from "./calibration_state";
import { LEAVE_OFF } from "./defaults";
import type { Desk } from "./desk";
import { Icon } from "./icons";

/** Follows the program's calibration. */
export function useCalibration(desk: Desk): Signal<Shown> {
  const shown = useSignal<Shown>(NOTHING);
  useSignalEffect(() => {
    const report = desk.status.value?.calibration;
    if (report) shown.value = shownAfter(shown.peek(), report, performance.now());
  });
  return shown;
}

/** What lies over the picture while a calibration runs. */
export function Calibration({ desk, state }: { desk: Desk; state: Signal<Shown> }) {
  const now = useSignal(0);
  const phase = state.value.state;
  useEffect(() => {
    if (phase === "none") return;
    const tick = () => {
      now.value = performance.now();
      if ((phase === "done" || phase === "failed") && now.value > state.peek().end) state.value = NOTHING;
    };
    tick();
    const timer = setInterval(tick, 100);
    return () => clearInterval(timer);
  }, [phase, now, state]);
  if (phase === "none") return null;
  const result = phase === "done" || phase === "failed";
  const cancel = () => {
    state.value = NOTHING;
    if (!result) void desk.calibrate(LEAVE_OFF);
  };
  return (
    <div class={`calibration ${phase}`}>
      {!result && <Stance />}
      <div class="calibration-words" role="status" aria-live="assertive">
        {phase === "countdown" && <span class="count">{left(state.value, now.value)}</span>}
        {phase === "holding" && <Ring />}
        {result && (
          <span class={`result-sign ${phase}`}>
            <Icon name={phase === "done" ? "check" : "warning"} size={56} />
          </span>
        )}
        <strong>{title(phase)}</strong>
        <p>{state.value.message || explained(phase)}</p>
      </div>
      <button type="button" class="button" onClick={cancel}>
        {result ? "Close" : "Cancel"}
      </button>
    </div>
  );
}

function title(phase: Shown["state"]): string {
  if (phase === "countdown") return "Step back until all of you is in the picture";
  if (phase === "holding") return "Hold still";
  return phase === "done" ? "Calibrated" : "That did not work";
}

function explained(phase: Shown["state"]): string {
  if (phase === "countdown") return "Stand straight, face the camera, arms a little away from the body.";
  if (phase === "holding") return "Measuring your limbs and the camera's tilt.";
  return phase === "done" ? "The character now moves by your own proportions." : "Try again with more room and light.";
}

/** A person who stands as one should. */
function Stance() {
  return (
    <svg class="stance" viewBox="0 0 200 400" fill="none" aria-hidden="true" focusable="false">
      <g stroke="currentColor" stroke-width="5" stroke-linecap="round" stroke-linejoin="round" stroke-dasharray="1 11">
        <circle cx="100" cy="46" r="28" />
        <path d="M88 74v10c-22 4-38 12-42 34l-26 92c-3 12 12 18 17 6l27-74 4 62-12 168c-1 14 20 15 22 2l18-140h8l18 140c2 13 23 12 22-2l-12-168 4-62 27 74c5 12 20 6 17-6l-26-92c-4-22-20-30-42-34V74" />
      </g>
    </svg>
  );
}

/** The ring that turns while one holds still. */
function Ring() {
  return (
    <svg class="ring" viewBox="0 0 120 120" fill="none" aria-hidden="true" focusable="false">
      <circle cx="60" cy="60" r="50" stroke="currentColor" stroke-opacity="0.25" stroke-width="9" />
      <circle
        class="ring-arc"
        cx="60"
        cy="60"
        r="50"
        stroke="currentColor"
        stroke-width="9"
        stroke-linecap="round"
        pathLength={100}
        stroke-dasharray="30 70"
      />
    </svg>
  );
}
