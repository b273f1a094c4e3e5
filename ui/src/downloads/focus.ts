// The focus of the list's rows, of which only those in sight exist.

/** A far row is drawn some frames after it is scrolled to; a row that is gone never is. */
const FRAMES = 30;

export function idAt(target: EventTarget | null): string | null {
  return (target instanceof Element && target.closest<HTMLElement>("[data-id]")?.dataset.id) || null;
}

export function rowOf(id: string | null): HTMLElement | null {
  return id === null ? null : document.querySelector(`[role=row][data-id="${CSS.escape(id)}"]`);
}

/** The row that has the focus, or in which something has it. */
export function focusedRow(): string | null {
  return idAt(document.activeElement);
}

/** The row takes the focus, as soon as it is drawn. */
export function focusRow(id: string | null, frames = FRAMES): void {
  if (id === null) return;
  requestAnimationFrame(() => {
    const row = rowOf(id);
    if (row) row.focus({ preventScroll: true });
    else if (frames > 0) focusRow(id, frames - 1);
  });
}
