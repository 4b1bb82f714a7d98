/** The orders of the site list, as the server names them; the first is its default. */
export const SORTS = [
  "security desc",
  "security",
  "updates desc",
  "updates",
  "name",
  "name desc",
  "url",
  "url desc",
  "created desc",
  "created",
  "core",
  "core desc",
  "last_report desc",
  "last_report",
] as const;

export type Sort = (typeof SORTS)[number];

/** A column's name in an order. */
export type SortField = "security" | "updates" | "name" | "url" | "created" | "core" | "last_report";

/** Numbers and dates begin with the largest, texts with A. */
const DESCENDING_FIRST: readonly SortField[] = ["security", "updates", "created", "last_report"];

export function directionOf(sort: Sort, field: SortField): "ascending" | "descending" | undefined {
  if (sort === field) return "ascending";
  return sort === `${field} desc` ? "descending" : undefined;
}

/** The order after a click on a column's header. */
export function nextSort(sort: Sort, field: SortField): Sort {
  switch (directionOf(sort, field)) {
    case "ascending":
      return `${field} desc`;
    case "descending":
      return field;
    case undefined:
      return DESCENDING_FIRST.includes(field) ? `${field} desc` : field;
  }
}
