/**
 * Messages in the order in which WhatsApp sent them. Baileys works off what waited at the server beside what comes in now, so that a new message
 * overtakes older ones of its chat.
 */

import type { BinaryNode, WAMessage } from 'baileys'

/** What of the backlog gives no message (a repetition, say) must not hold up what came after it for longer. */
const HOLD_MS = 2_000

export class ArrivalOrder {
	private readonly backlog = new Set<string>()
	private held: WAMessage[] = []
	private timer: NodeJS.Timeout | undefined
	private readonly pass: (messages: WAMessage[]) => void

	constructor(pass: (messages: WAMessage[]) => void) {
		this.pass = pass
	}

	/** Notes a message stanza, as it comes in. */
	arrived({ attrs: { id, offline } }: BinaryNode): void {
		if (id && offline !== undefined) this.backlog.add(id)
	}

	/** Passes messages on: those of the backlog at once, others behind it. */
	take(messages: WAMessage[]): void {
		const next: WAMessage[] = []
		for (const message of messages) {
			if (this.backlog.delete(message.key.id ?? '')) next.push(message)
			else this.held.push(message)
		}
		if (next.length) this.pass(next)
		if (!this.backlog.size) this.release()
		else if (this.held.length) this.timer ??= setTimeout(() => this.release(), HOLD_MS)
	}

	/** The connection is over: what is held stays in the store, and comes in its turn on the next one, behind what is missing. */
	end(): void {
		clearTimeout(this.timer)
		this.held = []
	}

	private release(): void {
		clearTimeout(this.timer)
		this.timer = undefined
		this.backlog.clear()
		const { held } = this
		this.held = []
		if (held.length) this.pass(held)
	}
}
