// Numbers, sizes, durations and times for people, in the chosen language and time zone.
import { i18n, said } from './i18n.svelte';
import { prefs } from './prefs.svelte';

export const zoneName = () => (prefs.zone === 'UTC' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone);

const cache = new Map<string, Intl.DateTimeFormat>();
function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const zone = prefs.zone === 'UTC' ? 'UTC' : undefined;
  const key = i18n.language + zone + JSON.stringify(options);
  let f = cache.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat(i18n.language === 'en' ? 'en-GB' : i18n.language, { ...options, timeZone: zone });
    cache.set(key, f);
  }
  return f;
}

export function number(n: number | null | undefined, digits = 0): string {
  if (n === null || n === undefined || Number.isNaN(n)) return '–';
  return n.toLocaleString(i18n.language, { maximumFractionDigits: digits });
}

/** 12.3k, 4.5M: for tiles and axes. */
export function compact(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  return n.toLocaleString(i18n.language, { notation: Math.abs(n) >= 10000 ? 'compact' : 'standard', maximumFractionDigits: 1 });
}

export function percent(part: number, whole: number): string {
  if (!whole) return '–';
  const p = (100 * part) / whole;
  return `${p.toLocaleString(i18n.language, { maximumFractionDigits: p < 10 ? 1 : 0 })} %`;
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  let v = n;
  while (v >= 1000 && i < units.length - 1) {
    v /= 1000;
    i++;
  }
  return `${v.toLocaleString(i18n.language, { maximumFractionDigits: v < 10 && i > 0 ? 1 : 0 })} ${units[i]}`;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1) return '< 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toLocaleString(i18n.language, { maximumFractionDigits: s < 10 ? 1 : 0 })} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 < 1 ? `${m} min` : `${m} min ${Math.floor(s % 60)} s`;
  const h = Math.floor(m / 60);
  if (h < 48) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

export function dateTime(iso: string | null | undefined): string {
  if (!iso) return '–';
  return formatter({ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' }).format(new Date(iso));
}
export function dateTimeFull(iso: string | null | undefined): string {
  if (!iso) return '–';
  return formatter({ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, timeZoneName: 'short' }).format(new Date(iso));
}
/** Time of day; with the day when it is not today. */
export function clock(iso: string): string {
  const d = new Date(iso);
  const day = formatter({ day: 'numeric', month: 'short' });
  const time = formatter({ hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(d);
  return day.format(d) === day.format(new Date()) ? time : `${day.format(d)} ${time}`;
}
export function timeOfDay(ms: number, seconds = false): string {
  return formatter({ hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}) }).format(ms);
}
export function dayAndTime(ms: number): string {
  return formatter({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(ms);
}
export function day(ms: number): string {
  return formatter({ day: 'numeric', month: 'short' }).format(ms);
}

/** "3 minutes ago". */
export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) return '–';
  const s = Math.round((new Date(iso).getTime() - now) / 1000);
  const f = new Intl.RelativeTimeFormat(i18n.language, { numeric: 'auto' });
  const a = Math.abs(s);
  if (a < 60) return f.format(s, 'second');
  if (a < 3600) return f.format(Math.round(s / 60), 'minute');
  if (a < 86400) return f.format(Math.round(s / 3600), 'hour');
  return f.format(Math.round(s / 86400), 'day');
}

/** A sentence of the server in the chosen language, with its RFC 3339 times put as people read them. */
export function humanTimes(text: string): string {
  return said(text).replace(/\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g, (iso) => dateTime(iso));
}
