// What the formats of a report share.
#pragma once

#include <string>
#include <string_view>

#include "afterleak/census/clock.h"
#include "afterleak/census/site.h"

namespace afterleak::watch {

// What stands in a binary need not be UTF-8: what is not becomes U+FFFD.
std::string ValidUtf8(std::string_view text);

double Seconds(Duration span);

// "server.cc:42", "server.cc" without a line, and "?" without a file.
std::string SiteOf(const Place& place);

}  // namespace afterleak::watch
