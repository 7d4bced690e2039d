/** Charts, on top of uPlot's own style. */

import { css } from './css.js'

export const chartStyle = css`
  .chart {
    margin: 0;
    padding: 1rem;
    border: 1px solid var(--line);
    border-radius: 8px;
    background: var(--card);
  }
  .plot {
    min-height: 15rem;
    margin: 0 0 0.5rem;
  }
  .chart p,
  .chart summary {
    max-width: none;
    margin: 0;
    color: var(--muted);
    font-size: 0.8125rem;
  }
  /* There the table stands open beside it. */
  @media (scripting: none) {
    .chart details {
      display: none;
    }
  }
  .chart details {
    margin-top: 0.25rem;
  }
  .chart summary {
    width: max-content;
    cursor: pointer;
  }
  .chart .list {
    margin-top: 0.5rem;
  }
  .u-legend {
    font-size: 0.8125rem;
    text-align: left;
  }
  .u-legend .u-marker {
    border-radius: 2px;
  }
`
