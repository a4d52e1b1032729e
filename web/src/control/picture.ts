/**
 * The camera's picture and the skeletons over it, on two canvases. Pictures are decoded off the main thread; one is drawn
 * at a time and only when there is something new, so that a page that shows nothing new does nothing.
 */

import type { People, PreviewFrame } from "../messages";
import { type Box, contain, inPicture, type Place } from "./geometry";
import { type Colours, drawPeople } from "./overlay";

/** Milliseconds after which a skeleton without news is taken away. */
const STALE = 800;

/** Draws into two canvases that lie over each other; the lower one is mirrored and fitted by CSS. */
export class PictureView {
  mirror = false;
  #people: People | null = null;
  #size: [number, number] = [0, 0];
  #pending: PreviewFrame | null = null;
  #decoding = false;
  #asked = 0;
  #stale: ReturnType<typeof setTimeout> | undefined;
  readonly #watch: ResizeObserver;
  #box = { width: 0, height: 0 };
  #colours: Colours | null = null;

  constructor(
    private readonly below: HTMLCanvasElement,
    private readonly above: HTMLCanvasElement,
  ) {
    this.#watch = new ResizeObserver(() => this.#resized());
    this.#watch.observe(above);
  }

  /** Takes the camera's picture; the newest wins. */
  show(preview: PreviewFrame): void {
    this.#pending = preview;
    void this.#decode();
  }

  /** Takes what is seen of the people; the newest wins. */
  see(people: People): void {
    this.#people = people;
    if (people.width > 0) this.#shaped(people.width, people.height);
    clearTimeout(this.#stale);
    this.#stale = setTimeout(() => this.#forget(), STALE);
    this.redraw();
  }

  /** Colours or mirror changed. */
  redraw(restyled = false): void {
    if (restyled) this.#colours = null;
    if (this.#asked === 0) this.#asked = requestAnimationFrame(() => this.#draw());
  }

  /** Takes the picture away: another camera, or none. */
  clear(): void {
    this.#pending = null;
    this.below.width = this.below.width > 0 ? this.below.width : 1;
    this.#forget();
  }

  /** The person's place in the picture (fractions) under a place of the page; null beside the picture. */
  placeAt(clientX: number, clientY: number): Place | null {
    const rect = this.above.getBoundingClientRect();
    return inPicture(clientX - rect.left, clientY - rect.top, this.#picture(), this.mirror);
  }

  /** Ends it. */
  close(): void {
    this.#watch.disconnect();
    clearTimeout(this.#stale);
    cancelAnimationFrame(this.#asked);
  }

  #shaped(width: number, height: number): void {
    if (this.#size[0] * height !== this.#size[1] * width || this.#size[0] === 0) {
      this.above.parentElement?.style.setProperty("--shape", (width / height).toFixed(4));
    }
    this.#size = [width, height];
  }

  #forget(): void {
    this.#people = null;
    this.redraw();
  }

  #picture(): Box {
    return contain(this.#size[0], this.#size[1], this.#box.width, this.#box.height);
  }

  #resized(): void {
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    this.#box = { width: this.above.clientWidth, height: this.above.clientHeight };
    this.above.width = Math.round(this.#box.width * ratio);
    this.above.height = Math.round(this.#box.height * ratio);
    this.redraw();
  }

  async #decode(): Promise<void> {
    if (this.#decoding) return;
    this.#decoding = true;
    try {
      while (this.#pending) {
        const preview = this.#pending;
        this.#pending = null;
        const bitmap = await createImageBitmap(new Blob([preview.jpeg], { type: "image/jpeg" }));
        if (this.below.width !== bitmap.width || this.below.height !== bitmap.height) {
          this.below.width = bitmap.width;
          this.below.height = bitmap.height;
        }
        this.below.getContext("2d")?.drawImage(bitmap, 0, 0);
        if (!this.#people) this.#shaped(bitmap.width, bitmap.height);
        bitmap.close();
      }
    } catch (error) {
      if (!(error instanceof DOMException)) throw error; // a picture that is none: the next one may be
    } finally {
      this.#decoding = false;
    }
  }

  #draw(): void {
    this.#asked = 0;
    const pen = this.above.getContext("2d");
    if (!pen) return;
    const ratio = this.#box.width > 0 ? this.above.width / this.#box.width : 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.above.width, this.above.height);
    // Chromium may go on showing the canvas of before where all that is drawn is nothing.
    const nobody = !this.#people?.people.length;
    this.above.style.opacity = nobody ? "0" : "";
    if (!this.#people || nobody) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#colours ??= coloursOf(this.above);
    drawPeople(pen, this.#people, this.#picture(), this.mirror, this.#colours);
  }
}

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { left: of("--left"), right: of("--right"), middle: of("--bone"), other: of("--other"), rim: of("--rim") };
}
