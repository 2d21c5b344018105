// Which rows of a long table are in the document: heights are learnt as rows are seen, the others are
// taken for the average of those. Pure.

export interface Range { first: number; last: number; above: number; below: number }

export class Heights<K> {
  private known = new Map<K, number>();
  private sum = 0;
  constructor(private standard: number) {}

  get average(): number {
    return this.known.size ? this.sum / this.known.size : this.standard;
  }
  /** True: this height was not known, or it changed by more than a pixel. */
  learn(key: K, height: number): boolean {
    const old = this.known.get(key);
    if (old !== undefined && Math.abs(old - height) < 1) return false;
    this.known.set(key, height);
    this.sum += height - (old ?? 0);
    return true;
  }
  forget() {
    this.known.clear();
    this.sum = 0;
  }
  of(key: K): number {
    return this.known.get(key) ?? this.average;
  }
  /** Where the row at index begins, in pixels from the first one. */
  offset(keys: readonly K[], index: number): number {
    const other = this.average;
    let y = 0;
    for (let i = 0; i < index; i++) y += this.known.get(keys[i]) ?? other;
    return y;
  }
  /** The rows between two edges (pixels from the first row) and `more` pixels around them. */
  range(keys: readonly K[], from: number, to: number, more: number): Range {
    const other = this.average;
    const n = keys.length;
    let first = 0;
    let y = 0;
    let h = 0;
    while (first < n && y + (h = this.known.get(keys[first]) ?? other) < from - more) {
      y += h;
      first++;
    }
    const above = y;
    let last = first;
    while (last < n && y < to + more) y += this.known.get(keys[last++]) ?? other;
    let below = 0;
    for (let i = last; i < n; i++) below += this.known.get(keys[i]) ?? other;
    return { first, last, above, below };
  }
}
