/** The table of WhatsApp's codes, and how long it waits. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterClose, backoff } from '../../bridge-addon/engine/src/connection-policy.ts'

for (const [code, state, reason] of [
	[401, 'logged_out', 'unlinked'],
	[402, 'blocked', 'temporarily_banned'],
	[403, 'blocked', 'banned'],
	[405, 'reconnecting', 'client_outdated'],
	[406, 'blocked', 'banned'],
	[408, 'reconnecting', 'connection_lost'],
	[409, 'failed', 'client_rejected'],
	[411, 'logged_out', 'multi_device_off'],
	[428, 'reconnecting', 'connection_lost'],
	[440, 'replaced', 'replaced'],
	[500, 'reconnecting', 'stream_error'],
	[501, 'reconnecting', 'server_unavailable'],
	[503, 'reconnecting', 'server_unavailable'],
	[515, 'reconnecting', 'restart_required'],
	[999, 'reconnecting', 'stream_error']
] as const) {
	test(`${code}: ${state}, ${reason}`, () => {
		const consequence = afterClose({ code }, 3, 0.5)
		assert.deepEqual([consequence.state, consequence.reason], [state, reason])
		assert.equal(consequence.retryAfter !== null, state === 'reconnecting')
		assert.equal(consequence.forget, code === 401)
	})
}

test('a temporary ban ends when WhatsApp says', () => {
	assert.equal(afterClose({ code: 402, banSeconds: 3600 }, 0, 0.5).retryAfter, 3_600_000)
})

test('it waits twice as long each time, with jitter, up to 20 s and never less than 0.4 s', () => {
	assert.deepEqual(
		[0, 1, 2, 3, 4, 5, 6, 50].map(failures => backoff(failures, 0.5)),
		[500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]
	)
	assert.equal(backoff(0, 0), 400)
	assert.equal(backoff(50, 1), 24000)
})
