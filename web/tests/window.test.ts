import { describe, expect, it } from 'vitest';
import { Heights } from '../src/lib/window';

const keys = Array.from({ length: 10000 }, (_, i) => `r${i}`);

describe('rows in sight', () => {
  it('takes unknown rows for the standard', () => {
    const h = new Heights<string>(50);
    expect(h.range(keys, 0, 500, 0)).toEqual({ first: 0, last: 10, above: 0, below: 9990 * 50 });
    expect(h.range(keys, 5000, 5500, 100)).toEqual({ first: 97, last: 112, above: 97 * 50, below: 9888 * 50 });
  });
  it('takes unknown rows for the average of the known', () => {
    const h = new Heights<string>(50);
    expect(h.learn('r0', 100)).toBe(true);
    expect(h.learn('r0', 100.4)).toBe(false);
    expect(h.learn('r1', 60)).toBe(true);
    expect(h.average).toBe(80);
    expect(h.offset(keys, 3)).toBe(240);
    h.forget();
    expect(h.offset(keys, 3)).toBe(150);
  });
  it('ends at the last row', () => {
    const h = new Heights<string>(50);
    expect(h.range(keys, 499900, 501000, 0)).toMatchObject({ last: 10000, below: 0 });
    expect(h.range([], 0, 800, 400)).toEqual({ first: 0, last: 0, above: 0, below: 0 });
  });
  it('covers everything exactly once', () => {
    const h = new Heights<string>(50);
    for (let i = 0; i < 10000; i += 7) h.learn(keys[i], 20 + (i % 90));
    const r = h.range(keys, 200000, 200800, 300);
    let mid = 0;
    for (let i = r.first; i < r.last; i++) mid += h.of(keys[i]);
    expect(r.above + mid + r.below).toBeCloseTo(h.offset(keys, keys.length));
    expect(r.above).toBeLessThanOrEqual(199700);
    expect(r.above + mid).toBeGreaterThanOrEqual(201100);
  });
});
