/** What Baileys rejects with, as the protocol's errors. */

import { describe, log } from './log.ts'
import { EngineError } from './protocol.ts'

/** What the system says of a write to a link whose other end has gone. */
const BROKEN_LINK: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT'])

/** What a question is written to: Baileys' socket. */
interface Link {
	ws: { isOpen: boolean }
}

const lost = () => new EngineError('not_connected', 'the connection was lost while sending')

/** Baileys rejects with a Boom that has WhatsApp's code in `data`, and its own in `output`. */
function codesOf(error: unknown): { data?: unknown; status: number | undefined } {
	const { data, output } = (typeof error === 'object' && error !== null ? error : {}) as {
		data?: unknown
		output?: { statusCode?: number }
	}
	return { data, status: output?.statusCode }
}

/** WhatsApp's code for why it refused something. */
export function refusalCode(error: unknown): number | undefined {
	const { data, status } = codesOf(error)
	return typeof data === 'number' ? data : status
}

/**
 * Also of the bare close code, which Baileys rejects with where the connection has ended. `link`: what it was written to. A link that dies during a write
 * gives the system's error or the WebSocket's, before Baileys knows of it: whatever fails on a link that is not open any more may be tried again.
 */
export function sendFailure(error: unknown, link: Link): EngineError {
	if (error instanceof EngineError) return error
	const { data, status } = codesOf(error)
	if (typeof error === 'number' || status === 428 || status === 408) return lost()
	if (typeof data === 'number') return new EngineError('message_rejected', 'WhatsApp refused the message', data)
	if (!link.ws.isOpen || BROKEN_LINK.has((error as { code?: unknown } | undefined)?.code)) return lost()
	log('error', 'send_failed', { error: describe(error) })
	return new EngineError('internal_error', 'the message could not be made')
}

/** Throws `refused` with WhatsApp's code where it does not allow a change. */
export async function orRefused<T>(change: () => Promise<T>): Promise<T> {
	try {
		return await change()
	} catch (error) {
		const { data } = codesOf(error)
		// the codes of HTTP and the WebSocket, which tell of a lost connection, stand elsewhere
		if (typeof data === 'number') throw new EngineError('refused', 'WhatsApp refused the change', data)
		throw error
	}
}

export async function whileConnected<T>(link: Link, question: () => Promise<T>): Promise<T> {
	try {
		return await question()
	} catch (error) {
		throw sendFailure(error, link)
	}
}
