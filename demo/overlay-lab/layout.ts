/** Where members are drawn: so that distances on the map come as near to delays as a plane allows. */

/** Positions of places; x from 0 to 1, y from 0 to `height`. */
export interface Layout {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly height: number;
}

const POWER_ROUNDS = 40;
const STRESS_ROUNDS = 50;
const SPREADING_ROUNDS = 80;
/** Least distance of two places, as a share of the map's width: discs stay apart down to small screens. */
const LEAST_DISTANCE = 0.036;

/**
 * Classical scaling (Torgerson 1952) for the start and the main axis, then stress majorization with weights 1/delay²
 * (Gansner, Koren, North 2004), so that near members come out right too. O(places²) a round: 0.1 s for 200.
 */
export function layOut(places: number, delayMs: (a: number, b: number) => number): Layout {
  const delays = new Float64Array(places * places);
  for (let a = 0; a < places; a++)
    for (let b = 0; b < places; b++) if (a !== b) delays[a * places + b] = Math.max(1, delayMs(a, b));
  const [x, y] = classicalScaling(places, delays);
  for (let round = 0; round < STRESS_ROUNDS; round++) lowerStress(places, delays, x, y);
  return normalized(x, y);
}

function classicalScaling(places: number, delays: Float64Array): [Float64Array, Float64Array] {
  const squares = delays.map((delay) => (-delay * delay) / 2);
  const rowMeans = new Float64Array(places);
  for (let a = 0; a < places; a++)
    for (let b = 0; b < places; b++) rowMeans[a]! += squares[a * places + b]! / places;
  const mean = rowMeans.reduce((sum, value) => sum + value, 0) / places;
  for (let a = 0; a < places; a++)
    for (let b = 0; b < places; b++) squares[a * places + b]! += mean - rowMeans[a]! - rowMeans[b]!;
  const axes: Float64Array[] = [];
  for (let axis = 0; axis < 2; axis++) {
    let vector = Float64Array.from({ length: places }, (_, index) => Math.cos(index * (axis + 1) + axis));
    let value = 0;
    for (let round = 0; round < POWER_ROUNDS; round++) {
      const next = new Float64Array(places);
      for (let a = 0; a < places; a++)
        for (let b = 0; b < places; b++) next[a]! += squares[a * places + b]! * vector[b]!;
      value = Math.hypot(...next);
      vector = next.map((entry) => entry / (value || 1));
    }
    // What this axis explains is taken out before the next one is looked for.
    for (let a = 0; a < places; a++)
      for (let b = 0; b < places; b++) squares[a * places + b]! -= value * vector[a]! * vector[b]!;
    axes.push(vector.map((entry) => entry * Math.sqrt(value)));
  }
  return [axes[0]!, axes[1]!];
}

function lowerStress(places: number, delays: Float64Array, x: Float64Array, y: Float64Array): void {
  for (let a = 0; a < places; a++) {
    let [sumX, sumY, weights] = [0, 0, 0];
    for (let b = 0; b < places; b++) {
      if (a === b) continue;
      const delay = delays[a * places + b]!;
      const weight = 1 / (delay * delay);
      const [apartX, apartY] = [x[a]! - x[b]!, y[a]! - y[b]!];
      const stretch = delay / (Math.hypot(apartX, apartY) || 1);
      sumX += weight * (x[b]! + apartX * stretch);
      sumY += weight * (y[b]! + apartY * stretch);
      weights += weight;
    }
    x[a] = sumX / (weights || 1);
    y[a] = sumY / (weights || 1);
  }
}

function normalized(x: Float64Array, y: Float64Array): Layout {
  const width = Math.max(...x) - Math.min(...x) || 1;
  for (let round = 0; round < SPREADING_ROUNDS; round++) spread(x, y, LEAST_DISTANCE * width);
  const [left, top] = [Math.min(...x), Math.min(...y)];
  const scale = 1 / (Math.max(...x) - left || 1);
  return {
    x: Float32Array.from(x, (value) => (value - left) * scale),
    y: Float32Array.from(y, (value) => (value - top) * scale),
    height: (Math.max(...y) - top) * scale,
  };
}

/** Pushes apart what is nearer together than `least`. */
function spread(x: Float64Array, y: Float64Array, least: number): void {
  for (let a = 0; a < x.length; a++)
    for (let b = a + 1; b < x.length; b++) {
      const [apartX, apartY] = [x[a]! - x[b]!, y[a]! - y[b]!];
      const distance = Math.hypot(apartX, apartY);
      if (distance >= least) continue;
      const push = (least - distance) / 2 / (distance || 1);
      // Two in the very same spot part sideways.
      const [pushX, pushY] = distance === 0 ? [least / 2, 0] : [apartX * push, apartY * push];
      x[a]! += pushX;
      y[a]! += pushY;
      x[b]! -= pushX;
      y[b]! -= pushY;
    }
}
