// One figure as three.js draws it: a mesh for all its parts, whose groups are in painter's order.
//
// Stage pixels, y down.

import { BufferAttribute, BufferGeometry, DynamicDrawUsage, Mesh, type RawShaderMaterial, Sphere } from "three";
import { Deformer } from "./deform";
import type { Seat } from "./framing";
import { DrawOrder } from "./order";
import type { RigPose } from "./pose";
import type { Part, Puppet } from "./puppet";
import { Shadow } from "./shadow";
import type { Sheet } from "./sheet";

/** Stage pixels under which a point has not moved: nobody can see that. */
const STILL = 1e-3;

/** A puppet in a pose, in the scene. */
export class Figure {
  readonly mesh: Mesh<BufferGeometry, RawShaderMaterial[]>;
  readonly shadow: Shadow;
  private readonly deformer: Deformer;
  private readonly order: DrawOrder;
  private readonly placed: BufferAttribute;
  private readonly firsts: number[] = [];

  constructor(
    private readonly puppet: Puppet,
    private readonly sheet: Sheet,
  ) {
    this.deformer = new Deformer(puppet);
    this.order = new DrawOrder(puppet);
    this.shadow = new Shadow(puppet.rig);
    this.placed = new BufferAttribute(new Float32Array(puppet.points.length), 2).setUsage(DynamicDrawUsage);
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", this.placed);
    geometry.setAttribute("uv", new BufferAttribute(puppet.uv, 2));
    geometry.setIndex(new BufferAttribute(puppet.triangles, 1));
    geometry.boundingSphere = new Sphere(); // nobody asks for it, so that it need not be found for every picture
    let first = 0;
    for (const part of puppet.parts) {
      this.firsts.push(first);
      first += 3 * part.triangles;
    }
    this.mesh = new Mesh<BufferGeometry, RawShaderMaterial[]>(geometry, []); // place() finds the size they are drawn at
    this.mesh.frustumCulled = false;
  }

  /** The points as the pose has them, (N, 2) character pixels. */
  deform(pose: RigPose): Float64Array {
    return this.deformer.deform(pose);
  }

  /** Put the points that were deformed last to their seat. sharp: stage pixels a character pixel, for the textures. */
  place(pose: RigPose, seat: Seat, sharp: number): boolean {
    const points = this.deformer.points;
    const placed = this.placed.array;
    let moved = false;
    for (let i = 0; i < points.length; i += 2) {
      const x = (points[i] as number) * seat.scale + seat.x;
      const y = (points[i + 1] as number) * seat.scale + seat.y;
      moved ||= Math.abs(x - (placed[i] as number)) > STILL || Math.abs(y - (placed[i + 1] as number)) > STILL;
      placed[i] = x;
      placed[i + 1] = y;
    }
    if (moved) this.placed.needsUpdate = true;
    if (this.order.update(pose)) {
      this.group();
      moved = true;
    }
    const materials = this.sheet.at(sharp);
    if (materials !== this.mesh.material) {
      this.mesh.material = materials;
      moved = true;
    }
    return moved;
  }

  /** Before all later figures: the shadow first. */
  stand(index: number): void {
    this.shadow.mesh.renderOrder = 2 * index;
    this.mesh.renderOrder = 2 * index + 1;
  }

  /** Free the GPU's memory; the sheet stays. */
  dispose(): void {
    this.mesh.geometry.dispose();
    this.shadow.dispose();
  }

  private group(): void {
    this.mesh.geometry.clearGroups();
    for (const index of this.order.parts) {
      const part = this.puppet.parts[index] as Part;
      this.mesh.geometry.addGroup(this.firsts[index] as number, 3 * part.triangles, part.texture);
    }
  }
}
