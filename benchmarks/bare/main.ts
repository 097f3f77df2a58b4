/**
 * The floor: a bot on bare Baileys, as its README would have it, with a durable store. `node main.ts DATABASE WHATSAPP_URL`.
 *
 * Commands come in as lines of JSON, each with an `id`; answers and events go out as lines of JSON:
 * `{"to": [jids], "count", "inFlight"}` sends `count` texts, to one jid after the other, at most `inFlight` unacknowledged at a
 * time, and answers with the milliseconds that each took from `sendMessage` to WhatsApp's ack.
 */

import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import type { GroupMetadata, WASocket } from '../../bridge-addon/engine/node_modules/baileys/lib/index.js'

const silent = () => undefined
Object.assign(console, { log: silent, info: silent, warn: silent, error: silent })
// what a bot imports is part of its start
const { Browsers, generateMessageIDV2, isJidGroup, makeWASocket } =
	await import('../../bridge-addon/engine/node_modules/baileys/lib/index.js')
const { sqliteAuth } = await import('./sqlite-keys.ts')

const [database = '', whatsappUrl = ''] = process.argv.slice(2)
const ACK_LIMIT_MS = 30_000
const logger = {
	level: 'silent',
	child: () => logger,
	trace: silent,
	debug: silent,
	info: silent,
	warn: silent,
	error: silent
}

function say(frame: object): void {
	process.stdout.write(`${JSON.stringify(frame)}\n`)
}

const auth = sqliteAuth(database)
const groups = new Map<string, GroupMetadata>()
const acknowledged = new Map<string, () => void>()
let socket: WASocket = connect()

function connect(): WASocket {
	const made = makeWASocket({
		auth: auth.state,
		logger,
		waWebSocketUrl: whatsappUrl,
		browser: Browsers.ubuntu('Chrome'),
		syncFullHistory: false,
		markOnlineOnConnect: false,
		cachedGroupMetadata: async jid => groups.get(jid)
	})
	made.ev.on('creds.update', auth.saveCredentials)
	made.ev.on('messages.upsert', ({ messages }) => {
		for (const { key, message } of messages) {
			const text = message?.conversation ?? message?.extendedTextMessage?.text
			if (!key.fromMe && text) say({ event: 'message', text, at: performance.timeOrigin + performance.now() })
		}
	})
	made.ev.on('connection.update', ({ connection, qr }) => {
		if (qr) say({ event: 'qr', qr })
		if (connection === 'open') say({ event: 'open' })
		if (connection === 'close') socket = connect()
	})
	made.ws.on('CB:ack,class:message', ({ attrs }: { attrs: Record<string, string> }) =>
		acknowledged.get(attrs.id ?? '')?.()
	)
	return made
}

async function sendOne(jid: string, text: string): Promise<number> {
	const started = performance.now()
	const messageId = generateMessageIDV2(socket.user?.id)
	const ack = new Promise<void>((resolve, reject) => {
		const limit = setTimeout(() => reject(new Error('not acknowledged')), ACK_LIMIT_MS)
		acknowledged.set(messageId, () => {
			clearTimeout(limit)
			resolve()
		})
	})
	try {
		await socket.sendMessage(jid, { text }, { messageId })
		await ack
	} finally {
		acknowledged.delete(messageId)
	}
	return performance.now() - started
}

interface Order {
	id: number
	to: string[]
	count: number
	inFlight: number
}

async function send({ to, count, inFlight }: Order): Promise<number[]> {
	for (const jid of to) if (isJidGroup(jid) && !groups.has(jid)) groups.set(jid, await socket.groupMetadata(jid))
	const times: number[] = []
	const running = new Set<Promise<void>>()
	for (let number = 0; number < count; number++) {
		// a synchronous store would otherwise keep the loop from reading acknowledgements
		await turn()
		const jid = to[number % to.length] ?? ''
		const one: Promise<void> = sendOne(jid, `message number ${number}`).then(time => {
			times.push(time)
			running.delete(one)
		})
		running.add(one)
		if (running.size >= inFlight) await Promise.race(running)
	}
	await Promise.all(running)
	return times
}

for await (const line of createInterface(process.stdin)) {
	const order: Order = JSON.parse(line)
	send(order).then(
		times => say({ answer: order.id, times }),
		(error: unknown) => say({ answer: order.id, error: String(error) })
	)
}
process.exit(0)
