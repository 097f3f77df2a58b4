/** The control API: what a test does with the phone, the contacts and the weather. See ../README.md. */

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { proto } from 'baileys'
import { groupJid, lidJid, phoneJid } from './addresses.ts'
import { PairingRefusedError } from './pairing.ts'
import type { WhatsAppServer } from './server.ts'
import type { Addressing, Faults, Group, Person, World } from './world.ts'

const MAX_WAIT_MS = 60_000
const BODY_LIMIT = 1 << 20
const LASTING_FAULTS: (keyof Faults)[] = [
	'upgrade_status',
	'silent',
	'acks',
	'qr_refs',
	'refuse_connections',
	'login_failure',
	'drop_after_message'
]

class ControlError extends Error {
	readonly status: number
	readonly code: string
	constructor(status: number, code: string, detail: string) {
		super(detail)
		this.status = status
		this.code = code
	}
}

type Fields = Record<string, unknown>
interface Call {
	world: World
	server: WhatsAppServer
	name: string
	query: URLSearchParams
	text: string
	body: Fields
}
type Route = (call: Call) => Promise<unknown> | unknown

const routes: [method: string, path: RegExp, route: Route][] = [
	['POST', /^\/admin\/mock-phone\/scan-qr$/, scanQr],
	['POST', /^\/admin\/mock-phone\/enter-code$/, enterCode],
	['POST', /^\/admin\/mock-phone\/unlink$/, ({ server }) => server.unlink()],
	['POST', /^\/admin\/mock-phone\/send$/, writeOnPhone],
	['GET', /^\/admin\/mock-phone\/messages$/, call => inbox(call, call.world.owner)],
	['POST', /^\/admin\/contacts$/, addContact],
	['POST', /^\/admin\/contacts\/([^/]+)\/send$/, contactWrites],
	['GET', /^\/admin\/contacts\/([^/]+)\/messages$/, call => inbox(call, contact(call.world, call.name))],
	['POST', /^\/admin\/contacts\/([^/]+)\/behaviour$/, setBehaviour],
	['POST', /^\/admin\/contacts\/([^/]+)\/ask-again$/, askAgain],
	['POST', /^\/admin\/contacts\/([^/]+)\/read$/, readMessage],
	['POST', /^\/admin\/groups$/, addGroup],
	['POST', /^\/admin\/faults$/, setFaults],
	['DELETE', /^\/admin\/faults$/, ({ server }) => server.setFaults({})],
	['GET', /^\/admin\/state$/, state]
]

function text(body: Fields, name: string): string {
	const value = body[name]
	if (typeof value !== 'string' || !value) throw new ControlError(400, 'bad_request', `${name} is missing`)
	return value
}

function refuseUnknown(body: Fields, known: string[]): void {
	const unknown = Object.keys(body).filter(name => !known.includes(name))
	if (unknown.length) throw new ControlError(400, 'bad_request', `unknown: ${unknown.join(', ')}`)
}

function addressing(body: Fields): Addressing {
	const value = body.addressing ?? 'pn'
	if (value !== 'pn' && value !== 'lid') throw new ControlError(400, 'bad_request', 'addressing is pn or lid')
	return value
}

function contact(world: World, phone: string): Person {
	const person = world.people.get(phone)
	if (!person) throw new ControlError(404, 'unknown_contact', `no contact ${phone}`)
	return person
}

function group(world: World, name: string): Group {
	const found = world.groups.get(name.replace(/^group:/, ''))
	if (!found) throw new ControlError(404, 'unknown_group', `no group ${name}`)
	return found
}

const attempt = (server: WhatsAppServer) => {
	const newest = server.newestAttempt()
	if (!newest) throw new ControlError(409, 'stale_qr', 'no companion asks to be linked')
	return newest
}

async function scanQr({ server, text: qr }: Call) {
	return { device: await attempt(server).scan(qr.trim()) }
}

async function enterCode({ server, body }: Call) {
	return { device: await attempt(server).enterCode(text(body, 'code')) }
}

async function writeOnPhone({ world, server, body }: Call) {
	const to = text(body, 'to')
	const chat = to.startsWith('group:') ? group(world, to) : contact(world, to)
	return { message_id: await server.inbound.writeOnPhone(chat, { conversation: text(body, 'text') }) }
}

async function inbox({ world, query }: Call, person: Person) {
	const wait = Math.min(Number(query.get('wait') ?? 0) * 1000, MAX_WAIT_MS)
	return { messages: await world.messages(person, Number(query.get('after') ?? -1), wait) }
}

function addContact({ world, body }: Call) {
	const phone = text(body, 'phone')
	if (!/^\+\d{7,15}$/.test(phone)) throw new ControlError(400, 'bad_request', 'phone is E.164')
	if (world.person(phoneJid(phone))) throw new ControlError(409, 'contact_exists', `${phone} is on WhatsApp already`)
	const devices = Number(body.devices ?? 1)
	if (!Number.isInteger(devices) || devices < 1) throw new ControlError(400, 'bad_request', 'devices is 1 or more')
	const person = world.addContact(phone, text(body, 'name'), devices, addressing(body))
	return { phone: person.phone, lid: person.lid }
}

