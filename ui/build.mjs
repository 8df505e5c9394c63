// Builds the page into dist/: hashed names, gzip made ahead, the same bytes from the same sources.
// `node build.mjs --to FOLDER` writes elsewhere; `--tests` bundles the tests into .test/ instead.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import zopfli from '@gfx/zopfli';
import * as esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const BUNDLED = ['preact', '@preact/signals', '@preact/signals-core', 'uplot', 'ansi_up'];
const MOST = 80 * 1024; // bytes of the whole page, compressed

const common = {
  absWorkingDir: here,
  bundle: true,
  charset: 'utf8',
  format: 'esm',
  legalComments: 'none',
  logLevel: 'warning',
  minify: true,
  target: ['es2022'],
  write: false,
};

// A service's name in the browser's cache: it changes when the bytes do.
function hashed(name, bytes) {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  return name.replace(/(\.\w+)$/, `-${digest}$1`);
}

// ansi_up writes its patterns with comments and white space, which it takes away when it starts, and
// twice (as a template and raw, of which it reads the latter); here that is done before.
const patterns = {
  name: 'patterns',
  setup(build) {
    build.onLoad({ filter: /ansi_up\.js$/ }, ({ path }) => {
      const text = '"(?:[^"\\\\]|\\\\.)*"';
      const template = new RegExp(`__makeTemplateObject\\(\\[${text}\\], \\[(${text})\\]\\)`, 'g');
      const short = (raw) => JSON.parse(raw).replace(/^\s+|\s+\n|\s*#[\s\S]*?\n|\n/gm, '');
      const contents = readFileSync(path, 'utf8').replace(
        template,
        (_, raw) => `__makeTemplateObject([""], [${JSON.stringify(short(raw))}])`,
      );
      return { contents, loader: 'js' };
    });
  },
};

async function bundle() {
  const files = new Map();
  const put = (name, bytes) => {
    const path = `assets/${hashed(name, bytes)}`;
    files.set(path, Buffer.from(bytes));
    return `/${path}`;
  };
  const worker = await esbuild.build({ ...common, entryPoints: ['src/api/stream_worker.ts'] });
  const workerPath = put('stream.js', worker.outputFiles[0].contents);
  const boot = await esbuild.build({ ...common, entryPoints: ['src/boot.ts'] });
  const style = await esbuild.build({
    ...common,
    stdin: {
      contents: "@import './base.css'; @import './views.css'; @import 'uplot/dist/uPlot.min.css';",
      loader: 'css',
      resolveDir: join(here, 'src/style'),
    },
  });
  const page = await esbuild.build({
    ...common,
    entryPoints: { page: 'src/main.tsx' },
    plugins: [patterns],
    outdir: 'out',
    publicPath: '/assets/',
    splitting: true,
    metafile: true,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { STREAM_WORKER: JSON.stringify(workerPath) },
  });
  let script = '';
  // What the page begins with besides its own file is asked for at once, not when that was read.
  const outputs = Object.entries(page.metafile.outputs);
  const [, entry] = outputs.find(([path]) => /\/page-/.test(path));
  const preload = entry.imports
    .filter((one) => one.kind === 'import-statement')
    .map((one) => `<link rel="modulepreload" href="/assets/${basename(one.path)}">\n`)
    .join('');
  for (const file of page.outputFiles) {
    const path = `assets/${basename(file.path)}`;
    files.set(path, Buffer.from(file.contents));
    if (path.startsWith('assets/page-')) script = `/${path}`;
  }
  const names = {
    icon: put('icon.svg', readFileSync(join(here, 'src/icon.svg'))),
    style: put('page.css', style.outputFiles[0].contents),
    boot: put('boot.js', boot.outputFiles[0].contents),
    script,
    preload,
  };
  const html = readFileSync(join(here, 'src/index.html'), 'utf8');
  files.set('index.html', Buffer.from(html.replace(/\{\{(\w+)\}\}/g, (_, name) => names[name])));
  return files;
}

function licenses() {
  return BUNDLED.map((name) => {
    const folder = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : '';
    if (!text) throw new Error(`${name} ${version} has no file LICENSE`);
    return `${name} ${version} (${license})\n\n${text.replace(/\r\n/g, '\n')}\n`;
  }).join(`\n${'-'.repeat(78)}\n\n`);
}

// Zopfli seeks the shortest gzip, 4 % less than zlib's; the same bytes whatever Node's zlib is.
async function smallest(bytes) {
  const packed = Buffer.from(await zopfli.gzipAsync(bytes, { numiterations: 15 }));
  packed[9] = 255; // "unknown" system, whatever built it (RFC 1952, 2.3.1)
  return packed;
}

async function build(to) {
  const files = await bundle();
  rmSync(to, { recursive: true, force: true });
  mkdirSync(join(to, 'assets'), { recursive: true });
  let whole = 0;
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const packed = await smallest(bytes);
    whole += packed.length;
    writeFileSync(join(to, name), bytes);
    writeFileSync(join(to, `${name}.gz`), packed);
    console.log(`${String(packed.length).padStart(7)}  ${name}`);
  }
  writeFileSync(join(to, 'licenses.txt'), licenses());
  console.log(`${String(whole).padStart(7)}  the whole page, compressed (at most ${MOST})`);
  if (whole > MOST) throw new Error(`the page is ${whole} bytes compressed, more than ${MOST}`);
}

// Node 20 reads no TypeScript; what the tests bundle in besides stays outside.
async function tests() {
  const entryPoints = ['unit', 'page', 'standin'].flatMap((folder) =>
    readdirSync(join(here, 'tests', folder))
      .filter((name) => /\.test\.ts$|^(serve|shots|bench)\.ts$/.test(name))
      .map((name) => `tests/${folder}/${name}`),
  );
  rmSync(join(here, '.test'), { recursive: true, force: true });
  await esbuild.build({
    ...common,
    minify: false,
    write: true,
    platform: 'node',
    packages: 'external',
    entryPoints,
    outbase: 'tests',
    outdir: '.test',
    outExtension: { '.js': '.mjs' },
    jsx: 'automatic',
    jsxImportSource: 'preact',
    sourcemap: 'inline',
  });
}

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : (process.argv[at + 1] ?? '');
};
if (process.argv.includes('--tests')) await tests();
else await build(option('--to') ?? join(here, 'dist'));
