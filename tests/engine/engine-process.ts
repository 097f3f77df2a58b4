/** The engine's bundle as a child process, spoken to as the gateway does. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Notifications, ReceivedMessage } from '../../bridge-addon/engine/src/protocol.ts'
import type { SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { assertFollowsProtocol } from './protocol-schema.ts'

const BUNDLE = fileURLToPath(new URL('../../bridge-addon/engine/dist/engine.mjs', import.meta.url))
const LIMIT = 20_000

type Method = keyof Notifications
/** Checked against the schema when it comes. */
export type Notification = { [M in Method]: { method: M; params: Notifications[M] } }[Method]

interface Result {
	[field: string]: unknown
	timestamp: string
}

interface Answer {
	result?: Result
	error?: { code: number; message: string; data?: { error_code: string; whatsapp_code?: number } }
}

/** What an engine that has ended answers. */
const ENDED = { code: 0, message: 'the engine has ended', data: { error_code: 'ended' } }

export class RequestFailed extends Error {
	readonly code: string | undefined
	readonly whatsappCode: number | undefined
	constructor(error: NonNullable<Answer['error']>) {
		super(error.message)
		this.code = error.data?.error_code
		this.whatsappCode = error.data?.whatsapp_code
	}
}

export class EngineProcess {
	readonly notifications: Notification[] = []
	/** everything that came on stdout and stderr, to look for what must not be there */
	output = ''
	private readonly child: ChildProcess
	private readonly answers = new Map<number, { method: string; resolve: (answer: Answer) => void }>()
	private readonly wakers = new Set<() => void>()
	private nextId = 1

	constructor(child: ChildProcess) {
		this.child = child
		assert.ok(child.stdout && child.stderr)
		createInterface(child.stdout).on('line', line => this.take(line))
		child.stderr.on('data', data => {
			this.output += String(data)
		})
		child.stdin?.on('error', () => undefined)
		child.once('close', () => {
			for (const { resolve } of this.answers.values()) resolve({ error: ENDED })
			this.answers.clear()
		})
	}

	get pid(): number {
		return this.child.pid ?? 0
	}

	static async start(
		dataDir: string,
		simulator: SimulatorProcess,
		environment: Record<string, string> = {}
	): Promise<EngineProcess> {
		assert.ok(existsSync(BUNDLE), 'scripts/bootstrap builds the bundle')
		const child = spawn(process.execPath, [BUNDLE], {
			stdio: ['pipe', 'pipe', 'pipe'],
			env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: simulator.certificate, ...environment }
		})
		const engine = new EngineProcess(child)
		await engine.call('initialize', {
			protocol_version: 1,
			data_dir: dataDir,
			whatsapp_url: simulator.url,
			log_level: 'debug'
		})
		return engine
	}

	private take(line: string): void {
		this.output += `${line}\n`
		const frame = JSON.parse(line)
		if (frame.id === undefined) {
			assertFollowsProtocol(`${frame.method} notification`, frame.params)
			this.notifications.push(frame)
		} else {
			const asked = this.answers.get(frame.id)
			if (asked && frame.result) assertFollowsProtocol(`${asked.method} result`, frame.result)
			asked?.resolve(frame)
			this.answers.delete(frame.id)
		}
		for (const wake of this.wakers) wake()
	}

	async call(method: string, params: object = {}): Promise<Result> {
		const id = this.nextId++
		if (this.child.exitCode !== null || this.child.signalCode !== null) throw new RequestFailed(ENDED)
		const answered = new Promise<Answer>(resolve => this.answers.set(id, { method, resolve }))
		this.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
		const { result, error } = await answered
		if (error) throw new RequestFailed(error)
		return result as Result
	}

	write(line: string): void {
		this.child.stdin?.write(`${line}\n`)
	}

	/** The notifications of one kind, from an index on. */
	told<M extends Method>(method: M, from = 0): Notifications[M][] {
		const matching = this.notifications.slice(from).filter(notification => notification.method === method)
		return matching.map(({ params }) => params as Notifications[M])
	}

	/** The first notification, from an index on, that a test wants. */
	async next<M extends Method>(
		method: M,
		wanted: (params: Notifications[M]) => boolean = () => true,
		from = 0,
		limit = LIMIT
	): Promise<Notifications[M]> {
		const deadline = Date.now() + limit
		for (;;) {
			const found = this.told(method, from).find(wanted)
			if (found) return found
			const left = deadline - Date.now()
			if (left <= 0)
				throw new Error(`no such ${method} in ${limit} ms: ${JSON.stringify(this.notifications.slice(from), null, 1)}`)
			await new Promise<void>(resolve => {
				const wake = () => {
					clearTimeout(timer)
					this.wakers.delete(wake)
					resolve()
				}
				const timer = setTimeout(wake, left)
				this.wakers.add(wake)
			})
		}
	}

	/** Where the list of notifications ends now: to wait for what comes after. */
	get mark(): number {
		return this.notifications.length
	}

	state = (state: string, from = 0, limit = LIMIT) =>
		this.next('account.state', params => params.state === state, from, limit)

	async stop(): Promise<number> {
		this.child.stdin?.end()
		return this.ended()
	}

	async kill(): Promise<void> {
		this.child.kill('SIGKILL')
		await this.ended()
	}

	private async ended(): Promise<number> {
		if (this.child.exitCode === null && this.child.signalCode === null)
			await once(this.child, 'exit', { signal: AbortSignal.timeout(LIMIT) })
		return this.child.exitCode ?? -1
	}
}

export function temporaryFolder(): { path: string; remove: () => void } {
	const path = mkdtempSync(join(tmpdir(), 'engine-test-'))
	return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

let lastId = 0
export const messageId = (): string => `3EB0${String(++lastId).padStart(18, '0')}`

/** Starts an account and lets the simulated phone scan its first code. */
export async function pair(engine: EngineProcess, simulator: SimulatorProcess, account = 'home'): Promise<void> {
	await engine.call('account.start', { account })
	await engine.state('logged_out')
	await engine.call('pairing.start', { account, method: 'qr' })
	const { qr } = await engine.next('pairing.update', params => params.qr !== null)
	await simulator.call('POST', '/mock-phone/scan-qr', qr)
	// the name comes with the app state, a moment later
	await engine.next('account.state', ({ state, name }) => state === 'connected' && name !== null)
}

export const textOf = ({ content }: ReceivedMessage): string | null => (content.type === 'text' ? content.text : null)

export const sendText = (engine: EngineProcess, to: string, text: string, id = messageId(), timeout = 10) =>
	engine.call('message.send', { account: 'home', message_id: id, to, content: { type: 'text', text }, timeout })
