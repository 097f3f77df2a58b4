import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

/**
 * Baileys' WebAssembly comes as base64 in its JavaScript, once for CPUs with SIMD and once for others: two megabytes that stay in memory, as
 * source and as strings. Here they are files beside the bundle, of which one is read.
 */
export const webAssemblyAsFiles: Plugin = {
	name: 'WebAssembly as files',
	setup({ onLoad, initialOptions }) {
		const folder = dirname(initialOptions.outfile ?? '')
		onLoad({ filter: /[\\/]whatsapp-rust-bridge[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
			const modules: string[] = []
			const contents = (await readFile(path, 'utf8'))
				.replace(/"(AGFzbQ[A-Za-z0-9+/=]{10000,})"/g, (_, base64: string) => `'${modules.push(base64) - 1}'`)
				.replace(/^function base64ToUint8Array\((\w+)\) \{$/m, '$&\n  return readWebAssembly($1);')
			if (modules.length !== 2 || !contents.includes('readWebAssembly(')) {
				throw new Error(`${path} is written otherwise now`)
			}
			await mkdir(folder, { recursive: true })
			for (const [number, base64] of modules.entries()) {
				await writeFile(`${folder}/rust-bridge-${number}.wasm`, Buffer.from(base64, 'base64'))
			}
			return { contents: `import { readFileSync } from 'node:fs';\n${contents}\n${READ}` }
		})
	}
}

const READ = `function readWebAssembly(number) {
	return readFileSync(new URL('rust-bridge-' + number + '.wasm', import.meta.url));
}`
