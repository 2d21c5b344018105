// What a person chose for this browser: theme, language, time zone, shortcuts. Kept in localStorage, never needed.
import { firstLanguage, i18n } from './i18n.svelte';

export type Theme = 'auto' | 'light' | 'dark';
export type Zone = 'browser' | 'UTC';

function read(key: string, otherwise: string): string {
  try {
    return localStorage.getItem(`proxyd.${key}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}
function write(key: string, value: string) {
  try {
    localStorage.setItem(`proxyd.${key}`, value);
  } catch {
    /* private window: holds until reload */
  }
}

class Prefs {
  theme = $state<Theme>(read('theme', 'auto') as Theme);
  zone = $state<Zone>(read('zone', 'browser') as Zone);
  shortcuts = $state(read('shortcuts', 'on') === 'on');
  isDark = $state(false);

  async start() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => this.apply());
    this.apply();
    await i18n.use(read('language', firstLanguage()));
  }
  private apply() {
    this.isDark = this.theme === 'dark' || (this.theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.dataset.theme = this.isDark ? 'dark' : 'light';
  }
  setTheme(theme: Theme) {
    this.theme = theme;
    write('theme', theme);
    this.apply();
  }
  setZone(zone: Zone) {
    this.zone = zone;
    write('zone', zone);
  }
  setShortcuts(on: boolean) {
    this.shortcuts = on;
    write('shortcuts', on ? 'on' : 'off');
  }
  async setLanguage(language: string) {
    write('language', language);
    await i18n.use(language);
  }
}
export const prefs = new Prefs();
