/// <reference lib="dom" />

type Child = Node | string | undefined;

/** Makes an element with a class, attributes and children; strings become text, never markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) if (child !== undefined) made.append(child);
  return made;
}

/** A button that looks like the editor's own. */
export function button(label: string, onClick: () => void, className = "button"): HTMLButtonElement {
  const made = element("button", className, { type: "button" }, label);
  made.addEventListener("click", onClick);
  return made;
}
