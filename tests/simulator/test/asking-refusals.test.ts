/** What WhatsApp refuses of a linked device that reads, types, calls, changes groups or the profile, each said with a reason. */

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import type { BinaryNode } from 'baileys'
import { Client } from './baileys-client.ts'
import { SimulatorProcess } from './simulator-process.ts'

const [ALICE, BOB, CAROL] = ['+15551230001', '+15551230002', '+15551230003'] as const
const jidOf = (phone: string) => `${phone.slice(1)}@s.whatsapp.net`
const LIMIT = 10_000

let simulator: SimulatorProcess
let client: Client
let lid: string
before(async () => {
	simulator = await SimulatorProcess.start()
	lid = `${(await simulator.contact(ALICE)).lid}@lid`
	await simulator.contact(BOB)
	await simulator.contact(CAROL)
	client = await Client.paired(simulator)
})
after(async () => {
	await client.end()
	await simulator.stop()
})

/** Does something that is wrong, and waits until the simulator has said why. */
async function violates(why: RegExp, wrong: () => Promise<unknown>): Promise<void> {
	const before_ = (await simulator.state()).violations.length
	await wrong()
	for (const deadline = Date.now() + LIMIT; Date.now() < deadline; await pause(10)) {
		const said = (await simulator.state()).violations.slice(before_)
		if (said.some(({ why: reason }) => why.test(reason))) return
	}
	assert.fail(`nothing was said like ${String(why)}`)
}

async function refused(code: number, question: BinaryNode): Promise<void> {
	await assert.rejects(client.socket.query(question), (error: { data?: unknown }) => {
		assert.equal(error.data, code)
		return true
	})
}

const iq = (xmlns: string, to: string, content: BinaryNode[]): BinaryNode => ({
	tag: 'iq',
	attrs: { xmlns, to, type: 'set' },
	content
})

async function written(options: object = {}): Promise<string> {
	const came = client.next('message')
	const { message_id } = await simulator.write(ALICE, { text: 'hello', ...options })
	await came
	return message_id
}

const read = (key: object) => client.socket.readMessages([{ fromMe: false, ...key }])

test('read receipts name a message that came in, by the address that it came from', async () => {
	await violates(/nobody wrote/, () => read({ id: 'UNKNOWN', remoteJid: jidOf(ALICE) }))
	const byLid = await written({ addressing: 'lid' })
	await violates(/where it came from/, () => read({ id: byLid, remoteJid: jidOf(ALICE) }))
	assert.equal(await simulator.read(byLid), null)
	await read({ id: byLid, remoteJid: lid })
	for (const deadline = Date.now() + LIMIT; Date.now() < deadline && !(await simulator.read(byLid));) await pause(10)
	assert.equal(await simulator.read(byLid), 'read')
})

test('typing is of this device, to somebody, in one form of addressing', async () => {
	const typing = (from: string, to: string) =>
		client.socket.sendNode({ tag: 'chatstate', attrs: { from, to }, content: [{ tag: 'composing', attrs: {} }] })
	const { id = '' } = client.socket.user ?? {}
	await violates(/somebody else/, () => typing(jidOf(BOB), jidOf(ALICE)))
	await violates(/to nobody/, () => typing(id, '15559990000@s.whatsapp.net'))
	await violates(/by number and by LID/, () => typing(id, lid))
	await typing(id, jidOf(ALICE))
	const { counts } = await simulator.state()
	assert.ok(counts['typing that nobody saw'], 'of a device that is not online')
})

test('a call is rejected by whom it is for, and by its own names', async () => {
	await violates(/nobody called/, () => client.socket.rejectCall('UNKNOWN', jidOf(ALICE)))
	const { call_id } = await simulator.call<{ call_id: string }>('POST', `/contacts/${ALICE}/call`, {})
	await violates(/nobody called/, () => client.socket.rejectCall(call_id, jidOf(BOB)))
	assert.equal((await simulator.call<{ state: string }>('GET', `/calls/${call_id}`)).state, 'ringing')
})

test('a group is changed by whom it may be, and told to its members alone', async () => {
	const { id } = await simulator.call<{ id: string }>('POST', '/groups', {
		subject: "Alice's",
		participants: [ALICE, BOB],
		by: ALICE
	})
	const jid = `${id.split(':')[1]}@g.us`
	const change = (tag: string, attrs = {}, content?: BinaryNode[]) => iq('w:g2', jid, [{ tag, attrs, content }])
	const member = (phone: string): BinaryNode[] => [{ tag: 'participant', attrs: { jid: jidOf(phone) } }]
	await refused(403, change('announcement'))
	await refused(403, change('remove', {}, member(BOB)))
	await refused(409, change('description', { id: 'X', prev: 'UNKNOWN' }, [{ tag: 'body', attrs: {}, content: 'x' }]))
	await simulator.changeGroup(id, ALICE, 'locked', { on: true })
	await refused(403, change('subject', {}, undefined))
	await refused(404, iq('w:g2', '120363999999999999@g.us', [{ tag: 'locked', attrs: {} }]))
	await simulator.changeGroup(id, ALICE, 'remove', { members: ['+15550001000'] })
	await refused(403, change('subject'))
})

test('the key of a group is for its members, and a new one when somebody has gone', async () => {
	const group = await simulator.group('Keys', [ALICE, BOB])
	const jid = `${group.split(':')[1]}@g.us`
	await client.send(jid, 'to both')
	await simulator.changeGroup(group, ALICE, 'leave')
	// Baileys goes on with the old key: the engine makes a new one
	await violates(/has left the group/, () => client.send(jid, 'Alice reads on'))
})

test('who is blocked is named by LID and by number', async () => {
	const block = (attrs: Record<string, string>) =>
		iq('blocklist', 's.whatsapp.net', [{ tag: 'item', attrs: { action: 'block', ...attrs } }])
	await refused(400, block({ jid: jidOf(ALICE) }))
	await refused(400, block({ jid: lid }))
	await refused(400, block({ jid: lid, pn_jid: jidOf(BOB) }))
	await client.socket.query(block({ jid: lid, pn_jid: jidOf(ALICE) }))
})

test('app state is written for its newest version, and so that the other devices can read it', async () => {
	await client.socket.updateProfileName('Somebody')
	const patch = (version: string) =>
		iq('w:sync:app:state', 's.whatsapp.net', [
			{
				tag: 'sync',
				attrs: {},
				content: [
					{
						tag: 'collection',
						attrs: { name: 'critical_block', version, return_snapshot: 'false' },
						content: [{ tag: 'patch', attrs: {}, content: Buffer.alloc(0) }]
					}
				]
			}
		])
	await refused(409, patch('0'))
	await violates(/no other device can read/, () => refused(400, patch('2')))
})
