/**
 * Message stanzas in the order in which WhatsApp sent them, each exactly once. Baileys works off what waited at the server beside what comes
 * in now, answers for a message before it tells it, and says nothing where a stanza holds no message. So it gets them one at a time: those
 * that an earlier connection or process ended over first, and each is done with when it was told or is known to hold nothing.
 */

import type { BinaryNode } from 'baileys'
import { describe, log } from './log.ts'
import { within } from './within.ts'

/** A stanza that takes longer (a history that is fetched, say) must not hold up what came after it for ever. */
const LIMIT_MS = 10_000
/** One that takes longer is that message's fault; several in a row are the connection's, which is deaf: something in it waits for what never comes. */
const DEAF_AFTER = 2

/** A stanza as it came in, or as it was kept. */
export type Stanza = () => Promise<BinaryNode>

export class Intake {
	private readonly waiting: Stanza[]
	private readonly handle: (stanza: BinaryNode) => Promise<void>
	private readonly heldNothing: (messageId: string) => void
	private readonly deaf: () => void
	/** message ids of the stanzas that took longer, on this connection or an earlier one */
	private readonly late: Set<string>
	private lateInRow = 0
	private readonly putOff = new Set<string>()
	/** message ids that came out while a stanza was handled */
	private readonly told = new Set<string>()
	private running = false
	private ended = false

	/**
	 * `handle` resolves when all that a stanza holds came out; `heldNothing` is called where that was no message of its id, and `deaf` where one stanza
	 * after the other takes too long. `late` is kept from one connection to the next.
	 */
	constructor(
		earlier: Stanza[],
		handle: (stanza: BinaryNode) => Promise<void>,
		heldNothing: (messageId: string) => void,
		deaf: () => void,
		late: Set<string>
	) {
		this.waiting = earlier
		this.handle = handle
		this.heldNothing = heldNothing
		this.deaf = deaf
		this.late = late
	}

	/** A stanza came in. */
	arrived(stanza: BinaryNode): void {
		this.waiting.push(async () => stanza)
		this.begin()
	}

	/** The connection can be written to: what came in earlier has its turn. */
	begin(): void {
		if (this.running) return
		this.running = true
		void this.work()
	}

	/** A message came out. */
	tell(messageId: string): void {
		this.told.add(messageId)
	}

	/** The connection is over: what was not handled stays in the store, and has its turn on the next one. */
	end(): void {
		this.ended = true
		this.waiting.length = 0
	}

	private async work(): Promise<void> {
		for (let next = this.waiting.shift(); next && !this.ended; next = this.waiting.shift()) {
			try {
				const stanza = await next()
				if (this.putsOff(stanza)) this.waiting.push(async () => stanza)
				else await this.take(stanza)
			} catch (error) {
				log('error', 'stanza_not_handled', { error: describe(error) })
			}
		}
		this.running = false
	}

	/** What has held others up before has its turn behind them. */
	private putsOff({ attrs: { id } }: BinaryNode): boolean {
		if (!id || !this.late.has(id) || this.putOff.has(id) || !this.waiting.length) return false
		this.putOff.add(id)
		return true
	}

	private async take(stanza: BinaryNode): Promise<void> {
		const { id = '' } = stanza.attrs
		this.told.clear()
		// without the mark Baileys handles it now, and not in a queue of its own
		const attrs = { ...stanza.attrs }
		delete attrs.offline
		const handled = this.handle({ ...stanza, attrs })
		if (await within(handled, LIMIT_MS)) {
			this.lateInRow = 0
			this.late.delete(id)
			if (id && !this.told.has(id) && !this.ended) this.heldNothing(id)
			return
		}
		if (this.ended) return
		log('warning', 'stanza_takes_long')
		this.late.add(id)
		if (++this.lateInRow === DEAF_AFTER) this.deaf()
	}
}
