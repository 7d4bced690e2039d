/** Tiles, tables and bars. */

import { css } from './css.js'

export const partStyle = css`
  .tiles {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr));
    gap: 1px;
    margin: 0;
    overflow: hidden;
    border: 1px solid var(--line);
    border-radius: 8px;
    background: var(--card);
  }
  .tile {
    box-shadow: 0 0 0 1px var(--line);
    padding: 0.75rem 1rem;
    background: var(--card);
  }
  .tile dt {
    color: var(--muted);
    font-size: 0.8125rem;
  }
  .tile dd {
    margin: 0;
  }
  .tile .value {
    display: block;
    font-size: 1.375rem;
    font-weight: 600;
    line-height: 1.35;
    letter-spacing: -0.01em;
    white-space: nowrap;
  }
  .columns {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr));
    gap: 0 1.75rem;
    align-items: start;
  }
  .list {
    width: 100%;
    border: 1px solid var(--line);
    border-spacing: 0;
    border-radius: 8px;
    background: var(--card);
  }
  .list th,
  .list td {
    padding: 0.5rem 0.75rem;
    text-align: left;
    vertical-align: top;
    font-weight: 400;
  }
  .list th:first-child {
    padding-left: 1rem;
  }
  .list :is(th, td):last-child {
    padding-right: 1rem;
  }
  .list tr > .number {
    text-align: right;
    white-space: nowrap;
  }
  .list thead th {
    border-bottom: 1px solid var(--line);
    color: var(--muted);
    font-size: 0.8125rem;
    white-space: nowrap;
  }
  @media (min-width: 40.01rem) {
    .list thead th {
      position: sticky;
      z-index: 1;
      top: 0;
      background: var(--card);
    }
    .list thead th:first-child {
      border-top-left-radius: 7px;
    }
    .list thead th:last-child {
      border-top-right-radius: 7px;
    }
  }
  @media (hover: hover) {
    .list tbody tr:hover > * {
      background: var(--hover);
    }
    .list tbody tr:last-child > :first-child {
      border-bottom-left-radius: 7px;
    }
    .list tbody tr:last-child > :last-child {
      border-bottom-right-radius: 7px;
    }
  }
  .list thead a {
    color: inherit;
    text-decoration: none;
  }
  .list thead a:hover,
  .list thead a.sorted {
    color: var(--text);
  }
  .list thead a.sorted {
    font-weight: 600;
  }
  .sorted.up::after {
    content: ' ↑';
  }
  .sorted.down::after {
    content: ' ↓';
  }
  .list tbody tr + tr > * {
    border-top: 1px solid var(--line);
  }
  .list tbody th {
    width: 50%;
    min-width: 14rem;
  }
  .list:has(.reason) tbody th {
    width: 32%;
  }
  .list td.reason {
    width: 34%;
    min-width: 12rem;
  }
  .columns .list tbody th {
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .artifact,
  .artifact .name,
  .artifact .where {
    overflow-wrap: anywhere;
  }
  .artifact .name {
    font-weight: 500;
  }
  .artifact .name,
  .artifact .where {
    display: -webkit-box;
    overflow: hidden;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
  }
  .artifact .name:has(+ .mark) {
    display: inline;
  }
  .artifact .where {
    color: var(--muted);
    font-size: 0.8125rem;
    line-height: 1.4;
  }
  @media (min-width: 90rem) {
    .list:has(.artifact):not(:has(.reason)) tbody th {
      width: 60%;
    }
    .list:not(:has(.reason)) .artifact {
      display: grid;
      grid-template-columns: minmax(0, 2fr) minmax(0, 3fr);
      gap: 0 1.5rem;
      align-items: baseline;
    }
  }
  .phone {
    display: none;
  }
  .reason {
    overflow-wrap: anywhere;
  }
  .reason .note {
    display: block;
  }
  .mark {
    display: inline-block;
    padding: 0 0.375rem;
    border: 1px solid var(--line);
    border-radius: 4px;
    color: var(--muted);
    font-size: 0.75rem;
  }
  .mark.warn {
    border-color: transparent;
    background: var(--warn);
    color: var(--warn-text);
  }
  td.wide {
    min-width: 11rem;
  }
  td.wide .note {
    display: block;
  }
  progress {
    display: block;
    width: 100%;
    height: 0.5rem;
    margin: 0.5rem 0 0.25rem;
    overflow: hidden;
    border: 0;
    border-radius: 4px;
    background: var(--line);
    appearance: none;
  }
  progress::-webkit-progress-bar {
    background: var(--line);
  }
  progress::-webkit-progress-value {
    background: var(--accent);
  }
  progress::-moz-progress-bar {
    background: var(--accent);
  }
  .quota {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 1rem;
    max-width: none;
    margin: 0;
  }
`
