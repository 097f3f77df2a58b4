/** A large document passes through the engine without being held in it. */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { messageId } from './engine-process.ts'
import { ALICE, BOB, SendingStack } from './sending-stack.ts'

const SIZE = 200 * 1024 * 1024
const BLOCK = 1024 * 1024
/** MB above what the engine had before: buffers that wait for the garbage collector, as many for any size */
const MOST = 80

let stack: SendingStack
before(async () => {
	stack = await SendingStack.start()
})
after(() => stack.stop())

/** In MB. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
	const status = readFileSync(`/proc/${stack.engine.pid}/status`, 'utf8')
	return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
}

function largeFile(path: string): string {
	const hash = createHash('sha256')
	const file = openSync(path, 'w')
	const block = randomBytes(BLOCK)
	for (let written = 0; written < SIZE; written += BLOCK) {
		block.writeUInt32BE(written)
		hash.update(block)
		writeSync(file, block)
	}
	closeSync(file)
	return hash.digest('hex')
}

test('200 MB: the phone has it whole, the engine stays small and goes on sending', { timeout: 110_000 }, async t => {
	const path = stack.path('large.bin')
	const sha256 = largeFile(path)
	await stack.send(ALICE, { type: 'text', text: 'warm' })
	await stack.send(BOB, { type: 'text', text: 'warm' })
	writeFileSync(`/proc/${stack.engine.pid}/clear_refs`, '5')
	const resting = memory('VmRSS')
	const id = messageId()
	const media = { path, mimetype: 'application/octet-stream', size: SIZE }
	const began = Date.now()
	let done = false
	const sent = stack
		.send(ALICE, { type: 'document', media, file_name: 'large.bin' }, { id, timeout: 100 })
		.finally(() => {
			done = true
		})
	const delays: number[] = []
	while (!done) {
		const asked = performance.now()
		await stack.engine.call('ping')
		delays.push(performance.now() - asked)
		await new Promise(resolve => setTimeout(resolve, 20))
	}
	await sent
	const took = (Date.now() - began) / 1000
	const peak = memory('VmHWM')
	const longest = Math.max(...delays)
	t.diagnostic(
		`resting ${resting.toFixed(0)} MB, peak ${peak.toFixed(0)} MB, ${took.toFixed(1)} s, longest answer ${longest.toFixed(0)} ms`
	)
	const { content } = await stack.byAlice(id)
	assert.deepEqual([(content.media as { sha256: string }).sha256, content.file_name], [sha256, 'large.bin'])
	assert.ok(peak - resting < MOST, `${(peak - resting).toFixed(0)} MB more`)
	assert.ok(longest < 1_000, `blocked for ${longest.toFixed(0)} ms`)
	assert.deepEqual((await stack.simulator.state()).violations, [])
})
