// The stage as three.js has it: figures of one puppet, side by side, on a transparent picture.
//
// Stage pixels are the canvas's own (CSS pixels times devicePixelRatio), y down, which the camera looks at straight on.
// Puppets are painted in `renderOrder`, without depth and without colour management, by materials of their own
// (sheet.ts). Everything else that comes into `scene` gets three.js's own: a 3D character goes into the same scene on
// layer SOLID with a camera of its own, drawn before the puppets' camera; it has the depth buffer for itself and sRGB
// output.

import { OrthographicCamera, Scene, WebGLRenderer } from "three";
import { Figure } from "./figure";
import { fitted, keyOf, Places, type Size, seat } from "./framing";
import type { RigPose } from "./pose";
import type { Framing, Puppet } from "./puppet";
import { Sheet } from "./sheet";
import { closeSeat, Shots } from "./shots";

/** Layers of the scene. */
export const PAINTED_LAYER = 0;
export const SOLID_LAYER = 1;
const FAR = 1000;
/** What drivers that draw with the processor call themselves. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** A picture read back: premultiplied RGBA, the top row first. */
export interface Capture {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/** Draws figures of one puppet. */
export class PuppetScene {
  readonly scene = new Scene();
  readonly renderer: WebGLRenderer;
  /** Whether the processor draws, for want of a GPU. */
  readonly software: boolean;
  framing: Framing = "full";
  shadow = true;
  mirror = false;
  private readonly camera = new OrthographicCamera(0, 1, 0, 1, -FAR, FAR);
  private readonly places = new Places();
  private readonly shots = new Shots();
  private readonly figures = new Map<number, Figure>();
  private puppet: Puppet | undefined;
  private sheet: Sheet | undefined;
  private size: Size = [1, 1];

  /** Throws an Error where the browser has no WebGL 2. */
  constructor(canvas: HTMLCanvasElement) {
    // soft edges are in the textures; what smooths edges of triangles would only blur their seams
    this.renderer = new WebGLRenderer({ canvas, alpha: true, antialias: false, premultipliedAlpha: true });
    this.renderer.setClearColor(0, 0);
    this.camera.layers.set(PAINTED_LAYER);
    const gl = this.renderer.getContext();
    const named = gl.getExtension("WEBGL_debug_renderer_info");
    this.software = named !== null && SOFTWARE.test(String(gl.getParameter(named.UNMASKED_RENDERER_WEBGL)));
  }

  /** Show another puppet; the figures there were are gone. */
  show(puppet: Puppet): void {
    this.clear();
    this.puppet = puppet;
    this.sheet = new Sheet(puppet, this.renderer);
  }

  /** Width and height of the canvas in its own pixels. */
  resize(width: number, height: number): void {
    this.size = [Math.max(1, width), Math.max(1, height)];
    this.renderer.setSize(this.size[0], this.size[1], false);
  }

  /** Put figures on the stage, the first hindmost. Returns whether anything looks different than before. */
  pose(poses: readonly RigPose[]): boolean {
    const { puppet, sheet, size, framing } = this;
    if (!puppet || !sheet) return false;
    let changed = this.keep(poses, puppet, sheet);
    const shares = this.places.update(poses);
    const closeUps = framing === "full" ? [] : this.shots.update(puppet.rig, framing, poses, shares, size);
    poses.forEach((pose, index) => {
      const figure = this.figures.get(keyOf(pose, index)) as Figure;
      const points = figure.deform(pose);
      const [centre, share] = shares[index] as readonly [number, number, number];
      const place = closeUps[index] ?? fitted(size, puppet.rig.reach, centre, share);
      const seated =
        framing === "full" ? seat(points, puppet.rig, pose, place, size) : closeSeat(puppet.rig, pose, place);
      figure.stand(index);
      if (figure.place(pose, seated, place.scale * pose.size)) changed = true;
      const was = figure.shadow.mesh.visible;
      if (figure.shadow.update(pose, place, seated) && this.shadow) changed = true;
      figure.shadow.mesh.visible &&= this.shadow;
      if (figure.shadow.mesh.visible !== was) changed = true;
    });
    return changed;
  }

  /** Draw what was posed. */
  render(): void {
    const [width, height] = this.size;
    const { camera } = this;
    [camera.left, camera.right, camera.bottom] = this.mirror ? [width, 0, height] : [0, width, height];
    camera.updateProjectionMatrix();
    this.renderer.render(this.scene, camera);
  }

  /** Draw, and read the picture back. */
  capture(): Capture {
    this.render();
    const [width, height] = this.size;
    const gl = this.renderer.getContext();
    const rows = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, rows);
    const pixels = new Uint8Array(rows.length);
    for (let row = 0; row < height; row++) {
      pixels.set(rows.subarray(4 * width * row, 4 * width * (row + 1)), 4 * width * (height - 1 - row));
    }
    return { width, height, pixels };
  }

  /** The GPU was lost and is back. */
  restored(): void {
    this.sheet?.lost();
  }

  /** Forget where the figures were: the next are at once where they belong. */
  reset(): void {
    this.places.reset();
    this.shots.reset();
  }

  /** Free the GPU's memory. */
  dispose(): void {
    this.clear();
    this.renderer.dispose();
  }

  /** A figure for each pose and none else; true if any came or went. */
  private keep(poses: readonly RigPose[], puppet: Puppet, sheet: Sheet): boolean {
    const keys = new Set(poses.map(keyOf));
    let changed = false;
    for (const [key, figure] of this.figures) {
      if (keys.has(key)) continue;
      this.remove(key, figure);
      changed = true;
    }
    for (const key of keys) {
      if (this.figures.has(key)) continue;
      const figure = new Figure(puppet, sheet);
      this.figures.set(key, figure);
      this.scene.add(figure.shadow.mesh, figure.mesh);
      changed = true;
    }
    return changed;
  }

  private remove(key: number, figure: Figure): void {
    this.scene.remove(figure.shadow.mesh, figure.mesh);
    figure.dispose();
    this.figures.delete(key);
  }

  private clear(): void {
    for (const [key, figure] of this.figures) this.remove(key, figure);
    this.sheet?.dispose();
    this.sheet = undefined;
    this.puppet = undefined;
    this.reset();
  }
}
