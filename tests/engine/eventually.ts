/** Waits until something holds that the simulator sees a moment later. */

import { setTimeout as pause } from 'node:timers/promises'

const LIMIT = 20_000

export async function eventually(holds: () => Promise<boolean>): Promise<void> {
	const deadline = Date.now() + LIMIT
	while (!(await holds())) {
		if (Date.now() > deadline) throw new Error('it never came to hold')
		await pause(10)
	}
}
