/** What the pages do with script; without it they are loaded again now and then, and nothing is missing but comfort. */

import { drawCharts } from './charts.js'
import { offerConverting } from './converter.js'
import { offerCopying } from './copy.js'
import { keepLive } from './live.js'

offerConverting()
offerCopying()
drawCharts()
keepLive()
