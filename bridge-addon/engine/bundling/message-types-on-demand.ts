import { readFile } from 'node:fs/promises'
import type { Plugin } from 'esbuild'

const MESSAGE_TYPES = 600

/**
 * Of WhatsApp's several hundred message types a bridge uses some dozens, but the generated code makes the classes of all when it is loaded.
 * Here each is made when it is first asked for.
 */
export const messageTypesOnDemand: Plugin = {
	name: 'message types on demand',
	setup({ onLoad }) {
		onLoad({ filter: /[\\/]baileys[\\/]WAProto[\\/]index\.js$/ }, async ({ path }) => {
			const type = /^( +)(\w+)\.(\w+) = \(function\(\) \{$([^]*?)^\1\}\)\(\);$/gm
			let types = 0
			const rewritten = (source: string): string =>
				source.replace(type, (_, indentation: string, owner: string, name: string, body: string) => {
					types++
					return `${indentation}onDemand(${owner}, '${name}', function() {${rewritten(body)}${indentation}});`
				})
			const contents = rewritten(await readFile(path, 'utf8'))
			if (types < MESSAGE_TYPES) throw new Error(`${path} is written otherwise now: only ${types} types were found`)
			return { contents: `${contents}\n${onDemand}` }
		})
	}
}

/** Defines a property whose value is made when it is first read. Its source becomes part of the bundle. */
function onDemand(owner: Record<string, unknown>, name: string, make: () => unknown): void {
	const define = (value: unknown): void => {
		Object.defineProperty(owner, name, { value, writable: true, enumerable: true, configurable: true })
	}
	const get = (): unknown => {
		define(make())
		return owner[name]
	}
	Object.defineProperty(owner, name, { get, set: define, enumerable: true, configurable: true })
}
