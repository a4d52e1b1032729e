/** The elements that the page is made of: cards, buttons, switches, sliders, choices. Looks: parts.css. */

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons";

/** A titled part of the page. */
export function Card(props: { title: string; area?: string; side?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class={`card ${props.area ?? ""}`} aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{props.title}</h2>
        {props.side}
      </header>
      {props.children}
    </section>
  );
}

/** A button that is only an icon; its name is read out and shown on hover. */
export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  disabled?: boolean;
  keys?: string;
  size?: number;
  className?: string;
}) {
  return (
    <button
      type="button"
      class={`icon-button ${props.className ?? ""}`}
      aria-label={props.label}
      title={props.keys ? `${props.label} (${props.keys})` : props.label}
      aria-pressed={props.pressed}
      aria-keyshortcuts={props.keys}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} size={props.size ?? 18} />
    </button>
  );
}

/** On or off, with its label before it. */
export function Switch(props: {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  keys?: string;
  title?: string;
}) {
  return (
    <label class="switch" title={props.title}>
      <input
        type="checkbox"
        role="switch"
        aria-checked={props.on}
        checked={props.on}
        aria-keyshortcuts={props.keys}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span class="track" aria-hidden="true" />
      <span>{props.label}</span>
    </label>
  );
}

/** One of a list, by the system's own list. Its label is for screen readers where `quiet`. */
export function Select(props: {
  label: string;
  value: string;
  options: readonly { value: string; label: string; disabled?: boolean }[];
  onChange: (value: string) => void;
  quiet?: boolean;
  title?: string;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={props.quiet ? "spoken" : ""}>
        {props.label}
      </label>
      <select
        id={id}
        title={props.title}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      >
        {props.options.map((option) => (
          <option
            key={option.value}
            value={option.value}
            disabled={option.disabled}
            selected={option.value === props.value}
          >
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One of a few, all in view: a row of radio buttons that looks like one piece. */
export function Segments<T extends string>(props: {
  label: string;
  value: T;
  options: readonly { value: T; label: string; title?: string; keys?: string }[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <div class="segments" role="radiogroup" aria-label={props.label}>
      {props.options.map((option) => (
        <label key={option.value} title={option.title}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === props.value}
            aria-keyshortcuts={option.keys}
            onChange={() => props.onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

/** A slider with its value and, where it was moved, a way back. */
export function Slider(props: {
  label: string;
  explained: string;
  value: number;
  initial: number;
  least: number;
  most: number;
  step: number;
  shown: (value: number) => string;
  onInput: (value: number) => void;
  onDone: () => void;
}) {
  const id = useId();
  const dragging = useRef(false);
  const share = (props.value - props.least) / (props.most - props.least);
  const done = () => {
    if (!dragging.current) return;
    dragging.current = false;
    props.onDone();
  };
  const input = (value: string) => {
    dragging.current = true;
    props.onInput(Number(value));
  };
  const moved = Math.abs(props.value - props.initial) > props.step / 2;
  return (
    <div class="slider" title={props.explained}>
      <label for={id}>{props.label}</label>
      <button
        type="button"
        class="reset"
        aria-label={`Reset ${props.label.toLowerCase()} to ${props.shown(props.initial)}`}
        title={`Back to ${props.shown(props.initial)}`}
        disabled={!moved}
        onClick={() => {
          props.onInput(props.initial);
          props.onDone();
        }}
      >
        <Icon name="reset" size={14} />
      </button>
      <output for={id}>{props.shown(props.value)}</output>
      <input
        id={id}
        type="range"
        min={props.least}
        max={props.most}
        step={props.step}
        value={props.value}
        style={{ "--share": String(Math.min(1, Math.max(0, share))) }}
        aria-valuetext={props.shown(props.value)}
        onInput={(event) => input(event.currentTarget.value)}
        onChange={done}
        onPointerUp={done}
        onPointerCancel={done}
        onBlur={done}
        onKeyUp={done}
      />
    </div>
  );
}

/** How far something is, 0..1. */
export function Progress(props: { label: string; value: number }) {
  const now = Math.round(Math.min(1, Math.max(0, props.value)) * 100);
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={now}
    >
      <span style={{ width: `${now}%` }} />
    </div>
  );
}
