#include "watch/text.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace afterleak::watch {

std::string ValidUtf8(std::string_view text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace));
}

double Seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

std::string SiteOf(const Place& place) {
  return fmt::format("{}{}", place.file.empty() ? "?" : place.file,
                     place.line == 0 ? "" : fmt::format(":{}", place.line));
}

}  // namespace afterleak::watch
