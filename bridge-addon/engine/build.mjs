/** Bundles the engine into one file, so that it starts fast and needs no node_modules. */
import { build } from 'esbuild'

await build({
	entryPoints: ['src/main.ts'],
	outfile: 'dist/engine.mjs',
	bundle: true,
	platform: 'node',
	target: 'node24',
	format: 'esm',
	// loaded only for media that the gateway prepares instead
	external: ['sharp', 'jimp', 'link-preview-js', 'audio-decode'],
	banner: {
		js: "import { createRequire as engineRequire } from 'node:module'; const require = engineRequire(import.meta.url);"
	},
	logLevel: 'warning'
})
