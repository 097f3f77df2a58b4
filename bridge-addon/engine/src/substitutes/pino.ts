/** Takes the place of `pino` in the bundle: Baileys makes a logger of it when it is loaded, and then uses the one that it is given. */

import { libraryLogger } from '../log.ts'

export default () => libraryLogger
