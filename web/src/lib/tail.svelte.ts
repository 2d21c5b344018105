// The live tail: server-sent events, gathered and shown four times a second; above the rate guard only
// one in N is shown, and the page says so. Pausing keeps what arrives, up to a bound.
import { BASE } from './api';
import type { LogRecord } from './types';

const FLUSH_MS = 250;
const MAX_ROWS = 1000;
const MAX_PER_FLUSH = 60;
const MAX_BUFFER = 5000;

export class Tail {
  rows = $state.raw<LogRecord[]>([]);
  state = $state<'off' | 'connecting' | 'open' | 'broken'>('off');
  paused = $state(false);
  buffered = $state(0);
  oneIn = $state(1);
  dropped = $state(0);
  seen = $state(0);
  private source: EventSource | null = null;
  private waiting: LogRecord[] = [];
  private timer: ReturnType<typeof setInterval> | undefined;

  open(query: string) {
    this.close();
    this.rows = [];
    this.seen = this.dropped = this.buffered = 0;
    this.state = 'connecting';
    const s = new EventSource(`${BASE}/log/stream${query ? `?${query}` : ''}`);
    this.source = s;
    s.onopen = () => (this.state = 'open');
    s.onerror = () => (this.state = s.readyState === EventSource.CLOSED ? 'broken' : 'connecting');
    s.addEventListener('record', (e) => this.take(JSON.parse((e as MessageEvent<string>).data) as LogRecord));
    s.addEventListener('dropped', (e) => (this.dropped += Number((JSON.parse((e as MessageEvent<string>).data) as { n?: number }).n ?? 0)));
    this.timer = setInterval(() => this.flush(), FLUSH_MS);
  }
  close() {
    this.source?.close();
    this.source = null;
    clearInterval(this.timer);
    this.waiting = [];
    this.state = 'off';
    this.paused = false;
  }
  setPaused(on: boolean) {
    this.paused = on;
    if (!on) this.flush();
  }
  private take(r: LogRecord) {
    this.seen++;
    this.waiting.push(r);
    if (this.waiting.length > MAX_BUFFER) this.waiting.splice(0, this.waiting.length - MAX_BUFFER);
    if (this.paused) this.buffered = this.waiting.length;
  }
  private flush() {
    if (this.paused || !this.waiting.length) return;
    const all = this.waiting;
    this.waiting = [];
    this.buffered = 0;
    this.oneIn = Math.max(1, Math.ceil(all.length / MAX_PER_FLUSH));
    const shown = this.oneIn === 1 ? all : all.filter((_, i) => i % this.oneIn === 0);
    this.rows = [...shown.reverse(), ...this.rows].slice(0, MAX_ROWS);
  }
}
