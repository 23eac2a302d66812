#!/usr/bin/env python3
"""Turns a captured terminal screen into an SVG, for the README.

usage: tmux capture-pane -e -p -t SESSION | python3 tests/tools/screenshot.py > assets/screenshot.svg

It reads the colours and attributes (SGR) of the capture and draws every cell where the terminal has it; Braille
dots and blocks are drawn as shapes, so that no font can displace a curve.
"""
import html
import re
import sys
import unicodedata

CELL_W, CELL_H, FONT = 8.4, 17, 14
FOREGROUND, BACKGROUND = "#d4d7dd", "#16181d"
BASE = ["#1c1f26", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
        "#5c6370", "#ff7a85", "#b5e890", "#ffd68a", "#82c4ff", "#dd8ff2", "#7fd5df", "#ffffff"]


def palette(index):
    """A colour of the 256-colour palette as #rrggbb."""
    if index < 16:
        return BASE[index]
    if index < 232:
        index -= 16
        level = lambda v: 0 if v == 0 else 55 + 40 * v
        return "#%02x%02x%02x" % (level(index // 36), level(index // 6 % 6), level(index % 6))
    return "#%02x%02x%02x" % ((8 + 10 * (index - 232),) * 3)


class Pen:
    def __init__(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.italic = self.underline = self.reverse = False

    def apply(self, codes):
        codes = [int(c or 0) for c in re.split("[;:]", codes)]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()
            elif code in (1, 2, 3, 4, 7):
                setattr(self, {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}[code], True)
            elif code == 22:
                self.bold = self.dim = False
            elif code in (23, 24, 27):
                setattr(self, {23: "italic", 24: "underline", 27: "reverse"}[code], False)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.fg = palette(code - 30 if code < 90 else code - 82)
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.bg = palette(code - 40 if code < 100 else code - 92)
            elif code in (39, 49):
                setattr(self, "fg" if code == 39 else "bg", None)
            elif code in (38, 48) and codes:
                kind = codes.pop(0)
                colour = palette(codes.pop(0)) if kind == 5 else "#%02x%02x%02x" % tuple(codes.pop(0) for _ in range(3))
                setattr(self, "fg" if code == 38 else "bg", colour)

    def colours(self):
        fg, bg = self.fg or FOREGROUND, self.bg
        return (bg or BACKGROUND, fg) if self.reverse else (fg, bg)


def braille(char, x, y, colour):
    bits, dots = ord(char) - 0x2800, []
    for bit, (column, row) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]):
        if bits >> bit & 1:
            cx, cy = x + CELL_W * (0.25 + 0.5 * column), y + CELL_H * (0.125 + 0.25 * row)
            dots.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="1.25" fill="{colour}"/>')
    return "".join(dots)


def block(char, x, y, colour):
    """Half blocks and full blocks, as rectangles (x, y, width, height in parts of a cell)."""
    shapes = {"█": (0, 0, 1, 1), "▀": (0, 0, 1, .5), "▄": (0, .5, 1, .5), "▌": (0, 0, .5, 1), "▐": (.5, 0, .5, 1)}
    for step, left in enumerate("▏▎▍▌▋▊▉", 1):
        shapes.setdefault(left, (0, 0, step / 8, 1))
    for step, lower in enumerate("▁▂▃▄▅▆▇", 1):
        shapes.setdefault(lower, (0, 1 - step / 8, 1, step / 8))
    if char not in shapes:
        return None
    dx, dy, w, h = shapes[char]
    return (f'<rect x="{x + dx * CELL_W:.2f}" y="{y + dy * CELL_H:.2f}" width="{w * CELL_W + .3:.2f}" '
            f'height="{h * CELL_H + .3:.2f}" fill="{colour}"/>')


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    pen, out, width = Pen(), [], 0
    for row, line in enumerate(lines):
        y, column = row * CELL_H, 0
        for part in re.split("(\x1b\\[[0-9;:]*m)", line):
            if part.startswith("\x1b["):
                pen.apply(part[2:-1])
                continue
            for char in part:
                cells = 2 if unicodedata.east_asian_width(char) in "WF" else 1
                x, (fg, bg) = column * CELL_W, pen.colours()
                if bg:
                    out.append(f'<rect x="{x:.1f}" y="{y}" width="{cells * CELL_W + .3:.1f}" height="{CELL_H + .3}" fill="{bg}"/>')
                if 0x2800 <= ord(char) <= 0x28FF:
                    out.append(braille(char, x, y, fg))
                elif (shape := block(char, x, y, fg)) is not None:
                    out.append(shape)
                elif not char.isspace():
                    style = (' font-weight="bold"' if pen.bold else "") + (' font-style="italic"' if pen.italic else "")
                    style += (' opacity="0.6"' if pen.dim else "") + (' text-decoration="underline"' if pen.underline else "")
                    out.append(f'<text x="{x:.1f}" y="{y + 13}" fill="{fg}"{style}>{html.escape(char)}</text>')
                column += cells
        width = max(width, column)
    w, h = width * CELL_W, len(lines) * CELL_H
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 {w + 24:.0f} {h + 24}" '
          f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}">')
    print(f'<rect x="-12" y="-12" width="{w + 24:.0f}" height="{h + 24}" rx="8" fill="{BACKGROUND}"/>')
    print("\n".join(out))
    print("</svg>")


if __name__ == "__main__":
    main()
