/** The protocol's schema, docs/engine-protocol.schema.json, as a check of single frames. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const SCHEMA = fileURLToPath(new URL('../../docs/engine-protocol.schema.json', import.meta.url))
const requireFromEngine = createRequire(new URL('../../bridge-addon/engine/package.json', import.meta.url))

interface Validator {
	(data: unknown): boolean
	errors?: unknown
}
interface Schemas {
	addSchema(schema: object): void
	getSchema(reference: string): Validator | undefined
}

const { Ajv2020 } = requireFromEngine('ajv/dist/2020.js') as { Ajv2020: new (options: object) => Schemas }
const schemas = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })
schemas.addSchema(JSON.parse(readFileSync(SCHEMA, 'utf8')))

/** Fails where a frame is not as the schema says. `name` is `<method> params`, `<method> result` or `<method> notification`. */
export function assertFollowsProtocol(name: string, data: unknown): void {
	const validate = schemas.getSchema(`engine-protocol#/$defs/${encodeURIComponent(name)}`)
	assert.ok(validate, `the schema has no "${name}"`)
	assert.ok(validate(data), `${name}: ${JSON.stringify(validate.errors)}\n${JSON.stringify(data)}`)
}
