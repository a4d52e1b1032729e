/** Dark or light: as the system says, until the user says otherwise; remembered in this browser. */

import { effect, type Signal, signal } from "@preact/signals";

/** A look of the page. */
export type Theme = "dark" | "light";

const KEPT = "bodydouble.theme";

/** The theme in force. */
export const theme: Signal<Theme> = signal("dark");

/** Where a browser keeps such things; null where it keeps none. */
function kept(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

/** Begins to follow the system's theme and the user's choice. */
export function startTheme(): void {
  const system = matchMedia("(prefers-color-scheme: light)");
  const chosen = () => {
    const word = kept()?.getItem(KEPT);
    return word === "dark" || word === "light" ? word : null;
  };
  const settle = () => {
    theme.value = chosen() ?? (system.matches ? "light" : "dark");
  };
  settle();
  system.addEventListener("change", settle);
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

/** The other theme; forgotten again where it is the system's own. */
export function switchTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  const system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  if (theme.value === system) kept()?.removeItem(KEPT);
  else kept()?.setItem(KEPT, theme.value);
}
