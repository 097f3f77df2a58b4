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
