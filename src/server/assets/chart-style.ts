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
  .plots {
    margin: 0 0 0.5rem;
  }
  .plots h3 {
    color: var(--muted);
    font-weight: 600;
  }
  .plot[data-plot='served'] {
    min-height: 13rem;
    margin-bottom: 0.75rem;
  }
  .plot[data-plot='downloaded'] {
    min-height: 8.75rem;
  }
  .bars {
    display: block;
    width: 100%;
    height: 6rem;
    border-bottom: 1px solid var(--line);
  }
  .bars rect {
    fill: var(--served);
  }
  .ends {
    display: flex;
    justify-content: space-between;
    margin: 0.25rem 0 0.5rem;
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
  .u-legend.u-inline .u-series > * {
    padding: 0.125rem 0.25rem;
  }
  .u-legend .u-value {
    min-width: 4.5rem;
  }
  .u-legend .u-marker {
    border-radius: 2px;
  }
`
