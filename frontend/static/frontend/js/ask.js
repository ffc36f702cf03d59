// The question mark beside a field: the page carries it ready, from the one list of fields and lessons.
export function ask(field) {
  const kept = document.querySelector(`template[data-ask="${field}"]`);
  return kept ? kept.content.firstElementChild.cloneNode(true) : null;
}