interface MediaOrder {
	mimetype: string
	size: number
	file_name?: string
	caption?: string
}

async function contactWrites({ world, server, name, body }: Call) {
	const person = contact(world, name)
	const options = {
		group: typeof body.group === 'string' ? group(world, body.group) : undefined,
		addressing: body.addressing === undefined ? undefined : addressing(body)
	}
	const order = (body.image ?? body.document) as MediaOrder | undefined
	if (!order) return { message_id: await server.inbound.write(person, { conversation: text(body, 'text') }, options) }
	const kind = body.image ? 'Image' : 'Document'
	const sealed = server.media.seal(kind, randomBytes(order.size))
	const common = { ...sealed, mimetype: order.mimetype, caption: order.caption ?? null }
	const message: proto.IMessage = body.image
		? { imageMessage: common }
		: { documentMessage: { ...common, fileName: order.file_name ?? 'file' } }
	const sha256 = Buffer.from(sealed.fileSha256 ?? []).toString('hex')
	return { message_id: await server.inbound.write(person, message, options), sha256 }
}

function failure(decrypt: unknown): Person['failNext'] {
	const known: Record<string, Person['failNext']> = { ok: 'no', 'retry-once': 'at once', 'retry-later': 'later' }
	const found = known[String(decrypt)]
	if (!found) throw new ControlError(400, 'bad_request', 'decrypt is ok, retry-once or retry-later')
	return found
}

function askAgain({ world, name }: Call) {
	for (const ask of contact(world, name).askLater.splice(0)) ask()
}

function setBehaviour({ world, name, body }: Call) {
	const person = contact(world, name)
	const { receipts, decrypt, encrypt } = body
	refuseUnknown(body, ['receipts', 'decrypt', 'encrypt'])
	if (receipts === 'delivery' || receipts === 'read' || receipts === 'none') person.receipts = receipts
	else if (receipts !== undefined) throw new ControlError(400, 'bad_request', 'receipts is delivery, read or none')
	if (decrypt !== undefined) person.failNext = failure(decrypt)
	if (encrypt !== undefined) person.garbleNext = encrypt === 'garble-once'
}

function readMessage({ world, server, name, body }: Call) {
	const person = contact(world, name)
	const id = text(body, 'message_id')
	const received = person.inbox.find(({ message_id }) => message_id === id)
	if (!received) throw new ControlError(404, 'unknown_message', 'this contact has no such message')
	const to = received.chat.startsWith('group:')
		? groupJid(received.chat)
		: person.addressing === 'lid'
			? lidJid(person.lid)
			: phoneJid(person.phone)
	for (const linked of world.linked.values()) {
		if (!linked.removed) server.outbound.sendReceipt(linked, person, 0, id, to, 'read')
	}
}

function addGroup({ world, body }: Call) {
	const participants = body.participants
	if (!Array.isArray(participants)) throw new ControlError(400, 'bad_request', 'participants is a list')
	for (const phone of participants) contact(world, String(phone))
	return { id: `group:${world.addGroup(text(body, 'subject'), participants.map(String), addressing(body)).id}` }
}

function setFaults({ world, server, body }: Call) {
	refuseUnknown(body, ['drop', 'stream_error', ...LASTING_FAULTS])
	const { drop, stream_error: streamError, ...lasting } = body
	server.setFaults({ ...world.faults, ...(lasting as Faults) })
	for (const link of server.links) {
		if (drop) link.drop()
		if (streamError === 440) link.streamError(440, { tag: 'conflict', attrs: { type: 'replaced' } })
		else if (streamError === 401) link.streamError(401, { tag: 'conflict', attrs: { type: 'device_removed' } })
		else if (streamError) link.streamError(Number(streamError))
	}
}

function state({ world, server }: Call) {
	return {
		connections: [...server.links].filter(({ device }) => device).length,
		pairing: server.attempts.size,
		linked_devices: [...world.linked.values()].map(device => ({
			device: device.id,
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
	try {
		return JSON.parse(raw) as Fields
	} catch {
		throw new ControlError(400, 'bad_request', 'not JSON')
	}
}

async function respond(world: World, server: WhatsAppServer, request: IncomingMessage): Promise<[number, unknown]> {
	const url = new URL(request.url ?? '/', 'http://control')
	for (const [method, path, route] of routes) {
		const match = path.exec(url.pathname)
		if (!match || method !== request.method) continue
		const raw = await read(request)
		const body = raw.startsWith('{') ? parsed(raw) : {}
		const name = decodeURIComponent(match[1] ?? '')
		const created = method === 'POST' && /^\/admin\/(contacts|groups)$/.test(url.pathname)
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
