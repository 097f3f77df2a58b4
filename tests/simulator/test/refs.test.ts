/** How long a QR code is taken, with the clock turned on by hand. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { randomBytes } from 'node:crypto'
import type { Link } from '../src/link.ts'
import { type BinaryNode, firstChild } from '../src/nodes.ts'
import { PairingAttempt } from '../src/pairing.ts'
import { SignalDevice } from '../src/signal-device.ts'
import { World } from '../src/world.ts'

const SECOND = 1000
const noiseKey = randomBytes(32)

let sent: BinaryNode[]
let world: World
let attempt: PairingAttempt
let codes: string[]

beforeEach(() => {
	mock.timers.enable({ apis: ['Date'] })
	sent = []
	world = new World()
	const companion = new SignalDevice().bundle()
	const link = { clientNoiseKey: noiseKey, id: () => 'id', send: (stanza: BinaryNode) => sent.push(stanza), drop() {} }
	attempt = new PairingAttempt(link as unknown as Link, world, {
		eIdent: companion.identity,
		eRegid: Buffer.alloc(4),
		eSkeyVal: companion.signedPreKey.publicKey,
		eSkeySig: companion.signedPreKey.signature
	})
	attempt.offerRefs()
	const refs = firstChild(sent[0] ?? { tag: '', attrs: {} })?.content as BinaryNode[]
	codes = refs.map(({ content }) =>
		[content, ...[noiseKey, companion.identity, randomBytes(32)].map(key => key.toString('base64')), '1'].join(',')
	)
})
afterEach(() => {
	attempt.closed()
	mock.timers.reset()
})

/** Scans, and tells whether the phone linked (pair-success went out) or why not. */
async function scanned(code = ''): Promise<string> {
	const before = sent.length
	const refused = attempt.scan(code, world.owner).then(
		() => 'linked',
		(error: { code: string }) => error.code
	)
	return sent.length > before ? (firstChild(sent.at(-1) ?? { tag: '', attrs: {} })?.tag ?? '') : refused
}

test('six codes are offered; the first is shown for 60 s and taken for 10 s more', async () => {
	assert.equal(codes.length, 6)
	mock.timers.tick(69 * SECOND)
	assert.equal(await scanned(codes[0]), 'pair-success')
})

test('after that the first is stale and the second is due, 20 s and 10 s more', async () => {
	mock.timers.tick(71 * SECOND)
	assert.equal(await scanned(codes[0]), 'stale_qr')
	assert.equal(await scanned(codes[1]), 'pair-success')
	mock.timers.tick(20 * SECOND)
	assert.equal(await scanned(codes[1]), 'stale_qr')
})

test('a client that turns to the next code sooner is served', async () => {
	assert.equal(await scanned(codes[5]), 'pair-success')
})

test('when all are used up nothing is taken', async () => {
	mock.timers.tick((60 + 5 * 20 + 11) * SECOND)
	for (const code of codes) assert.equal(await scanned(code), 'stale_qr')
})
