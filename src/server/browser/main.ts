/** The script of the pages. Every function also works without script; the browser then reloads pages from time to time. */

import { drawCharts } from './charts.js'
import { offerConverting } from './converter.js'
import { offerCopying } from './copy.js'
import { keepLive } from './live.js'

offerConverting()
offerCopying()
drawCharts()
keepLive()
