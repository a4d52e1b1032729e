// The soft shadow below a figure's feet: as _draw_shadow of outputs/draw.py.

import { BufferAttribute, BufferGeometry, Mesh, RawShaderMaterial, Sphere, Vector2 } from "three";
import type { Place, Seat } from "./framing";
import type { RigPose } from "./pose";
import type { Rig } from "./puppet";
import { PAINTED } from "./sheet";

/** As in draw.py. */
const SHADOW = 0.3;
const SHADOW_FLAT = 0.22;
const SHADOW_FOOT = 0.13;
const SHADOW_FADE = 0.12;
const LEAST_FADE = 0.02;
/** A Gaussian's fall, in five stops. */
const STOPS = [0, 0.25, 0.5, 0.75, 1].map((s) => Math.exp(-4 * s * s) - Math.exp(-4));

const VERTEX = `
uniform mat4 projectionMatrix;
uniform vec2 centre;
uniform vec2 radius;
in vec2 position;
out vec2 at;
void main() {
  at = position;
  gl_Position = projectionMatrix * vec4(centre + position * radius, 0.0, 1.0);
}
`;

const FRAGMENT = `
precision highp float;
uniform float stops[5];
in vec2 at;
out vec4 colour;
const vec3 SHADE = vec3(24.0, 20.0, 40.0) / 255.0;
void main() {
  float away = 4.0 * length(at);
  if (away >= 4.0) discard;
  int stop = int(away);
  float alpha = mix(stops[stop], stops[stop + 1], away - float(stop));
  colour = vec4(SHADE * alpha, alpha);
}
`;

/** One figure's shadow. */
export class Shadow {
  readonly mesh: Mesh<BufferGeometry, RawShaderMaterial>;
  private readonly centre = new Vector2();
  private readonly radius = new Vector2();
  private readonly stops = new Float32Array(STOPS.length);

  constructor(private readonly rig: Rig) {
    const corners = new BufferGeometry();
    corners.setAttribute("position", new BufferAttribute(new Float32Array([-1, -1, 1, -1, 1, 1, -1, 1]), 2));
    corners.setIndex([0, 1, 2, 0, 2, 3]);
    corners.boundingSphere = new Sphere(); // nobody asks for it
    const uniforms = { centre: { value: this.centre }, radius: { value: this.radius }, stops: { value: this.stops } };
    const material = new RawShaderMaterial({ ...PAINTED, uniforms, vertexShader: VERTEX, fragmentShader: FRAGMENT });
    this.mesh = new Mesh(corners, material);
    this.mesh.frustumCulled = false;
  }

  /** Below the feet of the figure as it is seated; true if that is another place or darkness than before. */
  update(pose: RigPose, place: Place, seat: Seat): boolean {
    const { rig, centre, radius, stops, mesh } = this;
    const before = [mesh.visible ? 1 : 0, centre.x, centre.y, radius.x, stops[0] as number];
    const height = rig.height * place.scale * pose.size;
    let low = Infinity;
    let high = -Infinity;
    let least = Infinity;
    for (const foot of rig.feet) {
      const x = (pose.heads[2 * foot] as number) * seat.scale + seat.x;
      const y = (pose.heads[2 * foot + 1] as number) * seat.scale + seat.y;
      const above = Math.max(place.floor - y, 0) / Math.max(height, 1e-6);
      const rest = Math.max(rig.floor - (rig.heads[2 * foot + 1] as number), 0) / rig.height;
      low = Math.min(low, x);
      high = Math.max(high, x);
      least = Math.min(least, above - rest);
    }
    const fade = Math.exp(-Math.max(least, 0) / SHADOW_FADE);
    const wide = (high - low) / 2 + SHADOW_FOOT * height;
    mesh.visible = fade >= LEAST_FADE && wide >= 1;
    centre.set((low + high) / 2, place.floor);
    radius.set(wide, wide * SHADOW_FLAT);
    STOPS.forEach((stop, index) => {
      stops[index] = Math.round(255 * SHADOW * fade * stop) / 255;
    });
    const after = [mesh.visible ? 1 : 0, centre.x, centre.y, radius.x, stops[0] as number];
    return after.some((value, index) => Math.abs(value - (before[index] as number)) > 1e-3);
  }

  /** Free the GPU's memory. */
  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }
}
