/** The control API: what a test does with the phone, the contacts and the weather. See ../README.md. */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { groupJid, lidJid, phoneJid } from './addresses.ts'
import { addressing, type Call, channel, contact, group, type Routes } from './control-call.ts'
import { groupRoutes } from './control-groups.ts'
import { peopleRoutes } from './control-people.ts'
import {
	ControlError,
	type Fields,
	fieldsOf,
	optionalChoice,
	optionalFlag,
	optionalInteger,
	optionalText,
	queryNumber,
	refuseUnknown,
	text
} from './control-fields.ts'
import { faultOrder } from './faults.ts'
import { PairingRefusedError } from './pairing.ts'
import type { WhatsAppServer } from './server.ts'
import { compose, type Draft } from './writing.ts'
import type { Inbox, Person, World } from './world.ts'

const MAX_WAIT_MS = 60_000
const BODY_LIMIT = 16 << 20
const MAX_DEVICES = 20

const routes: Routes = [
	...peopleRoutes,
	...groupRoutes,
	['POST', /^\/admin\/mock-phone\/scan-qr$/, scanQr],
	['POST', /^\/admin\/mock-phone\/enter-code$/, enterCode],
	['POST', /^\/admin\/mock-phone\/passkey$/, usePasskey],
	['GET', /^\/admin\/mock-phone\/passkey$/, ({ server }) => ({ code: gate(server).code ?? null })],
	['GET', /^\/admin\/mock-phone\/passkey\/credential$/, ({ server }) => gate(server).credential()],
	['POST', /^\/admin\/mock-phone\/unlink$/, ({ server }) => server.unlink()],
	['POST', /^\/admin\/mock-phone\/send$/, writeOnPhone],
	['GET', /^\/admin\/mock-phone\/messages$/, call => inbox(call, call.world.owner)],
	['POST', /^\/admin\/contacts$/, addContact],
	['POST', /^\/admin\/contacts\/([^/]+)\/send$/, contactWrites],
	['GET', /^\/admin\/contacts\/([^/]+)\/messages$/, call => inbox(call, contact(call.world, call.name))],
	['POST', /^\/admin\/contacts\/([^/]+)\/behaviour$/, setBehaviour],
	['POST', /^\/admin\/contacts\/([^/]+)\/ask-again$/, askAgain],
	['POST', /^\/admin\/contacts\/([^/]+)\/read$/, readMessage],
	['POST', /^\/admin\/messages\/([^/]+)\/media$/, loseMedia],
	['POST', /^\/admin\/channels$/, addChannel],
	['POST', /^\/admin\/channels\/([^/]+)\/posts$/, postToChannel],
	['POST', /^\/admin\/messages\/([^/]+)\/again$/, deliverAgain],
	['GET', /^\/admin\/channels\/([^/]+)\/messages$/, call => inbox(call, channel(call.world, call.name))],
	['POST', /^\/admin\/faults$/, setFaults],
	['DELETE', /^\/admin\/faults$/, ({ server }) => server.setFaults({})],
	['GET', /^\/admin\/state$/, state]
]

const attempt = (server: WhatsAppServer) => {
	const newest = server.newestAttempt()
	if (!newest) throw new ControlError(409, 'stale_qr', 'no companion asks to be linked')
	return newest
}

/** Whose phone it is: the owner's, unless a number says otherwise. */
const holder = (world: World, phone: string | undefined | null): Person => (phone ? contact(world, phone) : world.owner)

async function scanQr({ world, server, query, text: qr }: Call) {
	const person = holder(world, query.get('phone'))
	return { device: (await attempt(server).scan(qr.trim(), person)) ?? null }
}

async function enterCode({ world, server, body }: Call) {
	refuseUnknown(body, ['code', 'phone'])
	const person = holder(world, optionalText(body, 'phone'))
	return { device: (await attempt(server).enterCode(text(body, 'code'), person)) ?? null }
}

function gate(server: WhatsAppServer) {
	const { gate: asked } = attempt(server)
	if (!asked) throw new ControlError(409, 'no_passkey_asked', 'no passkey is asked for')
	return asked
}

function usePasskey({ server, body }: Call) {
	refuseUnknown(body, [])
	return { assertion: gate(server).assertion() }
}

