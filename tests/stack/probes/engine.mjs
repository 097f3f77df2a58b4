/**
 * The engine's bundle with a probe beside it, for BRIDGE_ENGINE_BUNDLE: on SIGUSR2 it collects garbage and writes what is alive in the
 * process, as JSON, to the file that ENGINE_PROBE names.
 */

import { renameSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import process from 'node:process'
import { clearTimeout, setTimeout } from 'node:timers'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
const timer = setTimeout(() => undefined, 0)
clearTimeout(timer)

process.on('SIGUSR2', () => {
	collectGarbage()
	const { heapUsed, external } = process.memoryUsage()
	const count = constructor => queryObjects(constructor, { format: 'count' })
	// of those that are over, what still holds them is memory like any other
	const timers = queryObjects(timer.constructor, { format: 'summary' })
	const reading = {
		'used bytes': heapUsed + external,
		timers: timers.filter(described => described.includes('_destroyed: false')).length,
		sockets: count(Socket),
		promises: count(Promise),
		'active resources': process.getActiveResourcesInfo().length
	}
	const path = process.env.ENGINE_PROBE
	writeFileSync(`${path}.part`, JSON.stringify(reading))
	renameSync(`${path}.part`, path)
})

await import('../../../bridge-addon/engine/dist/engine.mjs')
