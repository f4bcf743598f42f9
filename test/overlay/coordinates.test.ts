import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { estimateRttMs, moved, UNKNOWN_COORDINATE } from '../../src/overlay/coordinates.js';
import { seededRandom } from '../simulation/random.js';
import type { Coordinate } from '../../src/wire/roster-entry.js';

describe('network coordinates', () => {
  test('find a map of members whose delays have one', () => {
    const random = seededRandom(4);
    const places = Array.from({ length: 20 }, () => ({
      x: random() * 100,
      y: random() * 100,
      access: random() * 10,
    }));
    const rtt = (i: number, j: number): number => {
      const [a, b] = [places[i]!, places[j]!];
      return Math.hypot(a.x - b.x, a.y - b.y) + a.access + b.access;
    };
    const coordinates: Coordinate[] = places.map(() => UNKNOWN_COORDINATE);
    for (let round = 0; round < 300; round++)
      for (let i = 0; i < 20; i++) {
        const j = (i + 1 + Math.floor(random() * 19)) % 20;
        coordinates[i] = moved(coordinates[i]!, coordinates[j]!, rtt(i, j), random);
      }
    const errors: number[] = [];
    for (let i = 0; i < 20; i++)
      for (let j = 0; j < i; j++)
        errors.push(Math.abs(estimateRttMs(coordinates[i]!, coordinates[j]!)! / rtt(i, j) - 1));
    errors.sort((a, b) => a - b);
    assert.ok(errors[errors.length >> 1]! < 0.1, `median error ${errors[errors.length >> 1]}`);
  });

  test('say nothing while either end is lost', () => {
    const somewhere: Coordinate = { x: 3, y: 4, heightMs: 1, error: 0.2 };
    assert.equal(estimateRttMs(UNKNOWN_COORDINATE, somewhere), undefined);
    assert.equal(estimateRttMs(somewhere, somewhere), 2);
  });

  test('stay finite whatever is measured, and ignore nonsense', () => {
    const random = seededRandom(1);
    for (const rttMs of [NaN, -5, 0, Infinity])
      assert.equal(moved(UNKNOWN_COORDINATE, UNKNOWN_COORDINATE, rttMs, random), UNKNOWN_COORDINATE);
    let at = UNKNOWN_COORDINATE;
    for (let i = 0; i < 500; i++) at = moved(at, { x: 5e4, y: -5e4, heightMs: 5e4, error: 1 }, 1e5, random);
    for (const value of Object.values(at)) assert.ok(Number.isFinite(value) && Math.abs(value) <= 5e4);
  });
});
