// Each island is an entry of a fixed name, which templates ask for; what several share is a chunk named by its content.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;

/** `src/*.ts` but for what stands below `src/shared`. */
const entries = Object.fromEntries(
  readdirSync(join(here, 'src'))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => [name.slice(0, -'.ts'.length), join(here, 'src', name)]),
);

/** The icons of `icons.txt` as one sprite. */
function sprite(): Plugin {
  const names = readFileSync(join(here, 'icons.txt'), 'utf8').split('\n').map((line) => line.trim()).filter(Boolean);
  const symbol = (name: string) => {
    const icon = readFileSync(join(here, 'node_modules/lucide-static/icons', `${name}.svg`), 'utf8');
    const shapes = icon.replace(/<!--[^]*?-->/g, '').replace(/<svg[^>]*>/, '').replace('</svg>', '').replace(/\s+/g, ' ').trim();
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`;
  };
  return {
    name: 'sprite',
    generateBundle() {
      const source = `<svg xmlns="http://www.w3.org/2000/svg">${names.map(symbol).join('')}</svg>\n`;
      this.emitFile({ type: 'asset', fileName: 'icons.svg', source });
    },
  };
}

/** A compressed twin beside each file, where that is smaller. */
function brotli(): Plugin {
  return {
    name: 'brotli',
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        const content = readFileSync(join(dir!, name));
        const small = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
        if (small.length < content.length) writeFileSync(join(dir!, `${name}.br`), small);
      }
    },
  };
}

export default defineConfig({
  base: '/assets/',
  plugins: [sprite(), brotli()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: true,
    chunkSizeWarningLimit: 900,
    // The notices of libraries are delivered with them.
    license: { fileName: 'licences.json' },
    rollupOptions: {
      input: entries,
      preserveEntrySignatures: 'strict',
      output: {
        format: 'es',
        entryFileNames: '[name].js',
        chunkFileNames: 'shared-[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
});
