#!/bin/sh
# Renders the PNG, ICO and ICNS files from the SVG sources. Run it after a change to a source and
# commit what it writes; a build needs none of these tools.
# Debian/Ubuntu: apt-get install librsvg2-bin imagemagick icnsutils
set -eu
cd "$(dirname "$0")"

png() { rsvg-convert -w "$2" -h "$2" "$1" -o "$3"; }

# The smallest sizes have a drawing of their own, on the pixel grid.
png longhaul-small.svg 16 16x16.png
png longhaul-small.svg 32 32x32.png
png longhaul.svg 64 64x64.png
png longhaul.svg 128 128x128.png
png longhaul.svg 256 128x128@2x.png
png longhaul.svg 256 256x256.png
png longhaul.svg 512 icon.png
png longhaul-symbolic.svg 32 tray.png

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
png longhaul.svg 48 "$work/48.png"
convert 16x16.png 32x32.png "$work/48.png" 64x64.png 256x256.png icon.ico
png2icns icon.icns 16x16.png 32x32.png 128x128.png 256x256.png icon.png >/dev/null
