/** The script of the pages. Without script the browser reloads them now and then, and every function is there. */

import { drawCharts } from './charts.js'
import { offerConverting } from './converter.js'
import { offerCopying } from './copy.js'
import { keepLive } from './live.js'

offerConverting()
offerCopying()
drawCharts()
keepLive()
