/** A key as a provider gives it; what is shown must never have it. */
export const KEY = "csk-0123456789abcdef";
