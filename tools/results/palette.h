// The colours of the lines of a picture: eight that are told apart with the common deficiencies of
// colour vision too, after Okabe and Ito, "Color Universal Design", with a dark and a light one of
// each hue where the original is too pale for white or too dark for black.
// Thread safety: constants and pure functions.
#pragma once

#include <string>

namespace tsdb::tools {

struct LineColor {
  const char* light;     // CSS, on a light background
  const char* dark;      // on a dark one
  const char* terminal;  // SGR sequence, of the 256 colours: readable on both
};

inline constexpr LineColor kLineColors[] = {
    {"#0072b2", "#4ba3e3", "\x1b[38;5;33m"},   // blue
    {"#d55e00", "#ff8a3d", "\x1b[38;5;208m"},  // vermilion
    {"#009e73", "#2fc79b", "\x1b[38;5;36m"},   // green
    {"#b5498b", "#e48fc2", "\x1b[38;5;169m"},  // purple
    {"#c08a00", "#f0b93a", "\x1b[38;5;178m"},  // amber
    {"#2e9fd4", "#8fd3f7", "\x1b[38;5;80m"},   // sky
    {"#6b5bd2", "#a99bff", "\x1b[38;5;105m"},  // violet
    {"#6e6e6e", "#b4b4b4", "\x1b[38;5;246m"},  // grey
};

// "--c0:#0072b2;--c1:...": the colours as variables of CSS.
std::string ColorVariables(bool dark);

}  // namespace tsdb::tools
