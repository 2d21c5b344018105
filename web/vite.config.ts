/// <reference types="vitest/config" />
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The daemon serves dist/ under a strict content security policy: nothing inline, nothing from elsewhere.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    reportCompressedSize: false,
  },
  server: {
    // For work on the pages: `make run` in one shell, `npm run dev` in another.
    proxy: { '/api': { target: process.env.ADMIN ?? 'https://127.0.0.1:8443', secure: false } },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
