/** Calibration over the picture: how to stand, a countdown to be read from across the room, a ring, the result. */

import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { left, NOTHING, type Shown, shownAfter } from "./calibration_state";
import { LEAVE_OFF } from "./defaults";
import type { Desk } from "./desk";
import { capital } from "./format";
import { Icon } from "./icons";

/** What to do while not all of the person is in the picture. */
const STEP_BACK = "Step back until all of you is in the picture";
/** Seconds that are counted aloud: before them a screen reader says what to do. */
const COUNTED_ALOUD = 3;

/** Follows the program's calibration. */
export function useCalibration(desk: Desk): Signal<Shown> {
  const shown = useSignal<Shown>(NOTHING);
  useSignalEffect(() => {
    const report = desk.status.value?.calibration;
    if (report) shown.value = shownAfter(shown.peek(), report, performance.now());
  });
  return shown;
}

/**
 * What is said beside the picture while a calibration runs: a dialog of one button, which Escape presses too. whole: all
 * of the person is in the picture already.
 */
export function Calibration({ desk, state, whole }: { desk: Desk; state: Signal<Shown>; whole: { value: boolean } }) {
  const now = useSignal(0);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const phase = state.value.state;
  const shown = phase !== "none";
  const result = phase === "done" || phase === "failed";
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
  const cancel = () => {
    const { state: left } = state.peek();
    state.value = NOTHING;
    if (left === "countdown" || left === "holding") void desk.calibrate(LEAVE_OFF);
  };
  useHeldFocus(shown, button, cancel);
  if (!shown) return null;
  const words = capital(state.value.message) || explained(phase);
  const heading = title(phase, whole.value);
  const count = left(state.value, now.value);
  return (
    <>
      {!result && <Stance phase={phase} />}
      <div
        class={`calibration ${phase}`}
        role="dialog"
        aria-modal="true"
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-words`}
      >
        {phase === "countdown" && (
          <span class="count" aria-hidden="true">
            {count}
          </span>
        )}
        {phase === "holding" && <Ring />}
        <div class="calibration-words">
          {result && (
            <span class={`result-sign ${phase}`}>
              <Icon name={phase === "done" ? "check" : "warning"} size={56} />
            </span>
          )}
          <small>Calibration</small>
          <h2 id={`${id}-title`}>{heading}</h2>
          <p id={`${id}-words`}>{words}</p>
        </div>
        <p class="spoken" aria-live="assertive">
          {phase === "countdown" && count <= COUNTED_ALOUD ? count : `${heading}. ${words}`}
        </p>
        <button ref={button} type="button" class="button" onClick={cancel}>
          {result ? "Close" : "Cancel"}
          <kbd>Esc</kbd>
        </button>
      </div>
    </>
  );
}

/** While it is shown the focus stays on its button, and goes back to where it was; Escape leaves. */
function useHeldFocus(shown: boolean, button: RefObject<HTMLButtonElement | null>, leave: () => void): void {
  useEffect(() => {
    if (!shown) return;
    const before = document.activeElement;
    button.current?.focus();
    const pressed = (event: KeyboardEvent) => {
      if (event.key === "Escape") leave();
      else if (event.key !== "Tab") return;
      event.preventDefault();
      if (event.key === "Tab") button.current?.focus();
    };
    addEventListener("keydown", pressed);
    return () => {
      removeEventListener("keydown", pressed);
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [shown]);
}

function title(phase: Shown["state"], whole: boolean): string {
  if (phase === "countdown") return whole ? "All of you is in the picture" : STEP_BACK;
  if (phase === "holding") return "Hold still";
  return phase === "done" ? "Calibrated" : "That did not work";
}

function explained(phase: Shown["state"]): string {
  if (phase === "countdown") return "Stand straight, face the camera, arms a little away from the body.";
  if (phase === "holding") return "Measuring your limbs and the camera's tilt.";
  return phase === "done" ? "The character now moves by your own proportions." : "Try again with more room and light.";
}

/** A person who stands as one should, as large as the picture allows. */
function Stance({ phase }: { phase: Shown["state"] }) {
  return (
    <div class={`stance-place ${phase}`}>
      <svg class="stance" viewBox="0 0 200 400" fill="none" aria-hidden="true" focusable="false">
        <g
          stroke="currentColor"
          stroke-width="5"
          stroke-linecap="round"
          stroke-linejoin="round"
          stroke-dasharray="1 11"
        >
          <circle cx="100" cy="46" r="28" />
          <path d="M88 74v10c-22 4-38 12-42 34l-26 92c-3 12 12 18 17 6l27-74 4 62-12 168c-1 14 20 15 22 2l18-140h8l18 140c2 13 23 12 22-2l-12-168 4-62 27 74c5 12 20 6 17-6l-26-92c-4-22-20-30-42-34V74" />
        </g>
      </svg>
    </div>
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
