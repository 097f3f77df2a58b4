/**
 * What must not be lost on the way to the gateway: numbered and in the store before it is told, and told again after each start until the gateway has
 * acknowledged it.
 *
 * Each commit waits for the disk. A message has its own, since its stanza is done with then; what else happens in one turn of the event loop shares one (a
 * group of 256 answers with as many receipts), and what the gateway acknowledges is forgotten with the next.
 */

import { describe, log } from './log.ts'
import type { Notifications, Notify } from './protocol.ts'
import type { Delivery, Once, SessionStore } from './session-store.ts'

type Kept = 'message.received' | 'message.status' | 'call.changed' | 'group.changed' | 'contact.changed'
type Told<M extends Kept> = Omit<Notifications[M], 'delivery'>

const FORGET_AFTER_MS = 200

export class Deliveries {
	private newest = 0
	private waiting: [Kept, Told<Kept>][] = []
	private turn: NodeJS.Immediate | undefined
	private acknowledged = 0
	private forgotten = Promise.withResolvers<undefined>()
	private forgetting: NodeJS.Timeout | undefined
	private readonly store: SessionStore
	private readonly notify: Notify

	constructor(store: SessionStore, notify: Notify) {
		this.store = store
		this.notify = notify
	}

	/** Begins behind what the gateway has, and tells what it has not. Numbers go on, also in a store that was begun anew. */
	begin(acknowledged: number): void {
		this.acknowledged = acknowledged
		this.flush()
		this.newest = Math.max(acknowledged, this.store.newestDelivery())
		for (const { delivery, method, params } of this.store.undelivered())
			this.notify(method as Kept, { ...JSON.parse(params), delivery })
	}

	/** Tells a message, or another thing with an id, if it was not told before. */
	tellOnce<M extends Kept>(method: M, params: Told<M>, once: Once): void {
		if (this.waiting.length) this.flush()
		const delivery = this.newest + 1
		const kept = { delivery, method, params: JSON.stringify(params) }
		const first = this.store.keepDelivery(kept, once, this.acknowledged)
		this.forgot()
		if (first) this.told(delivery, method, params)
	}

	/** Tells something else, at the end of this turn. */
	tell<M extends Kept>(method: M, params: Told<M>): void {
		this.waiting.push([method, params])
		this.turn ??= setImmediate(() => this.flush())
	}

	/** The gateway has all up to this number. Resolves when they are forgotten. */
	acknowledge(delivery: number): Promise<undefined> {
		this.acknowledged = Math.max(this.acknowledged, delivery)
		this.forgetting ??= setTimeout(() => this.flush(), FORGET_AFTER_MS)
		return this.forgotten.promise
	}

	/** Does now what is to be done soon. What can't be written waits for the next time: its connection ends with that, and no more comes. */
	flush(): void {
		clearImmediate(this.turn)
		this.turn = undefined
		clearTimeout(this.forgetting)
		this.forgetting = undefined
		const { waiting } = this
		if (!waiting.length && !this.acknowledged) return
		this.waiting = []
		const deliveries = waiting.map(([method, params], index): Delivery => ({
			delivery: this.newest + 1 + index,
			method,
			params: JSON.stringify(params)
		}))
		try {
			this.store.keepDeliveries(deliveries, this.acknowledged)
		} catch (error) {
			log('error', 'not_reported', { error: describe(error) })
			this.waiting = waiting
			return
		}
		this.forgot()
		for (const [method, params] of waiting) this.told(this.newest + 1, method, params)
	}

	/** What the gateway has acknowledged went with the commit that was just made. */
	private forgot(): void {
		clearTimeout(this.forgetting)
		this.forgetting = undefined
		this.acknowledged = 0
		this.forgotten.resolve(undefined)
		this.forgotten = Promise.withResolvers()
	}

	private told<M extends Kept>(delivery: number, method: M, params: Told<M>): void {
		this.newest = delivery
		this.notify(method, { ...params, delivery } as Notifications[M])
	}
}
