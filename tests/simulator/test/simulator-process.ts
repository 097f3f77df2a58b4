/** Starts the simulator as a process and calls its control API. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Received {
	index: number
	message_id: string
	from: string
	chat: string
	type: string
	text?: string
	content: { kind: string; [field: string]: unknown }
	sha256?: string
	file_name?: string
	devices: number[]
}

export interface State {
	connections: number
	linked_devices: { device: number; phone: string; online: boolean; removed: boolean; backlog: number }[]
	unanswered: string[]
	violations: { what: string; why: string }[]
	counts: Record<string, number>
}

export class SimulatorProcess {
	private readonly child: ChildProcess
	readonly control: string
	readonly url: string
	readonly certificate: string
	readonly phone: string

	private constructor(
		child: ChildProcess,
		ready: { control_url: string; whatsapp_url: string; certificate: string; phone: string }
	) {
		this.child = child
		this.control = ready.control_url
		this.url = ready.whatsapp_url
		this.certificate = ready.certificate
		this.phone = ready.phone
	}

	static async start(): Promise<SimulatorProcess> {
		const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'inherit'] })
		const [line] = await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(20_000) })
		return new SimulatorProcess(child, JSON.parse(String(line)))
	}

	async stop(): Promise<void> {
		this.child.stdin?.end()
		if (this.child.exitCode === null) await once(this.child, 'exit')
	}

	async call<T = Record<string, never>>(method: string, path: string, body?: unknown): Promise<T> {
		const { status, answer } = await this.try<T>(method, path, body)
		assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(answer)}`)
		return answer
	}

	async try<T>(
		method: string,
		path: string,
		body?: unknown
	): Promise<{ status: number; answer: T & { error?: string } }> {
		const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
		const response = await fetch(`${this.control}/admin${path}`, { method, body: text })
		return { status: response.status, answer: (await response.json()) as T & { error?: string } }
	}

	state = () => this.call<State>('GET', '/state')
	contact = (phone: string, options: object = {}) =>
		this.call<{ phone: string; lid: string }>('POST', '/contacts', { phone, name: `Name of ${phone}`, ...options })
	group = async (subject: string, participants: string[], addressing = 'pn') =>
		(await this.call<{ id: string }>('POST', '/groups', { subject, participants, addressing })).id
	write = (phone: string, body: object) =>
		this.call<{ message_id: string; sha256?: string }>('POST', `/contacts/${phone}/send`, body)
	received = async (phone: string, after = -1, wait = 10) =>
		(await this.call<{ messages: Received[] }>('GET', `/contacts/${phone}/messages?wait=${wait}&after=${after}`))
			.messages
	ownPhone = async (after = -1, wait = 10) =>
		(await this.call<{ messages: Received[] }>('GET', `/mock-phone/messages?wait=${wait}&after=${after}`)).messages
	/** a member, or the owner on the phone, changes a group */
	changeGroup = (group: string, by: string, change: string, options: object = {}) =>
		this.call('POST', `/groups/${group}/changes`, { by, change, ...options })
	lookAtGroup = (group: string) =>
		this.call<{
			subject: string
			description: string | null
			announce: boolean
			locked: boolean
			invite: string
			members: Record<string, string>
		}>('GET', `/groups/${group}`)
	/** how a linked device told that a message was read */
	read = async (messageId: string) =>
		(await this.call<{ read: 'read' | 'read-self' | null }>('GET', `/messages/${messageId}`)).read
	/** what a contact sees of the owner */
	sees = (phone: string) =>
		this.call<{ presence: string; typing: Record<string, string> }>('GET', `/contacts/${phone}/sees`)
	/** gives a contact or a group a picture */
	picture = (chat: string, picture: Buffer, hidden?: boolean) =>
		this.call('PUT', `/${chat.startsWith('group:') ? 'groups' : 'contacts'}/${chat}/picture`, {
			bytes: picture.toString('base64'),
			hidden
		})
	channel = async (name: string) => (await this.call<{ id: string }>('POST', '/channels', { name })).id
	posts = async (channel: string, after = -1, wait = 10) =>
		(await this.call<{ messages: Received[] }>('GET', `/channels/${channel}/messages?wait=${wait}&after=${after}`))
			.messages
	faults = (faults: object) => this.call('POST', '/faults', faults)
	/** All linked devices are removed: a phone takes four at most. */
	unlink = () => this.call('POST', '/mock-phone/unlink')
	clearFaults = () => this.call('DELETE', '/faults')
}
