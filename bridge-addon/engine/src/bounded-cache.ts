/** A cache with a bound: the entry that was used longest ago goes first. Baileys' own have none, or die with their socket. */

export class BoundedCache<V> {
	private readonly entries = new Map<string, V>()
	private readonly bound: number

	constructor(bound: number) {
		this.bound = bound
	}

	get(key: string): V | undefined {
		const value = this.entries.get(key)
		if (value !== undefined) {
			this.entries.delete(key)
			this.entries.set(key, value)
		}
		return value
	}

	set(key: string, value: V): void {
		this.entries.delete(key)
		this.entries.set(key, value)
		if (this.entries.size > this.bound) this.entries.delete(this.entries.keys().next().value as string)
	}

	del(key: string): void {
		this.entries.delete(key)
	}

	flushAll(): void {
		this.entries.clear()
	}
}
