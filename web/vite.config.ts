/// <reference types="vitest/config" />
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The daemon serves dist/ under a strict content security policy: nothing inline, nothing from elsewhere.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    minify: 'terser', // a seventh smaller than the standard one, compressed
    terserOptions: { module: true, compress: { passes: 2 } },
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        // Pages of one area travel together: they share their words, and few files compress better than many.
        manualChunks(id) {
          if (id.includes('/node_modules/uplot/')) return 'chart';
          if (/\/pages\/policy\/(PolicyTabs|Parts|Finding\w*)\./.test(id)) return 'parts'; // small, and several areas show them
          if (/\/pages\/policy\/(Lists|Schedules|Tests|Raw|Patterns)\./.test(id)) return 'sets';
          const area = /\/src\/pages\/(policy|changes|exceptions|explain|categories|users|pac|system)\//.exec(id);
          if (area) return area[1];
          if (/\/src\/ui\/(Chart)\./.test(id)) return undefined;
          if (/\/src\/(ui|lib|shell)\//.test(id) || id.includes('/node_modules/svelte/')) return 'shell';
          return undefined;
        },
      },
    },
  },
  server: {
    host: '127.0.0.1', // a bare machine may not know "localhost"
    // For work on the pages: `make run` in one shell, `npm run dev` in another.
    proxy: { '/api': { target: process.env.ADMIN ?? 'https://127.0.0.1:8443', secure: false } },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
