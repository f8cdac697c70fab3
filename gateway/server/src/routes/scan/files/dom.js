// Small helpers of the views.

/** The element with this id. */
export const element = (id) => document.getElementById(id);

/** Shows one of the page's views, and hides the others. */
export function show(view) {
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== view;
  scrollTo(0, 0);
}

/** A new element with a class and children or a text. */
export function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** While a form's work is done its buttons are off. */
export async function busy(form, work) {
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  try {
    return await work();
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}