async function writeOnPhone({ world, server, body }: Call) {
	refuseUnknown(body, ['to', 'text', 'content'])
	const to = text(body, 'to')
	const inGroup = to.startsWith('group:') ? group(world, to) : undefined
	if (inGroup && !inGroup.participants.includes(world.owner.phone))
		throw new ControlError(409, 'not_a_participant', `the owner is not in ${to}`)
	const partner = inGroup ? world.owner : contact(world, to)
	const addressed = (inGroup ?? partner).addressing
	const writer = {
		world,
		media: server.media,
		author: world.owner,
		chat: to,
		group: inGroup,
		partner,
		addressing: addressed
	}
	const draft = compose(contentField(body), writer)
	return sentAs(await server.inbound.writeOnPhone(inGroup ?? partner, draft), draft)
}

async function inbox({ world, query }: Call, person: Inbox) {
	const wait = Math.min(queryNumber(query, 'wait', 0) * 1000, MAX_WAIT_MS)
	return { messages: await world.messages(person, queryNumber(query, 'after', -1), wait) }
}

function addContact({ world, body }: Call) {
	refuseUnknown(body, ['phone', 'name', 'devices', 'addressing'])
	const phone = text(body, 'phone')
	if (!/^\+\d{7,15}$/.test(phone)) throw new ControlError(400, 'bad_request', 'phone is E.164')
	if (world.person(phoneJid(phone))) throw new ControlError(409, 'contact_exists', `${phone} is on WhatsApp already`)
	const devices = optionalInteger(body, 'devices', 1, MAX_DEVICES) ?? 1
	const person = world.addContact(phone, text(body, 'name'), devices, addressing(body) ?? 'pn')
	return { phone: person.phone, lid: person.lid }
}

async function contactWrites({ world, server, name, body }: Call) {
	refuseUnknown(body, ['text', 'content', 'group', 'addressing', 'status'])
	const author = contact(world, name)
	const groupName = optionalText(body, 'group')
	const inGroup = groupName ? group(world, groupName) : undefined
	const chosen = addressing(body)
	if (inGroup && !inGroup.participants.includes(author.phone)) {
		throw new ControlError(409, 'not_a_participant', `${name} is not in ${groupName}`)
	}
	const status = optionalFlag(body, 'status') ?? false
	const chat = inGroup ? `group:${inGroup.id}` : status ? 'status' : author.phone
	const form = inGroup?.addressing ?? chosen ?? author.addressing
	const writer = { world, media: server.media, author, chat, group: inGroup, partner: world.owner, addressing: form }
	const draft = compose(contentField(body), writer)
	return sentAs(await server.inbound.write(author, draft, { group: inGroup, addressing: chosen, status }), draft)
}

async function postToChannel({ world, server, name, body }: Call) {
	refuseUnknown(body, ['text', 'content'])
	const to = channel(world, name)
	const { owner } = world
	const chat = `channel:${to.id}`
	const writer = { world, media: server.media, author: owner, chat, group: undefined, partner: owner, open: true }
	const draft = compose(contentField(body), { ...writer, addressing: 'pn' })
	return sentAs(await server.inbound.post(to, draft), draft)
}

async function deliverAgain({ server, name, body }: Call) {
	refuseUnknown(body, ['same'])
	if (!(await server.inbound.again(name, optionalFlag(body, 'same') ?? true)))
		throw new ControlError(404, 'unknown_message', `nobody wrote ${name}`)
}

/** `text` is short for a text's `content`. */
const contentField = (body: Fields): Fields =>
	body.content === undefined ? { kind: 'text', text: text(body, 'text') } : fieldsOf(body.content)

const sentAs = (message_id: string, { file }: Draft) => ({ message_id, ...(file ? { sha256: file.sha256 } : {}) })

/** What becomes of a file that somebody sent. */
function loseMedia({ world, server, name, body }: Call) {
	refuseUnknown(body, ['state'])
	const file = world.written.get(name)?.file
	if (!file) throw new ControlError(404, 'unknown_message', `no file of a message ${name}`)
	const { files } = server.media
	const state = optionalChoice(body, 'state', ['gone', 'gone everywhere', 'damaged'] as const)
	if (state === 'damaged')
		files.set(file.path, Buffer.concat([file.body.subarray(0, -1), Buffer.of((file.body.at(-1) ?? 0) ^ 1)]))
	else files.delete(file.path)
	file.gone = state === 'gone everywhere'
}

function askAgain({ world, name }: Call) {
	for (const ask of contact(world, name).askLater.splice(0)) ask()
}

const FAILURES = { ok: 'no', 'retry-once': 'at once', 'retry-later': 'later' } as const

