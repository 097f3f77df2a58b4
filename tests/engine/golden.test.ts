/** The golden examples, which the gateway is tested against too, are what the schema says. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sendParams } from '../../bridge-addon/engine/src/sending/order.ts'
import { assertFollowsProtocol } from './protocol-schema.ts'

const FOLDER = new URL('../golden/engine/', import.meta.url)

for (const file of readdirSync(FOLDER)) {
	test(`${file} follows the schema`, () => {
		const example = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))
		const name = /^(error)|^(.+)\.(params|result|notification)/.exec(file)
		assert.ok(name, 'named <method>.<part>[.<variant>].json')
		assertFollowsProtocol(name[1] ?? `${name[2]} ${name[3]}`, example)
		if (name[2] === 'message.send' && name[3] === 'params') assert.equal(sendParams(example).to, example.to)
	})
}
