/** The icon of the pages: one arrow in, many out. */

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#1f6feb"/>
<path d="M16 5v10M16 15l-9 11M16 15v11M16 15l9 11" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round"/>
</svg>
`