function setBehaviour({ world, name, body }: Call) {
	const person = contact(world, name)
	refuseUnknown(body, ['receipts', 'decrypt', 'encrypt', 'groups'])
	const receipts = optionalChoice(body, 'receipts', ['delivery', 'read', 'none'] as const)
	const decrypt = optionalChoice(body, 'decrypt', ['ok', 'retry-once', 'retry-later'] as const)
	const encrypt = optionalChoice(body, 'encrypt', ['ok', 'garble-once'] as const)
	if (receipts) person.receipts = receipts
	if (decrypt) person.failNext = FAILURES[decrypt]
	const groups = optionalChoice(body, 'groups', ['ok', 'refused'] as const)
	if (groups) person.refusesGroups = groups === 'refused'
	if (encrypt) person.garbleNext = encrypt === 'garble-once'
}

function readMessage({ world, server, name, body }: Call) {
	refuseUnknown(body, ['message_id', 'played'])
	const person = contact(world, name)
	const id = text(body, 'message_id')
	const type = optionalFlag(body, 'played') ? 'played' : 'read'
	const received = person.inbox.find(({ message_id }) => message_id === id)
	if (!received) throw new ControlError(404, 'unknown_message', 'this contact has no such message')
	const to = received.chat.startsWith('group:')
		? groupJid(received.chat)
		: person.addressing === 'lid'
			? lidJid(person.lid)
			: phoneJid(person.phone)
	for (const linked of world.companions()) server.outbound.sendReceipt(linked, person, 0, id, to, type)
}

function addChannel({ world, body }: Call) {
	refuseUnknown(body, ['name'])
	return { id: `channel:${world.addChannel(text(body, 'name')).id}` }
}

function setFaults({ world, server, body }: Call) {
	const { drop, refreshSecret, streamError, lasting } = faultOrder(body)
	server.setFaults({ ...world.faults, ...lasting })
	if (refreshSecret) for (const pairing of server.attempts.values()) pairing.refreshSecret()
	for (const link of server.links) {
		if (drop) link.drop()
		if (streamError === 440) link.streamError(440, { tag: 'conflict', attrs: { type: 'replaced' } })
		else if (streamError === 401) link.streamError(401, { tag: 'conflict', attrs: { type: 'device_removed' } })
		else if (streamError) link.streamError(streamError)
	}
}

function state({ world, server }: Call) {
	return {
		connections: [...server.links].filter(({ device }) => device).length,
		pairing: server.attempts.size,
		linked_devices: [...world.linked.values()].map(device => ({
			device: device.id,
			phone: device.person.phone,
			name: device.name,
			platform: device.platform,
			online: server.isOnline(device),
			removed: device.removed,
			backlog: device.pending.size
		})),
		unanswered: [...server.links].flatMap(link => link.unanswered()),
		violations: world.violations,
		counts: world.counts
	}
}

async function read(request: IncomingMessage): Promise<string> {
	let body = ''
	for await (const part of request) {
		body += part
		if (body.length > BODY_LIMIT) throw new ControlError(400, 'bad_request', 'too long')
	}
	return body
}

function parsed(raw: string): Fields {
	let value: unknown
	try {
		value = JSON.parse(raw || '{}')
	} catch {
		throw new ControlError(400, 'bad_request', 'not JSON')
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value)) {
		throw new ControlError(400, 'bad_request', 'not a JSON object')
	}
	return value as Fields
}

async function respond(world: World, server: WhatsAppServer, request: IncomingMessage): Promise<[number, unknown]> {
	const url = new URL(request.url ?? '/', 'http://control')
	for (const [method, path, route] of routes) {
		const match = path.exec(url.pathname)
		if (!match || method !== request.method) continue
		const raw = await read(request)
		const body = route === scanQr ? {} : parsed(raw)
		const name = decodeURIComponent(match[1] ?? '')
		const created = method === 'POST' && /^\/admin\/(contacts|groups|channels)$/.test(url.pathname)
		return [created ? 201 : 200, (await route({ world, server, name, query: url.searchParams, text: raw, body })) ?? {}]
	}
	throw new ControlError(404, 'not_found', `no route ${request.method} ${url.pathname}`)
}

/** Starts the control API on a port of loopback. */
export async function startControl(
	world: World,
	server: WhatsAppServer,
	port: number
): Promise<{ url: string; http: Server }> {
	const http = createServer((request, response) => {
		respond(world, server, request).then(
			([status, body]) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
			(error: unknown) => {
				const known = error instanceof ControlError || error instanceof PairingRefusedError
				const status = error instanceof ControlError ? error.status : known ? 409 : 500
				const code = known ? error.code : 'internal_error'
				response.writeHead(status, { 'content-type': 'application/json' })
				response.end(JSON.stringify({ error: code, detail: error instanceof Error ? error.message : String(error) }))
			}
		)
	})
	await new Promise<void>(resolve => http.listen(port, '127.0.0.1', resolve))
	return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, http }
}
