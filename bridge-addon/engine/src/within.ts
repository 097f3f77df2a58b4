/** Resolves with whether `done` has resolved within a time in milliseconds. Rejects as `done` does. */
export async function within(done: Promise<unknown>, limit: number): Promise<boolean> {
	let timer: NodeJS.Timeout | undefined
	const late = new Promise<boolean>(resolve => {
		timer = setTimeout(() => resolve(false), limit)
	})
	try {
		return await Promise.race([done.then(() => true), late])
	} finally {
		clearTimeout(timer)
	}
}

/** Runs work that a signal ends after a time in milliseconds. `AbortSignal.timeout` would keep its timer, and what listens to it, when all is done. */
export async function withDeadline<T>(limit: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const controller = new AbortController()
	const timer = setTimeout(() => controller.abort(new DOMException('it took too long', 'TimeoutError')), limit)
	try {
		return await work(controller.signal)
	} finally {
		clearTimeout(timer)
	}
}
