/** Pictures and documents, up and down over TLS. Baileys must trust the media host from its start: it runs in a child process. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SimulatorProcess } from './simulator-process.ts'

const CHILD = fileURLToPath(new URL('./media-client.ts', import.meta.url))
const ALICE = '+15551230001'

let simulator: SimulatorProcess
before(async () => {
	simulator = await SimulatorProcess.start()
	await simulator.contact(ALICE)
})
after(() => simulator.stop())

test('both ways, by hash', { timeout: 60_000 }, async () => {
	const child = spawn(process.execPath, [CHILD, simulator.url], {
		stdio: ['pipe', 'pipe', 'inherit'],
		env: { ...process.env, NODE_EXTRA_CA_CERTS: simulator.certificate }
	})
	const said: string[] = []
	let wake = () => {}
	child.stdout.on('data', data => {
		said.push(...String(data).trim().split('\n'))
		wake()
	})
	const next = async (prefix: string): Promise<string> => {
		for (;;) {
			const found = said.find(line => line.startsWith(prefix))
			if (found) return found.slice(prefix.length)
			await new Promise<void>(resolve => {
				wake = resolve
			})
		}
	}
	await simulator.call('POST', '/mock-phone/scan-qr', await next('qr '))
	await next('open')

	for (const [kind, content] of [
		['image', { kind: 'image', media: { mimetype: 'image/jpeg', size: 70_000 }, caption: 'the door' }],
		['document', { kind: 'document', media: { mimetype: 'application/pdf', size: 300_000 }, file_name: 'bill.pdf' }]
	] as const) {
		const { sha256 } = await simulator.write(ALICE, { content })
		assert.equal(await next(`received ${kind} `), sha256)
	}

	child.stdin.write('send\n')
	const image = createHash('sha256')
		.update(Buffer.from([0xff, 0xd8]))
		.update(Buffer.alloc(50_000, 7))
		.digest('hex')
	const document = createHash('sha256').update(Buffer.alloc(200_000, 9)).digest('hex')
	let messages = await simulator.received(ALICE)
	while (messages.length < 2) messages = await simulator.received(ALICE, -1)
	assert.deepEqual(
		messages.map(({ type, sha256, file_name, text }) => [type, sha256, file_name, text]),
		[
			['imageMessage', image, undefined, 'a picture'],
			['documentMessage', document, 'report.pdf', undefined]
		]
	)
	child.stdin.end()
	await once(child, 'exit')
	assert.deepEqual((await simulator.state()).violations, [])
})
