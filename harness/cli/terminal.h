// What the terminal can show.
#pragma once

namespace cli {

// Where stdout is a terminal that is not dumb, and NO_COLOR is unset.
bool UseColor();

// Where the locale is UTF-8, or unknown.
bool UseUnicode();

// In columns: COLUMNS where it is set, else what the terminal says, and 80 where stdout is none. Not
// less than what the narrowest tables need: below that, lines are folded by the terminal.
int Width();

}  // namespace cli
