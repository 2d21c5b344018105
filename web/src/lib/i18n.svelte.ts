// Texts: the key is the English sentence; other languages are catalogues from it, loaded when chosen: one for the
// sentences of the pages, one for those the server says. tests/i18n.test.ts fails when one is missing.
import { Said, type Catalogue } from './said';
type Loader = () => Promise<{ default: Catalogue }>;
const loaders: Record<string, Loader | undefined> = { de: () => import('../i18n/de.json') };
const serverLoaders: Record<string, Loader | undefined> = { de: () => import('../i18n/de-server.json') };
export const languages: Record<string, string> = { en: 'English', de: 'Deutsch' };

class I18n {
  language = $state('en');
  catalogue = $state.raw<Catalogue>({});
  server = $state.raw<Said | null>(null);

  async use(language: string) {
    const load = loaders[language];
    const server = serverLoaders[language]?.().then((m) => new Said(m.default), () => null);
    this.catalogue = load ? (await load()).default : {};
    this.server = (await server) ?? null;
    this.language = load ? language : 'en';
    document.documentElement.lang = this.language;
  }
}
export const i18n = new I18n();

/** The sentence in the chosen language, {name} replaced. */
export function t(text: string, values?: Record<string, string | number>): string {
  const s = i18n.catalogue[text] ?? text;
  return values ? s.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole)) : s;
}

/** A sentence of the server in the chosen language. */
export const said = (text: string | null | undefined): string => (text ? (i18n.server?.in(text) ?? text) : '');

/** One of two sentences by number; {n} is the number, written for people. */
export function tn(n: number, one: string, many: string): string {
  const rule = new Intl.PluralRules(i18n.language).select(n);
  return t(rule === 'one' ? one : many, { n: n.toLocaleString(i18n.language) });
}

export function firstLanguage(): string {
  return (navigator.languages ?? [navigator.language]).map((l) => l.slice(0, 2)).find((l) => l in languages) ?? 'en';
}
