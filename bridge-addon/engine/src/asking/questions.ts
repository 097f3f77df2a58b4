/** What the gateway may ask of WhatsApp: docs/engine-protocol.md. */

import { list, matching, record } from '../field-readers.ts'
import { ACCOUNT, PHONE } from '../parameters.ts'

const MOST_NUMBERS = 50
const GROUP_ID = /^group:[\d-]+$/

const account = matching(ACCOUNT)

export const numbersQuestion = (params: unknown) =>
	record({ account, phones: list(matching(PHONE), 1, MOST_NUMBERS) })(params, 'params')

export const groupQuestion = (params: unknown) => record({ account, chat: matching(GROUP_ID) })(params, 'params')
