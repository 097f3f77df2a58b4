/** Bundles the engine, so that it starts fast, stays small and needs no node_modules; and lists whose code is in it. */
import { build } from 'esbuild'
import { writeFileSync } from 'node:fs'
import { messageTypesOnDemand } from './bundling/message-types-on-demand.ts'
import { webAssemblyAsFiles } from './bundling/web-assembly-as-files.ts'

const result = await build({
	entryPoints: ['src/main.ts'],
	outfile: 'dist/engine.mjs',
	bundle: true,
	platform: 'node',
	target: 'node24',
	format: 'esm',
	metafile: true,
	// the source stays in memory; names stay as they are, since errors tell them
	minifyWhitespace: true,
	minifySyntax: true,
	// loaded only for media that the gateway prepares instead
	external: ['sharp', 'jimp', 'link-preview-js', 'audio-decode'],
	alias: { 'curve25519-js': './src/substitutes/curve25519.ts', pino: './src/substitutes/pino.ts' },
	plugins: [messageTypesOnDemand, webAssemblyAsFiles],
	banner: {
		js: "import { createRequire as engineRequire } from 'node:module'; const require = engineRequire(import.meta.url);"
	},
	logLevel: 'warning'
})

const folder = /^.*node_modules\/(@[^/]+\/)?[^/]+/
const packages = new Set(Object.keys(result.metafile.inputs).flatMap(path => path.match(folder)?.[0] ?? []))
writeFileSync('dist/packages.json', JSON.stringify([...packages].sort(), null, '\t'))
