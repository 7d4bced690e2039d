/** Forms, buttons, pagers, code and lists of words. */

import { css } from './css.js'

export const formStyle = css`
  label {
    display: block;
    margin: 0 0 0.25rem;
    font-size: 0.8125rem;
    font-weight: 600;
  }
  input,
  select,
  button,
  .button {
    min-height: 2.375rem;
    padding: 0.375rem 0.75rem;
    border: 1px solid var(--line);
    border-radius: 6px;
    background: var(--field);
    color: inherit;
    font: inherit;
  }
  input::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  input[aria-invalid] {
    border-color: var(--downloaded);
  }
  button,
  .button {
    background: var(--card);
    font-weight: 600;
    cursor: pointer;
  }
  :is(button, .button):hover {
    border-color: var(--muted);
  }
  select {
    max-width: 16rem;
  }
  .row {
    display: flex;
    gap: 0.5rem;
  }
  .row input {
    flex: 1;
    min-width: 0;
  }
  .converter {
    padding: 1rem;
    border: 1px solid var(--line);
    border-radius: 8px;
    background: var(--card);
  }
  .converter p {
    margin: 0.25rem 0 0;
  }
  .converter p:empty {
    display: none;
  }
  .converter .result {
    margin-top: 0.75rem;
  }
  .search {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: center;
    margin: 0 0 0.75rem;
  }
  .search label {
    margin: 0;
  }
  .search input[type='search'] {
    flex: 1;
    min-width: 0;
    max-width: 26rem;
  }
  .after {
    margin: 0.75rem 0 0;
  }
  .converter + .empty {
    margin-top: 1rem;
  }
  .pager {
    display: flex;
    gap: 1.25rem;
    margin: 0.75rem 0 1.5rem;
  }
  .pager .off {
    color: var(--muted);
  }
  .code {
    position: relative;
    max-width: 60rem;
  }
  .code pre {
    margin: 0;
    padding: 0.75rem 5.5rem 0.75rem 1rem;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    border: 1px solid var(--line);
    border-radius: 8px;
    background: var(--code);
  }
  .code button {
    position: absolute;
    top: 0.3125rem;
    right: 0.375rem;
    min-height: 2rem;
    padding: 0.125rem 0.625rem;
    font-size: 0.8125rem;
  }
  .words {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 0.375rem 1rem;
    max-width: 46rem;
    margin: 0;
  }
  .words dd {
    margin: 0;
  }
`
