/**
 * WhatsApp's answers to what we send. Baileys' `sendMessage` resolves when bytes were written; only the server's ack, which gives no
 * event when it is good, says that the message was taken.
 */

import type { BinaryNode } from 'baileys'
import { EngineError } from './protocol.ts'

interface Waiting {
	resolve: (timestamp: number) => void
	reject: (error: EngineError) => void
	timer: NodeJS.Timeout
}

export class Acknowledgements {
	private readonly waiting = new Map<string, Waiting>()

	/** Resolves with WhatsApp's time (Unix milliseconds). Rejects with `message_rejected`, `acknowledgement_timeout` or `not_connected`. */
	wait(messageId: string, limit: number): Promise<number> {
		this.settle(messageId, waiting => waiting.reject(new EngineError('not_connected', 'sent again meanwhile')))
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.waiting.delete(messageId)
				reject(new EngineError('acknowledgement_timeout', 'WhatsApp did not acknowledge the message in time'))
			}, limit)
			this.waiting.set(messageId, { resolve, reject, timer })
		})
	}

	/** Takes an `<ack class="message">`; a negative one has WhatsApp's code in `error`. */
	take({ attrs }: BinaryNode): void {
		this.settle(attrs.id ?? '', ({ resolve, reject }) => {
			if (attrs.error) reject(new EngineError('message_rejected', 'WhatsApp refused the message', Number(attrs.error)))
			else resolve(attrs.t ? Number(attrs.t) * 1000 : Date.now())
		})
	}

	/** Ends one wait whose message could not even be written. */
	abandon(messageId: string, error: EngineError): void {
		this.settle(messageId, ({ reject }) => reject(error))
	}

	/** The connection is gone: whether those messages arrived is unknown. */
	connectionLost(): void {
		for (const messageId of [...this.waiting.keys()]) {
			this.abandon(
				messageId,
				new EngineError('not_connected', 'the connection was lost before WhatsApp acknowledged the message')
			)
		}
	}

	private settle(messageId: string, end: (waiting: Waiting) => void): void {
		const waiting = this.waiting.get(messageId)
		if (!waiting) return
		clearTimeout(waiting.timer)
		this.waiting.delete(messageId)
		end(waiting)
	}
}
