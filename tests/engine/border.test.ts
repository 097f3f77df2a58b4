/** Bad input at the engine's border: a clear error with its code, and the next request works. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lines } from '../../bridge-addon/engine/src/json-rpc.ts'

const BUNDLE = fileURLToPath(new URL('../../bridge-addon/engine/dist/engine.mjs', import.meta.url))

const child = spawn(process.execPath, [BUNDLE], { stdio: ['pipe', 'pipe', 'ignore'] })
const answers: AsyncIterator<string> = createInterface(child.stdout)[Symbol.asyncIterator]()

async function ask(line: string): Promise<{
	id: number | null
	result?: { memory?: number }
	error?: { code: number; data?: { error_code: string } }
}> {
	child.stdin.write(`${line}\n`)
	return JSON.parse((await answers.next()).value)
}
const request = (method: unknown, params: unknown = {}) => JSON.stringify({ jsonrpc: '2.0', id: 7, method, params })
const initialize = { protocol_version: 1, data_dir: '/nowhere', whatsapp_url: null, log_level: 'info' }

before(async () => {
	const { error } = await ask(request('ping'))
	assert.equal(error?.data?.error_code, 'not_initialized')
	const { error: version } = await ask(request('initialize', { ...initialize, protocol_version: 2 }))
	assert.equal(version?.data?.error_code, 'unsupported_protocol')
	await ask(request('initialize', initialize))
})
after(async () => {
	child.stdin.end()
	await once(child, 'exit')
	assert.equal(child.exitCode, 0)
})

for (const [what, line, code] of [
	['no JSON', 'hello', -32700],
	['a line of two megabytes', 'x'.repeat(2 * 1024 * 1024), -32700],
	['no request', '{"jsonrpc":"2.0","id":1}', -32600],
	['a JSON null', 'null', -32600],
	['an unknown method', request('message.sing'), -32601],
	['a method of the object itself', request('constructor'), -32601]
] as const) {
	test(`${what}: ${code}`, async () => {
		assert.equal((await ask(line)).error?.code, code)
		assert.ok((await ask(request('ping'))).result?.memory)
	})
}

const send = {
	account: 'home',
	message_id: '3EB0',
	to: '+15551230001',
	content: { type: 'text', text: 'x' },
	timeout: 5
}
for (const [what, method, params] of [
	['params that are a list', 'account.start', ['home']],
	['an account with a path in it', 'account.start', { account: '../home' }],
	['a number with letters', 'message.send', { ...send, to: '+1555CALLME' }],
	['a jid', 'message.send', { ...send, to: '15551230001@s.whatsapp.net' }],
	['an empty text', 'message.send', { ...send, content: { type: 'text', text: '' } }],
	['a kind that is not known', 'message.send', { ...send, content: { type: 'song' } }],
	['a time-out of an hour', 'message.send', { ...send, timeout: 3600 }],
	['a pairing by smoke', 'pairing.start', { account: 'home', method: 'smoke' }]
] as const) {
	test(`${what}: invalid_params`, async () => {
		assert.equal((await ask(request(method, params))).error?.data?.error_code, 'invalid_params')
	})
}

test('an account that was not started: account_not_started', async () => {
	assert.equal((await ask(request('message.send', send))).error?.data?.error_code, 'account_not_started')
})

test('lines come out as they went in, however they are cut', async () => {
	const text = 'one\n\n{"ü":"ß"}\nlast\n'
	for (let cut = 1; cut < 6; cut++) {
		const bytes = Buffer.from(text)
		const parts = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, index) =>
			bytes.subarray(index * cut, index * cut + cut)
		)
		const got: (string | null)[] = []
		for await (const line of lines(Readable.from(parts))) got.push(line)
		assert.deepEqual(got, ['one', '', '{"ü":"ß"}', 'last'])
	}
})
