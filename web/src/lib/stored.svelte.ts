// A document of the API while a page edits it: what is stored, what was changed since, and what was wrong with the last saving.
import { api, ApiError, faultsAt, load, type Answer } from './api';
import type { Fault } from './types';

export class Stored<T extends object> {
  doc = $state<T | null>(null);
  error = $state.raw<unknown>(null); // of fetching
  wrong = $state.raw<unknown>(null); // of saving
  faults = $derived<Fault[]>(this.wrong instanceof ApiError ? this.wrong.faults : []);
  private text = $state('');
  dirty = $derived(this.doc !== null && JSON.stringify(this.doc) !== this.text);
  private etag: string | null = null;
  private path: string;
  private complete: (doc: T) => T;

  /** complete puts in what a stored document may leave out. */
  constructor(path: string, complete: (doc: T) => T = (doc) => doc) {
    this.path = path;
    this.complete = complete;
  }
  faultsAt = (pointer: string) => faultsAt(this.faults, pointer);
  fetch = async () => {
    try {
      const a = await load<T>(this.path);
      this.etag = a.etag;
      this.doc = this.complete(a.data);
      this.text = JSON.stringify(this.doc);
      this.error = null;
    } catch (e) {
      this.error = e;
    }
  };
  /** Null: not saved, and `wrong` says why. What is stored then is to be fetched by the page. */
  async save<A>(): Promise<Answer<A> | null> {
    this.wrong = null;
    try {
      return await api.send<A>('PUT', this.path, $state.snapshot(this.doc), { etag: this.etag });
    } catch (e) {
      this.wrong = e;
      return null;
    }
  }
  undo = () => {
    this.doc = JSON.parse(this.text) as T;
  };
}
