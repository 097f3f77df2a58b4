/** JSON-RPC 2.0, one object a line (https://www.jsonrpc.org/specification): reads requests, writes answers and notifications. */

import type { Readable, Writable } from 'node:stream'
import { describe, log } from './log.ts'
import { EngineError, type Notify } from './protocol.ts'

/** A longer line is not a request of ours: 4,096 characters of text need far less. */
export const MAX_LINE = 1024 * 1024

const PARSE_ERROR = -32700
const INVALID_REQUEST = -32600
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const INTERNAL_ERROR = -32603
const ENGINE_ERROR = -32000

type Id = string | number | null
export type Handler = (params: unknown) => Promise<unknown>
export type Handlers = Record<string, Handler>

/** Cuts a stream into lines. A line over the bound is dropped as a whole and told by `null`. */
export async function* lines(input: Readable, bound = MAX_LINE): AsyncGenerator<string | null> {
	let kept = ''
	let tooLong = false
	input.setEncoding('utf8')
	for await (const part of input) {
		const pieces = (kept + String(part)).split('\n')
		kept = pieces.pop() ?? ''
		for (const piece of pieces) {
			yield tooLong || piece.length > bound ? null : piece
			tooLong = false
		}
		if (kept.length > bound) {
			tooLong = true
			kept = ''
		}
	}
}

function failure(error: unknown): { code: number; message: string; data?: object } {
	if (!(error instanceof EngineError)) {
		log('error', 'request_failed', { error: describe(error) })
		return { code: INTERNAL_ERROR, message: 'internal error', data: { error_code: 'internal_error' } }
	}
	const { code: errorCode, whatsappCode, message } = error
	const data = { error_code: errorCode, ...(whatsappCode === undefined ? {} : { whatsapp_code: whatsappCode }) }
	return { code: errorCode === 'invalid_params' ? INVALID_PARAMS : ENGINE_ERROR, message, data }
}

export class JsonRpc {
	private readonly output: Writable

	constructor(output: Writable) {
		this.output = output
	}

	/** Answers requests, each as soon as it is done, until the input ends. */
	async serve(input: Readable, handlers: Handlers): Promise<void> {
		for await (const line of lines(input)) {
			if (line === null) this.fail(null, PARSE_ERROR, 'the line is too long')
			else if (line.trim()) this.take(line, handlers)
		}
	}

	readonly notify: Notify = (method, params) => {
		this.write({ jsonrpc: '2.0', method, params })
	}

	private take(line: string, handlers: Handlers): void {
		let request: { id?: Id; method?: unknown; params?: unknown; jsonrpc?: unknown }
		try {
			request = JSON.parse(line)
		} catch {
			this.fail(null, PARSE_ERROR, 'not JSON')
			return
		}
		const { id = null, method, params = {} } = request ?? {}
		if (request?.jsonrpc !== '2.0' || typeof method !== 'string' || id === null) {
			this.fail(id, INVALID_REQUEST, 'not a JSON-RPC 2.0 request with an id')
			return
		}
		const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
		if (!handler) {
			this.fail(id, METHOD_NOT_FOUND, `no method ${method}`)
			return
		}
		handler(params).then(
			result => this.write({ jsonrpc: '2.0', id, result }),
			error => this.write({ jsonrpc: '2.0', id, error: failure(error) })
		)
	}

	private fail(id: Id, code: number, message: string): void {
		this.write({ jsonrpc: '2.0', id, error: { code, message } })
	}

	private write(frame: object): void {
		this.output.write(`${JSON.stringify(frame)}\n`)
	}
}
