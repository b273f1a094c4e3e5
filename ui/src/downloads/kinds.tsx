// What kind of file a download is, by the ending of its name: for its icon and for the sidebar.
import { AppWindow, Archive, File, FileText, Film, Image, type LucideIcon, Music } from "lucide-react";

export const KINDS = ["video", "audio", "image", "document", "archive", "program", "other"] as const;
export type Kind = (typeof KINDS)[number];

const ENDINGS: Record<Exclude<Kind, "other">, string> = {
  video: "mp4 mov mkv webm avi m4v mpg mpeg wmv flv ts",
  audio: "mp3 flac wav ogg m4a opus aac aiff",
  image: "jpg jpeg png gif webp svg heic tif tiff bmp avif raw psd",
  document: "pdf txt md doc docx odt csv xls xlsx ods ppt pptx odp epub rtf json xml html",
  archive: "zip 7z rar tar gz zst xz bz2 tgz iso img dmg",
  program: "exe msi deb rpm appimage apk pkg jar flatpak",
};
const KIND_OF = new Map(
  Object.entries(ENDINGS).flatMap(([kind, endings]) => endings.split(" ").map((ending) => [ending, kind as Kind])),
);

export function kindOf(name: string): Kind {
  return KIND_OF.get(name.slice(name.lastIndexOf(".") + 1).toLowerCase()) ?? "other";
}

export const KIND_ICONS: Record<Kind, LucideIcon> = {
  video: Film, audio: Music, image: Image, document: FileText, archive: Archive, program: AppWindow, other: File,
};

export function FileIcon({ name, size = 20 }: { name: string; size?: number }) {
  const Icon = KIND_ICONS[kindOf(name)];
  return <Icon aria-hidden size={size} strokeWidth={1.5} className="shrink-0 text-dim" />;
}
