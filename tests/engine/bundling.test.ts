/** What the bundle changes of the libraries in it must not be seen from outside. */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { messageTypesOnDemand } from '../../bridge-addon/engine/bundling/message-types-on-demand.ts'
import type { Plugin } from '../../bridge-addon/engine/node_modules/esbuild/lib/main.js'
import { sign, verify } from '../../bridge-addon/engine/src/substitutes/curve25519.ts'
import { temporaryFolder } from './engine-process.ts'

const requireFromEngine = createRequire(new URL('../../bridge-addon/engine/package.json', import.meta.url))

type Esbuild = typeof import('../../bridge-addon/engine/node_modules/esbuild/lib/main.js')

interface Curve {
	generateKeyPair(): { pubKey: Buffer; privKey: Buffer }
	calculateSignature(privKey: Buffer, message: Uint8Array): Buffer
	verifySignature(pubKey: Buffer, message: Uint8Array, signature: Uint8Array): boolean
}

test('a signature of ours is one for libsignal, and one of libsignal is one for us', () => {
	const curve = requireFromEngine('libsignal/src/curve.js') as Curve
	for (let length = 0; length < 20; length++) {
		const { pubKey, privKey } = curve.generateKeyPair()
		const message = Buffer.alloc(length, length)
		assert.ok(curve.verifySignature(pubKey, message, sign(privKey, message)))
		const theirs = curve.calculateSignature(privKey, message)
		assert.ok(verify(pubKey.subarray(1), message, theirs))
		assert.equal(verify(pubKey.subarray(1), Buffer.from('another message'), theirs), false)
		assert.equal(verify(curve.generateKeyPair().pubKey.subarray(1), message, theirs), false)
	}
})

/** All names below a generated namespace, with the values of enums. */
function namesIn(value: object, path = ''): string[] {
	return Object.entries(value).flatMap(([name, part]) => {
		const here = `${path}.${name}`
		if (typeof part === 'function') return [here, ...namesIn(part, here)]
		return typeof part === 'object' && part !== null ? namesIn(part, here) : [`${here} = ${String(part)}`]
	})
}

test('every message type of WhatsApp is there when it is asked for', async () => {
	const { build } = requireFromEngine('esbuild') as Esbuild
	const generated = requireFromEngine.resolve('baileys').replace('lib/index.js', 'WAProto/index.js')
	const folder = temporaryFolder()
	const names = async (name: string, plugins: Plugin[]): Promise<string[]> => {
		const outfile = join(folder.path, `${name}.mjs`)
		const banner = {
			js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
		}
		await build({ entryPoints: [generated], outfile, bundle: true, platform: 'node', format: 'esm', banner, plugins })
		const { proto } = (await import(pathToFileURL(outfile).href)) as { proto: object }
		return namesIn(proto)
	}
	try {
		const onDemand = await names('on-demand', [messageTypesOnDemand])
		assert.ok(onDemand.length > 1_000, `${onDemand.length}`)
		assert.deepEqual(onDemand, await names('at-once', []))
	} finally {
		folder.remove()
	}
})
