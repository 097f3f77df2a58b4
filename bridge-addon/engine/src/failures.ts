/** What Baileys rejects with, as the protocol's errors. */

import { describe, log } from '../log.ts'
import { EngineError } from '../protocol.ts'

/** Baileys rejects with a Boom that has WhatsApp's code in `data`, or with the bare close code. */
export function sendFailure(error: unknown): EngineError {
	if (error instanceof EngineError) return error
	const { data, output } = (typeof error === 'object' && error !== null ? error : {}) as {
		data?: unknown
		output?: { statusCode?: number }
	}
	const status = output?.statusCode
	if (typeof error === 'number' || status === 428 || status === 408)
		return new EngineError('not_connected', 'the connection was lost while sending')
	if (typeof data === 'number') return new EngineError('message_rejected', 'WhatsApp refused the message', data)
	log('error', 'send_failed', { error: describe(error) })
	return new EngineError('internal_error', 'the message could not be made')
}

export async function whileConnected<T>(question: () => Promise<T>): Promise<T> {
	try {
		return await question()
	} catch (error) {
		throw sendFailure(error)
	}
}
