/** A tag for style sheets: the text as it is; editors and formatters know it by its name. */
export const css = String.raw
