// What kind of file it is, by its name.
import { Archive, File, FileText, Film, Image, Music } from "lucide-react";

const KINDS = [
  [/\.(zip|7z|rar|tar|gz|zst|xz|bz2|iso)$/i, Archive],
  [/\.(mp4|mov|mkv|webm|avi)$/i, Film],
  [/\.(jpe?g|png|gif|webp|svg|heic|tiff?)$/i, Image],
  [/\.(mp3|flac|wav|ogg|m4a)$/i, Music],
  [/\.(pdf|txt|md|docx?|odt|csv|xlsx?)$/i, FileText],
] as const;

export function FileIcon({ name }: { name: string }) {
  const Icon = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? File;
  return <Icon aria-hidden size={20} strokeWidth={1.5} className="shrink-0 text-dim" />;
}
