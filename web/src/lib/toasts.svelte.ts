// Short messages in the corner, read out politely; errors stay until they are closed.
import { messageOf } from './api';

export interface Toast { id: number; kind: 'ok' | 'bad' | 'info'; text: string; action?: { label: string; run: () => void } }
let next = 1;

class Toasts {
  items = $state<Toast[]>([]);
  show(kind: Toast['kind'], text: string, action?: Toast['action']) {
    const id = next++;
    this.items = [...this.items.filter((x) => x.text !== text), { id, kind, text, action }].slice(-4);
    if (kind !== 'bad') setTimeout(() => this.close(id), action ? 10000 : 5000);
  }
  ok(text: string, action?: Toast['action']) {
    this.show('ok', text, action);
  }
  error(e: unknown) {
    if ((e as Error)?.name !== 'AbortError') this.show('bad', typeof e === 'string' ? e : messageOf(e));
  }
  close(id: number) {
    this.items = this.items.filter((x) => x.id !== id);
  }
}
export const toasts = new Toasts();
