// A puppet's textures on the GPU, at the sizes that a stage draws them.
//
// As outputs/draw.py does it: a texture is scaled down by areas to 1 to 1.19 of its pixels a stage pixel, and sampled
// linearly. Pixels are premultiplied and pass through no colour management.

import {
  ClampToEdgeWrapping,
  CustomBlending,
  DoubleSide,
  GLSL3,
  Texture as GpuTexture,
  LinearFilter,
  Mesh,
  NoBlending,
  NoColorSpace,
  OneFactor,
  OneMinusSrcAlphaFactor,
  OrthographicCamera,
  PlaneGeometry,
  RawShaderMaterial,
  Vector2,
  type WebGLRenderer,
  WebGLRenderTarget,
} from "three";
import type { Puppet, Texture } from "./puppet";

/** Texture sizes an octave, and the least stage pixels a character pixel: as in draw.py. */
const SIZES = 4;
const LEAST_SCALE = 1e-3;
/** Sizes that are kept at once: a figure that comes nearer and goes back needs a few. */
const KEPT = 6;

const CUT_VERTEX = `
in vec3 position;
void main() { gl_Position = vec4(position.xy, 0.0, 1.0); }
`;

/** The mean of the area of the source that a pixel covers. */
const CUT_FRAGMENT = `
precision highp float;
uniform highp sampler2D source;
uniform vec2 ratio;
out vec4 colour;
void main() {
  vec2 low = floor(gl_FragCoord.xy) * ratio;
  vec2 high = low + ratio;
  ivec2 last = textureSize(source, 0) - 1;
  vec4 sum = vec4(0.0);
  for (int y = int(floor(low.y)); y < int(ceil(high.y)); y++) {
    float tall = min(high.y, float(y + 1)) - max(low.y, float(y));
    for (int x = int(floor(low.x)); x < int(ceil(high.x)); x++) {
      float wide = min(high.x, float(x + 1)) - max(low.x, float(x));
      sum += texelFetch(source, min(ivec2(x, y), last), 0) * wide * tall;
    }
  }
  colour = sum / (ratio.x * ratio.y);
}
`;

const PART_VERTEX = `
uniform mat4 projectionMatrix;
in vec2 position;
in vec2 uv;
out vec2 at;
void main() {
  at = uv;
  gl_Position = projectionMatrix * vec4(position, 0.0, 1.0);
}
`;

const PART_FRAGMENT = `
precision highp float;
uniform sampler2D map;
in vec2 at;
out vec4 colour;
void main() { colour = texture(map, at); }
`;

/** What every material of a stage has in common: premultiplied colours painted over what is there, by painter's order. */
export const PAINTED = {
  glslVersion: GLSL3,
  side: DoubleSide,
  transparent: true,
  depthTest: false,
  depthWrite: false,
  blending: CustomBlending,
  blendSrc: OneFactor,
  blendDst: OneMinusSrcAlphaFactor,
} as const;

interface Size {
  materials: RawShaderMaterial[];
  targets: WebGLRenderTarget[];
}

/** The textures of one puppet as materials, one a texture. */
export class Sheet {
  private readonly whole: GpuTexture[];
  private readonly sizes = new Map<number, Size>();
  private readonly cutter: Cutter;

  constructor(
    private readonly puppet: Puppet,
    renderer: WebGLRenderer,
  ) {
    this.cutter = new Cutter(renderer);
    this.whole = puppet.textures.map(wholeTexture);
  }

  /** The materials for a figure drawn at `scale` stage pixels a character pixel. */
  at(scale: number): RawShaderMaterial[] {
    const needed = Math.max(scale, LEAST_SCALE) / this.puppet.scale;
    const step = Math.min(0, Math.ceil(SIZES * Math.log2(needed)));
    let size = this.sizes.get(step);
    if (size) this.sizes.delete(step);
    else size = this.cut(2 ** (step / SIZES));
    this.sizes.set(step, size); // last in the row: the first is the one longest unused
    for (const [old, unused] of this.sizes) {
      if (this.sizes.size <= KEPT) break;
      this.sizes.delete(old);
      dispose(unused);
    }
    return size.materials;
  }

  /** The GPU has lost everything: textures that were made there are made again when they are next needed. */
  lost(): void {
    for (const size of this.sizes.values()) dispose(size);
    this.sizes.clear();
    for (const texture of this.whole) texture.needsUpdate = true;
  }

  /** Free the GPU's memory. */
  dispose(): void {
    for (const size of this.sizes.values()) dispose(size);
    this.sizes.clear();
    this.cutter.dispose();
    for (const texture of this.whole) texture.dispose();
    for (const { image } of this.puppet.textures) image.close();
  }

  private cut(ratio: number): Size {
    const targets: WebGLRenderTarget[] = [];
    const materials = this.puppet.textures.map((texture, index) => {
      let map = this.whole[index] as GpuTexture;
      if (ratio < 1) {
        const target = this.cutter.cut(map, texture, ratio);
        targets.push(target);
        map = target.texture;
      }
      const uniforms = { map: { value: map } };
      return new RawShaderMaterial({ ...PAINTED, uniforms, vertexShader: PART_VERTEX, fragmentShader: PART_FRAGMENT });
    });
    return { materials, targets };
  }
}

function wholeTexture({ image }: Texture): GpuTexture {
  const texture = new GpuTexture(image);
  Object.assign(texture, SAMPLED, { flipY: false, premultiplyAlpha: false, needsUpdate: true });
  return texture;
}

const SAMPLED = {
  colorSpace: NoColorSpace,
  generateMipmaps: false,
  minFilter: LinearFilter,
  magFilter: LinearFilter,
  wrapS: ClampToEdgeWrapping,
  wrapT: ClampToEdgeWrapping,
} as const;

/** Scales textures down on the GPU; its program is made once. */
class Cutter {
  private readonly ratio = { value: new Vector2() };
  private readonly source: { value: GpuTexture | null } = { value: null };
  private readonly square: Mesh<PlaneGeometry, RawShaderMaterial>;
  private readonly camera = new OrthographicCamera();

  constructor(private readonly renderer: WebGLRenderer) {
    const material = new RawShaderMaterial({
      glslVersion: GLSL3,
      uniforms: { source: this.source, ratio: this.ratio },
      vertexShader: CUT_VERTEX,
      fragmentShader: CUT_FRAGMENT,
      blending: NoBlending,
      depthTest: false,
      depthWrite: false,
    });
    this.square = new Mesh(new PlaneGeometry(2, 2), material);
    this.square.frustumCulled = false;
  }

  /** A copy of a texture at `ratio` of its size. */
  cut(map: GpuTexture, { width, height }: Texture, ratio: number): WebGLRenderTarget {
    const wide = Math.max(1, Math.round(width * ratio));
    const high = Math.max(1, Math.round(height * ratio));
    const target = new WebGLRenderTarget(wide, high, { ...SAMPLED, depthBuffer: false, stencilBuffer: false });
    this.source.value = map;
    this.ratio.value.set(width / wide, height / high);
    this.renderer.setRenderTarget(target);
    this.renderer.render(this.square, this.camera);
    this.renderer.setRenderTarget(null);
    return target;
  }

  dispose(): void {
    this.square.geometry.dispose();
    this.square.material.dispose();
  }
}

function dispose({ materials, targets }: Size): void {
  for (const material of materials) material.dispose();
  for (const target of targets) target.dispose();
}
