// What the terminal can show.
#pragma once

namespace cli {

// True if stdout is a terminal that is not dumb, and NO_COLOR is unset.
bool UseColor();

// True if the locale is UTF-8, or unknown.
bool UseUnicode();

// The width in columns: COLUMNS if it is set, otherwise what the terminal says, and 80 if stdout is
// not a terminal. Never less than the narrowest tables need; a narrower terminal folds the lines.
int Width();

}  // namespace cli
