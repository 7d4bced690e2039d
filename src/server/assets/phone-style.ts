/** What differs on a narrow screen: tables become cards. */

import { css } from './css.js'

export const phoneStyle = css`
  @media (max-width: 40rem) {
    .words {
      grid-template-columns: 1fr;
      gap: 0.125rem;
    }
    .words dd {
      margin-bottom: 0.625rem;
    }
    .list:not(.chart .list),
    .list:not(.chart .list) :is(tbody, tr) {
      display: block;
    }
    .list:not(.chart .list) thead tr {
      display: flex;
      flex-wrap: wrap;
      padding: 0.375rem 1rem;
    }
    .list:not(.chart .list) thead {
      display: block;
      border-bottom: 1px solid var(--line);
    }
    .list:not(.chart .list) thead th {
      padding: 0.25rem 0.875rem 0.25rem 0;
      border: 0;
    }
    .list:not(.chart .list):not(:has(thead a)) thead {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
    .list:not(.chart .list) tbody tr {
      display: grid;
      grid-template-columns: repeat(3, 1fr);
      gap: 0.375rem 0.75rem;
      padding: 0.75rem 1rem;
    }
    .list:not(.chart .list) tbody tr + tr {
      border-top: 1px solid var(--line);
    }
    .list:not(.chart .list) tbody :is(th, td) {
      display: block;
      width: auto;
      min-width: 0;
      padding: 0 !important;
      border: 0 !important;
      text-align: left !important;
    }
    .list:not(.chart .list) tbody :is(th, .wide, .reason) {
      grid-column: 1 / -1;
    }
    .list:not(.chart .list) tbody td::before {
      content: attr(data-label);
      display: block;
      color: var(--muted);
      font-size: 0.75rem;
      line-height: 1.3;
    }
    .list.compact tbody tr {
      display: flex !important;
      flex-wrap: wrap;
      gap: 0 0.875rem !important;
      padding: 0.5rem 1rem !important;
    }
    .list.compact tbody th {
      flex: 1 0 100%;
    }
    .list.compact tbody td {
      color: var(--muted);
      font-size: 0.8125rem;
      white-space: nowrap;
    }
    .list.compact tbody td:is(.wide, .reason) {
      flex: 1 0 100%;
      white-space: normal;
    }
    .list.compact tbody .reason > :first-child {
      color: var(--text);
    }
    .list.compact tbody td::before,
    .list.compact .desk,
    .list.compact td:has(> .desk:only-child) {
      display: none !important;
    }
    .list.compact .phone {
      display: inline;
    }
    .list.compact .mark.warn {
      line-height: 1.2;
    }
    .list.compact .artifact :is(.name, .where) {
      -webkit-line-clamp: 1;
    }
    .list.compact .phone:has(+ .mark) {
      display: none;
    }
    .search select,
    .search input[type='search'] {
      flex: 1 1 40%;
      max-width: none;
    }
    .facts > div {
      grid-template-columns: 1fr;
    }
    .code pre {
      padding-right: 1rem;
    }
    .code button {
      position: static;
      display: block;
      margin: 0.375rem 0 0 auto;
    }
    .code button[hidden] {
      display: none;
    }
    .tiles {
      grid-template-columns: repeat(2, 1fr);
    }
  }
`
