// Every string that the window shows, in English; other languages have the same keys.
export const en = {
  all: "All", active: "Active", waiting: "Waiting", completed: "Done", failed: "Failed",
  search: "Search downloads", add: "Add", addHint: "File ids or URLs, any number of them",
  addFiles: "Files to download", understood: "{items} understood, {repeated} repeated, {unclear} unclear", start: "Start",
  catalogue: "Search the catalogue", unknownSize: "size unknown",
  empty: "Nothing here yet. Add an id or a URL, or pick a file from the catalogue.",
  online: "Server connected", connecting: "Connecting to the server…", offline: "{reason} Next try at {time}.",
  token: "Access token", signIn: "Sign in", list: "Downloads",
  pause: "Pause", resume: "Resume", cancel: "Cancel", retry: "Retry", remove: "Remove", open: "Open", showInFolder: "Show in folder",
  s_queued: "waiting", s_preparing: "preparing on the server", s_downloading: "downloading", s_verifying: "verifying",
  s_completed: "done", s_verified: "verified", s_paused: "paused", s_failed: "failed", s_cancelled: "cancelled",
} as const;
