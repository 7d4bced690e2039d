/** The page of an entry, with the forms of the administrator. */

import { css } from './css.js'

export const entryStyle = css`
  .danger {
    color: var(--danger);
  }
  .actions,
  .actions form {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 0.75rem;
    align-items: baseline;
  }
  .actions {
    margin: 0 0 1rem;
  }
  a + .list,
  .actions + .list {
    margin-top: 0.5rem;
  }
  .confirm .button {
    width: max-content;
    padding: 0.375rem 0.75rem;
    border: 1px solid var(--line);
    border-radius: 6px;
    color: var(--danger);
    list-style: none;
  }
  .confirm .button::-webkit-details-marker {
    display: none;
  }
  .confirm form {
    margin-top: 0.5rem;
  }
  .confirm p {
    margin: 0;
  }
  .address h3:not(:first-child) {
    margin-top: 0.75rem;
  }
  .address .code {
    max-width: none;
  }
  .address .note {
    margin: 0.375rem 0 0;
  }
  .facts {
    margin: 0;
    border: 1px solid var(--line);
    border-radius: 8px;
    background: var(--card);
  }
  .facts > div {
    display: grid;
    grid-template-columns: 11rem minmax(0, 1fr);
    gap: 0 1rem;
    padding: 0.5rem 1rem;
  }
  .facts > div + div {
    border-top: 1px solid var(--line);
  }
  .facts dt {
    color: var(--muted);
  }
  .facts dd {
    margin: 0;
    overflow-wrap: anywhere;
  }
`
