/** Bundles the engine into one file, so that it starts fast and needs no node_modules; and lists whose code is in it. */
import { build } from 'esbuild'
import { writeFileSync } from 'node:fs'

const result = await build({
	entryPoints: ['src/main.ts'],
	outfile: 'dist/engine.mjs',
	bundle: true,
	platform: 'node',
	target: 'node24',
	format: 'esm',
	metafile: true,
	// loaded only for media that the gateway prepares instead
	external: ['sharp', 'jimp', 'link-preview-js', 'audio-decode'],
	banner: {
		js: "import { createRequire as engineRequire } from 'node:module'; const require = engineRequire(import.meta.url);"
	},
	logLevel: 'warning'
})

const folder = /^.*node_modules\/(@[^/]+\/)?[^/]+/
const packages = new Set(Object.keys(result.metafile.inputs).flatMap(path => path.match(folder)?.[0] ?? []))
writeFileSync('dist/packages.json', JSON.stringify([...packages].sort(), null, '\t'))
