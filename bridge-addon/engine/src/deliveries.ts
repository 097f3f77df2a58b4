/**
 * What must not be lost on the way to the gateway: numbered and in the store before it is told, and told again after each start until the gateway has
 * acknowledged it.
 */

import type { Notifications, Notify } from './protocol.ts'
import type { Once, SessionStore } from './session-store.ts'

type Kept = 'message.received' | 'message.status' | 'call.changed' | 'group.changed'
type Told<M extends Kept> = Omit<Notifications[M], 'delivery'>

export class Deliveries {
	private newest = 0
	private readonly store: SessionStore
	private readonly notify: Notify

	constructor(store: SessionStore, notify: Notify) {
		this.store = store
		this.notify = notify
	}

	/** Begins behind what the gateway has, and tells what it has not. Numbers go on, also in a store that was begun anew. */
	begin(acknowledged: number): void {
		this.acknowledge(acknowledged)
		this.newest = Math.max(acknowledged, this.store.newestDelivery())
		for (const { delivery, method, params } of this.store.undelivered())
			this.notify(method as Kept, { ...JSON.parse(params), delivery })
	}

	/** Tells something; with `once` only if it was not told before. */
	tell<M extends Kept>(method: M, params: Told<M>, once?: Once): void {
		const delivery = this.newest + 1
		if (!this.store.keepDelivery(delivery, method, JSON.stringify(params), once)) return
		this.newest = delivery
		this.notify(method, { ...params, delivery } as Notifications[M])
	}

	/** The gateway has all up to this number. */
	acknowledge(delivery: number): void {
		this.store.forgetDeliveries(delivery)
	}
}
