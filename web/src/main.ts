import { mount } from 'svelte';
import App from './App.svelte';
import { prefs } from './lib/prefs.svelte';
import { router } from './lib/router.svelte';
import { session } from './lib/session.svelte';
import './styles/app.css';

async function start() {
  router.start();
  await Promise.all([prefs.start(), session.start()]);
  mount(App, { target: document.getElementById('app')! });
}
void start();
