/** Numbers and choices as people read them. Widths do not jump: figures are shown with a fixed count of decimals. */

/** A duration, m:ss or h:mm:ss. seconds: 0 or more; anything else reads 0:00. */
export function clockTime(seconds: number): string {
  const whole = Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : 0;
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A rate in 1/s with one decimal; a dash where it is unknown (0). */
export function perSecond(rate: number): string {
  return rate > 0 ? rate.toFixed(1) : "–";
}

/** Milliseconds without decimals; a dash where they are unknown (0). */
export function milliseconds(value: number): string {
  return value > 0 ? `${Math.round(value)} ms` : "–";
}

/** A fraction 0..1 as a percentage. */
export function percent(fraction: number): string {
  return `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)} %`;
}

/** A count with thin groups of three: 12 345. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** A sentence of the program's with a capital to begin with; a name of a file or address at its beginning stays. */
export function capital(sentence: string): string {
  return /^[a-z]+([ ,;]|: )/.test(sentence) ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

/** A picture's size, "1280 × 720"; a dash for an empty one. */
export function pictureSize(size: readonly [number, number]): string {
  return size[0] > 0 && size[1] > 0 ? `${size[0]} × ${size[1]}` : "–";
}

/** The last part of a path or address: what a file is called. */
export function fileName(path: string): string {
  const clean = path.split(/[?#]/)[0] ?? "";
  const last = clean.split(/[/\\]/).filter(Boolean).at(-1) ?? path;
  try {
    return decodeURIComponent(last);
  } catch (error) {
    if (error instanceof URIError) return last;
    throw error;
  }
}

/** What runs a model, shortly: "CPUExecutionProvider" is the CPU. */
export function providerName(provider: string): string {
  return provider.replace(/ExecutionProvider$/, "");
}
